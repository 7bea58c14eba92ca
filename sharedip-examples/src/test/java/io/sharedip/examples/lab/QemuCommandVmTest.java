package io.sharedip.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The command {@code qemu} with QEMU itself, on a host that has nothing but its loopback card. */
@Tag("vm")
class QemuCommandVmTest {

    private static final Duration BOOT = Duration.ofMinutes(2);
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @Test
    void a_guest_gets_a_lease_and_fetches_a_page_from_the_host_and_is_reached() {
        try (Lab lab = Lab.open()) {
            LabMachine host = lab.machine("host");
            WebServer.start(lab, host, "127.0.0.1", 8000);
            Path serial = lab.directory().resolve("serial");
            LabProgram command = start(lab, host, serial);
            try (SerialConsole console = SerialConsole.connect(serial, PATIENCE)) {
                assertThat(console.until("@@READY\n", BOOT)).as(command.err()).isPresent();

                assertThat(run(console, "cat /tmp/lease")).contains("ip=192.0.2.10 ", "router=192.0.2.1 ");
                assertThat(run(console, "wget -qO- http://192.0.2.1:8000/")).contains("this is host");
                assertThat(host.run("curl", "-sS", "--max-time", "20", "http://127.0.0.1:8080/")
                                .orThrow()
                                .out())
                        .contains("this is box");

                console.send("poweroff -f");
                assertThat(command.await(PATIENCE).orThrow().exit()).isZero();
            }
        }
    }

    private static LabProgram start(Lab lab, LabMachine host, Path serial) {
        GuestImage image = GuestImage.get(lab.directory());
        return host.start(List.of(
                GatewayProcess.java(),
                "-jar",
                GatewayProcess.jar(),
                "qemu",
                "--control",
                lab.directory().resolve("control.sock").toString(),
                "--name",
                "box",
                "--address",
                "192.0.2.10",
                "--forward",
                "tcp 8080 -> box:80",
                "--rule",
                "accept tcp from guest box to host port 8000",
                "--",
                "-nodefaults",
                "-display",
                "none",
                "-M",
                "q35",
                "-accel",
                "tcg",
                "-m",
                "96",
                "-kernel",
                image.kernel().toString(),
                "-initrd",
                image.initramfs().toString(),
                "-append",
                "console=ttyS0 quiet panic=-1 guest.name=box guest.address=dhcp",
                "-chardev",
                "socket,id=s0,server=on,wait=off,path=" + serial,
                "-serial",
                "chardev:s0"));
    }

    private static String run(SerialConsole console, String command) {
        console.send(command);
        String out = console.until("@@RC ", PATIENCE).orElseThrow();
        assertThat(console.until("\n", PATIENCE)).as(command + ": " + out).hasValue("0");
        return out;
    }
}
