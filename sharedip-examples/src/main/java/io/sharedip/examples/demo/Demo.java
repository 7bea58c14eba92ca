package io.sharedip.examples.demo;

import io.sharedip.examples.lab.LabException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/**
 * Shows with real traffic that a host and three guests live behind one address.
 *
 * <p>Needs the rights and programs that {@link io.sharedip.examples.lab.Lab} names; the script {@code demo} sees to both.
 */
public final class Demo {
    private Demo() {}

    /**
     * Runs the demo.
     *
     * @param args none
     */
    public static void main(String[] args) {
        System.exit(run(System.out) ? 0 : 1);
    }

    /**
     * Runs the demo.
     *
     * @param out for the report
     * @return whether every claim held
     */
    public static boolean run(PrintStream out) {
        long start = System.nanoTime();
        Report report = new Report(out);
        report.text("One address, 192.0.2.10: a host and three guests carry it; the gateway runs on the host.\n");
        try (Stage stage = Stage.set()) {
            report.text(stage.gateway().readyLine() + "\n");
            new Claims(stage, report).tryAll();
        } catch (LabException e) {
            report.claim("the stage is set: machines, servers, gateway", () -> {
                throw e;
            });
        }
        double seconds = Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
        report.text(String.format(Locale.ROOT, "%ntotal time: %.1f s", seconds));
        return report.conclude();
    }
}
