package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Two network namespaces with a veth pair between them: {@code host} has the card {@code up0} with 10.9.0.1, {@code peer}
 * the card {@code pe0} with 10.9.0.2. Everything made here is removed by {@link #close()}.
 *
 * <p>Needs real root: in a user namespace tcpdump cannot change its user. That links and claims are content with a user namespace
 * is shown by tests of their own.
 */
final class Lab implements AutoCloseable {

    static final String HOST_ADDRESS = "10.9.0.1";
    static final String PEER_ADDRESS = "10.9.0.2";

    /** Runs what follows with no rights but those in a user namespace, with a cable of its own under the same names. */
    static final String IN_USER_NAMESPACE =
            "unshare -Urn bash -c 'ip link add name up0 type veth peer name pe0;" + " ip address add " + HOST_ADDRESS
                    + "/24 dev up0; ip link set up0 up; ip link set pe0 up; exec \"$@\"' lab";

    private final String prefix = "sip" + ProcessHandle.current().pid();
    private final String host = prefix + "h";
    private final String peer = prefix + "p";
    private final List<Program> programs = new ArrayList<>();

    Lab() {
        for (String program : List.of("ip", "nft", "tcpdump", "ping", "nc", "ethtool", "setpriv", "prlimit")) {
            if (Stream.of("/usr/sbin", "/sbin", "/usr/bin", "/bin")
                    .noneMatch(d -> Path.of(d, program).toFile().canExecute())) {
                fail("the lab needs the program '" + program + "': apt-get install iproute2 nftables tcpdump"
                        + " iputils-ping netcat-openbsd ethtool util-linux");
            }
        }
        Result made = run("ip", "netns", "add", host);
        if (made.status() != 0) {
            fail("the lab may not make network namespaces here (run as root): " + made.text());
        }
        must("ip", "netns", "add", peer);
        cable();
    }

    /** Lays the cable, again if it was cut. */
    void cable() {
        must("ip", "-n", host, "link", "add", "name", "up0", "type", "veth", "peer", "name", "pe0", "netns", peer);
        must("ip", "-n", host, "address", "add", HOST_ADDRESS + "/24", "dev", "up0");
        must("ip", "-n", peer, "address", "add", PEER_ADDRESS + "/24", "dev", "pe0");
        for (String ns : List.of(host, peer)) {
            must("ip", "-n", ns, "link", "set", "lo", "up");
            must("ip", "-n", ns, "link", "set", ns.equals(host) ? "up0" : "pe0", "up");
        }
    }

    record Result(int status, String text) {
        boolean ok() {
            return status == 0;
        }
    }

    private static Result run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void must(String... command) {
        Result result = run(command);
        assertThat(result.status())
                .as(String.join(" ", command) + ": " + result.text())
                .isZero();
    }

    Result onHost(String shell) {
        return run("ip", "netns", "exec", host, "bash", "-c", shell);
    }

    Result onPeer(String shell) {
        return run("ip", "netns", "exec", peer, "bash", "-c", shell);
    }

    /** Starts a program on the host; it is ended at the latest by {@link #endPrograms()}. */
    Program startOnHost(String shell) {
        return start(host, "bash", "-c", "exec " + shell);
    }

    Program startOnPeer(String shell) {
        return start(peer, "bash", "-c", "exec " + shell);
    }

    /** Starts the agent on the host and waits for it to be open. */
    Program agent(String arguments) {
        Program agent = rawAgent("", arguments);
        agent.expect("OPEN");
        return agent;
    }

    /** Starts the agent on the host, with a program in front such as {@code prlimit}. */
    Program rawAgent(String before, String arguments) {
        return startOnHost(before + " " + agentCommand(arguments));
    }

    Program peerAgent(String arguments) {
        Program agent = startOnPeer(agentCommand(arguments));
        agent.expect("OPEN");
        return agent;
    }

    private static String agentCommand(String arguments) {
        return Path.of(System.getProperty("java.home"), "bin", "java") + " -Xshare:auto -XX:TieredStopAtLevel=1 -cp '"
                + System.getProperty("java.class.path") + "' io.sharedip.pcap.LabAgent " + arguments;
    }

    private Program start(String ns, String... command) {
        List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", ns));
        words.addAll(List.of(command));
        try {
            Program program = new Program(
                    new ProcessBuilder(words).redirectErrorStream(true).start());
            programs.add(program);
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void waitUntil(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                fail("waited 5 s in vain for: " + what);
            }
            pause(20);
        }
    }

    static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    void endPrograms() {
        programs.forEach(Program::kill);
        programs.clear();
    }

    @Override
    public void close() {
        endPrograms();
        run("ip", "netns", "delete", host);
        run("ip", "netns", "delete", peer);
    }

    /** A running program with everything it has said. */
    static final class Program {

        private final Process process;
        private final List<String> lines = new ArrayList<>();
        private int read;

        private Program(Process process) {
            this.process = process;
            Thread reader = new Thread(this::readLines);
            reader.setDaemon(true);
            reader.start();
        }

        private void readLines() {
            try (BufferedReader reader =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    synchronized (lines) {
                        lines.add(line);
                        lines.notifyAll();
                    }
                }
            } catch (IOException e) {
                // it was killed
            }
        }

        void tell(String line) {
            try {
                process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
                process.getOutputStream().flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Waits for the next line that contains a text and returns it; those before it are passed over. */
        String expect(String text) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(8);
            synchronized (lines) {
                while (true) {
                    while (read < lines.size()) {
                        String line = lines.get(read++);
                        if (line.contains(text)) {
                            return line;
                        }
                    }
                    long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                    if (left <= 0) {
                        return fail("waited in vain for '" + text + "' in:\n" + String.join("\n", lines));
                    }
                    try {
                        lines.wait(left);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                }
            }
        }

        String ask(String line, String answer) {
            tell(line);
            return expect(answer);
        }

        /** What it has said so far. */
        List<String> said() {
            synchronized (lines) {
                return List.copyOf(lines);
            }
        }

        long pid() {
            return process.pid();
        }

        boolean isAlive() {
            return process.isAlive();
        }

        /** SIGKILL, and waits for the end. The programs are started with exec, so this hits them and no shell. */
        void kill() {
            try {
                process.destroyForcibly().waitFor();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        int status() {
            try {
                return process.waitFor();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
