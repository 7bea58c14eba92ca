package io.sharedip.nat.internal.gateway;

import io.sharedip.SnapshotException;
import io.sharedip.nat.internal.engine.SnapshotNames;
import io.sharedip.nat.internal.engine.Transfers;
import io.sharedip.nat.internal.snapshot.FlowRecord;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.nat.internal.snapshot.SnapshotReader;
import io.sharedip.nat.internal.snapshot.SnapshotWriter;
import io.sharedip.snapshot.SnapshotReport;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/** Writes a snapshot of a running engine: asks it for a slice of flows between packets, writes the slice, and asks again. */
public final class SnapshotTask {

    /** Flow numbers looked at between packets: a fraction of a millisecond. */
    private static final int SLICE = 1024;

    private final EngineCalls engine;
    private final Transfers transfers;

    /**
     * Makes a task.
     *
     * @param engine way to the engine's thread
     * @param transfers of the engine
     */
    public SnapshotTask(EngineCalls engine, Transfers transfers) {
        this.engine = engine;
        this.transfers = transfers;
    }

    /** Writes a snapshot on a thread of its own. */
    public CompletableFuture<SnapshotReport> write(OutputStream to) {
        return Results.supply(() -> writeOrTell(to));
    }

    private SnapshotReport writeOrTell(OutputStream to) {
        try {
            return writeNow(to);
        } catch (IOException e) {
            throw SnapshotException.of(
                    "could not be written: " + e, "look after the disk or whatever takes the snapshot", e);
        }
    }

    /** Writes the last snapshot on a thread of its own, with nothing passing from its beginning on. */
    public CompletableFuture<SnapshotReport> handOver(OutputStream to) {
        return Results.supply(() -> {
            handingOver(transfers::beginHandOver);
            try {
                return writeOrTell(to);
            } catch (RuntimeException | Error e) {
                handingOver(transfers::cancelHandOver);
                throw e;
            }
        });
    }

    private void handingOver(Runnable change) {
        engine.call(() -> {
            change.run();
            return Boolean.TRUE;
        });
    }

    /** Reads and checks a snapshot on a thread of its own. */
    public static CompletableFuture<Snapshot> read(InputStream from) {
        return Results.supply(() -> SnapshotReader.read(from));
    }

    private SnapshotReport writeNow(OutputStream to) throws IOException {
        SnapshotNames names = engine.call(transfers::beginSnapshot);
        Instant at = Instant.now();
        SnapshotWriter writer = new SnapshotWriter(to, names.address(), names.prefixLength(), at);
        writer.guests(names.guests());
        writer.bindings(names.bindings());
        writer.forwards(names.forwards());
        byte[] records = new byte[SLICE * FlowRecord.SIZE];
        long flows = 0;
        int from = 0;
        int bound = engine.call(transfers::flowBound);
        while (from < bound) {
            int first = from;
            int count = engine.call(() -> transfers.copyFlows(first, SLICE, records, names));
            writer.flows(records, count);
            flows += count;
            from += SLICE;
            if (from >= bound) {
                bound = engine.call(transfers::flowBound);
            }
        }
        long octets = writer.end();
        return new SnapshotReport(
                at,
                names.guests().size(),
                names.bindings().size(),
                names.forwards().size(),
                flows,
                octets);
    }
}
