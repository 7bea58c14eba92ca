package io.sharedip.nat.internal.engine;

import io.sharedip.nat.internal.flow.EvictionQueues;
import io.sharedip.packet.Frame;

/**
 * A bounded pool of frame copies: what must outlive the call that brought it waits here, on lists linked by slot number. Slots get
 * their octets at first use and keep them, unless they are many.
 *
 * <p>A frame is charged to its guest, a share for each {@value #SHARE} octets that it has begun. Whose frames go where there is no room is
 * asked of the pool: the oldest of whoever holds most, and only for one who holds less.
 */
final class FramePool {

    static final int NONE = -1;

    private static final int SHARE = 4096;
    private static final int ROOM_STEP = 2048;
    /** Whoever is longer gives its octets back when it leaves. */
    private static final int ROOM_KEPT = 2 * ROOM_STEP;

    private final Frame[] frames;
    private final Attachment[] origins;
    private final int[] next;
    private final int[] fragmentations;
    private final int[] lengths;
    private final EvictionQueues queues;
    private final int capacity;
    private int used;
    private int free;

    /**
     * Makes an empty pool.
     *
     * @param slots most frames, and most shares
     */
    FramePool(int slots) {
        capacity = slots;
        queues = new EvictionQueues(new long[slots]);
        fragmentations = new int[slots];
        lengths = new int[slots];
        frames = new Frame[slots];
        origins = new Attachment[slots];
        next = new int[slots];
        for (int i = 0; i < slots; i++) {
            frames[i] = new Frame();
            next[i] = i + 1 < slots ? i + 1 : NONE;
        }
    }

    private static int shares(int length) {
        return Math.max(1, (length + SHARE - 1) / SHARE);
    }

    /** Whether a guest's frame finds room, if need be at the cost of those that are {@link #surplus}. */
    boolean admits(int guest, int length) {
        int need = shares(length);
        if (used + need <= capacity) {
            return true;
        }
        int greediest = queues.greedierThan(guest);
        return greediest != NONE && queues.held(greediest) > queues.held(guest) + need;
    }

    /** The frame that has to go first for one that is {@link #admits admitted}, or {@link #NONE} if there is room. */
    int surplus(int guest, int length) {
        return used + shares(length) <= capacity ? NONE : queues.oldestUnanswered(queues.greedierThan(guest));
    }

    /** Of the frames on a list the first of whoever holds most, if that is more than a guest may hold by one more, or {@link #NONE}. */
    int surplusOn(int first, int guest) {
        int found = NONE;
        int most = queues.held(guest) + 1;
        if (queues.greedierThan(guest) != NONE) {
            for (int slot = first; slot != NONE; slot = next[slot]) {
                int held = queues.held(origins[slot].number());
                if (held > most) {
                    most = held;
                    found = slot;
                }
            }
        }
        return found;
    }

    /** Copies a frame in for which there is room. @return its slot */
    int add(Frame frame, Attachment origin, int fragmentation) {
        int slot = free;
        int shares = shares(frame.length());
        used += shares;
        queues.add(slot, origin.number(), EvictionQueues.UNANSWERED);
        queues.count(origin.number(), shares);
        lengths[slot] = frame.length();
        free = next[slot];
        Frame copy = frames[slot];
        byte[] room = copy.array();
        if (room.length < frame.length()) {
            room = new byte[(frame.length() + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP];
        }
        System.arraycopy(frame.array(), frame.offset(), room, 0, frame.length());
        copy.wrap(room, 0, frame.length()).checksumState(frame.checksumState()).segmentSize(frame.segmentSize());
        origins[slot] = origin;
        fragmentations[slot] = fragmentation;
        next[slot] = NONE;
        return slot;
    }

    Frame frame(int slot) {
        return frames[slot];
    }

    /** The link that the frame came from. */
    Attachment origin(int slot) {
        return origins[slot];
    }

    /** The frame's {@link Fragmentation}. */
    int fragmentation(int slot) {
        return fragmentations[slot];
    }

    int next(int slot) {
        return next[slot];
    }

    void next(int slot, int following) {
        next[slot] = following;
    }

    /** Gives a slot back that is on no list. */
    void release(int slot) {
        int shares = shares(lengths[slot]);
        used -= shares;
        queues.remove(slot, origins[slot].number(), EvictionQueues.UNANSWERED);
        queues.count(origins[slot].number(), -shares);
        if (frames[slot].array().length > ROOM_KEPT) {
            frames[slot] = new Frame();
        }
        next[slot] = free;
        free = slot;
    }
}
