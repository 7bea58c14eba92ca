package io.sharedip.examples.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** A machine of the lab: a network namespace with a Linux stack of its own. */
public final class LabMachine {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final String name;
    private final String namespace;
    private final Path directory;

    LabMachine(String name, String namespace, Path directory) {
        this.name = name;
        this.namespace = namespace;
        this.directory = directory;
    }

    /**
     * What the lab calls this machine.
     *
     * @return a short name
     */
    public String name() {
        return name;
    }

    String namespace() {
        return namespace;
    }

    /**
     * Starts a program on this machine.
     *
     * @param command the program and its arguments
     * @return while it runs
     */
    public LabProgram start(String... command) {
        return start(Arrays.asList(command));
    }

    /**
     * Starts a program on this machine.
     *
     * @param command the program and its arguments
     * @return while it runs
     */
    public LabProgram start(List<String> command) {
        return LabProgram.start(directory, List.of("ip", "netns", "exec", namespace), command);
    }

    /**
     * Runs a program on this machine, for half a minute at most.
     *
     * @param command the program and its arguments
     * @return how it ended
     */
    public Outcome run(String... command) {
        return start(command).await(PATIENCE);
    }

    /**
     * Runs shell commands on this machine; the first that fails ends it.
     *
     * @param commands one a line
     * @return how they ended: with success
     */
    public Outcome shell(String... commands) {
        return run("sh", "-ec", String.join("\n", commands)).orThrow();
    }

    /**
     * Sets a kernel setting of this machine.
     *
     * @param key below {@code net/}, with slashes
     * @param value to be set
     */
    public void setting(String key, int value) {
        shell("echo " + value + " > /proc/sys/net/" + key);
    }

    /**
     * The programs that run on this machine.
     *
     * @return their process ids
     */
    List<Long> processes() {
        Outcome pids = LabProgram.start(directory, List.of(), List.of("ip", "netns", "pids", namespace))
                .await(PATIENCE);
        return pids.lines().stream().map(Long::valueOf).toList();
    }

    @Override
    public String toString() {
        return name;
    }
}
