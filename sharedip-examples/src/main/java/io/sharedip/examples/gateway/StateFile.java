package io.sharedip.examples.gateway;

import io.sharedip.ConfigurationException;
import io.sharedip.SharedIp;
import io.sharedip.SharedIpException;
import io.sharedip.SnapshotException;
import io.sharedip.snapshot.SnapshotReport;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file that keeps a gateway's flows while it does not run. It is replaced whole: what is written goes beside it first, to the disk, and
 * then takes its name. Only the gateway's user may read it.
 */
public final class StateFile {

    /** What is left of the time that a signal gives must do for closing. */
    private static final Duration LONGEST_HAND_OVER = Duration.ofSeconds(8);

    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final String REFUSED = ".refused";

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path path;
    private final Logger log;

    /**
     * Names a file.
     *
     * @param path it need not exist; its directory must
     */
    public StateFile(Path path) {
        this(path, LoggerFactory.getLogger(StateFile.class));
    }

    StateFile(Path path, Logger log) {
        this.path = path.toAbsolutePath();
        this.log = log;
    }

    /**
     * Looks, before a gateway runs, whether its state can be written at its end.
     *
     * @return this
     * @throws ConfigurationException if the directory is not there, or not this user's to write to
     */
    StateFile requireDirectory() {
        Path directory = Objects.requireNonNull(path.getParent());
        if (!Files.isDirectory(directory)) {
            throw new ConfigurationException(
                    "state", path.toString(), "is in a directory that does not exist", "make " + directory + " first");
        }
        if (!Files.isWritable(directory)) {
            throw new ConfigurationException(
                    "state",
                    path.toString(),
                    "is in a directory to which this process may not write",
                    "give it the right, or name a file elsewhere");
        }
        return this;
    }

    /**
     * Restores what the file holds, if it is there. A file that is refused does not keep the gateway from running: it is renamed, and an
     * error is logged.
     *
     * @param gateway that runs
     */
    public void restore(SharedIp gateway) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (InputStream in = Files.newInputStream(path)) {
            await(gateway.restore(in), LONGEST_WAIT);
        } catch (SnapshotException e) {
            log.error("The state file {} is refused, and the gateway starts without it: {}", path, e.getMessage());
            renameAside();
        } catch (IOException | TimeoutException e) {
            log.error("The state file {} could not be restored: {}", path, e.toString());
        }
    }

    private void renameAside() {
        Path aside = path.resolveSibling(path.getFileName() + REFUSED);
        try {
            Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
            log.error("It is kept as {}.", aside);
        } catch (IOException e) {
            log.error("It could not be renamed to {}: {}", aside, e.toString());
        }
    }

    /**
     * Writes a snapshot of a gateway that goes on.
     *
     * @param gateway that runs
     * @return what was written
     * @throws SharedIpException if it could not be written; the file is what it was
     */
    public SnapshotReport save(SharedIp gateway) {
        return write(gateway::snapshot, LONGEST_WAIT);
    }

    /** Writes the last snapshot of a gateway that is going to be closed. What goes wrong is logged. */
    void handOver(SharedIp gateway) {
        try {
            SnapshotReport report = write(gateway::handOver, LONGEST_HAND_OVER);
            log.info("{} flows are kept in {}.", report.flows(), path);
        } catch (SharedIpException e) {
            log.error("The state could not be kept in {}: {}", path, e.getMessage());
        }
    }

    private SnapshotReport write(Function<OutputStream, CompletionStage<SnapshotReport>> writer, Duration limit) {
        Path unfinished = null;
        try {
            unfinished = Files.createTempFile(path.getParent(), "." + path.getFileName(), ".part", OWNER_ONLY);
            SnapshotReport report;
            try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
                report = await(writer.apply(Channels.newOutputStream(channel)), limit);
                channel.force(true);
            }
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return report;
        } catch (IOException | TimeoutException e) {
            throw SnapshotException.of("could not be written to " + path + ": " + e, "look after the disk", e);
        } finally {
            remove(unfinished);
        }
    }

    /** After a success the name is gone already. */
    private void remove(@Nullable Path unfinished) {
        try {
            if (unfinished != null) {
                Files.deleteIfExists(unfinished);
            }
        } catch (IOException e) {
            log.warn("{} could not be removed: {}", unfinished, e.toString());
        }
    }

    private static <T> T await(CompletionStage<T> stage, Duration limit) throws TimeoutException {
        try {
            return stage.toCompletableFuture().get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            while (cause instanceof CompletionException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            if (cause instanceof SharedIpException told) {
                throw told;
            }
            throw new IllegalStateException(cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("was interrupted, because the gateway ends", e);
        }
    }
}
