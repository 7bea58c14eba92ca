package io.sharedip.nat.internal.engine;

import io.sharedip.packet.Frame;

/**
 * A bounded pool of frame copies: what must outlive the call that brought it waits here, on lists linked by slot number. Slots get
 * their octets at first use and keep them, unless they are many.
 */
final class FramePool {

    static final int NONE = -1;

    private static final int ROOM_STEP = 2048;
    /** Whoever is longer gives its octets back when it leaves. */
    private static final int ROOM_KEPT = 2 * ROOM_STEP;

    private final Frame[] frames;
    private final Attachment[] origins;
    private final int[] next;
    private final int[] fragmentations;
    private final int[] lengths;
    private final int mostOctets;
    private int octets;
    private int free;

    /**
     * Makes an empty pool.
     *
     * @param slots most frames
     * @param mostOctets of all frames together
     */
    FramePool(int slots, int mostOctets) {
        this.mostOctets = mostOctets;
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

    /** Copies a frame in. @return its slot, or {@link #NONE} if there is no room */
    int add(Frame frame, Attachment origin, int fragmentation) {
        int slot = free;
        if (slot == NONE || octets + frame.length() > mostOctets) {
            return NONE;
        }
        octets += frame.length();
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
        octets -= lengths[slot];
        if (frames[slot].array().length > ROOM_KEPT) {
            frames[slot] = new Frame();
        }
        next[slot] = free;
        free = slot;
    }
}
