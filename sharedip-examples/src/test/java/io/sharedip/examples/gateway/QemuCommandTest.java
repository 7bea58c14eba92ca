package io.sharedip.examples.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.SharedIp;
import io.sharedip.examples.gateway.config.GatewayFile;
import io.sharedip.examples.gateway.control.FakeGateway;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command {@code qemu} with a script in QEMU's place. */
@Timeout(60)
class QemuCommandTest {

    private final FakeGateway gateway = new FakeGateway();
    private final StopSignal stop = new StopSignal();
    private final AtomicReference<GatewayFile> settings = new AtomicReference<>();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    private Path told;

    @BeforeEach
    void write() {
        told = directory.resolve("told");
    }

    private Path program(String end) throws Exception {
        Path program = directory.resolve("qemu");
        Files.writeString(
                program,
                "#!/bin/sh\nprintf '%s\\n' \"$@\" >" + told + ".part\nmv " + told + ".part " + told + "\n" + end
                        + "\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return program;
    }

    private int execute(String... words) {
        PrintWriter writer = new PrintWriter(err, true);
        CommandLine line = GatewayMain.commandLine(
                        (file, listener) -> {
                            settings.set(file);
                            return gateway;
                        },
                        stop)
                .setOut(writer)
                .setErr(writer);
        List<String> all = new ArrayList<>(List.of(
                "qemu", "--control", directory.resolve("run/control.sock").toString()));
        all.addAll(List.of(words));
        return line.execute(all.toArray(String[]::new));
    }

    @Test
    void qemu_is_told_its_card_behind_its_own_arguments_and_its_exit_code_is_passed_on() throws Exception {
        int code = execute(
                "--program", program("exit 7").toString(), "--address", "192.0.2.10", "--", "-m", "96", "disk.img");

        assertThat(code).as(err.toString()).isEqualTo(7);
        List<String> words = Files.readAllLines(told);
        assertThat(words).startsWith("-m", "96", "disk.img", "-netdev").hasSize(7);
        assertThat(words.get(4)).startsWith("stream,id=sharedip0,addr.type=unix,addr.path=/");
        assertThat(words.get(5)).isEqualTo("-device");
        assertThat(words.get(6)).matches("virtio-net-pci,netdev=sharedip0,romfile=,mac=52:54:00(:[0-9a-f]{2}){3}");
        assertThat(gateway.state()).isEqualTo(SharedIp.State.CLOSED);
        Path socket = Path.of(words.get(4).substring(words.get(4).indexOf("/")));
        assertThat(socket.getParent()).doesNotExist();
    }

    @Test
    void the_gateway_has_one_guest_with_dhcp_and_dns_and_what_was_asked_for() throws Exception {
        execute(
                "--program",
                program("exit 0").toString(),
                "--name",
                "box",
                "--address",
                "192.0.2.10",
                "--forward",
                "tcp 2222 -> box:22",
                "--rule",
                "accept tcp from guest box to host port 5432");

        GatewayFile file = settings.get();
        assertThat(file.uplink().kind()).isEqualTo("sockets");
        assertThat(file.address()).hasToString("192.0.2.10");
        assertThat(file.guests()).singleElement().satisfies(guest -> {
            assertThat(guest.id().name()).isEqualTo("box");
            assertThat(guest.address()).isEqualTo(file.address());
        });
        assertThat(file.forwards()).singleElement().hasToString("tcp 2222 -> box:22");
        assertThat(file.rules().rules()).hasSize(1);
        assertThat(file.dhcp()).isPresent();
        assertThat(file.dns()).isPresent();
    }

    @Test
    void qemu_is_ended_when_the_command_is_told_to_end() throws Exception {
        String program = program("exec sleep 600").toString();
        CompletableFuture<Integer> running =
                CompletableFuture.supplyAsync(() -> execute("--program", program), OwnThread::start);
        Awaitility.await().until(() -> Files.exists(told));
        stop.request();

        assertThat(running.get(30, TimeUnit.SECONDS)).isZero();
        assertThat(ProcessHandle.current().children().map(child -> child.info().commandLine()))
                .noneSatisfy(line ->
                        assertThat(line).hasValueSatisfying(l -> assertThat(l).contains("sleep 600")));
    }

    @Test
    void a_gateway_that_fails_ends_qemu() throws Exception {
        String program = program("exec sleep 600").toString();
        CompletableFuture<Integer> running =
                CompletableFuture.supplyAsync(() -> execute("--program", program), OwnThread::start);
        Awaitility.await().until(() -> Files.exists(told));
        gateway.fail(new IllegalStateException("the driver fell asleep"));

        assertThat(running.get(30, TimeUnit.SECONDS)).isEqualTo(1);
        assertThat(err.toString()).contains("the driver fell asleep");
    }

    @Test
    void a_file_says_more_and_its_guest_is_qemus() throws Exception {
        Path file = Files.writeString(directory.resolve("gw.yaml"), """
                address: 192.0.2.10
                prefix: 192.0.2.0/24
                router: 192.0.2.1
                guests:
                  - { name: web, mac: "52:54:00:00:00:01", address: 192.0.2.10, link: { qemu-stream: "tcp:127.0.0.1:5000", mtu: 9000 } }
                  - { name: db, mac: "52:54:00:00:00:02", address: 10.0.0.2, link: { qemu-stream: "unix:/run/a,b.sock" } }
                forwards: [tcp 8080 -> web:80]
                """);
        String program = program("exit 0").toString();

        assertThat(execute("--program", program, "--file", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("--name: is missing");
        assertThat(execute("--program", program, "--file", file.toString(), "--name", "mail"))
                .isEqualTo(2);
        assertThat(execute("--program", program, "--file", file.toString(), "--name", "db"))
                .isZero();
        assertThat(Files.readAllLines(told)).contains("stream,id=sharedip0,addr.type=unix,addr.path=/run/a,,b.sock");
        assertThat(execute(
                        "--program",
                        program,
                        "--file",
                        file.toString(),
                        "--name",
                        "web",
                        "--forward",
                        "tcp 81 -> web:81"))
                .isZero();
        assertThat(Files.readAllLines(told))
                .contains(
                        "stream,id=sharedip0,addr.type=inet,addr.host=127.0.0.1,addr.port=5000",
                        "virtio-net-pci,netdev=sharedip0,romfile=,mac=52:54:00:00:00:01,host_mtu=9000");
        assertThat(settings.get().forwards()).hasSize(2);
    }

    @Test
    void mistakes_are_told_before_anything_is_opened() throws Exception {
        String program = program("exit 0").toString();
        Stream.of(
                        List.of("--program", "no-such-qemu"),
                        List.of("--program", "/no/such/qemu"),
                        List.of("--program", program, "--forward", "tcp 22 <- vm"),
                        List.of("--program", program, "--rule", "allow everything"),
                        List.of("--program", program, "--name", "a b"),
                        List.of("--program", program, "--address", "192.0.2"))
                .forEach(words -> assertThat(execute(words.toArray(String[]::new)))
                        .as(String.join(" ", words))
                        .isEqualTo(2));
        assertThat(err.toString())
                .contains("'no-such-qemu' is not on the path; install it (Debian: apt-get install qemu-system-x86)")
                .contains("192.0.2");
        assertThat(settings.get()).isNull();
        assertThat(told).doesNotExist();
    }
}
