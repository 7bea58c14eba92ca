package io.sharedip.netty;

import io.netty.channel.EventLoopGroup;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.netty.internal.transport.Transport;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A link to a virtual machine whose monitor puts each Ethernet frame into a datagram of its own, over UDP or a unix socket.
 *
 * <p>Over UDP: QEMU's {@code -netdev dgram} with {@code inet} addresses and {@code -netdev socket,udp=}, VirtualBox's {@code UDPTunnel}:
 *
 * <pre>{@code
 * DatagramLink.udp("127.0.0.1:5001->127.0.0.1:5002")
 *
 * qemu-system-x86_64 ... -netdev dgram,id=n0,local.type=inet,local.host=127.0.0.1,local.port=5002,\
 *     remote.type=inet,remote.host=127.0.0.1,remote.port=5001 -device virtio-net,netdev=n0
 * VBoxManage modifyvm vm1 --nic1 generic --nicgenericdrv1 UDPTunnel \
 *     --nicproperty1 sport=5002 --nicproperty1 dest=127.0.0.1 --nicproperty1 dport=5001
 * }</pre>
 *
 * <p>Over unix sockets, each side bound to a path of its own: QEMU's {@code -netdev dgram} with {@code unix} addresses, and vfkit's and
 * libkrun's {@code unixgram}, with their {@code VFKT} hello or without. They need Netty's native transport for Linux.
 *
 * <pre>{@code
 * DatagramLink.unix("/run/gateway1.sock->/run/vm1.sock")
 *
 * qemu-system-x86_64 ... -netdev dgram,id=n0,local.type=unix,local.path=/run/vm1.sock,\
 *     remote.type=unix,remote.path=/run/gateway1.sock -device virtio-net,netdev=n0
 * }</pre>
 *
 * <p><b>The peer.</b> Where none is named it is whoever sends the first frame, or hello; over UDP only if it is on this machine, unless
 * the address says {@code ->any}. What others send is dropped, with a {@linkplain LinkHost#notice notice} now and then. UDP has no
 * protection but that: whoever can send from the peer's address is the guest. A unix socket is made with mode 0600, and a peer that was
 * learned gives way to another once its own socket is gone.
 *
 * <p><b>Lifetime.</b> {@link #open} binds, {@link #close} closes and removes the unix socket's file. Datagrams know no connection: over
 * UDP the link is always up. Over a unix socket it is {@linkplain LinkHost#down down} once a frame could not be sent because nobody
 * receives at the peer's path, and {@linkplain LinkHost#up up} when somebody does again, or sends.
 *
 * <p><b>Room.</b> What arrives waits in a bounded ring; when it is full the socket is not read until the driver has caught up. A monitor
 * on a unix socket is held up then; over UDP the system drops what does not fit into its own buffer. What is sent waits in a second ring
 * of the same size; when that is full, {@link #isWritable} and {@link #send} return false.
 *
 * <p><b>Threads.</b> As for {@link QemuStreamLink}.
 *
 * <p>A link sends frames of 14 to 69,632 octets, over UDP to 65,507, unpadded; others are refused, and too long ones noticed. An empty
 * datagram, which would stop QEMU, is never sent.
 */
public final class DatagramLink implements Link {

    private static final String THREAD = "sharedip-datagrams";

    private enum State {
        NEW,
        OPEN,
        CLOSED
    }

    private final DatagramAddress address;
    private final @Nullable EventLoopGroup group;
    private final String name;
    private final int longest;
    private final LinkOptions options;

    private final RareNotice tooLong = new RareNotice();
    private final Runnable resume = this::resumeReading;
    private final AtomicReference<State> state = new AtomicReference<>(State.NEW);
    private volatile @Nullable LinkHost host;
    private volatile @Nullable DatagramEnd end;

    private DatagramLink(DatagramAddress address, @Nullable EventLoopGroup group, LinkOptions options) {
        this.address = address;
        this.group = group;
        boolean udp = address instanceof DatagramAddress.Udp;
        this.name = (udp ? DatagramAddress.Udp.SETTING : DatagramAddress.Unix.SETTING) + ":" + address.text();
        this.longest = udp ? UdpEnd.LONGEST : LinkOptions.LONGEST_FRAME;
        this.options = options;
    }

    /**
     * Makes a link over UDP, on a thread of its own. Nothing is opened yet.
     *
     * @param address {@code "HOST:PORT"} to receive on, and {@code "->HOST:PORT"} of the monitor behind it if it is not to be learned, or
     *     {@code "->any"} if it is to be learned even from another machine; IPv6 addresses in brackets. Hosts are looked up when the link
     *     is opened; local port 0 lets the system choose
     * @return a new link
     * @throws ConfigurationException if it cannot be an address; a {@link SyntaxException} says where
     */
    public static DatagramLink udp(String address) {
        return new DatagramLink(DatagramAddress.Udp.parse(address), null, LinkOptions.DEFAULT);
    }

    /**
     * Makes a link over UDP, on an event loop of the embedder's. Nothing is opened yet.
     *
     * @param address as for {@link #udp(String)}
     * @param group as for {@link QemuStreamLink#listen(String, EventLoopGroup)}
     * @return a new link
     * @throws ConfigurationException if it cannot be an address, or the group is not for a known transport
     */
    public static DatagramLink udp(String address, EventLoopGroup group) {
        Objects.requireNonNull(group, "group");
        LinkLoop.transportOf(group);
        return new DatagramLink(DatagramAddress.Udp.parse(address), group, LinkOptions.DEFAULT);
    }

    /**
     * Makes a link over unix datagrams, on a thread of its own. Nothing is opened yet.
     *
     * @param address {@code "PATH"} to receive on, at most 106 octets, and {@code "->PATH"} of the monitor's own socket behind it if it
     *     is not to be learned
     * @return a new link
     * @throws ConfigurationException if it cannot be an address; a {@link SyntaxException} says where
     */
    public static DatagramLink unix(String address) {
        return new DatagramLink(DatagramAddress.Unix.parse(address), null, LinkOptions.DEFAULT);
    }

    /**
     * Makes a link over unix datagrams, on an event loop of the embedder's. Nothing is opened yet.
     *
     * @param address as for {@link #unix(String)}
     * @param group one for epoll; else as for {@link QemuStreamLink#listen(String, EventLoopGroup)}
     * @return a new link
     * @throws ConfigurationException if it cannot be an address, or the group's transport has no unix datagrams
     */
    public static DatagramLink unix(String address, EventLoopGroup group) {
        Transport transport = LinkLoop.transportOf(Objects.requireNonNull(group, "group"));
        if (!transport.hasUnixDatagrams()) {
            throw new ConfigurationException(
                    "event loop group",
                    transport.name(),
                    "has no unix datagrams",
                    "make a MultiThreadIoEventLoopGroup with EpollIoHandler, or give none");
        }
        return new DatagramLink(DatagramAddress.Unix.parse(address), group, LinkOptions.DEFAULT);
    }

    /**
     * A link like this one with another MTU, 1500 unless said; to be called before the link is used.
     *
     * @param mtu of the guest's card, 68 to 65520 octets, over UDP to 65489
     * @return a new link
     * @throws ConfigurationException if out of range
     */
    public DatagramLink withMtu(int mtu) {
        return new DatagramLink(address, group, options.withMtu(name, Math.min(65520, longest - 18), mtu));
    }

    /**
     * A link like this one with other room in each direction, 512 KiB unless said; to be called before the link is used.
     *
     * @param octets 262,144 to 2<sup>30</sup>; rounded up to a power of two
     * @return a new link
     * @throws ConfigurationException if out of range
     */
    public DatagramLink withQueue(int octets) {
        return new DatagramLink(address, group, options.withQueue(name, octets));
    }

    /**
     * A link like this one that marks the frames that arrive; to be called before the link is used.
     *
     * @param checksums as for {@link QemuStreamLink#withChecksums}
     * @return a new link
     */
    public DatagramLink withChecksums(ChecksumState checksums) {
        return new DatagramLink(address, group, options.withChecksums(checksums));
    }

    /** The name: {@code "udp:"} or {@code "unix-datagram:"} and the address as it was written. */
    @Override
    public String name() {
        return name;
    }

    @Override
    public int mtu() {
        return options.mtu();
    }

    /** Empty: the datagrams end at no card. */
    @Override
    public Optional<MacAddress> macAddress() {
        return Optional.empty();
    }

    /**
     * Where datagrams arrive.
     *
     * @return the address with the port that the system chose, if it was to choose one; empty unless the link is open
     */
    public Optional<SocketAddress> localAddress() {
        DatagramEnd now = end;
        return now == null ? Optional.empty() : Optional.of(now.localAddress());
    }

    /**
     * Whom frames are sent to.
     *
     * @return the monitor's address, named or learned; empty unless the link is open, and before it has been learned
     */
    public Optional<SocketAddress> peer() {
        DatagramEnd now = end;
        if (now instanceof UdpEnd udp) {
            return Optional.ofNullable(udp.remote());
        }
        Path path = now instanceof UnixDatagramEnd unix ? unix.remote() : null;
        return Optional.ofNullable(path).map(UnixDomainSocketAddress::of);
    }

    /**
     * Binds.
     *
     * @throws LinkException if the address is in use, does not exist here, or this process may not use it; for unix datagrams also if
     *     Netty's native transport is missing
     * @throws IllegalStateException if the link was opened before
     */
    @Override
    public void open(LinkHost host) {
        Objects.requireNonNull(host, "host");
        if (!state.compareAndSet(State.NEW, State.OPEN)) {
            throw new IllegalStateException(name + ": was opened before");
        }
        this.host = host;
        LinkLoop loop = null;
        try {
            loop = group != null ? LinkLoop.of(group) : LinkLoop.ofItsOwn(transport(), THREAD);
            end = address instanceof DatagramAddress.Udp udp
                    ? UdpEnd.open(this, loop, options.queue(), udp)
                    : UnixDatagramEnd.open(this, loop, options.queue(), (DatagramAddress.Unix) address);
        } finally {
            if (end == null) {
                state.set(State.CLOSED);
                this.host = null;
                if (loop != null) {
                    loop.end();
                }
            }
        }
    }

    private Transport transport() {
        if (address instanceof DatagramAddress.Udp) {
            return Transport.nio();
        }
        Transport epoll = Transport.epoll();
        if (epoll == null) {
            throw new LinkException(
                    name,
                    "unix datagrams need Netty's native transport for Linux, which is not there",
                    "add netty-transport-native-epoll with this machine's classifier to the class path, or let the monitor use"
                            + " qemu-stream",
                    null);
        }
        return epoll;
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        DatagramEnd now = end;
        return now == null ? 0 : now.arrived.poll(handler, limit, resume);
    }

    private void resumeReading() {
        DatagramEnd now = end;
        if (now != null) {
            now.resumeSoon();
        }
    }

    /**
     * Keeps a copy of the frame for {@link #flush}.
     *
     * @return false if the peer is not known, the queue is full, or the frame's length is not in 14 to 69,632, over UDP to 65,507
     */
    @Override
    public boolean send(Frame frame) {
        DatagramEnd now = end;
        int length = frame.length();
        if (now == null || !now.hasPeer() || length < LinkOptions.SHORTEST_FRAME) {
            return false;
        }
        if (length > longest) {
            tooLong.tell(host, "a frame of " + length + " octets was not sent, for a datagram carries " + longest);
            return false;
        }
        return now.leaving.offer(frame);
    }

    @Override
    public void flush() {
        DatagramEnd now = end;
        if (now != null && now.leaving.publish()) {
            now.kick();
        }
    }

    /** Whether there is room for a frame of the MTU, or the peer is not known. */
    @Override
    public boolean isWritable() {
        DatagramEnd now = end;
        return now == null || !now.hasPeer() || now.leaving.hasRoom(options.frame());
    }

    @Override
    public void close() {
        if (state.getAndSet(State.CLOSED) == State.OPEN) {
            DatagramEnd last = end;
            host = null;
            end = null;
            if (last != null) {
                last.close();
            }
        }
    }

    /** The name. */
    @Override
    public String toString() {
        return name;
    }

    ChecksumState checksums() {
        return options.checksums();
    }

    @Nullable
    LinkHost host() {
        return host;
    }

    /** Nobody receives any more. Event loop only. */
    void lost(String reason) {
        LinkHost gateway = host;
        if (gateway != null) {
            gateway.down(reason);
        }
    }

    /** Somebody receives again. Event loop only. */
    void back() {
        LinkHost gateway = host;
        if (gateway != null) {
            gateway.up();
        }
    }
}
