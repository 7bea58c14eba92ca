package io.sharedip.snapshot;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * What became of a snapshot that was restored.
 *
 * @param taken when the snapshot was begun, by the wall clock
 * @param downtime that was counted against the flows' timers
 * @param bindings that were added
 * @param forwards that were added
 * @param mappings that flows brought with them
 * @param flows that were added
 * @param skipped what was left out, by reason; every reason is there
 */
public record RestoreReport(
        Instant taken,
        Duration downtime,
        int bindings,
        int forwards,
        long mappings,
        long flows,
        Map<Skipped, Long> skipped) {

    /** Why something of a snapshot was left out. */
    public enum Skipped {
        /** A guest that does not exist here. Its bindings, forwards and flows are left out too, and counted below. */
        GUEST_UNKNOWN,
        /** A binding of an unknown guest, with another MAC address than the guest's, or to an address that is taken. */
        BINDING_REFUSED,
        /** A forward whose selector is taken, whose guest is unknown, or whose outside ports the host holds. */
        FORWARD_REFUSED,
        /** A flow of an unknown guest, or of an address that its guest may not use. */
        FLOW_OF_NOBODY,
        /** A flow whose timer ran out during the downtime. */
        FLOW_EXPIRED,
        /** A flow whose tuple, inside endpoint or outside port a live flow has: the live one stays. */
        FLOW_CLASHES,
        /** A flow whose outside port does not belong to the pool any more, or is held by the host. */
        FLOW_WITHOUT_PORT,
        /** A TCP connection of a gateway whose way out is one of sockets: it has ended with them. */
        FLOW_WITHOUT_SOCKET,
        /** A flow that came through a forward which was left out, or which leads elsewhere now. */
        FLOW_WITHOUT_FORWARD,
        /** A flow for which there was no room in the table or in its guest's quota. */
        FLOW_WITHOUT_ROOM,
        /** A flow between addresses that this gateway would not have translated so, e.g. because its alias is another one. */
        FLOW_UNLIKE_SETTINGS
    }

    /**
     * Completes and copies the map.
     *
     * @param taken when the snapshot was begun
     * @param downtime that was counted
     * @param bindings that were added
     * @param forwards that were added
     * @param mappings that were added
     * @param flows that were added
     * @param skipped counts; a reason that is missing counts 0
     */
    public RestoreReport {
        Map<Skipped, Long> all = new EnumMap<>(Skipped.class);
        for (Skipped reason : Skipped.values()) {
            all.put(reason, skipped.getOrDefault(reason, 0L));
        }
        skipped = Collections.unmodifiableMap(all);
    }

    /**
     * How much was left out for a reason.
     *
     * @param reason why
     * @return 0 or more
     */
    public long skipped(Skipped reason) {
        Long count = skipped.get(reason);
        return count == null ? 0 : count;
    }

    /**
     * How many flows were left out for any reason.
     *
     * @return with {@link #flows()}, the flows of the snapshot
     */
    public long flowsSkipped() {
        return skipped(Skipped.FLOW_OF_NOBODY)
                + skipped(Skipped.FLOW_EXPIRED)
                + skipped(Skipped.FLOW_CLASHES)
                + skipped(Skipped.FLOW_WITHOUT_PORT)
                + skipped(Skipped.FLOW_WITHOUT_SOCKET)
                + skipped(Skipped.FLOW_WITHOUT_FORWARD)
                + skipped(Skipped.FLOW_WITHOUT_ROOM)
                + skipped(Skipped.FLOW_UNLIKE_SETTINGS);
    }
}
