package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.EventRing.packed;
import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.nat.internal.engine.PacketContext.UDP;

import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.event.SharedIpEvent.Limit;
import io.sharedip.nat.TcpTracking;
import io.sharedip.nat.Timeouts;
import io.sharedip.nat.internal.flow.EvictionQueues;
import io.sharedip.nat.internal.flow.FlowKey;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.FlowTimers;
import io.sharedip.nat.internal.flow.KeyedHash;
import io.sharedip.nat.internal.flow.MappingTable;
import io.sharedip.nat.internal.flow.PeerTable;
import io.sharedip.nat.internal.flow.TcpTracker;
import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.nat.internal.ports.PortAllocator;
import io.sharedip.packet.Checksum;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.TrackedState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The life of flows: how one is born with its mapping and port, what a packet does to it, how it makes room, and how it ends. Keeps
 * the tables of {@code internal.flow} and {@code internal.ports} consistent with one another; nobody else changes them.
 *
 * <p><b>Room.</b> A flow needs a place in its guest's quota, a place in the table and, if its mapping is new, a port. Where one is
 * missing, a closed flow goes first, then one that nobody has answered; the guest's own before others', and of others only who has
 * more flows than the guest, so that a greedy guest cannot push a modest one out; then the new flow is refused. Established flows
 * are never evicted.
 */
final class Flows {

    /** From {@link #openFromGuest} and {@link #openFromOutside}: refused, see {@link #refusal()}. */
    static final int REFUSED = -1;

    /** From {@link #adopt}: a live mapping has the endpoint or the port. */
    static final int CLASHES = -1;
    /** From {@link #adopt}: the outside port is not the pool's. */
    static final int WITHOUT_PORT = -2;
    /** From {@link #adopt}: there are mappings enough. */
    static final int WITHOUT_ROOM = -3;

    private static final TrackedState[] STATES = TrackedState.values();
    private static final int TRIES_FOR_A_PORT = 8;
    private static final int ANY_PROTOCOL = 0;
    private static final int NO_MAPPING = -1;

    private final FlowTable table;
    private final MappingTable mappings;
    private final PeerTable peers;
    private final FlowTimers timers;
    private final EvictionQueues evictions;
    private final TcpTracker outward;
    private final TcpTracker inward;
    private final PortAllocator[] ports = new PortAllocator[3];
    private final boolean[] portsComing = new boolean[3];
    private final ForwardTable forwards = new ForwardTable();
    private final GuestDirectory guests;
    private final EventRing events;
    private final OutsideAddresses outside;
    private final int flowsPerGuest;
    private final boolean udpInboundRefresh;
    private final long[] tcpTimeouts = new long[STATES.length];
    private final long udpTimeout;
    private final long icmpTimeout;
    private final long otherTimeout;
    private int rotation;
    private DropReason refusal = DropReason.LIMIT_FLOWS;
    private long expiringAt;

    Flows(EngineSettings settings, OutsideAddresses outside, GuestDirectory guests, EventRing events, long nowNanos) {
        KeyedHash hash = new KeyedHash(settings.random());
        this.table = new FlowTable(settings.capacity(), hash);
        this.mappings = new MappingTable(settings.capacity(), new KeyedHash(settings.random()));
        this.peers = new PeerTable(settings.capacity(), new KeyedHash(settings.random()));
        this.timers = new FlowTimers(table, nowNanos);
        this.evictions = new EvictionQueues(table);
        TcpTracking tracking = settings.tcpTracking();
        this.outward = new TcpTracker(table, tracking.windowChecks(), tracking.midStreamPickup());
        this.inward = new TcpTracker(table, tracking.windowChecks(), tracking.midStreamPickup());
        for (int i = 0; i < ports.length; i++) {
            ports[i] = new PortAllocator(settings.random());
        }
        this.guests = guests;
        this.events = events;
        this.outside = outside;
        this.flowsPerGuest = settings.flowsPerGuest();
        this.udpInboundRefresh = settings.udpInboundRefresh();
        Timeouts t = settings.timeouts();
        tcpTimeouts[TcpTracker.HALF_OPEN] = t.tcpHalfOpen().toNanos();
        tcpTimeouts[TcpTracker.ESTABLISHED] = t.tcpEstablished().toNanos();
        tcpTimeouts[TcpTracker.HALF_CLOSED] = t.tcpHalfClosed().toNanos();
        tcpTimeouts[TcpTracker.CLOSED] = t.tcpTransitory().toNanos();
        tcpTimeouts[TcpTracker.RESET] = t.tcpTransitory().toNanos();
        udpTimeout = t.udp().toNanos();
        icmpTimeout = t.icmp().toNanos();
        otherTimeout = t.other().toNanos();
    }

