package io.sharedip.examples.lab;

import io.sharedip.examples.gateway.control.ControlClient;
import io.sharedip.examples.gateway.control.ControlException;
import io.sharedip.examples.gateway.control.RefusedException;
import io.sharedip.examples.gateway.control.Request;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The program {@code sharedip-gateway}, run on the host as a process of its own and asked over its control socket. */
public final class GatewayProcess implements AutoCloseable {

    /** The system property that says where the program's jar is. */
    public static final String JAR_PROPERTY = "sharedip.gateway.jar";

    private static final Duration START = Duration.ofSeconds(60);
    private static final List<String> WITHOUT_RIGHTS = List.of(
            "setpriv", "--no-new-privs", "--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all");

    private final LabMachine host;
    private final Path directory;
    private final Path control;
    private final LabProgram program;

    private GatewayProcess(LabMachine host, Path directory, Path control, LabProgram program) {
        this.host = host;
        this.directory = directory;
        this.control = control;
        this.program = program;
    }

    /**
     * Starts the gateway and waits until it is ready.
     *
     * @param lab for the files
     * @param host where it runs
     * @param file its configuration
     * @return ready
     */
    public static GatewayProcess start(Lab lab, LabMachine host, GatewayFile file) {
        return start(lab, host, file, List.of());
    }

    /**
     * Starts the gateway without any capability, whoever this user is, and waits until it is ready.
     *
     * @param lab for the files
     * @param host where it runs
     * @param file its configuration
     * @return ready
     */
    public static GatewayProcess startWithoutRights(Lab lab, LabMachine host, GatewayFile file) {
        return start(lab, host, file, WITHOUT_RIGHTS);
    }

    private static GatewayProcess start(Lab lab, LabMachine host, GatewayFile file, List<String> wrapper) {
        Path control = lab.directory().resolve("gateway.sock");
        Path configuration = file.write(lab.directory(), control);
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(commandLine("run", configuration.toString(), "-q"));
        LabProgram program = host.start(command);
        program.awaitText("ready: ", START);
        return new GatewayProcess(host, lab.directory(), control, program);
    }

    /**
     * The line with which it said that it is ready.
     *
     * @return as in {@code ready: 192.0.2.10 guests=4 uplink=pcap}
     */
    public String readyLine() {
        return program.out()
                .lines()
                .filter(line -> line.startsWith("ready: "))
                .findFirst()
                .orElse("");
    }

    /** Its process. */
    long pid() {
        return program.pid();
    }

    /**
     * What the kernel says of its capabilities.
     *
     * @return a line for each set of them, as in {@code CapEff: 0000000000000000}
     */
    public List<String> capabilities() {
        return host.run("grep", "^Cap", "/proc/" + program.pid() + "/status")
                .orThrow()
                .lines();
    }

    /**
     * The flow table.
     *
     * @return its rows
     */
    public List<FlowRow> flows() {
        return Json.objects(table("flows")).stream().map(FlowRow::of).toList();
    }

    /**
     * The drop counters.
     *
     * @return by reason; those at zero are left out
     */
    public Map<String, Long> drops() {
        Map<String, Long> drops = Json.numbers(table("drops"));
        drops.values().removeIf(count -> count == 0);
        return drops;
    }

    /**
     * The counters.
     *
     * @return by name
     */
    public Map<String, Long> stats() {
        return Json.numbers(table("stats"));
    }

    /** What {@code NAME --json} prints, without a process for it: tests ask again and again. */
    private String table(String name) {
        StringWriter text = new StringWriter();
        try {
            new ControlClient(control).ask(Request.of(name), ControlClient.copyingTo(text));
        } catch (ControlException | RefusedException e) {
            throw new LabException("cannot ask for " + name, e);
        }
        return text.toString();
    }

    /**
     * Puts other rules in the place of all rules.
     *
     * @param rules one in each element
     */
    public void replaceRules(String... rules) {
        try {
            Path file = Files.write(directory.resolve("rules.txt"), Arrays.asList(rules));
            ask("rules", "replace", file.toString());
        } catch (IOException e) {
            throw new LabException("cannot write the rules", e);
        }
    }

    /**
     * Asks the running gateway.
     *
     * @param command the command and its arguments
     * @return what it printed
     */
    public String ask(String... command) {
        return command(command).orThrow().out();
    }

    /**
     * Asks the running gateway.
     *
     * @param command the command and its arguments
     * @return how the asking program ended
     */
    public Outcome command(String... command) {
        List<String> words = new ArrayList<>(List.of(command));
        words.add("--control");
        words.add(control.toString());
        return host.run(commandLine(words.toArray(String[]::new)).toArray(String[]::new));
    }

    /**
     * Whether it runs.
     *
     * @return false once it has ended
     */
    public boolean isRunning() {
        return program.isRunning();
    }

    /**
     * Ends it as a person would (SIGTERM).
     *
     * @return how it ended
     */
    public Outcome stop() {
        return program.stop();
    }

    /** Kills it (SIGKILL), and it alone: what it leaves behind is the question. */
    public void kill() {
        program.killAlone();
    }

    @Override
    public void close() {
        program.close();
    }

    private static List<String> commandLine(String... arguments) {
        List<String> command = new ArrayList<>(List.of(java(), "-jar", jar()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    /** The Java that runs this program. */
    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The program's jar; it holds the lab's own programs, too. */
    static String jar() {
        Path jar = Path.of(System.getProperty(JAR_PROPERTY, "target/sharedip-gateway.jar"))
                .toAbsolutePath();
        if (!Files.isRegularFile(jar)) {
            throw new LabException("no gateway at " + jar
                    + ": build it (mvn -Dquick -DskipTests package) or name it with -D" + JAR_PROPERTY);
        }
        return jar.toString();
    }
}
