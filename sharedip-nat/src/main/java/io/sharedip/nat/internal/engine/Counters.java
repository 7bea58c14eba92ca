package io.sharedip.nat.internal.engine;

import io.sharedip.stats.DropReason;
import io.sharedip.stats.SharedIpStats;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.EnumMap;
import java.util.Map;

/**
 * The engine's counters. The engine's thread counts in plain fields and {@link #publish}es them from time to time; any thread may
 * {@link #snapshot}. A sequence number, odd while publishing, keeps a snapshot from mixing two publications.
 */
final class Counters {

    private static final DropReason[] REASONS = DropReason.values();
    private static final int FLOWS = 0;
    private static final int MAPPINGS = 1;
    private static final int FRAMES_IN = 2;
    private static final int FORWARDED = 3;
    private static final int ANSWERED = 4;
    private static final int LEFT_TO_HOST = 5;
    private static final int HELD = 6;
    private static final int OWN_FRAMES = 7;
    private static final int FIXED = 8;
    private static final VarHandle PUBLISHED = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle SEQUENCE;

    static {
        try {
            SEQUENCE = MethodHandles.lookup().findVarHandle(Counters.class, "sequence", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    long framesIn;
    long leftToHost;
    long held;
    long ownFrames;
    private long forwarded;
    private long answered;
    /** How many frames the packet at hand has come in. */
    private int weight = 1;

    private final long[] drops = new long[REASONS.length];
    private final long[] published = new long[FIXED + REASONS.length];

    @SuppressWarnings("UnusedVariable") // written through its VarHandle
    private volatile long sequence;

    /** Says how many frames the packet at hand has come in; its outcome counts for each of them. */
    void weigh(int frames) {
        weight = frames;
    }

    /** A frame has come in. */
    void received() {
        framesIn++;
        weight = 1;
    }

    /** The packet at hand has been forwarded. */
    void forwarded() {
        forwarded += weight;
    }

    /** The packet at hand has been answered. */
    void answered() {
        answered += weight;
    }

    /** The packet at hand is the host's. */
    void leftToHost() {
        leftToHost += weight;
    }

    /** The packet at hand has been dropped. */
    void drop(DropReason reason) {
        drops[reason.ordinal()] += weight;
    }

    /** Frames have been dropped that are not those of the packet at hand. */
    void drop(DropReason reason, int frames) {
        drops[reason.ordinal()] += frames;
    }

    /** Makes the counters visible to other threads. Engine's thread only. */
    void publish(int flows, int mappings) {
        long next = (long) SEQUENCE.get(this) + 1;
        SEQUENCE.setOpaque(this, next);
        VarHandle.storeStoreFence();
        put(FLOWS, flows);
        put(MAPPINGS, mappings);
        put(FRAMES_IN, framesIn);
        put(FORWARDED, forwarded);
        put(ANSWERED, answered);
        put(LEFT_TO_HOST, leftToHost);
        put(HELD, held);
        put(OWN_FRAMES, ownFrames);
        for (int i = 0; i < drops.length; i++) {
            put(FIXED + i, drops[i]);
        }
        SEQUENCE.setRelease(this, next + 1);
    }

    private void put(int place, long value) {
        PUBLISHED.setOpaque(published, place, value);
    }

    /** The counters as published last. Any thread. */
    SharedIpStats snapshot(int capacity, long eventsLost) {
        long[] copy = new long[published.length];
        long before;
        do {
            before = (long) SEQUENCE.getAcquire(this);
            for (int i = 0; i < copy.length; i++) {
                copy[i] = (long) PUBLISHED.getOpaque(published, i);
            }
            VarHandle.loadLoadFence();
        } while ((before & 1) != 0 || before != (long) SEQUENCE.getOpaque(this));
        Map<DropReason, Long> byReason = new EnumMap<>(DropReason.class);
        long dropped = 0;
        for (DropReason reason : REASONS) {
            long count = copy[FIXED + reason.ordinal()];
            byReason.put(reason, count);
            dropped += count;
        }
        return new SharedIpStats(
                copy[FLOWS],
                copy[MAPPINGS],
                capacity,
                copy[FRAMES_IN],
                copy[FORWARDED],
                copy[ANSWERED],
                copy[LEFT_TO_HOST],
                copy[HELD],
                dropped,
                copy[OWN_FRAMES],
                eventsLost,
                byReason);
    }
}