    FlowTable table() {
        return table;
    }

    MappingTable mappings() {
        return mappings;
    }

    ForwardTable forwards() {
        return forwards;
    }

    PortAllocator ports(int protocol) {
        return ports[MappingTable.slotOf(protocol)];
    }

    /** Whether further ports of a protocol are being claimed: who finds none now will find one shortly. */
    boolean portsAreComing(int protocol) {
        return portsComing[MappingTable.slotOf(protocol)];
    }

    void portsAreComing(int protocol, boolean coming) {
        portsComing[MappingTable.slotOf(protocol)] = coming;
    }

    /** Why the last flow was refused. */
    DropReason refusal() {
        return refusal;
    }

    /**
     * The live flow of a guest's packet, or -1. An ICMP query is known by its identifier; its peer port is 0.
     *
     * @param guess which flow it probably is, or {@link FlowTable#NONE}
     */
    int findInside(int guest, int protocol, int address, int port, int peer, int peerPort, int guess, long nowNanos) {
        return alive(
                table.find(
                        FlowKey.addresses(address, peer), FlowKey.insidePorts(guest, protocol, port, peerPort), guess),
                nowNanos);
    }

    /**
     * The live flow of a packet from outside, or -1.
     *
     * @param local the address of the gateway that it is for
     * @param guess which flow it probably is, or {@link FlowTable#NONE}
     */
    int findOutside(int protocol, int local, int port, int peer, int peerPort, int guess, long nowNanos) {
        return alive(
                table.find(FlowKey.addresses(local, peer), FlowKey.outsidePorts(protocol, port, peerPort), guess),
                nowNanos);
    }

    private int alive(int flow, long nowNanos) {
        if (flow >= 0 && table.deadline(flow) - nowNanos <= 0) {
            close(flow, CloseReason.EXPIRED, nowNanos);
            return -1;
        }
        return flow;
    }

    /** The live mapping of the pool that holds an outside port, or -1. */
    int findMapping(int protocol, int port, long nowNanos) {
        int mapping = mappings.findOutside(protocol, port);
        return mapping >= 0 && mappings.deadline(mapping) - nowNanos > 0 ? mapping : -1;
    }

    /** Whether the guest has addressed a peer through a mapping: address-dependent filtering (RFC 4787 section 5). */
    boolean hasAddressed(int mapping, int peer) {
        return peers.contains(mapping, peer);
    }

    /** Whether the gateway holds an outside port. */
    boolean holdsPort(int protocol, int port) {
        return ports(protocol).owns(port) || forwards.covers(protocol, port);
    }

