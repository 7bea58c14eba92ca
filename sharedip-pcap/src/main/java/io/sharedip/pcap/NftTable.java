package io.sharedip.pcap;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A table of the kernel's packet filter that lives no longer than this process.
 *
 * <p>The table has the flag {@code owner}: the kernel removes it as soon as the netlink socket that made it is closed, and lets
 * nobody else change it. That socket belongs to a child, {@code nft -i}, which reads commands from a pipe. However this process
 * ends, the pipe ends with it, then the child, then the table. Needs Linux 5.12 and nftables 0.9.9.
 *
 * <p>Thread-safe.
 */
final class NftTable implements AutoCloseable {

    /** Why a table could not be made or changed. */
    static final class NftException extends Exception {

        private static final long serialVersionUID = 1L;

        private final String cure;

        NftException(String problem, String cure) {
            super(problem);
            this.cure = cure;
        }

        /** What went wrong, without a full stop. */
        String problem() {
            return String.valueOf(getMessage());
        }

        String cure() {
            return cure;
        }
    }

    private static final String SYNC = "sharedip_sync_";
    private static final long ANSWER_SECONDS = 5;
    private static final List<String> SYSTEM_DIRECTORIES = List.of("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin");

    private final String family;
    private final String name;
    private final Process child;
    private final OutputStream commands;
    private final BlockingQueue<String> errors = new LinkedBlockingQueue<>();
    private int syncs;
    private volatile @Nullable CompletableFuture<Void> ended;

    private NftTable(String family, String name, Process child) {
        this.family = family;
        this.name = name;
        this.child = child;
        this.commands = child.getOutputStream();
        Thread reader = new Thread(this::readErrors, "sharedip-nft-" + name);
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Makes an empty table. One of the same name that nobody owns is replaced.
     *
     * @param family e.g. {@code "ip"} or {@code "netdev"}
     * @param name of the table
     * @throws NftException if nft is missing, rights are, or a living process owns such a table
     */
    static NftTable create(String family, String name) throws NftException {
        // Ctrl-C and a closed terminal reach the child too, but it is this process that decides when the table goes
        ProcessBuilder builder =
                new ProcessBuilder("/bin/sh", "-c", "trap '' INT HUP TERM QUIT; exec \"$0\" -i", program());
        builder.environment().put("HOME", "/dev/null"); // or it would keep a history of commands there
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
        Process child;
        try {
            child = builder.start();
        } catch (IOException e) {
            throw new NftException("nft cannot be run: " + e.getMessage(), "check `nft --version`");
        }
        NftTable table = new NftTable(family, name, child);
        try {
            // adding before deleting makes the deletion succeed if there is none
            table.run("add table " + family + " " + name + "; delete table " + family + " " + name);
            table.run("add table " + family + " " + name + " { flags owner; }");
            return table;
        } catch (NftException e) {
            table.close();
            throw e;
        }
    }

    /** Finds nft, also where an ordinary user's path does not lead. */
    private static String program() throws NftException {
        List<String> directories = new ArrayList<>();
        String path = System.getenv("PATH");
        if (path != null) {
            directories.addAll(List.of(path.split(":")));
        }
        directories.addAll(SYSTEM_DIRECTORIES);
        for (String directory : directories) {
            if (!directory.isEmpty() && Files.isExecutable(Path.of(directory, "nft"))) {
                return Path.of(directory, "nft").toString();
            }
        }
        throw new NftException("the program nft is missing", "run: apt-get install nftables");
    }

    /**
     * Carries out one line of nft's language, all of it or nothing.
     *
     * @param command one line; several commands are separated by semicolons
     * @throws NftException if it was refused or the child is gone
     */
    synchronized void run(String command) throws NftException {
        String sync = SYNC + ++syncs;
        try {
            // nft says nothing of success, so a question follows that it answers with an error
            commands.write((command + "\nlist table inet " + sync + "\n").getBytes(StandardCharsets.UTF_8));
            commands.flush();
        } catch (IOException e) {
            throw gone();
        }
        StringBuilder problem = new StringBuilder();
        String last = "";
        try {
            while (true) {
                String line = errors.poll(ANSWER_SECONDS, TimeUnit.SECONDS);
                if (line == null) {
                    throw child.isAlive() ? new NftException("nft does not answer", "check `nft list tables`") : gone();
                }
                if (line.contains(sync)) {
                    break;
                }
                if (line.startsWith("netlink: Error: ")) {
                    // nft may not even look at tables, and leaves the question unanswered
                    throw refused(line.substring(16));
                }
                if (last.startsWith("Error: ")) {
                    problem.append(problem.isEmpty() ? "" : ", ").append(last.substring(7));
                }
                last = line;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NftException("interrupted while nft was at work", "try again");
        }
        if (!problem.isEmpty()) {
            throw refused(problem.toString());
        }
    }

    private NftException refused(String problem) {
        if (!problem.contains("Operation not permitted")) {
            return new NftException("nft says: " + problem, "this needs Linux 5.12 and nftables 0.9.9 or later");
        }
        if (tableExists()) {
            return new NftException(
                    "another process owns the nft table " + family + " " + name, "stop the other gateway first");
        }
        return new NftException(
                "nft lacks the right to change the packet filter",
                "run as root, or give java CAP_NET_ADMIN, or use a user namespace (unshare -Urn)");
    }

    private boolean tableExists() {
        try {
            Process list = new ProcessBuilder(program(), "list", "table", family, name)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return list.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS) && list.exitValue() == 0;
        } catch (IOException | NftException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private NftException gone() {
        return new NftException("the nft process that holds the table " + name + " has ended", "do not stop it");
    }

    private void readErrors() {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(child.getErrorStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                errors.add(line);
            }
        } catch (IOException e) {
            // the child is gone, which run() finds out for itself
        }
    }

    /** Whether the table is still there, as far as the child tells. */
    boolean isAlive() {
        return child.isAlive();
    }

    /** Calls back from another thread when the child has ended, for whatever reason. */
    void onEnd(Runnable action) {
        ended = child.onExit().thenRun(action);
    }

    /** Ends the child, and the table with it. Idempotent; returns within half a second. */
    @Override
    public void close() {
        CompletableFuture<Void> callback = ended;
        if (callback != null) {
            callback.cancel(false); // an end that is wanted is no news
        }
        try {
            commands.close();
        } catch (IOException e) {
            // it is gone already
        }
        try {
            if (!child.waitFor(300, TimeUnit.MILLISECONDS)) {
                child.destroyForcibly().waitFor(200, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            child.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
