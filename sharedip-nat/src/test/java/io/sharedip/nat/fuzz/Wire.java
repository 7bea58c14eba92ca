package io.sharedip.nat.fuzz;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import io.sharedip.testing.PlainLink;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** A link that hands over one frame at a time and keeps copies of what is sent. */
final class Wire extends PlainLink {

    private final ArrayDeque<byte[]> waiting = new ArrayDeque<>();
    private List<byte[]> sent = new ArrayList<>();
    private boolean full;

    Wire(String name, MacAddress mac) {
        super(name, mac);
    }

    void offer(byte[] frame) {
        waiting.add(frame);
    }

    /** What was sent since the last call. */
    List<byte[]> take() {
        List<byte[]> taken = sent;
        sent = new ArrayList<>();
        return taken;
    }

    /** Lets the link take nothing for a while. */
    void full(boolean on) {
        full = on;
    }

    @Override
    public boolean isWritable() {
        return !full;
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        int count = Math.min(limit, waiting.size());
        Frame[] frames = new Frame[count];
        for (int i = 0; i < count; i++) {
            frames[i] = Frame.of(waiting.remove());
        }
        if (count > 0) {
            handler.onFrames(frames, count);
        }
        return count;
    }

    @Override
    public boolean send(Frame frame) {
        if (frame.checksumState() != ChecksumState.COMPLETE) {
            throw new AssertionError("a frame leaves with checksums that are not complete");
        }
        if (full) {
            return false;
        }
        byte[] copy = new byte[frame.length()];
        System.arraycopy(frame.array(), frame.offset(), copy, 0, copy.length);
        sent.add(copy);
        return true;
    }
}