    /**
     * Begins a flow for a packet of a guest.
     *
     * @param peerOutside the peer's address as the outside sees it
     * @return the flow, or {@link #REFUSED}
     */
    int openFromGuest(
            Attachment guest,
            int protocol,
            int address,
            int port,
            int peer,
            int peerPort,
            int peerOutside,
            long nowNanos) {
        if (!makeRoom(guest, nowNanos)) {
            return REFUSED;
        }
        int mapping = mappings.findInside(guest.number(), protocol, address, port);
        if (mapping < 0) {
            mapping = newMapping(guest, protocol, address, port, nowNanos);
            if (mapping < 0) {
                return REFUSED;
            }
        }
        int outsideAddress = outside.shared();
        int outsidePort = mappings.outsidePort(mapping);
        mappings.retain(mapping);
        // the same conversation under another name of the peer: the shared address and its alias
        int twin = table.find(
                FlowKey.addresses(outsideAddress, peerOutside), FlowKey.outsidePorts(protocol, outsidePort, peerPort));
        if (twin >= 0) {
            if (!isAt(twin, guest, address, port) && evictionClass(tracked(twin)) != EvictionQueues.CLOSED) {
                // a forward added since gives this peer's packets to another endpoint
                release(mapping);
                refusal = DropReason.TUPLE_IN_USE;
                return REFUSED;
            }
            close(twin, CloseReason.REPLACED, nowNanos);
        }
        int flow = insert(
                guest, mapping, protocol, address, port, outsideAddress, outsidePort, peer, peerPort, peerOutside);
        table.state(flow, table.state(flow) | FlowTable.BY_GUEST);
        if (protocol != ICMP) {
            peers.retain(mapping, peerOutside);
            table.state(flow, table.state(flow) | FlowTable.PEER_COUNTED);
        }
        begin(guest, flow, nowNanos + timeout(protocol, initialState(protocol)), nowNanos);
        return flow;
    }

    private boolean isAt(int flow, Attachment guest, int address, int port) {
        return table.guest(flow) == guest.number()
                && table.insideAddress(flow) == address
                && table.insidePort(flow) == port;
    }

    private int newMapping(Attachment guest, int protocol, int address, int port, long nowNanos) {
        ForwardTable.Entry forward = forwards.leadingTo(guest.number(), protocol, port);
        if (forward != null && guest.addresses()[0] == address) {
            int outside = forward.outsidePortOf(port);
            return mappings.isFull()
                    ? refuse(guest, DropReason.LIMIT_FLOWS, Limit.FLOWS, nowNanos)
                    : mappings.add(guest.number(), protocol, address, port, outside, forward.number(), nowNanos);
        }
        PortAllocator allocator = ports(protocol);
        int outside = allocator.take(port) ? port : allocator.takeLike(port);
        boolean evict = !portsAreComing(protocol);
        for (int i = 0; evict && outside < 0 && i < TRIES_FOR_A_PORT && evictForPort(guest, protocol, nowNanos); i++) {
            outside = allocator.takeLike(port);
        }
        if (outside < 0) {
            return refuse(guest, DropReason.LIMIT_PORTS, Limit.PORTS, nowNanos);
        }
        if (mappings.isFull()) {
            allocator.release(outside);
            return refuse(guest, DropReason.LIMIT_FLOWS, Limit.FLOWS, nowNanos);
        }
        return mappings.add(guest.number(), protocol, address, port, outside, 0, nowNanos);
    }

