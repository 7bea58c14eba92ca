package io.sharedip.testing;

import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.Random;

/**
 * A link in front of another one that loses, doubles, swaps and breaks what comes from it, by chance but repeatably. Threads and
 * lifetime are the other link's.
 */
public final class FaultInjector implements Link {

    private final Link link;
    private final Random random;
    private final Deque<byte[]> pending = new ArrayDeque<>();
    private double lose;
    private double duplicate;
    private double swap;
    private double corrupt;

    /**
     * Makes an injector that does no harm yet.
     *
     * @param link behind it
     * @param seed of the chances
     */
    public FaultInjector(Link link, long seed) {
        this.link = link;
        this.random = new Random(seed);
    }

    /**
     * Sets the chances of each frame that comes in.
     *
     * @param losing 0 to 1
     * @param duplicating 0 to 1
     * @param swapping with the frame before, 0 to 1
     * @param corrupting one bit, 0 to 1
     * @return this
     */
    public FaultInjector chances(double losing, double duplicating, double swapping, double corrupting) {
        lose = losing;
        duplicate = duplicating;
        swap = swapping;
        corrupt = corrupting;
        return this;
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        link.poll(
                (frames, count) -> {
                    for (int i = 0; i < count; i++) {
                        admit(frames[i].toByteArray());
                    }
                },
                limit);
        int count = Math.min(limit, pending.size());
        if (count == 0) {
            return 0;
        }
        Frame[] batch = new Frame[count];
        for (int i = 0; i < count; i++) {
            batch[i] = Frame.of(pending.remove());
        }
        handler.onFrames(batch, count);
        return count;
    }

    private void admit(byte[] octets) {
        if (random.nextDouble() < lose) {
            return;
        }
        if (random.nextDouble() < corrupt && octets.length > 0) {
            octets[random.nextInt(octets.length)] ^= (byte) (1 << random.nextInt(8));
        }
        if (random.nextDouble() < swap && !pending.isEmpty()) {
            byte[] last = pending.removeLast();
            pending.add(octets);
            pending.add(last);
        } else {
            pending.add(octets);
        }
        if (random.nextDouble() < duplicate) {
            pending.add(octets.clone());
        }
    }

    @Override
    public String name() {
        return link.name();
    }

    @Override
    public int mtu() {
        return link.mtu();
    }

    @Override
    public Optional<MacAddress> macAddress() {
        return link.macAddress();
    }

    @Override
    public void open(LinkHost host) {
        link.open(host);
    }

    @Override
    public boolean send(Frame frame) {
        return link.send(frame);
    }

    @Override
    public void flush() {
        link.flush();
    }

    @Override
    public void close() {
        link.close();
    }
}
