package io.sharedip.nat.benchmark;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.packet.Frame;
import io.sharedip.testing.PlainLink;

/** A link whose poll hands out one prepared batch, and which counts and swallows what is sent. */
final class BatchLink extends PlainLink {

    /** No other frame of the benchmarks is that long. */
    private static final int ARP_LENGTH = 42;

    private Frame[] batch = {};
    private int waiting;
    private long sent;
    private boolean asked;

    BatchLink(String name, MacAddress mac) {
        super(name, mac);
    }

    /** Makes frames wait for the next poll. @param frames kept @param count of them */
    void offer(Frame[] frames, int count) {
        batch = frames;
        waiting = count;
    }

    long sent() {
        return sent;
    }

    /** Whether an ARP request has been sent since the last call. */
    boolean wasAsked() {
        boolean was = asked;
        asked = false;
        return was;
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        int count = Math.min(waiting, limit);
        waiting = 0;
        if (count > 0) {
            handler.onFrames(batch, count);
        }
        return count;
    }

    @Override
    public boolean send(Frame frame) {
        sent++;
        if (frame.length() == ARP_LENGTH) {
            asked = true;
        }
        return true;
    }
}
