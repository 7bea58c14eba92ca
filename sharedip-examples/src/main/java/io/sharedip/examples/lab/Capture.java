package io.sharedip.examples.lab;

import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sees what passes a card: one line of text for each packet that its filter matches. */
public final class Capture implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Pattern LOST = Pattern.compile("(\\d+) packets? dropped by kernel");

    private final LabProgram tcpdump;

    private Capture(LabProgram tcpdump) {
        this.tcpdump = tcpdump;
    }

    /**
     * Begins to capture.
     *
     * @param machine whose card it is
     * @param card by name
     * @param filter in tcpdump's language
     * @return once it sees every packet
     */
    public static Capture start(LabMachine machine, String card, String filter) {
        LabProgram tcpdump = machine.start(
                "tcpdump",
                "-Z",
                "root",
                "--immediate-mode",
                "-B",
                "16384",
                "-s",
                "128",
                "-l",
                "-n",
                "-i",
                card,
                filter);
        return new Capture(tcpdump.awaitText("listening on", PATIENCE));
    }

    /**
     * What was captured so far.
     *
     * @return a line for each packet
     */
    public List<String> lines() {
        return packets(tcpdump.out());
    }

    /**
     * Ends the capture.
     *
     * @return a line for each packet that matched since the start
     */
    public List<String> stop() {
        Outcome outcome = tcpdump.interrupt();
        Matcher lost = LOST.matcher(outcome.err());
        if (!lost.find() || !lost.group(1).equals("0")) {
            throw new LabException("a capture is not complete: " + outcome.err().strip());
        }
        return packets(outcome.out());
    }

    @Override
    public void close() {
        tcpdump.close();
    }

    private static List<String> packets(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }
}
