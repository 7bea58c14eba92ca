package io.sharedip.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Makes machines and cables between them, and removes all of it at the end: on {@link #close()}, when the JVM ends, and, should
 * it be killed, at the start of the next lab.
 *
 * <p>Needs the rights over network namespaces: root's, or those of a user namespace
 * ({@code unshare --user --map-root-user --net --mount}, with a writable {@code /run}).
 */
public final class Lab implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration END_OF_PROGRAMS = Duration.ofSeconds(5);
    private static final String PREFIX = "sharedip-lab-";
    private static final Pattern NAME = Pattern.compile("(" + PREFIX + "(\\d+)-\\S+).*");
    private static final List<String> PROGRAMS = List.of(
            "ip",
            "tc",
            "nft",
            "ethtool",
            "ss",
            "tcpdump",
            "curl",
            "ping",
            "traceroute",
            "dig",
            "nc",
            "socat",
            "busybox",
            "dnsmasq");

    private final String prefix;
    private final Path directory;
    private final List<LabMachine> machines = new ArrayList<>();
    private final Thread atExit = new Thread(this::removeEverything, "lab-removal");
    private boolean closed;

    private Lab(String prefix, Path directory) {
        this.prefix = prefix;
        this.directory = directory;
    }

    /**
     * Opens an empty lab and removes what dead runs have left behind.
     *
     * @return to be closed at the end
     */
    public static Lab open() {
        String prefix = PREFIX + ProcessHandle.current().pid() + "-";
        Lab lab = new Lab(prefix, newDirectory(prefix));
        try {
            lab.requirePrograms();
            lab.removeLeftovers();
        } catch (LabException e) {
            delete(lab.directory);
            throw e;
        }
        Runtime.getRuntime().addShutdownHook(lab.atExit);
        return lab;
    }

    /**
     * A directory for the lab's files, which only this user can enter and which is removed at the end.
     *
     * @return its path
     */
    public Path directory() {
        return directory;
    }

    /**
     * Adds a machine with no cable yet. It speaks IPv4 only, so that no chatter disturbs what is counted.
     *
     * @param name unique in this lab
     * @return the machine
     */
    public LabMachine machine(String name) {
        LabMachine machine = new LabMachine(name, prefix + name, directory);
        here("ip", "netns", "add", machine.namespace());
        synchronized (this) {
            machines.add(machine);
        }
        machine.shell(
                "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6",
                "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6",
                // Answers to traceroute come as fast as the questions, and nothing that a test counts is held back.
                "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit",
                "ip link set lo up");
        return machine;
    }

    /**
     * Cables two machines together. Both ends are up.
     *
     * @param one a machine
     * @param oneEnd what it calls its end
     * @param other another machine
     * @param otherEnd what that one calls its end
     */
    public void cable(LabMachine one, String oneEnd, LabMachine other, String otherEnd) {
        here(
                "ip",
                "link",
                "add",
                oneEnd,
                "netns",
                one.namespace(),
                "type",
                "veth",
                "peer",
                "name",
                otherEnd,
                "netns",
                other.namespace());
        one.shell("ip link set " + oneEnd + " up");
        other.shell("ip link set " + otherEnd + " up");
    }

    /**
     * Puts a machine into a cable: one end of it now leads to that machine, from which another cable leads on. The card that is
     * left has lost its addresses and settings, and both new ends are up.
     *
     * @param middle the machine
     * @param middleEnd what it calls its end of the old cable; that of the new one has {@code -on} after it
     * @param machine whose end of the old cable is taken
     * @param end what it calls that, and the end of the new cable
     */
    public void splice(LabMachine middle, String middleEnd, LabMachine machine, String end) {
        here("ip", "-netns", machine.namespace(), "link", "set", end, "netns", middle.namespace(), "name", middleEnd);
        middle.shell("ip link set " + middleEnd + " up");
        cable(middle, middleEnd + "-on", machine, end);
    }

    /** Ends every program, removes every machine and the lab's directory. */
    @Override
    public void close() {
        removeEverything();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // Then the hook is what runs, or will run and find nothing to do.
        }
    }

    private synchronized void removeEverything() {
        if (closed) {
            return;
        }
        closed = true;
        machines.forEach(this::remove);
        delete(directory);
    }

    private void remove(LabMachine machine) {
        List<ProcessHandle> programs = machine.processes().stream()
                .map(ProcessHandle::of)
                .flatMap(Optional::stream)
                .toList();
        programs.forEach(ProcessHandle::destroyForcibly);
        Waiting.until(END_OF_PROGRAMS, () -> programs.stream().noneMatch(ProcessHandle::isAlive));
        LabProgram.start(directory, List.of(), List.of("ip", "netns", "delete", machine.namespace()))
                .await(PATIENCE);
    }

    private void removeLeftovers() {
        for (String line : here("ip", "netns", "list").lines()) {
            deadLabs(line).ifPresent(name -> remove(new LabMachine("left over", name, directory)));
        }
        try (Stream<Path> neighbours = Files.list(directory.resolveSibling(""))) {
            neighbours
                    .filter(path -> deadLabs(path.getFileName().toString()).isPresent())
                    .forEach(this::removeLeftover);
        } catch (IOException e) {
            throw new LabException("cannot look for what dead labs have left", e);
        }
    }

    /** Takes a dead lab's directory into this lab's before it is deleted, since others may be about to remove it too. */
    private void removeLeftover(Path dead) {
        Path taken = directory.resolve(dead.getFileName());
        try {
            Files.move(dead, taken);
        } catch (NoSuchFileException takenByAnother) {
            return;
        } catch (IOException e) {
            throw new LabException("cannot remove " + dead, e);
        }
        delete(taken);
    }

    /** The name that a line begins with, if a lab made it whose process has died. */
    private static Optional<String> deadLabs(String line) {
        Matcher matcher = NAME.matcher(line);
        boolean dead = matcher.matches() && !isAlive(Long.parseLong(matcher.group(2)));
        return dead ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    private static boolean isAlive(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    private void requirePrograms() {
        String question = "for p in " + String.join(" ", PROGRAMS) + "; do command -v $p >/dev/null || echo $p; done";
        List<String> missing = here("sh", "-c", question).lines();
        if (!missing.isEmpty()) {
            throw new LabException("the lab needs these programs, which are not on the path: "
                    + String.join(" ", missing) + "; ./demo installs them as root, or says how to");
        }
    }

    /** Runs a program on the machine that the lab itself is on. */
    private Outcome here(String... command) {
        Outcome outcome =
                LabProgram.start(directory, List.of(), List.of(command)).await(PATIENCE);
        if (!outcome.ok()) {
            throw new LabException(outcome.describe()
                    + " (the lab needs root, or a user namespace: unshare --user --map-root-user --net --mount)");
        }
        return outcome;
    }

    private static Path newDirectory(String prefix) {
        try {
            return Files.createTempDirectory(prefix);
        } catch (IOException e) {
            throw new LabException("cannot make a temporary directory", e);
        }
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new LabException("cannot remove " + directory, e);
        }
    }
}