    /**
     * Begins a flow for a packet from outside that came through a forward or a mapping.
     *
     * @param mapping it came through, or -1
     * @param forward it came through, or null
     * @param peer the peer's address as the guest is to see it
     * @return the flow, or {@link #REFUSED}
     */
    int openFromOutside(
            Attachment guest,
            int mapping,
            ForwardTable.@Nullable Entry forward,
            int protocol,
            int address,
            int port,
            int outsidePort,
            int peer,
            int peerPort,
            int peerOutside,
            long nowNanos) {
        int rival = findInside(guest.number(), protocol, address, port, peer, peerPort, FlowTable.NONE, nowNanos);
        if (rival >= 0 && evictionClass(tracked(rival)) != EvictionQueues.CLOSED) {
            // another outside port leads to the same endpoint, and the peer uses the same port for both
            refusal = DropReason.TUPLE_IN_USE;
            return REFUSED;
        }
        if (mapping >= 0) {
            mappings.retain(mapping);
        }
        if (rival >= 0) {
            close(rival, CloseReason.REPLACED, nowNanos);
        }
        boolean room = makeRoom(guest, nowNanos);
        int on = mapping;
        if (room && forward != null) {
            on = mappings.findInside(guest.number(), protocol, address, port);
            if (on < 0 || mappings.forward(on) != forward.number() || mappings.outsidePort(on) != outsidePort) {
                on = mappings.isFull()
                        ? refuse(guest, DropReason.LIMIT_FLOWS, Limit.FLOWS, nowNanos)
                        : mappings.add(
                                guest.number(), protocol, address, port, outsidePort, forward.number(), nowNanos);
            }
            if (on >= 0) {
                mappings.retain(on);
            }
        }
        if (!room || on < 0) {
            if (mapping >= 0) {
                release(mapping);
            }
            return REFUSED;
        }
        int flow = insert(
                guest,
                on,
                protocol,
                address,
                port,
                outside.shared(),
                mappings.outsidePort(on),
                peer,
                peerPort,
                peerOutside);
        if (forward != null) {
            table.forward(flow, forward.number());
            forward.hit();
        }
        // a stranger whom a mapping lets in does not keep the mapping alive (RFC 4787 REQ-6)
        long deadline = forward == null && protocol == UDP
                ? mappings.deadline(on)
                : nowNanos + timeout(protocol, initialState(protocol));
        begin(guest, flow, deadline, nowNanos);
        return flow;
    }

    /**
     * Begins a flow whose port is the same inside and outside, if its protocol has ports: of a protocol that is translated by address
     * alone, of an address that is mapped one to one, or to a destination that is exempt from translation.
     *
     * @param byGuest whether the guest begins it
     * @param outsideAddress that the flow shows as
     * @param peer the peer's address as the guest sees it
     * @param peerOutside the peer's address as the outside sees it
     * @return the flow, or {@link #REFUSED}
     */
    int openUnmapped(
            Attachment guest,
            boolean byGuest,
            int protocol,
            int address,
            int port,
            int outsideAddress,
            int peer,
            int peerPort,
            int peerOutside,
            long nowNanos) {
        if (!makeRoom(guest, nowNanos)) {
            return REFUSED;
        }
        // from outside the guest's own endpoint may be busy, from inside the outside tuple
        int rival = byGuest
                ? findOutside(protocol, outsideAddress, port, peerOutside, peerPort, FlowTable.NONE, nowNanos)
                : findInside(guest.number(), protocol, address, port, peer, peerPort, FlowTable.NONE, nowNanos);
        if (rival >= 0) {
            boolean sameGuest = byGuest && isAt(rival, guest, address, port);
            if (!sameGuest && evictionClass(tracked(rival)) != EvictionQueues.CLOSED) {
                refusal = DropReason.TUPLE_IN_USE;
                return REFUSED;
            }
            close(rival, CloseReason.REPLACED, nowNanos);
        }
        int flow =
                insert(guest, NO_MAPPING, protocol, address, port, outsideAddress, port, peer, peerPort, peerOutside);
        if (byGuest) {
            table.state(flow, table.state(flow) | FlowTable.BY_GUEST);
        }
        begin(guest, flow, nowNanos + timeout(protocol, initialState(protocol)), nowNanos);
        return flow;
    }

    // ---- flows that come out of a snapshot; FlowTransfer decides which

    /** Whether a flow finds a place in its guest's quota and in the table without another one's making room. */
    boolean hasRoom(Attachment guest) {
        return guest.flows() < flowsPerGuest && !table.isFull();
    }

