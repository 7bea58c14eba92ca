package io.sharedip.examples.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.LinkException;
import io.sharedip.SharedIp;
import io.sharedip.examples.gateway.control.FakeGateway;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** What scripts see: exit codes, standard output and standard error. */
@Timeout(60)
class GatewayMainTest {

    /** How a command ended. */
    private record Outcome(int code, String out, String err) {}

    private final FakeGateway gateway = new FakeGateway();
    private final StopSignal stop = new StopSignal();
    private Path directory;
    private Path file;
    private Path socket;

    @BeforeEach
    void writeFile() throws Exception {
        directory = Files.createTempDirectory("sg");
        socket = directory.resolve("control.sock");
        file = Files.writeString(directory.resolve("gw.yaml"), configuration());
    }

    private String configuration() {
        String example = resource("every-key.yaml");
        assertThat(example).contains("control: /run/gw/control.sock");
        return example.replace("/run/gw/control.sock", socket.toString());
    }

    private static String resource(String name) {
        try (var in = GatewayMainTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterEach
    void clean() throws IOException {
        stop.request();
        try (var files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(path -> path.toFile().delete());
        }
    }

    private Outcome execute(String... args) {
        return execute((settings, listener) -> gateway, args);
    }

    private Outcome execute(GatewayStarter starter, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = GatewayMain.commandLine(starter, stop)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        return new Outcome(line.execute(args), out.toString(), err.toString());
    }

    private Outcome ask(String... args) {
        String[] all = Arrays.copyOf(args, args.length + 2);
        all[args.length] = "--control";
        all[args.length + 1] = socket.toString();
        return execute(all);
    }

    private CompletableFuture<Outcome> run(String... options) {
        String[] args = Stream.concat(Stream.of("run", file.toString()), Arrays.stream(options))
                .toArray(String[]::new);
        CompletableFuture<Outcome> running = CompletableFuture.supplyAsync(() -> execute(args), OwnThread::start);
        Awaitility.await().until(() -> running.isDone() || ask("stats").code == 0);
        return running;
    }

    @Test
    void aRunIsReadyAndEndsWith0() throws Exception {
        CompletableFuture<Outcome> running = run("-q");
        stop.request();

        Outcome outcome = running.get(20, TimeUnit.SECONDS);
        assertThat(outcome.code).isZero();
        assertThat(outcome.out).isEqualTo("ready: 192.0.2.10 guests=2 uplink=pcap\n");
        assertThat(gateway.state()).isEqualTo(SharedIp.State.CLOSED);
        assertThat(Files.exists(socket)).isFalse();
    }

    @Test
    void aRunTellsItsStatusEveryFiveSeconds() throws Exception {
        CompletableFuture<Outcome> running = run();
        Thread.sleep(5500);
        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS).out.lines().skip(1))
                .singleElement()
                .asString()
                .startsWith("status: flows=1/5000 in=4/s forwarded=2/s dropped=1/s (all: in=20 ");
    }

