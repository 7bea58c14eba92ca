package io.sharedip.examples.lab;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program that was started on a lab machine. Its output goes to files, so it never waits for a reader. */
public final class LabProgram implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<String> command;
    private final Process process;
    private final Path out;
    private final Path err;

    private LabProgram(List<String> command, Process process, Path out, Path err) {
        this.command = command;
        this.process = process;
        this.out = out;
        this.err = err;
    }

    static LabProgram start(Path directory, List<String> prefix, List<String> command) {
        try {
            Path out = Files.createTempFile(directory, "program", ".out");
            Path err = Files.createTempFile(directory, "program", ".err");
            List<String> whole = new ArrayList<>(prefix);
            whole.addAll(command);
            Process process = new ProcessBuilder(whole)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            return new LabProgram(command, process, out, err);
        } catch (IOException e) {
            throw new LabException("cannot start '" + String.join(" ", command) + "'", e);
        }
    }

    /**
     * What the program has written to standard output so far.
     *
     * @return all of it
     */
    public String out() {
        return read(out);
    }

    /**
     * What the program has written to standard error so far.
     *
     * @return all of it
     */
    public String err() {
        return read(err);
    }

    /**
     * Whether the program runs.
     *
     * @return false once it has ended
     */
    public boolean isRunning() {
        return process.isAlive();
    }

    /** Its process id. */
    long pid() {
        return process.pid();
    }

    /**
     * Waits until the program has said something.
     *
     * @param text on standard output or standard error
     * @param limit how long at most
     * @return this
     */
    public LabProgram awaitText(String text, Duration limit) {
        boolean said = Waiting.until(limit, () -> says(text) || !isRunning()) && says(text);
        if (!said) {
            String what = isRunning() ? "did not say" : "ended with " + process.exitValue() + " before it said";
            throw new LabException("'" + String.join(" ", command) + "' " + what + " '" + text + "': "
                    + (out() + " " + err()).strip());
        }
        return this;
    }

    /**
     * Waits for the program's end, and ends it when its time is over.
     *
     * @param limit how long at most
     * @return how it ended
     */
    public Outcome await(Duration limit) {
        int exit = Outcome.TIMED_OUT;
        if (endsWithin(limit)) {
            exit = process.exitValue();
        } else {
            kill();
        }
        return new Outcome(command, exit, out(), err());
    }

    /**
     * Asks the program to end (SIGTERM) and waits for that.
     *
     * @return how it ended
     */
    public Outcome stop() {
        process.destroy();
        return await(PATIENCE);
    }

    /** Interrupts the program (SIGINT) and waits for its end. */
    Outcome interrupt() {
        try {
            new ProcessBuilder("sh", "-c", "kill -INT " + process.pid()).start().waitFor();
        } catch (IOException e) {
            throw new LabException("cannot interrupt '" + String.join(" ", command) + "'", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return await(PATIENCE);
    }

    /** Ends the program and everything it started at once (SIGKILL). */
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        endsWithin(PATIENCE);
    }

    /** Ends the program with SIGKILL and leaves alone what it started. */
    public void killAlone() {
        process.destroyForcibly();
        endsWithin(PATIENCE);
    }

    /** Ends the program if it still runs. */
    @Override
    public void close() {
        if (process.isAlive()) {
            process.descendants().forEach(ProcessHandle::destroy);
            stop();
        }
    }

    private boolean endsWithin(Duration limit) {
        try {
            return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return !process.isAlive();
        }
    }

    private boolean says(String text) {
        return out().contains(text) || err().contains(text);
    }

    private static String read(Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new LabException("cannot read " + file, e);
        }
    }
}
