package io.sharedip.link;

import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bounded ring of frames between the one thread that produces them and the one that consumes them. Frames are copied in and
 * handed out in place, in order; when there is no room a frame is refused and counted, and nobody ever waits.
 *
 * <p>Frames of any length share one byte array, so room is used by octets rather than by slots: each frame takes its length
 * plus {@value #HEADER} octets, rounded up to a multiple of 8.
 *
 * <p><b>Threads.</b> {@link #offer} belongs to one producer thread and {@link #drain} to one consumer thread; which threads
 * these are may change over time if the hand-over is itself ordered by a happens-before edge. {@link #isEmpty()} and
 * {@link #refused()} may be called from anywhere.
 */
public final class FrameRing {

    static final int HEADER = 8;

    private static final int WRAP = -1;
    private static final int BATCH = 64;
    private static final VarHandle POSITION;

    static {
        try {
            POSITION = MethodHandles.lookup().findVarHandle(Cursor.class, "value", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A position on cache lines of its own, so that producer and consumer do not slow each other down. */
    @SuppressWarnings("UnusedVariable") // padding
    private static final class Cursor {
        private long before0, before1, before2, before3, before4, before5, before6, before7;
        private volatile long value;
        private long after0, after1, after2, after3, after4, after5, after6, after7;
    }

    private final byte[] ring;
    private final int mask;
    private final Cursor head = new Cursor();
    private final Cursor tail = new Cursor();
    private final AtomicLong refused = new AtomicLong();
    private final Frame[] batch = new Frame[BATCH];
    private long knownHead;
    private boolean draining;

    /**
     * Makes an empty ring.
     *
     * @param capacity octets of room, 1024 to 2<sup>30</sup>; rounded up to a power of two
     * @throws IllegalArgumentException if out of range
     */
    public FrameRing(int capacity) {
        if (capacity < 1024 || capacity > 1 << 30) {
            throw new IllegalArgumentException("capacity: " + capacity + " is not in 1024 to " + (1 << 30));
        }
        int size = Integer.highestOneBit(capacity - 1) << 1;
        ring = new byte[size];
        mask = size - 1;
        for (int i = 0; i < BATCH; i++) {
            batch[i] = new Frame();
        }
    }

    /**
     * Puts a copy of a frame at the end. Producer's thread only.
     *
     * @param frame to be copied, offload state included
     * @return false if there was no room; it is then counted in {@link #refused()}
     */
    public boolean offer(Frame frame) {
        return offer(frame.array(), frame.offset(), frame.length(), frame.checksumState(), frame.segmentSize());
    }

    /**
     * Puts a copy of a frame with a complete checksum at the end. Producer's thread only.
     *
     * @param array that holds the frame
     * @param offset of its first octet
     * @param length of the frame in octets
     * @return false if there was no room; it is then counted in {@link #refused()}
     * @throws IndexOutOfBoundsException if the frame is not inside the array
     */
    public boolean offer(byte[] array, int offset, int length) {
        return offer(array, offset, length, ChecksumState.COMPLETE, 0);
    }

    private boolean offer(byte[] array, int offset, int length, ChecksumState state, int segmentSize) {
        Objects.checkFromIndexSize(offset, length, array.length);
        int need = HEADER + length + 7 & ~7;
        long end = (long) POSITION.get(tail);
        int index = (int) end & mask;
        int untilWrap = ring.length - index;
        int skip = need > untilWrap ? untilWrap : 0;
        if (!hasRoom(end, (long) skip + need)) {
            refused.incrementAndGet();
            return false;
        }
        if (skip > 0) {
            putInt(index, WRAP);
            index = 0;
        }
        putInt(index, length);
        // the state in the high 2 bits, the segment size below
        putInt(index + 4, state.ordinal() << 30 | Math.min(segmentSize, (1 << 30) - 1));
        System.arraycopy(array, offset, ring, index + HEADER, length);
        POSITION.setRelease(tail, end + skip + need);
        return true;
    }

    /**
     * Whether {@link #offer} would take a frame of this length now. Producer's thread only.
     *
     * @param length octets, 0 or more
     * @return false if there is no room; nothing is counted
     */
    public boolean hasRoom(int length) {
        int need = HEADER + length + 7 & ~7;
        long end = (long) POSITION.get(tail);
        int untilWrap = ring.length - ((int) end & mask);
        return hasRoom(end, need > untilWrap ? (long) untilWrap + need : need);
    }

    private boolean hasRoom(long end, long need) {
        if (end + need - knownHead <= ring.length) {
            return true;
        }
        knownHead = (long) POSITION.getAcquire(head);
        return end + need - knownHead <= ring.length;
    }

    /**
     * Hands the frames at the front to a handler, in batches, and removes them. Consumer's thread only. If the handler throws,
     * the batch that it was given is removed all the same.
     *
     * @param handler takes them; may rewrite them in place, must not call this method
     * @param limit the most frames to hand over
     * @return how many were handed over
     * @throws IllegalStateException if called from within the handler
     */
    public int drain(FrameHandler handler, int limit) {
        if (draining) {
            throw new IllegalStateException("drain: called from within its own handler");
        }
        long at = (long) POSITION.get(head);
        long end = (long) POSITION.getAcquire(tail);
        int total = 0;
        draining = true;
        try {
            while (at != end && total < limit) {
                int count = 0;
                while (at != end && count < BATCH && total + count < limit) {
                    int index = (int) at & mask;
                    int length = getInt(index);
                    if (length == WRAP) {
                        at += ring.length - index;
                        continue;
                    }
                    int offload = getInt(index + 4);
                    batch[count++]
                            .wrap(ring, index + HEADER, length)
                            .checksumState(state(offload >>> 30))
                            .segmentSize(offload & (1 << 30) - 1);
                    at += HEADER + length + 7 & ~7;
                }
                try {
                    handler.onFrames(batch, count);
                } finally {
                    POSITION.setRelease(head, at);
                }
                total += count;
            }
        } finally {
            draining = false;
        }
        return total;
    }

    /**
     * Whether nothing waits to be drained.
     *
     * @return a snapshot, out of date as soon as it is read by a third thread
     */
    public boolean isEmpty() {
        return (long) POSITION.getAcquire(head) == (long) POSITION.getAcquire(tail);
    }

    /**
     * The room of the ring.
     *
     * @return octets, headers included
     */
    public int capacity() {
        return ring.length;
    }

    /**
     * How many frames {@link #offer} has refused.
     *
     * @return 0 or more, ever growing
     */
    public long refused() {
        return refused.get();
    }

    private static ChecksumState state(int ordinal) {
        return switch (ordinal) {
            case 0 -> ChecksumState.COMPLETE;
            case 1 -> ChecksumState.PARTIAL;
            default -> ChecksumState.RECOMPUTE;
        };
    }

    private void putInt(int index, int value) {
        Octets.put32(ring, index, value);
    }

    private int getInt(int index) {
        return Octets.i32(ring, index);
    }
}
