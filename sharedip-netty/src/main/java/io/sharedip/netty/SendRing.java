package io.sharedip.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sharedip.packet.Frame;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The octets that wait to be written: frames, each behind its length, copied in by the thread that drives the engine and
 * written from in place by the event loop. Bounded by its size, which is all the memory it ever uses.
 *
 * <p>It belongs to a link, not to a connection, so that the driver may be in the middle of {@link #offer} while a connection
 * comes or goes. Octets become visible to the event loop by whole frames only, hence {@link #discard()} always leaves a
 * boundary.
 */
final class SendRing {

    private static final int HEADER = 4;
    private static final VarHandle HEAD;
    private static final VarHandle TAIL;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            HEAD = lookup.findVarHandle(SendRing.class, "head", long.class);
            TAIL = lookup.findVarHandle(SendRing.class, "tail", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // Not pooled: when the link is gone the collector frees it, whoever still holds a part of it.
    private final ByteBuffer ring;
    private final ByteBuf view;
    private final int mask;

    // the driver's
    private long end;
    private long knownHead;

    // the event loop's
    private int frameAt;

    private volatile long tail;
    private volatile long head;
    private volatile boolean roomWanted;

    /** Makes an empty ring of a power of two of octets. */
    SendRing(int capacity) {
        ring = ByteBuffer.allocateDirect(capacity);
        view = Unpooled.wrappedBuffer(ring.duplicate());
        mask = capacity - 1;
    }

    /** Copies a frame in, without showing it to the event loop; false if there is no room. Driver only. */
    boolean offer(Frame frame) {
        int length = frame.length();
        int need = HEADER + length;
        if (end + need - knownHead > ring.capacity()) {
            knownHead = (long) HEAD.getAcquire(this);
            if (end + need - knownHead > ring.capacity()) {
                return false;
            }
        }
        int at = (int) end & mask;
        if (at <= ring.capacity() - HEADER) {
            ring.putInt(at, length);
        } else {
            for (int i = 0; i < HEADER; i++) {
                ring.put((at + i) & mask, (byte) (length >>> (24 - 8 * i)));
            }
        }
        at = (at + HEADER) & mask;
        int first = Math.min(length, ring.capacity() - at);
        ring.put(at, frame.array(), frame.offset(), first);
        ring.put(0, frame.array(), frame.offset() + first, length - first);
        end += need;
        return true;
    }

    /**
     * Whether {@link #offer} would take a frame of this length. If not, {@link #free} or {@link #discard} will say that the driver waits.
     * Driver only.
     */
    boolean hasRoom(int length) {
        long need = end + HEADER + length - ring.capacity();
        if (need <= knownHead) {
            return true;
        }
        roomWanted = true;
        VarHandle.fullFence(); // the event loop makes room, then looks at roomWanted: one of us sees the other
        knownHead = (long) HEAD.getAcquire(this);
        if (need <= knownHead) {
            roomWanted = false;
            return true;
        }
        return false;
    }

    /** Shows the event loop what was offered; false if that is nothing new. Driver only. */
    boolean publish() {
        if (end == (long) TAIL.get(this)) {
            return false;
        }
        tail = end;
        return true;
    }

    /**
     * The octets to be written next, at most so many, or null if there are none. The caller releases what it is given and then
     * says {@link #free}; it asks again only after that. Event loop only.
     */
    @Nullable
    ByteBuf next(int limit) {
        long from = (long) HEAD.get(this);
        int at = (int) from & mask;
        int length = (int) Math.min(Math.min(tail - from, limit), ring.capacity() - at);
        return length == 0 ? null : view.retainedSlice(at, length);
    }

    /** The length of the next frame, or 0 if there is none. Event loop only. */
    int nextFrame() {
        long from = (long) HEAD.get(this);
        if (from == tail) {
            return 0;
        }
        int at = (int) from & mask;
        if (at <= ring.capacity() - HEADER) {
            return ring.getInt(at);
        }
        int length = 0;
        for (int i = 0; i < HEADER; i++) {
            length = (length << 8) | (ring.get((at + i) & mask) & 0xff);
        }
        return length;
    }

    /**
     * Shows the next frame, of {@link #nextFrame()} octets, where it lies in one piece: in the ring or, if it goes beyond its end, in the
     * buffer given.
     *
     * @param pieces direct, and long enough for any frame
     * @return the buffer that holds the frame, from {@link #frameAt()} on
     */
    ByteBuffer frame(ByteBuffer pieces) {
        int length = nextFrame();
        int at = ((int) (long) HEAD.get(this) + HEADER) & mask;
        int first = ring.capacity() - at;
        if (length <= first) {
            frameAt = at;
            return ring;
        }
        pieces.put(0, ring, at, first).put(first, ring, 0, length - first);
        frameAt = 0;
        return pieces;
    }

    /** Where in its buffer the frame begins that was shown last. */
    int frameAt() {
        return frameAt;
    }

    /** Makes room of the next frame, which has been sent. Event loop only. */
    boolean freeFrame() {
        return free(HEADER + nextFrame());
    }

    /**
     * Makes room of octets that have been written. Event loop only.
     *
     * @return whether the driver waits for room
     */
    boolean free(int octets) {
        HEAD.setRelease(this, head + octets);
        return isRoomWanted();
    }

    /**
     * Forgets everything published so far. Event loop only.
     *
     * @return whether the driver waits for room
     */
    boolean discard() {
        HEAD.setRelease(this, tail);
        return isRoomWanted();
    }

    private boolean isRoomWanted() {
        VarHandle.fullFence(); // see hasRoom
        if (roomWanted) {
            roomWanted = false;
            return true;
        }
        return false;
    }
}
