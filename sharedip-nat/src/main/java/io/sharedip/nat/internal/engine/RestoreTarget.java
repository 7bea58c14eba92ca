package io.sharedip.nat.internal.engine;

import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.snapshot.RestoreReport.Skipped;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a snapshot's numbers mean in an engine, and what has become of its flows so far. */
public final class RestoreTarget {

    private final int address;
    private final long elapsedMillis;
    private final List<@Nullable Attachment> guests;
    private final List<ForwardTable.@Nullable Entry> forwards;
    private final long at;
    private final long[] skipped = new long[Skipped.values().length];
    private long flows;
    private long mappings;

    RestoreTarget(
            int address,
            long elapsedMillis,
            List<@Nullable Attachment> guests,
            List<ForwardTable.@Nullable Entry> forwards,
            long nowNanos) {
        this.address = address;
        this.elapsedMillis = elapsedMillis;
        this.guests = guests;
        this.forwards = forwards;
        this.at = nowNanos;
    }

    /** The shared address in the snapshot. */
    int address() {
        return address;
    }

    long elapsedMillis() {
        return elapsedMillis;
    }

    /** The engine's time to which the end of the downtime belongs. */
    long at() {
        return at;
    }

    @Nullable
    Attachment guest(int index) {
        return guests.get(index);
    }

    ForwardTable.@Nullable Entry forward(int index) {
        return forwards.get(index);
    }

    void skip(Skipped reason) {
        skipped[reason.ordinal()]++;
    }

    void addedFlow() {
        flows++;
    }

    void addedMapping() {
        mappings++;
    }

    /** How many flows were added. */
    public long flows() {
        return flows;
    }

    /** How many mappings were added. */
    public long mappings() {
        return mappings;
    }

    /** What was left out. */
    public Map<Skipped, Long> skipped() {
        Map<Skipped, Long> result = new EnumMap<>(Skipped.class);
        for (Skipped reason : Skipped.values()) {
            result.put(reason, skipped[reason.ordinal()]);
        }
        return result;
    }
}
