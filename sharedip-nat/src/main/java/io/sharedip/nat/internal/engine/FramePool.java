package io.sharedip.nat.internal.engine;

import io.sharedip.packet.Frame;

/**
 * A bounded pool of frame copies: what must outlive the call that brought it waits here, on lists linked by slot number. Slots get
 * their octets at first use and keep them.
 */
final class FramePool {

    static final int NONE = -1;

    private static final int ROOM_STEP = 2048;

    private final Frame[] frames;
    private final Attachment[] origins;
    private final int[] next;
    private int free;

    FramePool(int slots) {
        frames = new Frame[slots];
        origins = new Attachment[slots];
        next = new int[slots];
        for (int i = 0; i < slots; i++) {
            frames[i] = new Frame();
            next[i] = i + 1 < slots ? i + 1 : NONE;
        }
    }

    /** Copies a frame in. @return its slot, or {@link #NONE} if all are in use */
    int add(Frame frame, Attachment origin) {
        int slot = free;
        if (slot == NONE) {
            return NONE;
        }
        free = next[slot];
        Frame copy = frames[slot];
        byte[] room = copy.array();
        if (room.length < frame.length()) {
            room = new byte[(frame.length() + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP];
        }
        System.arraycopy(frame.array(), frame.offset(), room, 0, frame.length());
        copy.wrap(room, 0, frame.length()).checksumState(frame.checksumState()).segmentSize(frame.segmentSize());
        origins[slot] = origin;
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

    int next(int slot) {
        return next[slot];
    }

    void next(int slot, int following) {
        next[slot] = following;
    }

    /** Gives a slot back that is on no list. */
    void release(int slot) {
        next[slot] = free;
        free = slot;
    }
}
