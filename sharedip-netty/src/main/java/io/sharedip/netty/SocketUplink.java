package io.sharedip.netty;

import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.sharedip.ConfigurationException;
import io.sharedip.PortClaimException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.netty.internal.linux.NativeSupport;
import io.sharedip.netty.internal.sockets.AddressWatch;
import io.sharedip.netty.internal.sockets.SocketCounts;
import io.sharedip.netty.internal.sockets.SocketSettings;
import io.sharedip.netty.internal.sockets.Sockets;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostEcho;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The uplink of ordinary sockets of the host, by Netty: needs no right and no native driver.
 *
 * <pre>{@code
 * SocketUplink uplink = SocketUplink.create();
 * NatGateway.builder()
 *         .uplink(uplink)
 *         .guest(Guest.of("web", "52:54:00:00:00:01", "192.0.2.10", QemuStreamLink.listen("unix:/run/web.sock", uplink.driver().group())))
 * }</pre>
 *
 * <p>Immutable until its driver is asked for: the {@code with} methods make new ones. After that it belongs to one gateway.
 *
 * <p><b>Transport.</b> Sockets run on one event loop, which also drives the gateway. It is {@link SocketTransport#AUTO} unless said;
 * {@link #toString()} and a notice at the start say which it became.
 *
 * <p><b>TCP.</b> A connection leaves from the guest's own port where the host can spare it. Small segments are sent at once
 * ({@code TCP_NODELAY}), dead peers are noticed by keep-alives at the host's intervals. How long an attempt to connect may take is the
 * host's setting.
 *
 * <p><b>UDP.</b> Datagrams of up to 65,507 octets both ways; the kernel fragments and discovers path MTUs as for any program. What routers
 * and peers say of a datagram is told if JNA ({@code net.java.dev.jna:jna}) is on the class path, on 64-bit Linux. Without it nothing is
 * told but what the host's own kernel refuses, and datagrams without payload are lost on their way out.
 *
 * <p><b>Echo</b> needs JNA too, and a system that allows ping sockets; {@link #echoUnavailable()} names what is missing and the cure. On a
 * loop of epoll, datagrams and echo are read within the loop; for the other transports one thread, {@code sharedip-poll}, waits for all of
 * them.
 *
 * <p>With {@link SocketTransport#IO_URING} a refusal by ICMP can be told as an unreachable host whatever it said.
 *
 * <p><b>The host's addresses</b> are looked at once a second. When one goes away, the connections that used it fail with
 * {@link io.sharedip.uplink.HostStream.Failure#ADDRESS_GONE}; what was still being connected is tried again, and UDP sockets go on, with
 * another address. While the addresses cannot be read, as when no descriptor is left, they are taken to be what they were, and a notice
 * says so.
 *
 * <p><b>Threads.</b> As {@link FlowUplink} says; what belongs to the driver's thread throws {@link IllegalStateException} on another.
 */
public final class SocketUplink implements FlowUplink {

    private static final int LEAST_BUFFER = 1 << 14;
    private static final int MOST_BUFFER = 1 << 26;
    private static final long CLOSE_MILLIS = 900;

    private final SocketTransport transport;
    private final @Nullable EventLoopGroup group;
    private final SocketSettings settings;

    private @Nullable EventLoopDriver driver;
    private volatile @Nullable Open open;
    /** Kept when the uplink is closed. */
    private volatile @Nullable SocketCounts counts;

    private volatile boolean closed;

    /** What there is while the uplink is open. */
    private record Open(FlowHost host, Sockets sockets, AddressWatch watch) {}

    private SocketUplink(SocketTransport transport, @Nullable EventLoopGroup group, SocketSettings settings) {
        this.transport = transport;
        this.group = group;
        this.settings = settings;
    }

    /**
     * Makes an uplink with an event loop and a thread of its own, and the defaults.
     *
     * @return a new uplink; nothing is opened yet
     */
    public static SocketUplink create() {
        return new SocketUplink(SocketTransport.AUTO, null, SocketSettings.DEFAULTS);
    }

    /**
     * An uplink like this one on another transport.
     *
     * @param transport of its own event loop
     * @return a new uplink
     */
    public SocketUplink withTransport(SocketTransport transport) {
        return new SocketUplink(Objects.requireNonNull(transport, "transport"), null, settings);
    }

    /**
     * An uplink like this one on an event loop of the embedder's, which decides the transport.
     *
     * @param group as for {@link EventLoopDriver#on}
     * @return a new uplink
     */
    public SocketUplink withEventLoop(EventLoopGroup group) {
        return new SocketUplink(SocketTransport.AUTO, Objects.requireNonNull(group, "group"), settings);
    }

    /**
     * An uplink like this one whose outgoing sockets are bound to one address of the host, where that has several.
     *
     * @param address of the host; the host chooses unless this is called
     * @return a new uplink
     */
    public SocketUplink withSource(Ipv4Address address) {
        return with(new SocketSettings(
                Objects.requireNonNull(address, "address"),
                settings.streamBuffer(),
                settings.datagramBuffer(),
                settings.backlog()));
    }

    /**
     * An uplink like this one with other room in each TCP connection for what its peer has not taken yet; the kernel keeps some more.
     *
     * @param octets 16,384 to 67,108,864; 262,144 unless said
     * @return a new uplink
     * @throws ConfigurationException if out of range
     */
    public SocketUplink withStreamBuffer(int octets) {
        return with(new SocketSettings(
                settings.source(), checked("stream buffer", octets), settings.datagramBuffer(), settings.backlog()));
    }

    /**
     * An uplink like this one that asks the kernel for other room in each UDP socket, in each direction. The kernel may grant less
     * ({@code net.core.rmem_max}).
     *
     * @param octets 16,384 to 67,108,864; 1,048,576 unless said
     * @return a new uplink
     * @throws ConfigurationException if out of range
     */
    public SocketUplink withDatagramBuffer(int octets) {
        return with(new SocketSettings(
                settings.source(), settings.streamBuffer(), checked("datagram buffer", octets), settings.backlog()));
    }

    private SocketUplink with(SocketSettings changed) {
        return new SocketUplink(transport, group, changed);
    }

    private static int checked(String setting, int octets) {
        if (octets < LEAST_BUFFER || octets > MOST_BUFFER) {
            throw new ConfigurationException(
                    setting,
                    Integer.toString(octets),
                    "is out of range",
                    "choose " + LEAST_BUFFER + " to " + MOST_BUFFER + " octets");
        }
        return octets;
    }

    /** {@code "sockets"}. */
    @Override
    public String kind() {
        return "sockets";
    }

    /**
     * {@inheritDoc}
     *
     * @throws ConfigurationException if the transport or the event loop cannot be had
     */
    @Override
    public synchronized EventLoopDriver driver() {
        EventLoopDriver made = driver;
        if (made == null) {
            made = group != null ? EventLoopDriver.on(group) : EventLoopDriver.ownLoop(transport);
            driver = made;
        }
        return made;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if it is not called on the driver's thread, or was called before
     * @throws io.sharedip.LinkException if the host's addresses, which guests are kept from, cannot be read
     */
    @Override
    public void open(FlowHost host) {
        Objects.requireNonNull(host, "host");
        EventLoopDriver on = driver();
        if (!on.loop().inEventLoop()) {
            throw new IllegalStateException("the gateway has another driver than its uplink's own; leave it out");
        }
        if (open != null || closed) {
            throw new IllegalStateException("was opened before");
        }
        AddressWatch watch = new AddressWatch(this::hostChanged, host::notice);
        Sockets sockets = new Sockets(on.loop(), on.channels(), settings, watch::isHost, host::wakeup);
        counts = sockets.counts();
        open = new Open(host, sockets, watch);
        watch.start();
        host.notice("what guests send leaves through sockets of the host (" + on.channels() + ")");
        echoUnavailable().ifPresent(why -> host.notice("pings of guests are refused: " + why));
    }

    private void hostChanged(List<Integer> gone, String description) {
        try {
            driver().loop().execute(() -> {
                Open now = open;
                if (now != null) {
                    gone.forEach(now.sockets::addressGone);
                    now.host.hostChanged(description);
                }
            });
        } catch (RejectedExecutionException e) {
            // the loop has ended, and with it the gateway
        }
    }

    private Open open() {
        Open now = open;
        if (now == null) {
            throw new IllegalStateException("the uplink is not open");
        }
        return now;
    }

    @Override
    public HostStream connect(int peer, int port, int localPort, HostStream.Handler handler) {
        return open().sockets.connect(peer, port, localPort, Objects.requireNonNull(handler, "handler"));
    }

    @Override
    public HostListener listen(Optional<Ipv4Address> address, int port, HostListener.Acceptor acceptor) {
        return open().sockets.listen(address.orElse(null), port, Objects.requireNonNull(acceptor, "acceptor"));
    }

    @Override
    public HostDatagrams bind(Optional<Ipv4Address> address, int port, HostDatagrams.Handler handler) {
        return open().sockets.bind(address.orElse(null), port, Objects.requireNonNull(handler, "handler"));
    }

    @Override
    public @Nullable HostDatagrams tryBind(int port, HostDatagrams.Handler handler) {
        try {
            return open().sockets.bind(settings.source(), port, Objects.requireNonNull(handler, "handler"));
        } catch (PortClaimException e) {
            return null;
        }
    }

    @Override
    public @Nullable HostEcho openEcho(HostEcho.Handler handler) {
        return open().sockets.openEcho(Objects.requireNonNull(handler, "handler"));
    }

    @Override
    public Optional<String> echoUnavailable() {
        return Optional.ofNullable(NativeSupport.echoUnavailable());
    }

    /**
     * {@inheritDoc}
     *
     * @throws io.sharedip.LinkException if the uplink is not open and they cannot be read
     */
    @Override
    public List<Integer> hostAddresses() {
        Open now = open;
        return now != null ? now.watch.addresses() : AddressWatch.addressesNow();
    }

    @Override
    public boolean isHostAddress(int address) {
        return open().watch.isHost(address);
    }

    /**
     * {@inheritDoc} These are {@code open}, the sockets that are open now; {@code unsent}, datagrams of guests that were taken, and so
     * count as forwarded, but which the kernel then refused, or whose socket was closed before; {@code overflowed}, datagrams and echo replies that found no room in a
     * socket's receive buffer, as far as the socket has told: it does when the next one comes, and only with JNA on 64-bit Linux.
     */
    @Override
    public Map<String, Long> counters() {
        SocketCounts of = counts;
        return of == null ? Map.of() : of.byName();
    }

    @Override
    public void flush() {
        Sockets sockets = open().sockets;
        sockets.confined();
        sockets.flush();
    }

    @Override
    public void close() {
        Open was = open;
        open = null;
        closed = true;
        if (was == null) {
            return;
        }
        was.watch.stop();
        EventLoopDriver on = driver();
        if (on.loop().inEventLoop()) {
            was.sockets.close();
            return;
        }
        try {
            Future<?> done = on.loop().submit(was.sockets::close);
            done.awaitUninterruptibly(CLOSE_MILLIS);
        } catch (RejectedExecutionException e) {
            // the loop has ended, and has closed its channels
        }
    }

    /** The kind, and once the driver is known its transport. */
    @Override
    public synchronized String toString() {
        EventLoopDriver made = driver;
        return made == null ? kind() : kind() + " (" + made.channels() + ")";
    }
}
