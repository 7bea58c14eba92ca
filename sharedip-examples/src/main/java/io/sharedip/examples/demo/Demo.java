package io.sharedip.examples.demo;

import io.sharedip.examples.lab.GuestImage;
import io.sharedip.examples.lab.LabException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * Shows with real traffic that a host and three guests live behind one address: over sockets of the host by a gateway without rights,
 * and over a card.
 *
 * <p>Needs the rights and programs that {@link io.sharedip.examples.lab.Lab} names; the script {@code demo} sees to both.
 */
public final class Demo {

    /** Whether to use a card. */
    public static final String CARD = "card";

    /** Whether to use sockets. */
    public static final String SOCKETS = "sockets";

    private static final String QEMU = "qemu-system-x86_64";

    private Demo() {}

    /**
     * Runs the demo.
     *
     * @param args {@code sockets}, {@code card} or both; both if empty
     */
    public static void main(String[] args) {
        System.exit(run(System.out, args.length == 0 ? new String[] {SOCKETS, CARD} : args) ? 0 : 1);
    }

    /**
     * Runs the demo.
     *
     * @param out for the report
     * @param parts {@link #SOCKETS}, {@link #CARD} or both
     * @return whether every claim held
     */
    public static boolean run(PrintStream out, String... parts) {
        long start = System.nanoTime();
        Report report = new Report(out);
        for (String part : parts) {
            switch (part) {
                case SOCKETS -> sockets(report);
                case CARD -> card(report);
                default -> throw new IllegalArgumentException("'" + part + "' is neither sockets nor card");
            }
        }
        double seconds = Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
        report.text(String.format(Locale.ROOT, "%ntotal time: %.1f s", seconds));
        return report.conclude();
    }

    private static void card(Report report) {
        report.text("\nOver a card. One address, 192.0.2.10: a host and three guests, network namespaces, carry it;"
                + " the gateway runs on the host.\n");
        try (Stage stage = Stage.set()) {
            report.text(stage.gateway().readyLine() + "\n");
            new Claims(stage, report).tryAll();
        } catch (LabException e) {
            notSet(report, e);
        }
    }

    private static void sockets(Report report) {
        boolean virtualMachines = hasVirtualMachines(report);
        report.text("\nOver sockets, without rights. One address, 192.0.2.10: a host and three "
                + (virtualMachines ? "virtual machines (QEMU)" : "network namespaces, each joined as QEMU would be,")
                + " carry it; the gateway runs on the host.\n");
        try (RootlessStage stage = RootlessStage.set(virtualMachines)) {
            report.text(stage.gateway().readyLine() + "\n");
            new RootlessClaims(stage, report).tryAll();
        } catch (LabException e) {
            notSet(report, e);
        }
    }

    private static void notSet(Report report, LabException cause) {
        report.claim("the stage is set: machines, servers, gateway", () -> {
            throw cause;
        });
    }

    private static boolean hasVirtualMachines(Report report) {
        String path = System.getenv().getOrDefault("PATH", "");
        if (Arrays.stream(path.split(":", -1)).noneMatch(each -> Files.isExecutable(Path.of(each, QEMU)))) {
            report.text(
                    "There is no " + QEMU + " (package qemu-system-x86): namespaces stand in for virtual machines.");
            return false;
        }
        try {
            Path scratch = Files.createTempDirectory("sharedip-demo");
            try {
                GuestImage.get(scratch);
                return true;
            } finally {
                try (var files = Files.list(scratch)) {
                    files.forEach(file -> file.toFile().delete());
                }
                Files.delete(scratch);
            }
        } catch (LabException | IOException e) {
            report.text("There is no image of a virtual machine: namespaces stand in for them. " + e.getMessage());
            return false;
        }
    }
}
