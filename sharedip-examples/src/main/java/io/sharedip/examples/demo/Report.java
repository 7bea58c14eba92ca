package io.sharedip.examples.demo;

import io.sharedip.examples.lab.LabException;
import java.io.PrintStream;
import java.util.function.Supplier;

/** Prints a line for each claim and counts those that held. */
final class Report {
    private final PrintStream out;
    private int claims;
    private int held;

    Report(PrintStream out) {
        this.out = out;
    }

    /**
     * Tries a claim.
     *
     * @param claim what is claimed
     * @param trial gives the evidence, or fails with a {@link LabException} that says what was seen instead
     */
    void claim(String claim, Supplier<String> trial) {
        claims++;
        try {
            String evidence = trial.get();
            held++;
            print("held   ", claim, evidence);
        } catch (LabException e) {
            print("FAILED ", claim, String.valueOf(e.getMessage()));
        }
    }

    void text(String text) {
        out.println(text);
    }

    /** Prints the last line. */
    boolean conclude() {
        out.println("demo: " + held + " of " + claims + " held");
        return held == claims && claims > 0;
    }

    private void print(String verdict, String claim, String evidence) {
        out.println(verdict + claim);
        evidence.lines().forEach(line -> out.println("         " + line));
    }
}
