package io.sharedip.examples.lab;

import java.time.Duration;

/** A guest that runs lines of shell with busybox's programs, one at a time. */
public interface ShellGuest extends AutoCloseable {

    /**
     * What the lab calls this guest.
     *
     * @return a short name
     */
    String name();

    /**
     * Waits until the guest is up and has its address.
     *
     * @return this
     */
    ShellGuest awaitReady();

    /**
     * Begins a shell command in the guest; {@link #await} must follow before the next.
     *
     * @param command one line
     */
    void start(String command);

    /**
     * Waits for the end of the command that was started last.
     *
     * @param command for messages
     * @param limit how long at most
     * @return how it ended, with everything it said as its output
     */
    Outcome await(String command, Duration limit);

    /**
     * Runs a shell command in the guest, for a minute at most.
     *
     * @param command one line
     * @return how it ended, with everything it said as its output
     */
    default Outcome run(String command) {
        start(command);
        return await(command, Duration.ofMinutes(1));
    }

    @Override
    void close();
}
