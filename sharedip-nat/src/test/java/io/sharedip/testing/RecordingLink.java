package io.sharedip.testing;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A link that remembers what is done to it, brings frames with any offload state, and fails on demand. Thread-safe, so that a test may
 * look at it while a gateway drives it.
 */
public final class RecordingLink implements Link {

    private final String name;
    private final @Nullable MacAddress macAddress;
    private final Queue<Frame> incoming = new ConcurrentLinkedQueue<>();
    private final Queue<Frame> sent = new ConcurrentLinkedQueue<>();
    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger closed = new AtomicInteger();
    private final AtomicInteger flushed = new AtomicInteger();
    private final CountDownLatch released = new CountDownLatch(1);
    private volatile @Nullable LinkHost host;
    private volatile @Nullable RuntimeException failOpen;
    private volatile @Nullable RuntimeException failPoll;
    private volatile boolean hangOnClose;
    private volatile boolean takes = true;
    private volatile boolean takesSuperFrames;
    private volatile int mtu = 1500;

    /** Makes a link. @param name of the link @param macAddress as text, or null */
    public RecordingLink(String name, @Nullable String macAddress) {
        this.name = name;
        this.macAddress = macAddress == null ? null : MacAddress.parse(macAddress);
    }

    /** Lets {@link #open} fail. @param failure thrown @return this */
    public RecordingLink failingToOpen(RuntimeException failure) {
        failOpen = failure;
        return this;
    }

    /** Lets {@link #poll} fail from now on. @param failure thrown, null for none @return this */
    public RecordingLink failingToPoll(@Nullable RuntimeException failure) {
        failPoll = failure;
        return this;
    }

    /** Lets {@link #close} hang until {@link #release}. @return this */
    public RecordingLink hangingOnClose() {
        hangOnClose = true;
        return this;
    }

    /** Ends a hanging {@link #close}. */
    public void release() {
        released.countDown();
    }

    /** Sets whether frames are taken. @param on whether they are @return this */
    public RecordingLink taking(boolean on) {
        takes = on;
        return this;
    }

    /** Lets the link take super-frames. @return this */
    public RecordingLink takingSuperFrames() {
        takesSuperFrames = true;
        return this;
    }

    /** Sets the MTU, before the link is used. @param octets of an IP packet @return this */
    public RecordingLink withMtu(int octets) {
        mtu = octets;
        return this;
    }

    /** Brings a frame at the next poll. @param frame with its offload state @return this */
    public RecordingLink bring(Frame frame) {
        incoming.add(frame);
        return this;
    }

    /** Takes the frames that were sent here. @return copies, with their offload states */
    public List<Frame> take() {
        List<Frame> taken = new ArrayList<>();
        for (Frame frame = sent.poll(); frame != null; frame = sent.poll()) {
            taken.add(frame);
        }
        return taken;
    }

    /** The gateway's side. @return what {@link #open} was given */
    public LinkHost host() {
        LinkHost side = host;
        if (side == null) {
            throw new IllegalStateException("link " + name + " is not open");
        }
        return side;
    }

    /** How often the link was opened. @return 0 or more */
    public int opened() {
        return opened.get();
    }

    /** How often the link was closed. @return 0 or more */
    public int closed() {
        return closed.get();
    }

    /** How often the link was flushed. @return 0 or more */
    public int flushed() {
        return flushed.get();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public Optional<MacAddress> macAddress() {
        return Optional.ofNullable(macAddress);
    }

    @Override
    public void open(LinkHost gateway) {
        RuntimeException failure = failOpen;
        if (failure != null) {
            throw failure;
        }
        host = gateway;
        opened.incrementAndGet();
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        RuntimeException failure = failPoll;
        if (failure != null) {
            throw failure;
        }
        List<Frame> batch = new ArrayList<>();
        while (batch.size() < limit && !incoming.isEmpty()) {
            batch.add(incoming.remove());
        }
        if (!batch.isEmpty()) {
            handler.onFrames(batch.toArray(new Frame[0]), batch.size());
        }
        return batch.size();
    }

    @Override
    public boolean send(Frame frame) {
        return takes && sent.add(Frame.copyOf(frame));
    }

    @Override
    public void flush() {
        flushed.incrementAndGet();
    }

    @Override
    public boolean acceptsSuperFrames() {
        return takesSuperFrames;
    }

    @Override
    public void close() {
        closed.incrementAndGet();
        if (hangOnClose) {
            try {
                released.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