    /**
     * Gives a flow its mapping, or a mapping to the flow: with a certain outside port or not at all. The flow does not run yet.
     *
     * @param mapped whether it has one
     * @param forward whose port the mapping has, or null if it is of the pool
     * @return the flow, or {@link #CLASHES}, {@link #WITHOUT_PORT} or {@link #WITHOUT_ROOM}
     */
    int adopt(
            Attachment guest,
            boolean mapped,
            ForwardTable.@Nullable Entry forward,
            int protocol,
            int address,
            int port,
            int outsideAddress,
            int outsidePort,
            int peer,
            int peerPort,
            int peerOutside,
            long nowNanos) {
        if (!mapped) {
            return insert(
                    guest,
                    NO_MAPPING,
                    protocol,
                    address,
                    port,
                    outsideAddress,
                    outsidePort,
                    peer,
                    peerPort,
                    peerOutside);
        }
        int number = forward == null ? 0 : forward.number();
        int mapping = mappings.findInside(guest.number(), protocol, address, port);
        if (mapping >= 0 && (mappings.outsidePort(mapping) != outsidePort || mappings.forward(mapping) != number)) {
            if (forward == null) {
                return CLASHES;
            }
            mapping = -1; // another forward leads to the same endpoint
        }
        if (mapping < 0) {
            if (mappings.isFull()) {
                return WITHOUT_ROOM;
            }
            if (forward == null) {
                if (!ports(protocol).owns(outsidePort)) {
                    return WITHOUT_PORT;
                }
                if (!ports(protocol).take(outsidePort)) {
                    return CLASHES;
                }
            }
            mapping = mappings.add(guest.number(), protocol, address, port, outsidePort, number, nowNanos);
        }
        mappings.retain(mapping);
        return insert(
                guest, mapping, protocol, address, port, outsideAddress, outsidePort, peer, peerPort, peerOutside);
    }

    /** Lets an adopted flow run whose state bits are in place. */
    void resume(Attachment guest, int flow, long deadline, long mappingDeadline) {
        int mapping = table.mapping(flow);
        table.deadline(flow, deadline);
        timers.schedule(flow);
        int evictionClass = evictionClass(tracked(flow));
        if (evictionClass >= 0) {
            evictions.add(flow, evictionClass);
        }
        if ((table.state(flow) & FlowTable.PEER_COUNTED) != 0) {
            peers.retain(mapping, table.peerOutsideAddress(flow));
        }
        if (mapping >= 0 && mappingDeadline - mappings.deadline(mapping) > 0) {
            mappings.deadline(mapping, mappingDeadline);
        }
        guest.countFlow(1);
    }

    private int insert(
            Attachment guest,
            int mapping,
            int protocol,
            int address,
            int port,
            int outsideAddress,
            int outsidePort,
            int peer,
            int peerPort,
            int peerOutside) {
        int flow = table.add(
                FlowKey.addresses(address, peer),
                FlowKey.insidePorts(guest.number(), protocol, port, peerPort),
                FlowKey.addresses(outsideAddress, peerOutside),
                FlowKey.outsidePorts(protocol, outsidePort, peerPort));
        int addresses = Checksum.add(Checksum.delta32(address, outsideAddress), Checksum.delta32(peer, peerOutside));
        int portDelta = Checksum.delta16(port, outsidePort);
        // the checksum of an ICMP query does not cover addresses
        table.mapping(flow, mapping, addresses, protocol == ICMP ? portDelta : Checksum.add(addresses, portDelta));
        return flow;
    }

    private static int initialState(int protocol) {
        return protocol == TCP ? TcpTracker.HALF_OPEN : TcpTracker.UNREPLIED;
    }

    private void begin(Attachment guest, int flow, long deadline, long nowNanos) {
        int protocol = table.protocol(flow);
        table.state(flow, table.state(flow) | initialState(protocol));
        table.deadline(flow, deadline);
        timers.schedule(flow);
        evictions.add(flow, EvictionQueues.UNANSWERED);
        guest.countFlow(1);
        events.flowOpened(
                nowNanos,
                guest.guestId(),
                protocol,
                packed(table.insideAddress(flow), table.insidePort(flow)),
                packed(table.outsideAddress(flow), table.outsidePort(flow)),
                packed(table.peerAddress(flow), table.peerPort(flow)),
                (table.state(flow) & FlowTable.BY_GUEST) != 0);
    }

    long timeout(int protocol, int tracked) {
        if (protocol == TCP) {
            return tcpTimeouts[tracked];
        }
        return protocol == UDP ? udpTimeout : protocol == ICMP ? icmpTimeout : otherTimeout;
    }

