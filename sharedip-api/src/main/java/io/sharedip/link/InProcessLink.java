package io.sharedip.link;

import io.sharedip.address.MacAddress;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A link to something in the same process: an emulator, a simulator, a test. It has two ends. The gateway's end is the
 * {@link Link} interface; the other end is {@link #transmit} and {@link #receive}.
 *
 * <p>Both directions are bounded {@link FrameRing}s: a frame for which there is no room is refused and counted, nobody waits. Towards
 * the other end {@link #isWritable} says so beforehand, and {@link #receive} wakes the gateway when there is room again.
 *
 * <p>If the other end runs on the thread that drives the gateway, such as an emulator on the same event loop, what it transmits has been
 * through the engine when {@link #transmit} returns, unless the gateway itself is calling ({@link #onReceivable}).
 *
 * <p><b>Threads.</b> {@link #transmit} belongs to one thread of the other end and {@link #receive} to one thread of the other
 * end; they need not be the same. {@link #onReceivable} is called by the gateway's driver thread.
 */
public final class InProcessLink implements Link {

    private static final int DEFAULT_MTU = 1500;
    private static final int DEFAULT_CAPACITY = 1 << 20;
    private static final int ETHERNET_HEADER = 18; // with a VLAN tag

    private final String name;
    private final int mtu;
    private final @Nullable MacAddress macAddress;
    private final ChecksumState checksums;
    private final FrameRing toGateway;
    private final FrameRing fromGateway;
    private volatile @Nullable LinkHost host;
    private volatile Runnable receivable = () -> {};
    private volatile boolean roomWanted;
    private boolean unflushed;
    // of whoever transmits
    private final Frame transmitted = new Frame();

    private InProcessLink(
            String name, int mtu, @Nullable MacAddress macAddress, int capacity, ChecksumState checksums) {
        if (mtu < 68 || mtu > 65520) {
            throw new IllegalArgumentException("mtu: " + mtu + " is not in 68 to 65520");
        }
        this.name = Objects.requireNonNull(name, "name");
        this.mtu = mtu;
        this.macAddress = macAddress;
        this.checksums = Objects.requireNonNull(checksums, "checksums");
        this.toGateway = new FrameRing(capacity);
        this.fromGateway = new FrameRing(capacity);
    }

    /**
     * Makes a link with an MTU of 1500 and 1 MiB of room in each direction.
     *
     * @param name for messages, events and tables
     * @return a new link
     */
    public static InProcessLink named(String name) {
        return new InProcessLink(name, DEFAULT_MTU, null, DEFAULT_CAPACITY, ChecksumState.COMPLETE);
    }

    /**
     * A link like this one with another MTU; to be called before the link is used.
     *
     * @param mtu 68 to 65520 octets
     * @return a new link
     * @throws IllegalArgumentException if out of range
     */
    public InProcessLink withMtu(int mtu) {
        return new InProcessLink(name, mtu, macAddress, toGateway.capacity(), checksums);
    }

    /**
     * A link like this one with a MAC address of its own, as an uplink needs; to be called before the link is used.
     *
     * @param mac the address that frames bear which leave here on an uplink
     * @return a new link
     */
    public InProcessLink withMacAddress(MacAddress mac) {
        return new InProcessLink(name, mtu, Objects.requireNonNull(mac, "mac"), toGateway.capacity(), checksums);
    }

    /**
     * A link like this one with other room; to be called before the link is used.
     *
     * @param octets of room in each direction, 1024 to 2<sup>30</sup>
     * @return a new link
     * @throws IllegalArgumentException if out of range
     */
    public InProcessLink withCapacity(int octets) {
        return new InProcessLink(name, mtu, macAddress, octets, checksums);
    }

    /**
     * A link like this one that marks the frames that {@link #transmit} takes; to be called before the link is used.
     *
     * @param state {@link ChecksumState#COMPLETE} unless said, or {@link ChecksumState#RECOMPUTE} for an emulator that leaves checksums to
     *     its peer
     * @return a new link
     */
    public InProcessLink withChecksums(ChecksumState state) {
        return new InProcessLink(name, mtu, macAddress, toGateway.capacity(), state);
    }

    /**
     * Sends a frame into the gateway. One thread only.
     *
     * @param array that holds the frame, copied before this returns
     * @param offset of its first octet
     * @param length of the frame in octets
     * @return false if there was no room
     * @throws IndexOutOfBoundsException if the frame is not inside the array
     */
    public boolean transmit(byte[] array, int offset, int length) {
        boolean taken = toGateway.offer(transmitted.wrap(array, offset, length).checksumState(checksums));
        announce();
        return taken;
    }

    /**
     * Sends a batch of frames into the gateway, which costs less than each by itself. One thread only.
     *
     * @param frames whose first {@code count} elements are copied before this returns, with their own offload state
     * @param count 0 or more
     * @return how many were taken, from the first on; the others are left where they are
     */
    public int transmit(Frame[] frames, int count) {
        int taken = 0;
        while (taken < count && toGateway.offer(frames[taken])) {
            taken++;
        }
        announce();
        return taken;
    }

    /** Lets the gateway take what was put into its ring: now if this is its driver's thread, else by waking it. */
    private void announce() {
        LinkHost gateway = host;
        if (gateway == null) {
            return;
        }
        if (gateway.onDriverThread()) {
            toGateway.drain(gateway::deliver, Integer.MAX_VALUE);
        } else {
            gateway.wakeup();
        }
    }

    /**
     * Sends a frame into the gateway. One thread only.
     *
     * @param frame all of the array, copied before this returns
     * @return false if there was no room
     */
    public boolean transmit(byte[] frame) {
        return transmit(frame, 0, frame.length);
    }

    /**
     * Takes the frames that the gateway has sent here, without waiting. One thread only.
     *
     * @param handler takes them, borrowed as {@link FrameHandler} says
     * @param limit the most frames to take
     * @return how many were taken, 0 if none is there
     */
    public int receive(FrameHandler handler, int limit) {
        int count = fromGateway.drain(handler, limit);
        if (count > 0) {
            VarHandle.fullFence(); // see isWritable
            LinkHost gateway = host;
            if (roomWanted && gateway != null) {
                roomWanted = false;
                gateway.wakeup();
            }
        }
        return count;
    }

    /**
     * Takes one frame that the gateway has sent here, without waiting. One thread only.
     *
     * @return a copy of the frame, or {@code null} if none is there
     */
    public byte @Nullable [] receive() {
        byte[][] taken = new byte[1][];
        return receive((frames, count) -> taken[0] = frames[0].toByteArray(), 1) == 0 ? null : taken[0];
    }

    /**
     * Says what to run when frames have become ready for {@link #receive}: push instead of poll.
     *
     * @param action run by the gateway's driver thread at the end of a batch; must not block and must not throw
     */
    public void onReceivable(Runnable action) {
        receivable = Objects.requireNonNull(action, "action");
    }

    /**
     * How many frames were refused for want of room, both directions together.
     *
     * @return 0 or more, ever growing
     */
    public long refused() {
        return toGateway.refused() + fromGateway.refused();
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
    public void open(LinkHost host) {
        this.host = Objects.requireNonNull(host, "host");
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        return toGateway.drain(handler, limit);
    }

    @Override
    public boolean send(Frame frame) {
        boolean taken = fromGateway.offer(frame);
        unflushed |= taken;
        return taken;
    }

    @Override
    public void flush() {
        if (unflushed) {
            unflushed = false;
            receivable.run();
        }
    }

    /** Whether there is room for a frame of the MTU, or no frame waits at all. */
    @Override
    public boolean isWritable() {
        if (hasRoom()) {
            return true;
        }
        roomWanted = true;
        VarHandle.fullFence(); // the other end makes room, then looks at roomWanted: one of us sees the other
        return hasRoom();
    }

    private boolean hasRoom() {
        return fromGateway.hasRoom(ETHERNET_HEADER + mtu) || fromGateway.isEmpty();
    }

    @Override
    public void close() {
        host = null;
    }

    @Override
    public String toString() {
        return name;
    }
}