    @Test
    void theStateIsKeptAtTheEndAndOnDemandAndRestoredAtTheStart() throws Exception {
        Path state = file.resolveSibling("state");
        Files.writeString(file, Files.readString(file) + "state: " + state + "\n");
        CompletableFuture<Outcome> running = run("-q");
        assertThat(gateway.restored).isZero();
        assertThat(Files.exists(state)).isFalse();

        assertThat(ask("snapshot").code).isZero();
        assertThat(state).hasBinaryContent(FakeGateway.SNAPSHOT);
        Files.delete(state);
        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS).code).isZero();
        assertThat(state).hasBinaryContent(FakeGateway.SNAPSHOT);
        assertThat(Files.getPosixFilePermissions(state)).isEqualTo(PosixFilePermissions.fromString("rw-------"));

        FakeGateway next = new FakeGateway();
        new StateFile(state).restore(next);
        assertThat(next.restored).isEqualTo(1);
    }

    @Test
    void aBrokenStateFileIsPutAsideAndTheGatewayRuns() throws Exception {
        Path state = file.resolveSibling("state");
        Files.writeString(state, "something else");
        Files.writeString(file, Files.readString(file) + "state: " + state + "\n");

        CompletableFuture<Outcome> running = run("-q");

        assertThat(running.isDone()).isFalse();
        assertThat(gateway.restored).isZero();
        assertThat(Files.exists(state)).isFalse();
        assertThat(file.resolveSibling("state.refused")).hasContent("something else");
        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS).code).isZero();
    }

    @Test
    void aStateFileWithoutADirectoryIsToldBeforeTheGatewayRuns() throws Exception {
        Path state = directory.resolve("nowhere").resolve("state");
        Files.writeString(file, Files.readString(file) + "state: " + state + "\n");

        Outcome refused = execute("run", file.toString());

        assertThat(refused.code).isEqualTo(1);
        assertThat(refused.out).isEmpty();
        assertThat(refused.err)
                .contains("state: '" + state + "' is in a directory that does not exist; make " + state.getParent());
    }

    @Test
    void withoutAStateFileASnapshotIsRefused() throws Exception {
        CompletableFuture<Outcome> running = run("-q");

        Outcome refused = ask("snapshot");

        assertThat(refused.code).isEqualTo(1);
        assertThat(refused.err).contains("state: is missing; name a state file in the gateway's file");
        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS).code).isZero();
    }

    @Test
    void aGatewayThatFailsEndsWith1AndSaysWhy() throws Exception {
        CompletableFuture<Outcome> running = run("-q");
        gateway.fail(new IllegalStateException("the driver fell asleep"));

        Outcome outcome = running.get(20, TimeUnit.SECONDS);
        assertThat(outcome.code).isEqualTo(1);
        assertThat(outcome.err).contains("the driver fell asleep").hasLineCount(1);
    }

    @Test
    void aGatewayThatRefusesToStartEndsWith1AndSaysWhy() {
        Outcome outcome = execute(
                (settings, listener) -> {
                    throw new LinkException("pcap:up0", "does not exist", "'ip link' lists the cards", null);
                },
                "run",
                file.toString());
        assertThat(outcome.code).isEqualTo(1);
        assertThat(outcome.err)
                .isEqualTo("sharedip-gateway: link pcap:up0: does not exist; 'ip link' lists the cards\n");
        assertThat(outcome.out).isEmpty();
        assertThat(Files.exists(socket)).isFalse();
    }

    @Test
    void aSecondGatewayOnOneSocketEndsWith1() throws Exception {
        CompletableFuture<Outcome> running = run("-q");
        Outcome second = execute("run", file.toString());
        assertThat(second.code).isEqualTo(1);
        assertThat(second.err).contains("another gateway answers on the control socket");
        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS).code).isZero();
    }

    @Test
    void aWrongFileEndsWith2() throws Exception {
        Path bad = Files.writeString(
                directory.resolve("bad.yaml"),
                configuration().replace("tcp 8080", "tcp 80800").replace("router:", "ruoter:"));

        Outcome run = execute("run", bad.toString());
        assertThat(run.code).isEqualTo(2);
        assertThat(run.out).isEmpty();
        assertThat(run.err).hasLineCount(2);

        Outcome check = execute("check", bad.toString());
        assertThat(check.code).isEqualTo(2);
        assertThat(check.out).isEqualTo(run.err);
        assertThat(check.out.lines().findFirst())
                .contains(bad + ":3:1: ruoter: is not a known key; did you mean 'router'?");
        assertThat(execute("check", directory.resolve("none.yaml").toString()).code)
                .isEqualTo(2);
    }

    @Test
    void theFileWithEveryKeyIsGood() {
        assertThat(execute("check", file.toString()))
                .isEqualTo(new Outcome(0, file + ": no mistake; 2 guests, 2 forwards, 2 rules\n", ""));
    }

    @Test
    void aWrongCommandLineEndsWith2() {
        assertThat(execute().code).isEqualTo(2);
        assertThat(execute("dance").code).isEqualTo(2);
        assertThat(execute("run").code).isEqualTo(2);
        assertThat(execute("forward").code).isEqualTo(2);
        assertThat(execute("flows", "--jason").code).isEqualTo(2);
        assertThat(execute("forward", "add", "tcp 8080"))
                .isEqualTo(new Outcome(
                        2,
                        "",
                        "sharedip-gateway: forward: 'tcp 8080' lacks '->' and a guest; write where it leads,"
                                + " such as 'tcp 8080 -> web'\n"));
        assertThat(execute("forward", "remove", "tcp 8080 -> web").code).isEqualTo(2);
        assertThat(execute("address").code).isEqualTo(2);
        assertThat(execute("address", "change", "192.0.2.11", "--router", "192.0.2.1"))
                .isEqualTo(new Outcome(
                        2,
                        "",
                        "sharedip-gateway: address: '192.0.2.11' lacks the length of its segment's prefix;"
                                + " write it as in 192.0.2.11/24\n"));
        assertThat(execute("address", "change", "192.0.2.11/240", "--router", "192.0.2.1").code)
                .isEqualTo(2);
    }

    @Test
    void wrongRulesEndWith2AndAreAllTold() throws Exception {
        Path rules = Files.writeString(
                directory.resolve("rules.txt"), "drop tcp from any to any\nallow all\n\ndrop frm any to any # x\n");
        Outcome outcome = ask("rules", "replace", rules.toString());
        assertThat(outcome.code).isEqualTo(2);
        assertThat(outcome.err.lines())
                .hasSize(2)
                .anySatisfy(line -> assertThat(line).startsWith(rules + ":2:1: rule: "))
                .anySatisfy(line -> assertThat(line).startsWith(rules + ":4:6: rule: "));
    }

    @Test
    void silenceEndsWith3() {
        for (String table : new String[] {"flows", "stats", "drops", "forwards", "rules", "bindings"}) {
            Outcome outcome = ask(table, "--json");
            assertThat(outcome.code).isEqualTo(3);
            assertThat(outcome.out).isEmpty();
            assertThat(outcome.err)
                    .contains("no gateway answers on the control socket " + socket)
                    .hasLineCount(1);
        }
        assertThat(ask("forward", "add", "tcp 80 -> web").code).isEqualTo(3);
        assertThat(ask("forward", "remove", "tcp 80").code).isEqualTo(3);
        assertThat(ask("address", "change", "192.0.2.11/24", "--router", "192.0.2.1").code)
                .isEqualTo(3);
    }

    @Test
    void helpAndVersionEndWith0() {
        assertThat(execute("--help").out).contains("run", "check", "flows", "forward", "Exit codes");
        assertThat(execute("run", "--help").code).isZero();
        assertThat(execute("--version").out).startsWith("sharedip-gateway ");
    }

    @Test
    void aRunningGatewayIsAskedAndChanged() throws Exception {
        CompletableFuture<Outcome> running = run("-q");

        assertThat(ask("flows", "--json").out)
                .isEqualTo(
                        "[{\"guest\":\"web\",\"protocol\":\"tcp\",\"inside\":\"192.0.2.10:40001\","
                                + "\"outside\":\"192.0.2.10:61000\",\"peer\":\"198.51.100.1:443\",\"state\":\"HALF_OPEN\","
                                + "\"bytesOut\":120,\"bytesIn\":60,\"packetsOut\":2,\"packetsIn\":1,\"expiresInSeconds\":119}]\n");
        assertThat(ask("flows").out)
                .contains("GUEST  PROTOCOL  INSIDE", "web    tcp       192.0.2.10:40001  192.0.2.10:61000");
        assertThat(ask("stats").out).contains("COUNTER", "framesIn          20", "dns.questions      7");
        assertThat(ask("drops").out)
                .contains("RULE_DROPPED       4  a rule or a policy dropped it")
                .hasLineCount(2);
        assertThat(ask("bindings").out).contains("52:54:00:00:00:01");

        assertThat(ask("forward", "add", "tcp 8080 -> web:80")).isEqualTo(new Outcome(0, "", ""));
        assertThat(ask("forwards", "--json").out)
                .isEqualTo(
                        "[{\"protocol\":\"tcp\",\"outside\":\"8080\",\"guest\":\"web\",\"inside\":\"80\",\"hits\":3}]\n");
        assertThat(ask("forward", "remove", "tcp 8080").code).isZero();
        Outcome unknown = ask("forward", "remove", "tcp 8080");
        assertThat(unknown.code).isEqualTo(1);
        assertThat(unknown.err)
                .isEqualTo(
                        "sharedip-gateway: forward: 'tcp 8080' does not exist;" + " 'forwards' shows those that do\n");

        Path rules = Files.writeString(directory.resolve("rules.txt"), "drop tcp from any to any port 25 # mail\n");
        assertThat(ask("rules", "replace", rules.toString()).code).isZero();
        assertThat(ask("rules", "--json").out)
                .isEqualTo("[{\"rule\":\"drop tcp from any to any port 25\",\"hits\":5}]\n");
        assertThat(execute("rules", "--file", file.toString()).out).contains("HITS  RULE", "   5  drop tcp");

        stop.request();
        assertThat(running.get(20, TimeUnit.SECONDS).code).isZero();
    }

    @Test
    void aSignalEndsTheProcessWith0() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        TestGateway.class.getName(),
                        "run",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(out.readLine()).isEqualTo("ready: 192.0.2.10 guests=2 uplink=pcap");
            process.destroy();
            assertThat(process.waitFor(Duration.ofSeconds(20).toMillis(), TimeUnit.MILLISECONDS))
                    .isTrue();
            assertThat(process.exitValue()).isZero();
            assertThat(Files.exists(socket)).isFalse();
        } finally {
            process.destroyForcibly();
        }
    }
}