    private int tracked(int flow) {
        return table.state(flow) & FlowTable.TRACKED_MASK;
    }

    private static int evictionClass(int tracked) {
        if (tracked == TcpTracker.CLOSED || tracked == TcpTracker.RESET) {
            return EvictionQueues.CLOSED;
        }
        return tracked == TcpTracker.HALF_OPEN || tracked == TcpTracker.UNREPLIED ? EvictionQueues.UNANSWERED : -1;
    }

    /**
     * Judges a packet of a flow. If nothing else stops it, {@link #pass} must follow before another of the same direction is judged.
     *
     * @param fromGuest its direction
     * @return why it is to be dropped, or null
     */
    @Nullable
    DropReason judge(int flow, boolean fromGuest, PacketContext c) {
        return c.protocol == TCP
                ? (fromGuest ? outward : inward).judge(flow, fromGuest, c.octets, c.transport, c.transportLength)
                : null;
    }

    /** Whether a segment begins a connection anew, but from the other side than the one that its flow remembers as ended. */
    boolean isTurned(int flow, boolean fromGuest, PacketContext c) {
        int state = table.state(flow);
        return c.protocol == TCP
                && TcpTracker.begins(c.tcpFlags)
                && TcpTracker.hasEnded(state)
                && fromGuest != ((state & FlowTable.BY_GUEST) != 0);
    }

    /**
     * A packet passes that was {@linkplain #judge judged}: state, deadline and counters follow it.
     *
     * @param fromGuest its direction
     * @param octets of the IP packet
     */
    void pass(int flow, boolean fromGuest, int octets, long nowNanos) {
        final FlowTable t = table;
        int protocol = t.protocol(flow);
        int state = t.state(flow);
        int next = state;
        boolean byGuest = (state & FlowTable.BY_GUEST) != 0;
        if (protocol == TCP) {
            TcpTracker tracker = fromGuest ? outward : inward;
            next = tracker.state();
            tracker.commit(flow);
        } else if ((state & FlowTable.TRACKED_MASK) == TcpTracker.UNREPLIED && fromGuest != byGuest) {
            next = (state & ~FlowTable.TRACKED_MASK) | TcpTracker.REPLIED;
        }
        int tracked = next & FlowTable.TRACKED_MASK;
        boolean changed = next != state;
        if (changed) {
            t.state(flow, next);
            requeue(flow, state & FlowTable.TRACKED_MASK, tracked);
        }
        if (refreshes(protocol, tracked, state & FlowTable.TRACKED_MASK, fromGuest, byGuest, flow)) {
            long deadline = nowNanos + timeout(protocol, tracked);
            boolean nearer = deadline - t.deadline(flow) < 0;
            // what a guest ends it does not keep alive (RFC 7857 section 6)
            boolean ends = fromGuest && protocol == TCP && outward.isReset();
            if (nearer || !ends) {
                t.deadline(flow, deadline);
            }
            if (nearer) {
                timers.reschedule(flow);
            }
            if (fromGuest && !ends) {
                int mapping = t.mapping(flow);
                if (mapping >= 0 && deadline - mappings.deadline(mapping) > 0) {
                    mappings.deadline(mapping, deadline);
                }
            }
        }
        if (fromGuest) {
            t.countOut(flow, octets);
        } else {
            t.countIn(flow, octets);
        }
    }

    /** Whether a packet puts the flow's end off. An ended connection's timer runs from its end (RFC 7857 section 2.2). */
    private boolean refreshes(int protocol, int tracked, int before, boolean fromGuest, boolean byGuest, int flow) {
        if (protocol == TCP) {
            if (tracked == before && !(fromGuest ? outward : inward).keepsAlive()) {
                return false;
            }
            if (tracked == TcpTracker.HALF_OPEN && before == tracked && !fromGuest && !byGuest) {
                // a stranger whom a mapping lets in does not hold it open by calling again and again
                return isOpenToAll(flow);
            }
            return evictionClass(tracked) != EvictionQueues.CLOSED || tracked != before;
        }
        if (fromGuest || (protocol == UDP && udpInboundRefresh)) {
            return true;
        }
        // what came through a forward is kept alive by those who came; what the guest opened, by the guest (RFC 4787
        // REQ-6)
        return !byGuest && isOpenToAll(flow);
    }

