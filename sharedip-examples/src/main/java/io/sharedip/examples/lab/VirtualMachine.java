package io.sharedip.examples.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A virtual machine of the lab: QEMU without hardware acceleration, a Debian cloud kernel and busybox. Its web server says its name on
 * {@code /} and who asks on {@code /cgi-bin/who}. QEMU runs on a lab machine.
 */
public final class VirtualMachine implements ShellGuest {

    private static final Duration CONNECT = Duration.ofSeconds(20);
    private static final Duration BOOT = Duration.ofMinutes(2);
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final String name;
    private final LabProgram qemu;
    private final SerialConsole serial;
    private final SerialConsole monitor;

    private VirtualMachine(String name, LabProgram qemu, SerialConsole serial, SerialConsole monitor) {
        this.name = name;
        this.qemu = qemu;
        this.serial = serial;
        this.monitor = monitor;
    }

    /**
     * Begins to boot a virtual machine.
     *
     * @param lab for its files
     * @param host where QEMU runs
     * @param name of the guest
     * @param mac of its card
     * @param netdev what stands behind {@code -netdev}, but for the id
     * @param device what stands behind {@code virtio-net-pci} with a comma, e.g. {@code host_mtu=9000}; may be empty
     * @param words of the kernel's command line, as in {@code guest.address=dhcp}
     * @return while it boots
     */
    public static VirtualMachine boot(
            Lab lab, LabMachine host, String name, String mac, String netdev, String device, String... words) {
        GuestImage image = GuestImage.get(lab.directory());
        Path serial = lab.directory().resolve(name + ".serial");
        Path monitor = lab.directory().resolve(name + ".qmp");
        String card = "virtio-net-pci,netdev=n0,romfile=,mac=" + mac + (device.isEmpty() ? "" : "," + device);
        List<String> line = new ArrayList<>(List.of("console=ttyS0", "quiet", "panic=-1", "guest.name=" + name));
        line.addAll(Arrays.asList(words));
        LabProgram qemu = host.start(
                "qemu-system-x86_64",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-machine",
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
                String.join(" ", line),
                "-chardev",
                "socket,id=s0,server=on,wait=off,path=" + serial,
                "-serial",
                "chardev:s0",
                "-qmp",
                "unix:" + monitor + ",server=on,wait=off",
                "-netdev",
                netdev + ",id=n0",
                "-device",
                card);
        try {
            return new VirtualMachine(
                    name, qemu, SerialConsole.connect(serial, CONNECT), SerialConsole.connect(monitor, CONNECT));
        } catch (LabException e) {
            qemu.kill();
            throw new LabException(e.getMessage() + ": " + qemu.err(), e);
        }
    }

    @Override
    public VirtualMachine awaitReady() {
        if (serial.until("@@READY\n", BOOT).isEmpty()) {
            throw new LabException(name + " did not boot: " + serial.rest() + " " + qemu.err());
        }
        return this;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void start(String command) {
        serial.send(command);
    }

    @Override
    public Outcome await(String command, Duration limit) {
        List<String> said = List.of(name + ":", command);
        String out = serial.until("@@RC ", limit).orElse(null);
        if (out == null) {
            return new Outcome(said, Outcome.TIMED_OUT, serial.rest(), qemu.err());
        }
        int status = serial.until("\n", PATIENCE).map(Integer::valueOf).orElse(Outcome.TIMED_OUT);
        return new Outcome(said, status, out, "");
    }

    /** Presses the reset button: the guest boots again, and QEMU with its connection to the gateway stays. */
    public void reset() {
        monitor.send("{\"execute\": \"qmp_capabilities\"}");
        monitor.send("{\"execute\": \"system_reset\"}");
        if (monitor.until("RESET", PATIENCE).isEmpty()) {
            throw new LabException(name + " was not reset: " + monitor.rest());
        }
    }

    /**
     * What QEMU has complained of.
     *
     * @return its standard error
     */
    public String complaints() {
        return qemu.err();
    }

    @Override
    public void close() {
        qemu.kill();
        serial.close();
        monitor.close();
    }
}
