package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import io.sharedip.GatewayClosedException;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.LinkException;
import io.sharedip.PortClaimException;
import io.sharedip.SharedIp;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.binding.Binding;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpListener;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.link.Link;
import io.sharedip.nat.internal.engine.Attachment;
import io.sharedip.nat.internal.engine.Engine;
import io.sharedip.nat.internal.engine.EngineSettings;
import io.sharedip.nat.internal.engine.EventRing;
import io.sharedip.nat.internal.engine.Management;
import io.sharedip.nat.internal.gateway.CommandQueue;
import io.sharedip.nat.internal.gateway.ControlThread;
import io.sharedip.nat.internal.gateway.EventDispatcher;
import io.sharedip.nat.internal.gateway.GatewayLinkHost;
import io.sharedip.nat.internal.gateway.PortKeeper;
import io.sharedip.packet.Frame;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.stats.RuleStatus;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.time.NanoClock;
import io.sharedip.uplink.HostPortClaims;
import io.sharedip.uplink.PacketUplink;
import io.sharedip.uplink.Uplink;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A gateway that translates packets (NAT44): guests and the host behind one IPv4 address.
 *
 * <p>{@link Builder#start()} gives it a driver thread of its own. {@link Builder#build()} leaves driving to the embedder, who calls
 * {@link #poll(long)} on a thread or event loop of theirs; then the gateway has no thread on the packet path, and takes time only
 * from the calls.
 *
 * <pre>{@code
 * try (NatGateway gateway = NatGateway.builder()
 *         .address("192.0.2.10").prefix("192.0.2.0/24").router("192.0.2.1")
 *         .uplink(PacketUplink.on(up).withAddressOfItsOwn())
 *         .guest(Guest.of("web", "52:54:00:00:00:01", "192.0.2.10", vm1))
 *         .forward(PortForward.parse("tcp 8080 -> web:80"))
 *         .start()) {
 *     ...
 * }
 * }</pre>
 *
 * <p>Thread-safe, but for {@link #poll(long)} and {@link #tick(long)}, which belong to one thread at a time. Lifetime and ownership
 * are as {@link SharedIp} says.
 */
public final class NatGateway implements SharedIp {

    private static final int FRAMES_PER_LINK = 256;
    private static final int COMMANDS_PER_TURN = 32;
    private static final int FLOWS_PER_SLICE = 4096;
    private static final long TICK_NANOS = 1_000_000L;
    private static final long STOP_NANOS = 3_000_000_000L;
    private static final long CLOSE_SECONDS = 5;
    private static final long CONFLICT_SECONDS = 5;
    private static final long CONTROL_SECONDS = 2;

    private final Builder config;
    private final Ipv4Address address;
    private final IdleStrategy idle;
    private final NanoClock clock;
    private final CommandQueue commands;
    private final Engine engine;
    private final Management management;
    private final EventDispatcher events;
    private final @Nullable PortKeeper keeper;
    private final ControlThread control = new ControlThread();
    private final List<Link> links = new ArrayList<>();
    private final LinkGateway linkGateway = new LinkGateway();
    private volatile State state = State.RUNNING;
    private final AtomicBoolean driving = new AtomicBoolean();
    private final AtomicBoolean refilling = new AtomicBoolean();
    private volatile @Nullable Throwable failure;
    private boolean closing;
    private volatile @Nullable Thread driver;
    /** The thread that {@link Builder#start()} made, which then drives alone. */
    private volatile @Nullable Thread ownDriver;

    private long nextTick;

    private NatGateway(Builder builder, PacketUplink uplink, EngineSettings settings) {
        this.config = builder;
        this.address = new Ipv4Address(settings.address());
        this.idle = builder.idleStrategy;
        this.clock = builder.clock;
        this.commands = new CommandQueue(idle::wakeup);
        long now = clock.nanoTime();
        this.nextTick = now;
        EventRing ring = new EventRing(now, Instant.now());
        this.events = new EventDispatcher(ring);
        config.listeners.forEach(events::add);
        GatewayLinkHost uplinkHost =
                new GatewayLinkHost(linkGateway, uplink.link().name());
        PortKeeper opened = null;
        try {
            open(uplink.link(), uplinkHost);
            MacAddress mac = uplink.macAddress()
                    .or(uplink.link()::macAddress)
                    .orElseThrow(() -> new ConfigurationException(
                            "uplink",
                            uplink.link().name(),
                            "has no MAC address",
                            "name one (PacketUplink.withMacAddress, InProcessLink.withMacAddress)"));
            this.engine = new Engine(settings, uplink.link(), mac, now, ring);
            this.management = engine.management();
            config.guests.forEach(management::check);
            opened = claimPorts(uplink, settings.random());
            this.keeper = opened;
            for (Guest guest : config.guests) {
                plugIn(guest);
            }
            for (PortForward forward : config.forwards) {
                management.check(forward);
                if (opened != null) {
                    opened.claim(forward);
                }
                management.add(forward);
            }
            management.replaceRules(config.rules);
            uplinkHost.attach(engine.uplink());
            engine.warmUp(now);
            engine.tick(now);
        } catch (RuntimeException | Error e) {
            state = State.CLOSED;
            commands.close(new GatewayClosedException("the gateway did not start", e));
            if (opened != null) {
                opened.close();
            }
            links.add(uplink.link());
            config.guests.forEach(guest -> links.add(guest.link()));
            links.stream().distinct().forEach(Link::close);
            control.stop();
            events.close();
            throw e;
        }
        if (keeper != null && keeper.mustLookForConflicts()) {
            control.repeat(CONFLICT_SECONDS, () -> lookForConflicts(keeper));
        }
    }

    private void open(Link link, GatewayLinkHost host) {
        link.open(host);
        synchronized (links) {
            links.add(link);
        }
    }

    private void plugIn(Guest guest) {
        management.check(guest);
        GatewayLinkHost host = new GatewayLinkHost(linkGateway, guest.link().name());
        open(guest.link(), host);
        host.attach(management.add(guest));
    }

    private @Nullable PortKeeper claimPorts(PacketUplink uplink, Random random) {
        PortRange pool = uplink.ports();
        management.addPorts(IpProtocol.ICMP, pool);
        if (uplink.claims().isEmpty()) {
            management.addPorts(IpProtocol.TCP, pool);
            management.addPorts(IpProtocol.UDP, pool);
            return null;
        }
        PortKeeper claiming = new PortKeeper(uplink.claims().get(), address, pool, random, events::offer);
        try {
            claiming.open();
            addPorts(claiming, IpProtocol.TCP, claiming.claimFirst(IpProtocol.TCP));
            addPorts(claiming, IpProtocol.UDP, claiming.claimFirst(IpProtocol.UDP));
            return claiming;
        } catch (RuntimeException e) {
            claiming.close();
            throw e;
        }
    }

    /**
     * Begins a gateway.
     *
     * @return a builder with the defaults that its methods name
     */
    public static Builder builder() {
        return new Builder();
    }

    // ------------------------------------------------------------------------------------------------ driving

    /**
     * Drives the gateway one turn: applies changes, takes what waits on the links, and does housekeeping when it is due. For a gateway
     * made by {@link Builder#build()}; to be called whenever a link may have something, and at least every 100 ms.
     *
     * @param nowNanos the time, from the clock given to the builder
     * @return frames and changes handled, 0 if there was nothing to do
     * @throws GatewayClosedException if the gateway is closed or has failed; the first failure is thrown from here too
     * @throws IllegalStateException if another thread drives the gateway at this moment, or the gateway has a driver of its own
     */
    public int poll(long nowNanos) {
        enter();
        try {
            int work = commands.run(COMMANDS_PER_TURN) + engine.poll(nowNanos, FRAMES_PER_LINK);
            if (nextTick - nowNanos <= 0) {
                housekeeping(nowNanos);
            }
            return work;
        } catch (RuntimeException | Error e) {
            throw failed(e);
        } finally {
            leave();
        }
    }

    /**
     * Drives the gateway one turn at the time of its clock.
     *
     * @return as {@link #poll(long)}
     * @throws GatewayClosedException as {@link #poll(long)}
     * @throws IllegalStateException as {@link #poll(long)}
     */
    public int poll() {
        return poll(clock.nanoTime());
    }

    /**
     * Applies changes and does housekeeping now, without looking at the links: expires flows, asks neighbours again, publishes the
     * counters. {@link #poll(long)} does it every millisecond; a virtual clock that jumps calls it.
     *
     * @param nowNanos the time, from the clock given to the builder
     * @throws GatewayClosedException as {@link #poll(long)}
     * @throws IllegalStateException as {@link #poll(long)}
     */
    public void tick(long nowNanos) {
        enter();
        try {
            commands.run(COMMANDS_PER_TURN);
            housekeeping(nowNanos);
        } catch (RuntimeException | Error e) {
            throw failed(e);
        } finally {
            leave();
        }
    }

    private void enter() {
        Thread own = ownDriver;
        if (own != null && own != Thread.currentThread() && state == State.RUNNING) {
            throw new IllegalStateException(
                    "the gateway has a driver thread of its own; make it with build() to drive it from here");
        }
        if (!driving.compareAndSet(false, true)) {
            throw new IllegalStateException("the gateway is driven by another thread at this moment");
        }
        if (state != State.RUNNING) {
            driving.set(false);
            throw closedException();
        }
        driver = Thread.currentThread();
    }

    private void leave() {
        driving.set(false);
    }

    private void housekeeping(long nowNanos) {
        nextTick = nowNanos + TICK_NANOS;
        engine.tick(nowNanos);
        events.poke();
        if (keeper != null && !refilling.get()) {
            refill(keeper, IpProtocol.TCP);
            refill(keeper, IpProtocol.UDP);
        }
    }

    private void refill(PortKeeper from, IpProtocol protocol) {
        if (management.freePorts(protocol) >= PortKeeper.LOW_WATER
                || !from.hasMore(protocol)
                || !refilling.compareAndSet(false, true)) {
            return;
        }
        var unused = control.submit(() -> {
            List<PortRange> more = List.of();
            try {
                more = from.claimMore(protocol);
            } catch (RuntimeException e) {
                linkGateway.notice("claims", "further " + protocol + " ports could not be claimed: " + e.getMessage());
            }
            List<PortRange> claimed = more;
            try {
                return engineDoes(() -> addPorts(from, protocol, claimed));
            } finally {
                refilling.set(false);
            }
        });
    }

    private synchronized GatewayClosedException failed(Throwable cause) {
        if (state == State.RUNNING) {
            failure = cause;
            state = State.FAILED;
            commands.close(closedException());
            events.offer(new SharedIpEvent.GatewayFailed(Instant.now(), cause));
        }
        return closedException();
    }

    private void addPorts(PortKeeper from, IpProtocol protocol, List<PortRange> claimed) {
        claimed.forEach(range -> management.addPorts(protocol, range));
        management.portsAreComing(protocol, from.hasMore(protocol));
    }

    private GatewayClosedException closedException() {
        Throwable cause = failure;
        return cause == null
                ? new GatewayClosedException("the gateway is closed", null)
                : new GatewayClosedException("the gateway's driver died: " + cause, cause);
    }

    private void startDriver() {
        Thread thread = new Thread(this::drive, "sharedip-driver " + address);
        thread.setDaemon(true);
        ownDriver = thread;
        driver = thread;
        thread.start();
    }

    private void drive() {
        try {
            while (state == State.RUNNING) {
                idle.idle(poll(clock.nanoTime()));
            }
        } catch (GatewayClosedException e) {
            return; // the handle says why
        } catch (RuntimeException | Error e) {
            failed(e); // the embedder's clock or idle strategy
        }
    }

    /** A task that throws would never be run again. */
    private void lookForConflicts(PortKeeper in) {
        try {
            in.lookForConflicts();
        } catch (RuntimeException e) {
            if (state == State.RUNNING) {
                linkGateway.notice("claims", "conflicts with programs of the host could not be looked for: " + e);
            }
        }
    }

    /** The gateway as its links see it. */
    private final class LinkGateway implements GatewayLinkHost.Gateway {

        @Override
        public void wakeup() {
            idle.wakeup();
        }

        @Override
        public boolean onDriverThread() {
            return Thread.currentThread() == driver;
        }

        @Override
        public void deliver(Attachment from, Frame[] frames, int count) {
            boolean outermost = driving.compareAndSet(false, true);
            try {
                if (state == State.RUNNING) {
                    engine.deliver(from, frames, count, clock.nanoTime());
                }
            } catch (RuntimeException | Error e) {
                throw failed(e);
            } finally {
                if (outermost) {
                    driving.set(false);
                }
            }
        }

        @Override
        public void linkChanged(Attachment on, @Nullable String lost) {
            var unused = commands.submit(() -> {
                if (lost == null && on == engine.uplink() && config.uplinkMac().isEmpty()) {
                    // a card that was made anew has another MAC address
                    on.link().macAddress().ifPresent(management::uplinkMac);
                }
                if (management.linkChanged(on, lost == null)) {
                    String name = on.link().name();
                    events.offer(
                            lost == null
                                    ? new SharedIpEvent.LinkRestored(Instant.now(), name)
                                    : new SharedIpEvent.LinkLost(Instant.now(), name, lost));
                }
                return Boolean.TRUE;
            });
        }

        @Override
        public void notice(String link, String message) {
            events.offer(new SharedIpEvent.LinkNotice(Instant.now(), link, message));
        }
    }

    // ------------------------------------------------------------------------------------ changes and questions

    private Boolean engineDoes(Runnable action) {
        return commands.await(() -> {
            action.run();
            return Boolean.TRUE;
        });
    }

    private CompletionStage<Void> change(Runnable steps) {
        return control.submit(() -> {
                    steps.run();
                    return Boolean.TRUE;
                })
                .thenAccept(done -> {});
    }

    @Override
    public CompletionStage<Void> addGuest(Guest guest) {
        Objects.requireNonNull(guest, "guest");
        return change(() -> {
            engineDoes(() -> management.check(guest));
            GatewayLinkHost host = new GatewayLinkHost(linkGateway, guest.link().name());
            open(guest.link(), host);
            try {
                engineDoes(() -> host.attach(management.add(guest)));
            } catch (RuntimeException e) {
                closeLink(guest.link());
                throw e;
            }
        });
    }

    private void closeLink(Link link) {
        synchronized (links) {
            links.remove(link);
        }
        link.close();
    }

    @Override
    public CompletionStage<Void> removeGuest(GuestId guest) {
        Objects.requireNonNull(guest, "guest");
        return change(() -> {
            Management.Removed removed = commands.await(() -> management.remove(guest));
            closeLink(removed.guest().link());
            giveBack(removed.forwards());
        });
    }

    @Override
    public CompletionStage<Void> bind(Binding binding) {
        Objects.requireNonNull(binding, "binding");
        return change(() -> engineDoes(() -> management.bind(binding)));
    }

    @Override
    public CompletionStage<Void> unbind(Binding binding) {
        Objects.requireNonNull(binding, "binding");
        return change(() -> engineDoes(() -> management.unbind(binding)));
    }

    @Override
    public CompletionStage<List<BindingStatus>> bindings() {
        return commands.submit(management::bindings);
    }

    @Override
    public CompletionStage<Void> addForward(PortForward forward) {
        Objects.requireNonNull(forward, "forward");
        return change(() -> {
            engineDoes(() -> management.check(forward));
            if (keeper != null) {
                keeper.claim(forward);
            }
            try {
                engineDoes(() -> management.add(forward));
            } catch (RuntimeException e) {
                giveBack(List.of(forward));
                throw e;
            }
        });
    }

    @Override
    public CompletionStage<PortForward> removeForward(ForwardSelector selector) {
        Objects.requireNonNull(selector, "selector");
        return control.submit(() -> {
            PortForward removed = commands.await(() -> management.remove(selector));
            giveBack(List.of(removed));
            return removed;
        });
    }

    /** Gives the ports of forwards back to the host that nothing else needs. */
    private void giveBack(List<PortForward> removed) {
        if (keeper == null) {
            return;
        }
        for (PortForward forward : removed) {
            keeper.release(forward.protocol(), commands.await(() -> management.uncovered(forward)));
        }
    }

    @Override
    public CompletionStage<List<ForwardStatus>> forwards() {
        return commands.submit(management::forwards);
    }

    @Override
    public CompletionStage<Void> replaceRules(FilterChain chain) {
        Objects.requireNonNull(chain, "chain");
        return change(() -> engineDoes(() -> management.replaceRules(chain)));
    }

    @Override
    public CompletionStage<FilterChain> filterChain() {
        return commands.submit(management::filterChain);
    }

    @Override
    public CompletionStage<List<RuleStatus>> rules() {
        return commands.submit(management::rules);
    }

    @Override
    public CompletionStage<List<FlowStatus>> flows() {
        return flowsFrom(0, new ArrayList<>());
    }

    private CompletableFuture<List<FlowStatus>> flowsFrom(int first, List<FlowStatus> soFar) {
        return commands.submit(() -> {
                    soFar.addAll(management.flows(first, FLOWS_PER_SLICE));
                    return first + FLOWS_PER_SLICE < management.flowBound();
                })
                .thenCompose(more -> more
                        ? flowsFrom(first + FLOWS_PER_SLICE, soFar)
                        : CompletableFuture.completedFuture(List.copyOf(soFar)));
    }

    @Override
    public SharedIpStats stats() {
        return engine.stats(events.lost());
    }

    @Override
    public Registration addListener(SharedIpListener listener) {
        Objects.requireNonNull(listener, "listener");
        events.add(listener);
        return () -> events.remove(listener);
    }

    @Override
    public Ipv4Address address() {
        return address;
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    // ------------------------------------------------------------------------------------------------ the end

    @Override
    public void close() {
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
            if (state == State.RUNNING) {
                state = State.CLOSED;
            }
        }
        idle.wakeup();
        waitForDriver();
        commands.close(closedException());
        control.stop();
        Thread closer = new Thread(this::releaseAll, "sharedip-close");
        closer.setDaemon(true);
        closer.start();
        boolean interrupted = false;
        try {
            closer.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
        } catch (InterruptedException e) {
            interrupted = true;
        }
        events.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Nobody may be inside the engine when its links are closed; a driver that hangs is not waited for longer than this. */
    private void waitForDriver() {
        long deadline = System.nanoTime() + STOP_NANOS;
        while (driving.get() && Thread.currentThread() != driver && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(100_000);
        }
    }

    private void releaseAll() {
        List<Link> open;
        synchronized (links) {
            open = List.copyOf(links);
            links.clear();
        }
        open.forEach(Link::close);
        if (keeper != null) {
            // claims belong to one thread at a time, and the control thread may be in the middle of claiming
            control.awaitStopped(CONTROL_SECONDS);
            keeper.close();
        }
    }

    /**
     * Collects what a gateway is made of. Not thread-safe; used once.
     *
     * <p>{@link #address(Ipv4Address) address}, {@link #prefix(IpPrefix) prefix}, {@link #router(Ipv4Address) router} and
     * {@link #uplink} are required. What is wrong is told by {@link #start()} and {@link #build()}, except for texts that cannot be
     * parsed.
     */
    public static final class Builder {

        private static final int MOST_FLOWS = 4_000_000;
        private static final int DEFAULT_FLOWS = 5_000;
        private static final int DEFAULT_FLOWS_PER_GUEST = 2_000;
        /** Locally administered; the low half is taken from the shared address, so that a restart does not confuse guests. */
        private static final long ROUTER_MAC_PREFIX = 0x02_5e_00_000000L;

        private @Nullable Ipv4Address address;
        private @Nullable IpPrefix prefix;
        private @Nullable Ipv4Address router;
        private @Nullable Ipv4Address alias;
        private @Nullable MacAddress routerMac;
        private @Nullable Uplink uplink;
        private int capacity = DEFAULT_FLOWS;
        private int flowsPerGuest;
        private Timeouts timeouts = Timeouts.defaults();
        private boolean udpInboundRefresh;
        private boolean verifyChecksums = true;
        private final List<Guest> guests = new ArrayList<>();
        private final List<PortForward> forwards = new ArrayList<>();
        private final List<SharedIpListener> listeners = new ArrayList<>();
        private FilterChain rules = FilterChain.acceptAll();
        private IdleStrategy idleStrategy = IdleStrategy.backoff();
        private NanoClock clock = NanoClock.system();
        private Random random = new SecureRandom();

        private Builder() {}

        /**
         * Sets the shared address.
         *
         * @param value a unicast address of the segment
         * @return this
         */
        public Builder address(Ipv4Address value) {
            address = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets the shared address.
         *
         * @param value e.g. {@code "192.0.2.10"}
         * @return this
         * @throws ConfigurationException if it cannot be parsed
         */
        public Builder address(String value) {
            return address(Ipv4Address.parse(value));
        }

        /**
         * Sets the segment that the shared address is on.
         *
         * @param value an IPv4 prefix of 1 to 30 bits
         * @return this
         */
        public Builder prefix(IpPrefix value) {
            prefix = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets the segment that the shared address is on.
         *
         * @param value e.g. {@code "192.0.2.0/24"}
         * @return this
         * @throws ConfigurationException if it cannot be parsed
         */
        public Builder prefix(String value) {
            return prefix(IpPrefix.parse(value));
        }

        /**
         * Sets the next hop for everything outside the segment.
         *
         * @param value an address of the segment
         * @return this
         */
        public Builder router(Ipv4Address value) {
            router = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets the next hop for everything outside the segment.
         *
         * @param value e.g. {@code "192.0.2.1"}
         * @return this
         * @throws ConfigurationException if it cannot be parsed
         */
        public Builder router(String value) {
            return router(Ipv4Address.parse(value));
        }

        /**
         * Sets the address that stands for the shared address where a guest owns that itself. Without one, such a guest cannot reach
         * forwards.
         *
         * @param value an address of the segment that nobody uses
         * @return this
         */
        public Builder alias(Ipv4Address value) {
            alias = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets the address that stands for the shared address where a guest owns that itself.
         *
         * @param value e.g. {@code "192.0.2.254"}
         * @return this
         * @throws ConfigurationException if it cannot be parsed
         */
        public Builder alias(String value) {
            return alias(Ipv4Address.parse(value));
        }

        /**
         * Sets what guests see as their router. By default a locally administered address that follows from the shared address.
         *
         * @param value a unicast address that is neither a guest's nor the card's
         * @return this
         */
        public Builder routerMac(MacAddress value) {
            routerMac = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets what guests see as their router.
         *
         * @param value e.g. {@code "02:00:5e:00:00:01"}
         * @return this
         * @throws ConfigurationException if it cannot be parsed
         */
        public Builder routerMac(String value) {
            return routerMac(MacAddress.parse(value));
        }

        /**
         * Sets the way out.
         *
         * @param value a {@link PacketUplink}
         * @return this
         */
        public Builder uplink(Uplink value) {
            uplink = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets the most flows there may be; 5,000 by default. Memory is taken at once, about 180 octets for each.
         *
         * @param flows 1 to 4,000,000
         * @return this
         */
        public Builder capacity(int flows) {
            capacity = flows;
            return this;
        }

        /**
         * Sets the most flows that one guest may have; 2,000 by default, or the capacity if that is less.
         *
         * @param flows 1 to the capacity
         * @return this
         */
        public Builder flowsPerGuest(int flows) {
            flowsPerGuest = flows;
            return this;
        }

        /**
         * Sets how long flows are remembered.
         *
         * @param value {@link Timeouts#defaults()} by default
         * @return this
         */
        public Builder timeouts(Timeouts value) {
            timeouts = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets whether UDP packets from outside keep a flow alive that a guest began (RFC 4787 REQ-6). Off by default: strangers then
         * cannot hold a mapping open.
         *
         * @param on whether they do
         * @return this
         */
        public Builder udpInboundRefresh(boolean on) {
            udpInboundRefresh = on;
            return this;
        }

        /**
         * Sets whether transport checksums are judged; on by default. What fails is dropped. Where they are not judged, a wrong
         * checksum stays wrong: it is never repaired.
         *
         * @param on whether they are
         * @return this
         */
        public Builder verifyChecksums(boolean on) {
            verifyChecksums = on;
            return this;
        }

        /**
         * Adds a guest.
         *
         * @param value whose name, MAC address and link no other guest has
         * @return this
         */
        public Builder guest(Guest value) {
            guests.add(Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * Adds a forward.
         *
         * @param value to a guest that is added too
         * @return this
         */
        public Builder forward(PortForward value) {
            forwards.add(Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * Adds a forward.
         *
         * @param value e.g. {@code "tcp 8080 -> web:80"}
         * @return this
         * @throws ConfigurationException if it cannot be parsed
         */
        public Builder forward(String value) {
            return forward(PortForward.parse(value));
        }

        /**
         * Sets the filter chain; by default everything is accepted.
         *
         * @param chain whose guests are added too
         * @return this
         */
        public Builder rules(FilterChain chain) {
            rules = Objects.requireNonNull(chain, "chain");
            return this;
        }

        /**
         * Adds a listener that hears of events from the very start.
         *
         * @param listener called on the event thread
         * @return this
         */
        public Builder listener(SharedIpListener listener) {
            listeners.add(Objects.requireNonNull(listener, "listener"));
            return this;
        }

        /**
         * Sets what the gateway's own driver thread does when idle; {@link IdleStrategy#backoff()} by default.
         *
         * @param strategy for this gateway alone
         * @return this
         */
        public Builder idleStrategy(IdleStrategy strategy) {
            idleStrategy = Objects.requireNonNull(strategy, "strategy");
            return this;
        }

        /**
         * Sets the clock; {@link NanoClock#system()} by default.
         *
         * @param value read by the driver, and by links that deliver on the driver's thread
         * @return this
         */
        public Builder clock(NanoClock value) {
            clock = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets where hash keys and outside ports are drawn from. For tests that must repeat: with anything but the default, a
         * {@link SecureRandom}, ports can be guessed.
         *
         * @param source used on the driver's thread
         * @return this
         */
        public Builder random(Random source) {
            random = Objects.requireNonNull(source, "source");
            return this;
        }

        /**
         * Makes a gateway with a driver thread of its own, and opens its links. From this call on the gateway owns links and claims: if
         * it fails they are closed.
         *
         * @return a running gateway
         * @throws ConfigurationException if something is missing or contradicts something else
         * @throws LinkException if a link cannot be opened
         * @throws PortClaimException if the host holds a port that is needed
         */
        public NatGateway start() {
            NatGateway gateway = build();
            try {
                gateway.startDriver();
            } catch (RuntimeException | Error e) {
                gateway.close();
                throw e;
            }
            return gateway;
        }

        /**
         * Makes a gateway that the embedder drives, and opens its links. From this call on the gateway owns links and claims: if it
         * fails they are closed.
         *
         * @return a gateway to be driven by {@link NatGateway#poll(long)}
         * @throws ConfigurationException if something is missing or contradicts something else
         * @throws LinkException if a link cannot be opened
         * @throws PortClaimException if the host holds a port that is needed
         */
        public NatGateway build() {
            PacketUplink packets;
            EngineSettings settings;
            try {
                packets = requirePacketUplink();
                settings = settings(packets);
            } catch (ConfigurationException e) {
                closeAll();
                throw e;
            }
            return new NatGateway(this, packets, settings);
        }

        private void closeAll() {
            if (uplink instanceof PacketUplink packets) {
                packets.link().close();
                packets.claims().ifPresent(HostPortClaims::close);
            }
            guests.forEach(guest -> guest.link().close());
        }

        private PacketUplink requirePacketUplink() {
            Uplink way = require("uplink", uplink, "name a PacketUplink");
            if (way instanceof PacketUplink packets) {
                packets.validate();
                return packets;
            }
            throw new ConfigurationException(
                    "uplink", way.kind(), "takes flows, which this release does not drive yet", "use a PacketUplink");
        }

        private Optional<MacAddress> uplinkMac() {
            return uplink instanceof PacketUplink packets ? packets.macAddress() : Optional.empty();
        }

        private static <T> T require(String setting, @Nullable T value, String cure) {
            if (value == null) {
                throw new ConfigurationException(setting, null, "is missing", cure);
            }
            return value;
        }

        private EngineSettings settings(PacketUplink packets) {
            Ipv4Address self = require("address", address, "name the shared address, e.g. 192.0.2.10");
            IpPrefix segment = require("prefix", prefix, "name the segment, e.g. 192.0.2.0/24");
            Ipv4Address hop = require("router", router, "name the next hop, e.g. 192.0.2.1");
            if (!segment.isIpv4() || segment.length() < 1 || segment.length() > 30) {
                throw new ConfigurationException(
                        "prefix",
                        segment.toString(),
                        "is no segment with room for a router",
                        "use 1 to 30 bits of IPv4");
            }
            requireInside("address", self, segment);
            requireInside("router", hop, segment);
            requireOther("router", hop, "address", self);
            if (alias != null) {
                requireInside("alias", alias, segment);
                requireOther("alias", alias, "address", self);
                requireOther("alias", alias, "router", hop);
            }
            if (capacity < 1 || capacity > MOST_FLOWS) {
                throw new ConfigurationException(
                        "capacity.flows", String.valueOf(capacity), "is out of range", "use 1 to " + MOST_FLOWS);
            }
            int perGuest = flowsPerGuest == 0 ? Math.min(capacity, DEFAULT_FLOWS_PER_GUEST) : flowsPerGuest;
            if (perGuest < 1 || perGuest > capacity) {
                throw new ConfigurationException(
                        "capacity.flows-per-guest",
                        String.valueOf(perGuest),
                        "is out of range",
                        "use 1 to the capacity, " + capacity);
            }
            MacAddress mac =
                    routerMac != null ? routerMac : new MacAddress(ROUTER_MAC_PREFIX | (self.bits() & 0xffffffL));
            if (mac.isMulticast() || mac.bits() == 0) {
                throw new ConfigurationException(
                        "router-mac", mac.toString(), "is not a unicast MAC address", "use one like 02:00:5e:00:00:01");
            }
            return new EngineSettings(
                    self.bits(),
                    ((Ipv4Address) segment.network()).bits(),
                    segment.mask(),
                    hop.bits(),
                    alias == null ? 0 : alias.bits(),
                    mac.bits(),
                    packets.addressIsOwn(),
                    capacity,
                    perGuest,
                    timeouts,
                    udpInboundRefresh,
                    verifyChecksums,
                    random);
        }

        private static void requireInside(String setting, Ipv4Address value, IpPrefix segment) {
            int host = value.bits() & ~segment.mask();
            if (!segment.contains(value) || host == 0 || host == ~segment.mask()) {
                throw new ConfigurationException(
                        setting, value.toString(), "is not a machine's address in " + segment, "use another one");
            }
        }

        private static void requireOther(String setting, Ipv4Address value, String otherSetting, Ipv4Address other) {
            if (value.equals(other)) {
                throw new ConfigurationException(
                        setting, value.toString(), "is the " + otherSetting + " too", "use another one");
            }
        }
    }
}
