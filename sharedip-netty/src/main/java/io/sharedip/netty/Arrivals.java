package io.sharedip.netty;

import io.sharedip.link.FrameHandler;
import io.sharedip.link.FrameRing;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.lang.invoke.VarHandle;

/**
 * Frames on their way from the thread that reads them to the engine: straight if that thread drives the engine, else by a bounded ring.
 * When the ring is full the reader is <em>stalled</em>: it reads no more until the driver, having made room, resumes it.
 */
final class Arrivals {

    private final FrameRing ring;
    private volatile boolean stalled;

    /** Makes room for so many octets. */
    Arrivals(int capacity) {
        ring = new FrameRing(capacity);
    }

    /** Hands a batch straight to the engine, after what came by the ring before. Driver's thread only, being the reader's. */
    void deliver(LinkHost host, Frame[] frames, int count) {
        if (!ring.isEmpty()) {
            ring.drain(host::deliver, Integer.MAX_VALUE);
        }
        host.deliver(frames, count);
    }

    /** Puts a frame into the ring; false if that is full, and then the reader is stalled. Reader only. */
    boolean offer(Frame frame) {
        if (ring.offer(frame)) {
            return true;
        }
        stalled = true;
        VarHandle.fullFence(); // the driver makes room, then looks at stalled: one of us sees the other
        if (ring.offer(frame)) {
            stalled = false;
            return true;
        }
        return false;
    }

    boolean isStalled() {
        return stalled;
    }

    /** Another reader begins. */
    void resume() {
        stalled = false;
    }

    /** Drains the ring as {@link io.sharedip.link.Link#poll} says, and resumes a stalled reader. Driver only. */
    int poll(FrameHandler handler, int limit, Runnable resume) {
        int count = ring.drain(handler, limit);
        if (count > 0) {
            VarHandle.fullFence(); // see offer
            if (stalled) {
                stalled = false;
                resume.run();
            }
        }
        return count;
    }
}
