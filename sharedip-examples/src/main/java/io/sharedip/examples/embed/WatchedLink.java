package io.sharedip.examples.embed;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.util.Optional;

/**
 * A link with an eye on it: every frame passes a watcher, which may print it, change it, or swallow it. It stands in front of any other
 * link, so the gateway sees what the watcher has left.
 */
final class WatchedLink implements Link {

    /** Sees frames, on the gateway's thread: it must not wait. */
    @FunctionalInterface
    interface Watcher {

        /**
         * A frame on its way.
         *
         * @param fromGuest whether the guest has sent it
         * @param frame borrowed, may be changed; who changes what a checksum covers sets
         *     {@link io.sharedip.packet.ChecksumState#RECOMPUTE} on a frame from the guest, and mends the checksum of one to the guest
         * @return whether it goes on
         */
        boolean onFrame(boolean fromGuest, Frame frame);
    }

    private final Link behind;
    private final Watcher watcher;

    WatchedLink(Link behind, Watcher watcher) {
        this.behind = behind;
        this.watcher = watcher;
    }

    /** Arrivals: the watcher first, then the gateway. */
    private int watch(Frame[] frames, int count) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            Frame frame = frames[i];
            if (watcher.onFrame(true, frame)) {
                // Frames are borrowed together with their array: those that go on move up, the others stay in it.
                frames[i] = frames[kept];
                frames[kept++] = frame;
            }
        }
        return kept;
    }

    /** Departures: the frame is the gateway's, so the watcher gets a copy. */
    @Override
    public boolean send(Frame frame) {
        Frame copy = Frame.copyOf(frame);
        return !watcher.onFrame(false, copy) || behind.send(copy);
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        return behind.poll(
                (frames, count) -> {
                    int kept = watch(frames, count);
                    if (kept > 0) {
                        handler.onFrames(frames, kept);
                    }
                },
                limit);
    }

    @Override
    public void open(LinkHost host) {
        // Some links hand frames over by themselves instead of being polled, so the gateway's side is wrapped too.
        behind.open(new LinkHost() {
            @Override
            public void deliver(Frame[] frames, int count) {
                int kept = watch(frames, count);
                if (kept > 0) {
                    host.deliver(frames, kept);
                }
            }

            @Override
            public void wakeup() {
                host.wakeup();
            }

            @Override
            public boolean onDriverThread() {
                return host.onDriverThread();
            }

            @Override
            public void up() {
                host.up();
            }

            @Override
            public void down(String reason) {
                host.down(reason);
            }

            @Override
            public void notice(String message) {
                host.notice(message);
            }
        });
    }

    @Override
    public String name() {
        return behind.name();
    }

    @Override
    public int mtu() {
        return behind.mtu();
    }

    @Override
    public Optional<MacAddress> macAddress() {
        return behind.macAddress();
    }

    @Override
    public void flush() {
        behind.flush();
    }

    @Override
    public boolean isWritable() {
        return behind.isWritable();
    }

    @Override
    public boolean acceptsSuperFrames() {
        return behind.acceptsSuperFrames();
    }

    @Override
    public void close() {
        behind.close();
    }
}
