package io.sharedip.netty;

import io.netty.channel.EventLoopGroup;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A link to a virtual machine whose monitor speaks QEMU's stream: each Ethernet frame behind its length as a 4-octet
 * big-endian number, over TCP or a unix socket. Either the link listens and the monitor connects:
 *
 * <pre>{@code
 * qemu-system-x86_64 ... -netdev stream,id=n0,addr.type=unix,addr.path=/run/vm1.sock,reconnect=1 -device virtio-net,netdev=n0
 * }</pre>
 *
 * <p>or the monitor listens ({@code server=on}) and the link {@linkplain #connect(String) connects}, again and again until somebody
 * answers: after 50 ms, then after twice as long each time, up to two seconds.
 *
 * <p>{@code -netdev socket,connect=HOST:PORT} or {@code listen=HOST:PORT} of older versions, passt's clients, libkrun's {@code unixstream} and
 * {@code socket_vmnet} speak the same.
 *
 * <p>{@link #listen(String)} makes a link with an address of its own, for one guest. Several guests behind one address are a
 * {@link QemuStreamListener}.
 *
 * <p><b>Lifetime.</b> {@link #open} listens or begins to connect, {@link #close} ends the connection, stops listening and removes the unix
 * socket's file. In between, monitors come and go:
 *
 * <ul>
 *   <li>Until the first has connected the link is open without a peer: {@link #send} returns false, and since a fresh link
 *       counts as up the gateway is told nothing, neither then nor when the first one connects. Only a link that connects says
 *       {@linkplain LinkHost#down down} when its first attempt has failed.
 *   <li>When a connection ends the gateway is told {@linkplain LinkHost#down down}, and when the next one comes,
 *       {@linkplain LinkHost#up up}. The guest's bindings, forwards and flows stay. What had not been written to the old
 *       connection is dropped.
 *   <li>A second connection while one is up is closed, with a {@linkplain LinkHost#notice notice}; the first goes on.
 *   <li>A length below 14 or above 69,632 closes the connection, with a notice.
 * </ul>
 *
 * <p>Whoever can connect is the guest: TCP has no protection but the address that is listened on. A unix socket is made with
 * mode 0600; a monitor that runs as another user needs the file's owner or mode changed once the link is open.
 *
 * <p><b>Room.</b> What arrives waits in a bounded ring; when it is full the monitor is not read from until the
 * driver has caught up, so nothing is lost. What is sent waits in a second ring of the same size; when that is full because
 * the guest does not read, {@link #isWritable} and {@link #send} return false.
 *
 * <p><b>Threads.</b> {@link #poll}, {@link #send} and {@link #flush} belong to the gateway's driver thread, as {@link Link}
 * says; all other methods may be called from anywhere. The socket is served by one event loop: a daemon thread of the link's
 * own named {@code sharedip-qemu}, or one of the group given by the embedder. If the engine is driven by that same event loop,
 * frames go straight to it without a ring between.
 *
 * <p>A link sends frames of 14 to 69,632 octets, unpadded; others are refused.
 */
public final class QemuStreamLink implements Link {

    private enum State {
        NEW,
        OPEN,
        CLOSED
    }

    /** What an opened link works with. */
    record Rings(Arrivals arrived, SendRing leaving) {}

    private final StreamSource source;
    private final @Nullable MacAddress guest;
    private final String name;
    private final LinkOptions options;

    private final Runnable resume = this::resumeReading;
    private final AtomicReference<State> state = new AtomicReference<>(State.NEW);
    private volatile @Nullable Rings rings;
    private volatile @Nullable LinkHost host;
    private volatile @Nullable StreamConnection connection;

    // event loop only
    private @Nullable StreamConnection contender;
    private boolean toldDown;

    private QemuStreamLink(StreamSource source, @Nullable MacAddress guest, LinkOptions options) {
        this.source = source;
        this.guest = guest;
        this.name = "qemu-stream:" + source.text() + (guest == null ? "" : "#" + guest);
        this.options = options;
    }

    /**
     * Makes a link that listens for one guest, on a thread of its own. Nothing is opened yet.
     *
     * @param address {@code "unix:PATH"}, where the path has at most 106 octets, or {@code "tcp:HOST:PORT"}, where the host is
     *     a name or an address of this machine (IPv6 in brackets) and port 0 lets the system choose
     * @return a new link
     * @throws ConfigurationException if it cannot be an address; a {@link SyntaxException} says where
     */
    public static QemuStreamLink listen(String address) {
        return of(new StreamServer(StreamAddress.toListen(address), null), null);
    }

    /**
     * Makes a link that listens for one guest, on an event loop of the embedder's. Nothing is opened yet.
     *
     * @param address as for {@link #listen(String)}
     * @param group one for NIO, epoll or io_uring; it stays the embedder's and must outlive the link. If {@link #open} is called on one
     *     of its threads, that one serves the link
     * @return a new link
     * @throws ConfigurationException if it cannot be an address, or the group is not one of those
     */
    public static QemuStreamLink listen(String address, EventLoopGroup group) {
        return of(new StreamServer(StreamAddress.toListen(address), Objects.requireNonNull(group, "group")), null);
    }

    /**
     * Makes a link that connects to a monitor which listens, on a thread of its own. Nothing is opened yet.
     *
     * @param address {@code "unix:PATH"} or {@code "tcp:HOST:PORT"}; the host is looked up when the link is opened
     * @return a new link
     * @throws ConfigurationException if it cannot be an address; a {@link SyntaxException} says where
     */
    public static QemuStreamLink connect(String address) {
        return of(new StreamConnector(StreamAddress.toConnect(address), null), null);
    }

    /**
     * Makes a link that connects to a monitor which listens, on an event loop of the embedder's. Nothing is opened yet.
     *
     * @param address as for {@link #connect(String)}
     * @param group as for {@link #listen(String, EventLoopGroup)}
     * @return a new link
     * @throws ConfigurationException if it cannot be an address, or the group is not one of those
     */
    public static QemuStreamLink connect(String address, EventLoopGroup group) {
        return of(new StreamConnector(StreamAddress.toConnect(address), Objects.requireNonNull(group, "group")), null);
    }

    /**
     * Makes a link from its text form, on a thread of its own. Nothing is opened yet.
     *
     * @param text {@code "unix:PATH"} or {@code "tcp:HOST:PORT"} to listen, and the same after {@code "connect "} to connect
     * @return a new link
     * @throws ConfigurationException if it is no such text; a {@link SyntaxException} says where
     */
    public static QemuStreamLink parse(String text) {
        return of(source(text, null), null);
    }

    /**
     * Makes a link from its text form, on an event loop of the embedder's. Nothing is opened yet.
     *
     * @param text as for {@link #parse(String)}
     * @param group as for {@link #listen(String, EventLoopGroup)}
     * @return a new link
     * @throws ConfigurationException if it is no such text, or the group is not one of those
     */
    public static QemuStreamLink parse(String text, EventLoopGroup group) {
        return of(source(text, Objects.requireNonNull(group, "group")), null);
    }

    private static StreamSource source(String text, @Nullable EventLoopGroup group) {
        StreamAddress address = StreamAddress.parse(text);
        return address.connects() ? new StreamConnector(address, group) : new StreamServer(address, group);
    }

    static QemuStreamLink of(StreamSource source, @Nullable MacAddress guest) {
        return new QemuStreamLink(source, guest, LinkOptions.DEFAULT);
    }

    /**
     * A link like this one with another MTU, 1500 unless said; to be called before the link is used.
     *
     * @param mtu of the guest's card, 68 to 65520 octets
     * @return a new link
     * @throws ConfigurationException if out of range
     */
    public QemuStreamLink withMtu(int mtu) {
        return new QemuStreamLink(source, guest, options.withMtu(name, 65520, mtu));
    }

    /**
     * A link like this one with other room in each direction, 512 KiB unless said; to be called before the link is used.
     *
     * @param octets 262,144 to 2<sup>30</sup>; rounded up to a power of two
     * @return a new link
     * @throws ConfigurationException if out of range
     */
    public QemuStreamLink withQueue(int octets) {
        return new QemuStreamLink(source, guest, options.withQueue(name, octets));
    }

    /**
     * A link like this one that marks the frames that arrive; to be called before the link is used.
     *
     * @param checksums {@link ChecksumState#COMPLETE}, which is the default and right for QEMU, or
     *     {@link ChecksumState#RECOMPUTE} for a monitor that leaves checksums to its peer, as libkrun does
     * @return a new link
     */
    public QemuStreamLink withChecksums(ChecksumState checksums) {
        return new QemuStreamLink(source, guest, options.withChecksums(checksums));
    }

    /**
     * The name: {@code "qemu-stream:"} and the address as it was written, then, for a link of a {@link QemuStreamListener},
     * {@code "#"} and the guest's MAC address.
     */
    @Override
    public String name() {
        return name;
    }

    @Override
    public int mtu() {
        return options.mtu();
    }

    /** Empty: the stream ends at no card. */
    @Override
    public Optional<MacAddress> macAddress() {
        return Optional.empty();
    }

    /**
     * Where connections are accepted.
     *
     * @return the address with the port that the system chose, if it was to choose one; empty unless the link is open
     */
    public Optional<SocketAddress> localAddress() {
        return state.get() == State.OPEN ? Optional.ofNullable(source.localAddress()) : Optional.empty();
    }

    /**
     * Whether a monitor is connected.
     *
     * @return a snapshot; another thread may find it otherwise at once
     */
    public boolean isConnected() {
        return connection != null;
    }

    /**
     * Listens. It is not waited for a connection.
     *
     * @throws LinkException if the address is in use, does not exist here, or this process may not use it
     * @throws ConfigurationException if another open link of the same listener has the same MAC address
     * @throws IllegalStateException if the link was opened before
     */
    @Override
    public void open(LinkHost host) {
        Objects.requireNonNull(host, "host");
        if (!state.compareAndSet(State.NEW, State.OPEN)) {
            throw new IllegalStateException(name + ": was opened before");
        }
        this.rings = new Rings(new Arrivals(options.queue()), new SendRing(options.queue()));
        this.host = host;
        boolean opened = false;
        try {
            source.open(this);
            opened = true;
        } finally {
            if (!opened) {
                state.set(State.CLOSED);
                this.host = null;
                this.rings = null;
            }
        }
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        Rings now = rings;
        if (now == null) {
            return 0;
        }
        return now.arrived.poll(handler, limit, resume);
    }

    private void resumeReading() {
        StreamConnection from = connection;
        if (from != null) {
            from.resumeSoon();
        }
    }

    /**
     * Keeps a copy of the frame for {@link #flush}.
     *
     * @return false if nobody is connected, the guest does not read and the queue is full, or the frame's length is not in 14
     *     to 69,632
     */
    @Override
    public boolean send(Frame frame) {
        Rings now = rings;
        int length = frame.length();
        return now != null
                && connection != null
                && length >= StreamConnection.SHORTEST
                && length <= StreamConnection.LONGEST
                && now.leaving.offer(frame);
    }

    @Override
    public void flush() {
        Rings now = rings;
        if (now != null && now.leaving.publish()) {
            StreamConnection to = connection;
            if (to != null) {
                to.kick();
            }
        }
    }

    /** Whether there is room for a frame of the MTU, or nobody is connected. */
    @Override
    public boolean isWritable() {
        Rings now = rings;
        return now == null || connection == null || now.leaving.hasRoom(options.frame());
    }

    @Override
    public void close() {
        State before = state.getAndSet(State.CLOSED);
        if (before == State.NEW && guest != null) {
            source.forget(guest);
        }
        if (before == State.OPEN) {
            source.close(this);
            host = null;
            connection = null;
            rings = null;
        }
    }

    /** The name. */
    @Override
    public String toString() {
        return name;
    }

    @Nullable
    MacAddress guest() {
        return guest;
    }

    ChecksumState checksums() {
        return options.checksums();
    }

    @Nullable
    LinkHost host() {
        return host;
    }

    @Nullable
    StreamConnection connection() {
        return connection;
    }

    @Nullable
    StreamConnection contender() {
        return contender;
    }

    void contender(@Nullable StreamConnection contender) {
        this.contender = contender;
    }

    Rings rings() {
        return Objects.requireNonNull(rings, "closed");
    }

    boolean isOpen() {
        return rings != null;
    }

    /** A connection is this link's from now on. Event loop only. */
    void attached(StreamConnection made) {
        Rings now = rings;
        LinkHost gateway = host;
        if (now != null) {
            now.arrived.resume();
            if (now.leaving.discard() && gateway != null) {
                gateway.wakeup();
            }
        }
        connection = made;
        if (toldDown && gateway != null) {
            toldDown = false;
            gateway.up();
        }
    }

    /** The link's connection has ended. Event loop only. */
    void detached(String reason) {
        connection = null;
        Rings now = rings;
        LinkHost gateway = host;
        if (gateway != null) {
            toldDown = true;
            gateway.down(reason);
            if (now != null && now.leaving.discard()) {
                gateway.wakeup();
            }
        }
    }

    /** A connection could not be made. Event loop only. */
    void unreachable(String reason) {
        LinkHost gateway = host;
        if (gateway != null && !toldDown) {
            toldDown = true;
            gateway.down(reason);
        }
    }

    /** Forgets the link's connections, so that their end is no news. Event loop only. */
    List<StreamConnection> forgetConnections() {
        List<StreamConnection> forgotten = new ArrayList<>(2);
        if (connection != null) {
            forgotten.add(connection);
        }
        if (contender != null) {
            forgotten.add(contender);
        }
        connection = null;
        contender = null;
        return forgotten;
    }
}
