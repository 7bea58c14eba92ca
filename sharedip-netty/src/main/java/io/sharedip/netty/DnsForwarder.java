package io.sharedip.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DnsSettings;
import io.sharedip.netty.internal.dns.Asking;
import io.sharedip.netty.internal.dns.GuestConnection;
import io.sharedip.netty.internal.dns.NameService;
import io.sharedip.service.GuestService;
import io.sharedip.uplink.HostStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The DNS server that guests ask (RFC 1035, RFC 6891, RFC 7766): it gives the answers that {@link DnsSettings} hold, says of blocked names
 * that they do not exist, and forwards everything else to servers through sockets of the host, keeping answers for as long as they say.
 *
 * <p>Questions and sockets live on an event loop of the forwarder's own, so that the driver's thread only copies messages. What guests
 * can make it keep is bounded: questions each second for each guest, 512 questions being asked, 64 clients waiting for the same one, 8 TCP
 * connections of a guest and 256 in all, the cache as set.
 *
 * <p>A forwarder belongs to one gateway, which opens it once and closes it once. {@link #stats()} and {@link #counters()} may be called by any thread.
 */
public final class DnsForwarder implements GuestService {

    /**
     * What has become of questions so far: each that was read is counted once more, as {@code own}, {@code blocked}, {@code cached},
     * {@code failures} or not at all, if a server's answer was passed on or is still awaited.
     *
     * @param questions that were read
     * @param own answered by what the gateway itself knows, or refused for what they ask
     * @param blocked answered by saying that a blocked name does not exist
     * @param cached answered from the cache
     * @param failures answered with SERVFAIL, no server having answered
     * @param malformed messages that could not be read, or were too long
     * @param limited messages that were not looked at, the guest or all of them having sent too many
     * @param dropped answers that the guest's link did not take, the guest being gone or slow
     */
    public record Stats(
            long questions,
            long own,
            long blocked,
            long cached,
            long failures,
            long malformed,
            long limited,
            long dropped) {}

    private static final int PORT = 53;
    private static final int LONGEST = 4096;
    private static final int MOST_WAITING = 1024;
    private static final int MOST_CONNECTIONS = 256;
    private static final int MOST_CONNECTIONS_OF_GUEST = 8;
    private static final int FEWEST_BUDGETS = 256;
    private static final long IDLE_SECONDS = 15;
    private static final long SECOND = 1_000_000_000L;
    private static final long STOP_MILLIS = 800;

    private final DnsSettings settings;
    private final LongAdder limited = new LongAdder();
    private final LongAdder tooLong = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    /** Kept when the forwarder is closed. */
    private volatile NameService.Counts counts = new NameService.Counts();
    /** Messages on their way from the driver's thread to the event loop. */
    private final AtomicInteger waiting = new AtomicInteger();

    /** Of guests that have asked lately. */
    private final Map<GuestId, Budget> budgets = new HashMap<>();

    private int budgetsKept = FEWEST_BUDGETS;
    private final Map<GuestConnection, GuestId> connections = new HashMap<>();
    private volatile @Nullable Running running;
    /** What guests call the gateway, as the last datagram said: a connection does not say it. */
    private int gatewayAddress;

    /** What exists from {@link #open} to {@link #close}. */
    private record Running(ServiceHost host, EventLoopGroup group, EventLoop loop, NameService names) {}

    /** How many questions of a guest may still be looked at. */
    private static final class Budget {
        private long fullAt;

        Budget(long nowNanos) {
            fullAt = nowNanos;
        }

        boolean isFull(long nowNanos) {
            return fullAt - nowNanos <= 0;
        }

        boolean take(long nowNanos, int perSecond) {
            if (fullAt - nowNanos < 0) {
                fullAt = nowNanos;
            }
            long each = SECOND / perSecond;
            if (fullAt - nowNanos + each > 2 * SECOND) {
                return false;
            }
            fullAt += each;
            return true;
        }
    }

    private DnsForwarder(DnsSettings settings) {
        this.settings = settings;
    }

    /**
     * Makes a forwarder that is not open yet.
     *
     * @param settings what it says
     * @return for one gateway
     */
    public static DnsForwarder of(DnsSettings settings) {
        return new DnsForwarder(Objects.requireNonNull(settings, "settings"));
    }

    @Override
    public String name() {
        return "dns";
    }

    @Override
    public int port() {
        return PORT;
    }

    @Override
    public void open(ServiceHost host) {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("sharedip-dns", true), NioIoHandler.newFactory());
        EventLoop loop = group.next();
        NameService names = new NameService(loop, settings, host::notice);
        counts = names.counts();
        running = new Running(host, group, loop, names);
        var unused = loop.scheduleWithFixedDelay(
                () -> host.execute(this::endIdleConnections), IDLE_SECONDS, IDLE_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void received(GuestId guest, ReplyPath from, byte[] octets, int offset, int length, long nowNanos) {
        Running to = running;
        gatewayAddress = from.gatewayAddress();
        if (to == null || !mayAsk(guest)) {
            limited.increment();
            return;
        }
        if (length > LONGEST) {
            tooLong.increment();
            return;
        }
        byte[] message = Arrays.copyOfRange(octets, offset, offset + length);
        Asking asking = new Asking(guest, from.guestAddress(), from.gatewayAddress(), guests(to.host()));
        ask(to, message, asking, false, answer -> {
            if (answer != null && !to.host().reply(from, answer, 0, answer.length)) {
                dropped.increment();
            }
        });
    }

    private boolean mayAsk(GuestId guest) {
        long now = System.nanoTime();
        if (budgets.size() >= budgetsKept) {
            // a full one is as good as none
            budgets.values().removeIf(budget -> budget.isFull(now));
            budgetsKept = Math.max(FEWEST_BUDGETS, 2 * budgets.size());
        }
        return waiting.get() < MOST_WAITING
                && budgets.computeIfAbsent(guest, g -> new Budget(now)).take(now, settings.queriesPerSecond());
    }

    /** How many guests there is something kept of. Driver's thread. */
    int remembered() {
        return budgets.size();
    }

    /** Only own names need them. */
    private Map<GuestId, List<Ipv4Address>> guests(ServiceHost host) {
        return settings.domain().isPresent() ? host.guests() : Map.of();
    }

    /** Asks on the event loop; the answer is heard on the driver's thread. */
    private void ask(Running to, byte[] message, Asking asking, boolean byTcp, Consumer<byte @Nullable []> answer) {
        waiting.incrementAndGet();
        to.loop().execute(() -> {
            waiting.decrementAndGet();
            to.names()
                    .ask(
                            message,
                            asking,
                            byTcp,
                            octets -> to.host().execute(() -> {
                                if (running != null) {
                                    answer.accept(octets);
                                }
                            }));
        });
    }

    @Override
    public @Nullable HostStream accept(GuestId guest, HostStream.Handler handler) {
        Running to = running;
        if (to == null
                || connections.size() >= MOST_CONNECTIONS
                || connections.values().stream().filter(guest::equals).count() >= MOST_CONNECTIONS_OF_GUEST) {
            return null;
        }
        Connection server = new Connection(to, guest);
        GuestConnection connection = new GuestConnection(server, handler);
        server.connection = connection;
        connections.put(connection, guest);
        return connection;
    }

    /** The server's side of one TCP connection. */
    private final class Connection implements GuestConnection.Server {
        private final Running to;
        private final GuestId guest;
        private @Nullable GuestConnection connection;

        Connection(Running to, GuestId guest) {
            this.to = to;
            this.guest = guest;
        }

        @Override
        public void asked(byte[] message, Consumer<byte @Nullable []> answer) {
            if (!mayAsk(guest)) {
                limited.increment();
                execute(() -> answer.accept(null));
                return;
            }
            Map<GuestId, List<Ipv4Address>> guests = guests(to.host());
            List<Ipv4Address> own = guests.getOrDefault(guest, List.of());
            int address = own.isEmpty() || gatewayAddress == 0 ? 0 : own.get(0).bits();
            ask(to, message, new Asking(guest, address, gatewayAddress, guests), true, answer);
        }

        @Override
        public void ended() {
            connections.remove(connection);
        }

        @Override
        public void execute(Runnable action) {
            to.host().execute(action);
        }
    }

    private void endIdleConnections() {
        new ArrayList<>(connections.keySet()).forEach(GuestConnection::endIfIdle);
    }

    /**
     * The counters.
     *
     * @return since the forwarder was opened; kept when it is closed
     */
    public Stats stats() {
        NameService.Counts of = counts;
        return new Stats(
                of.questions,
                of.own,
                of.blocked,
                of.cached,
                of.failures,
                of.malformed + tooLong.sum(),
                limited.sum(),
                dropped.sum());
    }

    /** {@inheritDoc} They are those of {@link #stats()}. */
    @Override
    public Map<String, Long> counters() {
        Stats now = stats();
        Map<String, Long> all = new LinkedHashMap<>();
        all.put("questions", now.questions());
        all.put("own", now.own());
        all.put("blocked", now.blocked());
        all.put("cached", now.cached());
        all.put("failures", now.failures());
        all.put("malformed", now.malformed());
        all.put("limited", now.limited());
        all.put("dropped", now.dropped());
        return all;
    }

    @Override
    public void close() {
        Running open = running;
        running = null;
        if (open != null) {
            open.loop().execute(open.names()::close);
            open.group()
                    .shutdownGracefully(0, STOP_MILLIS / 2, TimeUnit.MILLISECONDS)
                    .awaitUninterruptibly(STOP_MILLIS);
            connections.clear();
        }
    }
}
