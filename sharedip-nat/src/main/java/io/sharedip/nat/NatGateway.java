package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.GatewayClosedException;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.SharedIp;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.driver.GatewayDriver;
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
import io.sharedip.nat.internal.gateway.Pace;
import io.sharedip.nat.internal.gateway.PortKeeper;
import io.sharedip.nat.internal.gateway.Quotas;
import io.sharedip.nat.internal.gateway.Restoration;
import io.sharedip.nat.internal.gateway.SnapshotTask;
import io.sharedip.nat.internal.terminator.LocalServices;
import io.sharedip.nat.internal.terminator.Terminator;
import io.sharedip.packet.Frame;
import io.sharedip.service.GuestService;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.snapshot.SnapshotReport;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.stats.RuleStatus;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.time.NanoClock;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.PacketUplink;
import io.sharedip.uplink.Uplink;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A gateway that translates packets (NAT44): guests and the host behind one IPv4 address.
 *
 * <p>{@link NatGatewayBuilder#start()} gives it a driver thread of its own, or the {@link GatewayDriver} that the builder names.
 * {@link NatGatewayBuilder#build()} leaves driving to the embedder, who calls {@link #poll(long)} on a thread or event loop of theirs;
 * then the gateway has no thread on the packet path, and takes time only from the calls.
 *
 * <pre>{@code
 * try (NatGateway gateway = NatGateway.builder()
 *         .address("192.0.2.10")
 *         .uplink(SocketUplink.create()) // of sharedip-netty; or a PacketUplink, with prefix and router
 *         .guest(Guest.of("web", "52:54:00:00:00:01", "192.0.2.10", vm1))
 *         .forward("tcp 8080 -> web:80")
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
    /** Of outside ports and identifiers, where the host's kernel says which of them are free. */
    private static final PortRange SOCKET_PORTS = PortRange.of(1024, 65_535);

    private static final long STOP_NANOS = 3_000_000_000L;
    private static final long CLOSE_SECONDS = 5;
    private static final long CONFLICT_SECONDS = 5;
    private static final long CONTROL_SECONDS = 2;

    private final NatGatewayBuilder config;
    private volatile Ipv4Address address;
    private final IdleStrategy idle;
    /** Who gives turns, if it is neither the embedder nor a thread of the gateway's own. */
    private final @Nullable GatewayDriver external;

    private final Runnable wakeup;
    private final NanoClock clock;
    private final CommandQueue commands;
    private final Engine engine;
    private final Management management;
    private final EventDispatcher events;
    private final @Nullable PortKeeper keeper;
    private final @Nullable FlowUplink sockets;
    private final @Nullable Terminator terminator;
    private final @Nullable LocalServices services;
    private final ControlThread control = new ControlThread();
    private final List<Link> links = new ArrayList<>();
    private final LinkGateway linkGateway = new LinkGateway();
    private volatile State state = State.RUNNING;
    private final AtomicBoolean driving = new AtomicBoolean();
    private final AtomicBoolean refilling = new AtomicBoolean();
    private volatile @Nullable Throwable failure;
    private boolean closing;
    private volatile @Nullable Thread driver;
    /** The thread that {@link NatGatewayBuilder#start()} made, which then drives alone. */
    private volatile @Nullable Thread ownDriver;

    private final Pace pace;

    NatGateway(NatGatewayBuilder builder, Uplink uplink, EngineSettings settings, @Nullable GatewayDriver external) {
        this.config = builder;
        this.external = external;
        this.driver = external == null ? null : Thread.currentThread();
        this.address = settings.place().address();
        this.idle = builder.idleStrategy;
        this.clock = builder.clock;
        this.wakeup = external == null ? idle::wakeup : external::wakeup;
        this.commands = new CommandQueue(wakeup);
        long now = clock.nanoTime();
        this.pace = new Pace(now);
        EventRing ring = new EventRing(now, Instant.now());
        this.events = new EventDispatcher(ring);
        config.listeners.forEach(events::add);
        this.sockets = uplink instanceof FlowUplink flowUplink ? flowUplink : null;
        this.terminator = sockets != null
                ? new Terminator(sockets, new TerminatorGateway(), config.showClients, settings.random())
                : null;
        Link link = uplink instanceof PacketUplink packets
                ? packets.link()
                : Objects.requireNonNull(terminator).link();
        GatewayLinkHost uplinkHost = new GatewayLinkHost(linkGateway, link.name());
        PortKeeper opened = null;
        try {
            open(link, uplinkHost);
            MacAddress mac = config.uplinkMac()
                    .or(link::macAddress)
                    .orElseThrow(() -> new ConfigurationException(
                            "uplink",
                            link.name(),
                            "has no MAC address",
                            "name one (PacketUplink.withMacAddress, InProcessLink.withMacAddress)"));
            this.services = config.services.isEmpty()
                    ? null
                    : new LocalServices(
                            config.services, new TerminatorGateway(), settings.random(), linkGateway::notice);
            this.engine = new Engine(settings, link, mac, now, ring, terminator, services);
            this.management = engine.management();
            if (terminator != null) {
                terminator.attach(engine.inlet());
            }
            if (services != null) {
                services.attach(engine.inlet());
            }
            config.guests.forEach(management::check);
            opened = uplink instanceof PacketUplink packets ? claimPorts(packets, settings) : null;
            this.keeper = opened;
            if (terminator != null) {
                List.of(IpProtocol.TCP, IpProtocol.UDP, IpProtocol.ICMP)
                        .forEach(protocol -> management.addPorts(protocol, SOCKET_PORTS));
            }
            for (Guest guest : config.guests) {
                plugIn(guest);
            }
            settings.plan().oneToOne().forEach(management::add);
            for (PortForward forward : config.forwards) {
                management.check(forward);
                if (opened != null) {
                    opened.claim(forward);
                } else if (terminator != null) {
                    terminator.claim(forward);
                }
                management.add(forward);
            }
            management.replaceRules(config.rules);
            uplinkHost.attach(engine.uplink());
            engine.warmUp(now);
            engine.announceOneToOne();
            engine.tick(now);
            int pool = uplink instanceof PacketUplink packets ? packets.ports().size() : SOCKET_PORTS.size();
            Quotas.tooHigh(settings, pool).forEach(message -> linkGateway.notice("gateway", message));
        } catch (RuntimeException | Error e) {
            state = State.CLOSED;
            commands.close(new GatewayClosedException("the gateway did not start", e));
            if (opened != null) {
                opened.close();
            }
            config.services.forEach(GuestService::close);
            links.add(link);
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

    private @Nullable PortKeeper claimPorts(PacketUplink uplink, EngineSettings settings) {
        PortRange pool = uplink.ports();
        management.addPorts(IpProtocol.ICMP, pool);
        if (uplink.claims().isEmpty()) {
            management.addPorts(IpProtocol.TCP, pool);
            management.addPorts(IpProtocol.UDP, pool);
            return null;
        }
        PortKeeper claiming = new PortKeeper(
                uplink.claims().get(), address, pool, settings.plan().protocols(), settings.random(), events::offer);
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

    /** For whoever drives the gateway and must ask between two frames. Driver's thread only. */
    Management management() {
        return management;
    }

    /** As {@link #management}: where guests' packets end at sockets, if they do. */
    @Nullable
    Terminator terminator() {
        return terminator;
    }

    /**
     * Begins a gateway.
     *
     * @return a builder with the defaults that its methods name
     */
    public static NatGatewayBuilder builder() {
        return new NatGatewayBuilder();
    }

    // ------------------------------------------------------------------------------------------------ driving

    /**
     * Drives the gateway one turn: applies changes, takes what waits on the links, and does housekeeping when it is due. For a gateway
     * made by {@link NatGatewayBuilder#build()}; to be called whenever a link may have something, and at least every 100 ms.
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
            if (pace.isTickDue(nowNanos)) {
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
        Thread own = external == null ? ownDriver : driver;
        if (own != null && own != Thread.currentThread() && state == State.RUNNING) {
            throw new IllegalStateException("the gateway has a driver " + (external == null ? "thread " : "")
                    + "of its own; make it with build() to drive it from here");
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
        pace.ticked(nowNanos);
        engine.tick(nowNanos);
        events.poke();
        if (keeper != null && !refilling.get()) {
            refill(keeper, IpProtocol.TCP, nowNanos);
            refill(keeper, IpProtocol.UDP, nowNanos);
        }
    }

    private void refill(PortKeeper from, IpProtocol protocol, long nowNanos) {
        if (management.freePorts(protocol) >= PortKeeper.LOW_WATER
                || !from.isDue(protocol, nowNanos)
                || !refilling.compareAndSet(false, true)) {
            return;
        }
        var unused = control.submit(() -> {
            try {
                List<PortRange> claimed = from.claimMore(protocol, nowNanos);
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
        management.portsAreComing(protocol, from.areComing(protocol));
    }

    private GatewayClosedException closedException() {
        Throwable cause = failure;
        return cause == null
                ? new GatewayClosedException("the gateway is closed", null)
                : new GatewayClosedException("the gateway's driver died: " + cause, cause);
    }

    /**
     * One turn given by an external driver.
     *
     * @return as {@link GatewayDriver.Turn#take} says
     */
    long turn() {
        if (state != State.RUNNING) {
            return -1;
        }
        if (!driving.compareAndSet(false, true)) {
            return Pace.TICK_NANOS; // called from within a turn
        }
        driver = Thread.currentThread();
        try {
            long now = clock.nanoTime();
            int changes = commands.run(COMMANDS_PER_TURN);
            int frames = engine.poll(now, FRAMES_PER_LINK);
            if (changes + frames > 0) {
                pace.happened(now);
            }
            if (pace.isTickDue(now)) {
                housekeeping(now);
                pace.ticked(now, engine.isWaiting(), engine.isIdle());
            }
            boolean more = changes >= COMMANDS_PER_TURN || frames >= FRAMES_PER_LINK;
            long due = pace.plan(now, more, engine.untilSocketsAreDue(now));
            return state == State.RUNNING ? due : -1;
        } catch (RuntimeException | Error e) {
            failed(e);
            return -1;
        } finally {
            leave();
        }
    }

    void startDriver() {
        if (external != null) {
            external.start(this::turn);
            return;
        }
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

    /** The gateway as its sockets see it. */
    private final class TerminatorGateway implements LocalServices.Gateway {

        @Override
        public void execute(Runnable action) {
            var unused = commands.submit(() -> {
                action.run();
                return Boolean.TRUE;
            });
        }

        @Override
        public boolean isRunning() {
            return state == State.RUNNING;
        }

        @Override
        public void failed(Throwable cause) {
            var unused = NatGateway.this.failed(cause);
        }

        @Override
        public long nanoTime() {
            return clock.nanoTime();
        }
    }

    /** The gateway as its links see it. */
    private final class LinkGateway implements GatewayLinkHost.Gateway {

        @Override
        public void wakeup() {
            wakeup.run();
        }

        @Override
        public boolean onDriverThread() {
            // not from within the engine's own work, as when a link answers while it is flushed, nor while frames have
            // to wait
            return Thread.currentThread() == driver && !driving.get() && !engine.isHandingOver();
        }

        @Override
        public void deliver(Attachment from, Frame[] frames, int count) {
            boolean outermost = driving.compareAndSet(false, true);
            try {
                if (state == State.RUNNING) {
                    long now = clock.nanoTime();
                    engine.deliver(from, frames, count, now);
                    if (outermost && external != null && pace.hurries(now, engine.untilSocketsAreDue(now))) {
                        external.wakeup();
                    }
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
    public CompletionStage<Void> changeAddress(UplinkAddress place, FlowPolicy flows) {
        Objects.requireNonNull(place, "place");
        Objects.requireNonNull(flows, "flows");
        return change(() -> {
            engineDoes(() -> management.check(place));
            Ipv4Address before = address;
            boolean stays = before.equals(place.address());
            Map<IpProtocol, BitSet> lost = keeper == null || (stays && keeper.isHolding())
                    ? Map.of()
                    : keeper.move(
                            place.address(), meanwhile -> lose(commands.await(() -> management.giveUp(meanwhile))));
            Management.Moved moved = commands.await(() -> management.move(place, flows, lost));
            address = place.address();
            lose(moved.forwards());
            events.offer(new SharedIpEvent.AddressChanged(Instant.now(), before, address, moved.flowsKept()));
        });
    }

    /** Gives back what is left of the ports of forwards that had to go, and tells of them. */
    private void lose(List<PortForward> forwards) {
        String why = keeper == null || keeper.isHolding() ? "a program of the host uses it" : "it cannot be claimed";
        giveBack(forwards);
        for (PortForward gone : forwards) {
            events.offer(new SharedIpEvent.ForwardConflict(
                    Instant.now(),
                    gone.protocol(),
                    gone.outside().first(),
                    why + " at " + address + "; the forward '" + gone + "' was removed"));
        }
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
        return change(() -> addClaimed(forward));
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

    private void addClaimed(PortForward forward) {
        if (terminator != null) {
            // sockets belong to the driver's thread
            engineDoes(() -> {
                management.check(forward);
                terminator.claim(forward);
                management.add(forward);
            });
            return;
        }
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
    }

    /** Gives the ports of forwards back to the host that nothing else needs. */
    private void giveBack(List<PortForward> removed) {
        if (terminator != null) {
            removed.forEach(forward -> engineDoes(() ->
                    management.unforwarded(forward).forEach(range -> terminator.release(forward.protocol(), range))));
        }
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
    public CompletionStage<SnapshotReport> snapshot(OutputStream to) {
        Objects.requireNonNull(to, "to");
        return new SnapshotTask(this::await, management.transfers()).write(to);
    }

    @Override
    public CompletionStage<SnapshotReport> handOver(OutputStream to) {
        Objects.requireNonNull(to, "to");
        return new SnapshotTask(this::await, management.transfers()).handOver(to);
    }

    @Override
    public CompletionStage<RestoreReport> restore(InputStream from, RestoreOptions options) {
        Objects.requireNonNull(from, "from");
        Objects.requireNonNull(options, "options");
        return SnapshotTask.read(from)
                .thenCompose(snapshot -> control.submit(() -> {
                    RestoreReport report = new Restoration(this::await, management, new SnapshotPorts())
                            .run(snapshot, address, options, Instant.now());
                    events.offer(new SharedIpEvent.SnapshotRestored(Instant.now(), report));
                    return report;
                }));
    }

    private <T extends @Nullable Object> T await(Supplier<T> action) {
        return commands.await(action);
    }

    /** How a restoration comes to its ports, on the control thread. */
    private final class SnapshotPorts implements Restoration.Ports {

        @Override
        public void add(PortForward forward) {
            addClaimed(forward);
        }

        @Override
        public void claimAround(IpProtocol protocol, BitSet wanted) {
            if (keeper != null) {
                List<PortRange> claimed = keeper.claimAround(protocol, wanted);
                engineDoes(() -> addPorts(keeper, protocol, claimed));
            }
        }
    }

    @Override
    public SharedIpStats stats() {
        return engine.stats(events.lost());
    }

    @Override
    public Map<String, Map<String, Long>> counters() {
        Map<String, Map<String, Long>> all = new LinkedHashMap<>();
        if (sockets != null) {
            all.put(sockets.kind(), sockets.counters());
        }
        config.services.forEach(service -> all.put(service.name(), service.counters()));
        all.values().removeIf(Map::isEmpty);
        return all;
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
        wakeup.run();
        boolean byExternalDriver = external != null && Thread.currentThread() == driver;
        if (external == null) {
            waitForDriver();
        }
        commands.close(closedException());
        control.stop();
        if (external == null || byExternalDriver) {
            endConnections();
        }
        Thread closer = new Thread(() -> releaseAll(byExternalDriver), "sharedip-close");
        closer.setDaemon(true);
        closer.start();
        boolean interrupted = false;
        if (!byExternalDriver) {
            // links may need the very thread to close that this one would keep waiting
            try {
                closer.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        events.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Tells guests and their peers that connections end with the gateway. Driver's thread, or no driver is inside any more. */
    private void endConnections() {
        try {
            if (failure != null) {
                if (services != null) {
                    config.services.forEach(GuestService::close);
                }
                return;
            }
            if (services != null) {
                services.close();
            }
            if (terminator != null) {
                terminator.close();
            }
            engine.end();
        } catch (RuntimeException | Error e) {
            linkGateway.notice("gateway", "connections could not be ended: " + e);
        }
    }

    /** Nobody may be inside the engine when its links are closed; a driver that hangs is not waited for longer than this. */
    private void waitForDriver() {
        long deadline = System.nanoTime() + STOP_NANOS;
        while (driving.get() && Thread.currentThread() != driver && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(100_000);
        }
    }

    private void releaseAll(boolean byExternalDriver) {
        if (external != null && !byExternalDriver) {
            // once this has run nobody is inside the engine
            try {
                external.run(this::endConnections);
            } catch (RuntimeException e) {
                // a driver that has ended by itself runs nothing any more
                linkGateway.notice("driver", "connections could not be ended: " + e);
            }
        }
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
        if (external != null) {
            external.stop();
        }
    }
}