    /** Whether a flow came through a forward or an address that is its guest's alone, not through a mapping of the pool. */
    private boolean isOpenToAll(int flow) {
        return table.forward(flow) != 0 || table.mapping(flow) < 0;
    }

    private void requeue(int flow, int before, int after) {
        int from = evictionClass(before);
        int to = evictionClass(after);
        if (from != to) {
            if (from >= 0) {
                evictions.remove(flow, from);
            }
            if (to >= 0) {
                evictions.add(flow, to);
            }
        }
    }

    /** Makes a place in the guest's quota and in the table. */
    private boolean makeRoom(Attachment guest, long nowNanos) {
        if (guest.flows() >= flowsPerGuest && !evictOwn(guest.number(), nowNanos)) {
            refuse(guest, DropReason.LIMIT_GUEST_FLOWS, Limit.FLOWS_PER_GUEST, nowNanos);
            return false;
        }
        if (table.isFull() && !evictAnybodys(guest, nowNanos)) {
            refuse(guest, DropReason.LIMIT_FLOWS, Limit.FLOWS, nowNanos);
            return false;
        }
        return true;
    }

    private int refuse(Attachment guest, DropReason reason, Limit limit, long nowNanos) {
        refusal = reason;
        if (guest.mayReportRefusal(nowNanos)) {
            events.tableFull(nowNanos, guest.guestId(), limit);
        }
        return REFUSED;
    }

    private boolean evictOwn(int guest, long nowNanos) {
        return evict(evictions.oldest(guest, EvictionQueues.CLOSED), nowNanos)
                || evict(evictions.oldest(guest, EvictionQueues.UNANSWERED), nowNanos);
    }

    /** Closed flows first, whoever's; then unanswered ones of the guest itself, then of whoever has most, but more than the guest. */
    private boolean evictAnybodys(Attachment guest, long nowNanos) {
        if (evict(evictions.oldest(guest.number(), EvictionQueues.CLOSED), nowNanos)) {
            return true;
        }
        int bound = guests.bound();
        for (int i = 0; i < bound; i++) {
            rotation = (rotation + 1) % bound;
            if (evict(evictions.oldest(rotation, EvictionQueues.CLOSED), nowNanos)) {
                return true;
            }
        }
        return evict(evictions.oldest(guest.number(), EvictionQueues.UNANSWERED), nowNanos)
                || evict(unansweredOfGreedier(guest, ANY_PROTOCOL), nowNanos);
    }

    /** The oldest unanswered flow of the guest that has most flows, if those are more than a certain guest has; or -1. */
    private int unansweredOfGreedier(Attachment guest, int protocol) {
        int found = -1;
        int most = guest.flows();
        for (int number = 1; number < guests.bound(); number++) {
            Attachment other = guests.get(number);
            if (other != null && other.flows() > most) {
                int oldest = protocol == ANY_PROTOCOL
                        ? evictions.oldest(number, EvictionQueues.UNANSWERED)
                        : evictions.oldest(number, protocol, EvictionQueues.UNANSWERED);
                if (oldest >= 0) {
                    most = other.flows();
                    found = oldest;
                }
            }
        }
        return found;
    }

    private boolean evictForPort(Attachment guest, int protocol, long nowNanos) {
        if (evict(evictions.oldest(guest.number(), protocol, EvictionQueues.CLOSED), nowNanos)) {
            return true;
        }
        int bound = guests.bound();
        for (int i = 0; i < bound; i++) {
            rotation = (rotation + 1) % bound;
            if (evict(evictions.oldest(rotation, protocol, EvictionQueues.CLOSED), nowNanos)) {
                return true;
            }
        }
        return evict(evictions.oldest(guest.number(), protocol, EvictionQueues.UNANSWERED), nowNanos)
                || evict(unansweredOfGreedier(guest, protocol), nowNanos);
    }

