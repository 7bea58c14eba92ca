package io.sharedip.examples.lab;

import java.util.Arrays;
import java.util.List;

/**
 * How a program ended.
 *
 * @param command the program and its arguments
 * @param exit its exit code, or {@link #TIMED_OUT}
 * @param out what it wrote to standard output
 * @param err what it wrote to standard error
 */
public record Outcome(List<String> command, int exit, String out, String err) {

    /** The exit code of a program that was ended because its time was over. */
    public static final int TIMED_OUT = -1;

    /** Copies the command. */
    public Outcome {
        command = List.copyOf(command);
    }

    /**
     * Whether the program succeeded.
     *
     * @return whether it exited with 0
     */
    public boolean ok() {
        return exit == 0;
    }

    /**
     * This outcome, if the program succeeded.
     *
     * @return this
     */
    public Outcome orThrow() {
        if (!ok()) {
            throw new LabException(describe());
        }
        return this;
    }

    /**
     * The lines of standard output.
     *
     * @return those that are not blank
     */
    public List<String> lines() {
        return Arrays.stream(out.split("\n", -1))
                .filter(line -> !line.isBlank())
                .toList();
    }

    /**
     * What happened, for a person.
     *
     * @return the command, how it ended, and what it said
     */
    public String describe() {
        String ending = exit == TIMED_OUT ? "did not end in time" : "ended with " + exit;
        return "'" + String.join(" ", command) + "' " + ending + ": " + (out + " " + err).strip();
    }
}