    private boolean evict(int flow, long nowNanos) {
        if (flow < 0) {
            return false;
        }
        close(flow, CloseReason.EVICTED, nowNanos);
        return true;
    }

    /** Ends a flow, and its mapping if it was the last on it. */
    void close(int flow, CloseReason reason, long nowNanos) {
        timers.cancel(flow);
        end(flow, reason, nowNanos);
    }

    private void end(int flow, CloseReason reason, long nowNanos) {
        int evictionClass = evictionClass(tracked(flow));
        if (evictionClass >= 0) {
            evictions.remove(flow, evictionClass);
        }
        int mapping = table.mapping(flow);
        if ((table.state(flow) & FlowTable.PEER_COUNTED) != 0) {
            peers.release(mapping, table.peerOutsideAddress(flow));
        }
        Attachment guest = guests.get(table.guest(flow));
        if (guest != null) {
            guest.countFlow(-1);
            events.flowClosed(
                    nowNanos,
                    guest.guestId(),
                    table.protocol(flow),
                    packed(table.insideAddress(flow), table.insidePort(flow)),
                    packed(table.outsideAddress(flow), table.outsidePort(flow)),
                    packed(table.peerAddress(flow), table.peerPort(flow)),
                    reason,
                    table.packetsOut(flow),
                    table.bytesOut(flow),
                    table.packetsIn(flow),
                    table.bytesIn(flow));
        }
        table.remove(flow);
        if (mapping >= 0) {
            release(mapping);
        }
    }

    private void release(int mapping) {
        if (mappings.release(mapping)) {
            int protocol = mappings.protocol(mapping);
            int port = mappings.outsidePort(mapping);
            boolean fromPool = mappings.forward(mapping) == 0;
            mappings.remove(mapping);
            if (fromPool) {
                ports(protocol).release(port);
            }
        }
    }

    /** Ends flows whose time has come. @return how many were looked at */
    int expire(long nowNanos, int limit) {
        expiringAt = nowNanos;
        return timers.advance(nowNanos, limit, this::expired);
    }

    private void expired(int flow) {
        end(flow, CloseReason.EXPIRED, expiringAt);
    }

    /** Ends all flows that answer to a description; looks at every flow. */
    void closeAll(IntPredicate condition, CloseReason reason, long nowNanos) {
        for (int flow = 0; flow < table.bound(); flow++) {
            if (table.isLive(flow) && condition.test(flow)) {
                close(flow, reason, nowNanos);
            }
        }
    }

    /** Describes the flows with numbers from one to below another. */
    List<FlowStatus> describe(int from, int to, long nowNanos) {
        List<FlowStatus> result = new ArrayList<>();
        for (int flow = from; flow < Math.min(to, table.bound()); flow++) {
            Attachment guest = table.isLive(flow) ? guests.get(table.guest(flow)) : null;
            long left = table.deadline(flow) - nowNanos;
            if (guest == null || left <= 0) {
                continue;
            }
            result.add(new FlowStatus(
                    guest.guestId(),
                    new IpProtocol(table.protocol(flow)),
                    endpoint(table.insideAddress(flow), table.insidePort(flow)),
                    endpoint(table.outsideAddress(flow), table.outsidePort(flow)),
                    endpoint(table.peerAddress(flow), table.peerPort(flow)),
                    STATES[tracked(flow)],
                    table.packetsOut(flow),
                    table.bytesOut(flow),
                    table.packetsIn(flow),
                    table.bytesIn(flow),
                    Duration.ofNanos(left)));
        }
        return result;
    }

    private static Endpoint endpoint(int address, int port) {
        return new Endpoint(new Ipv4Address(address), port);
    }
}
