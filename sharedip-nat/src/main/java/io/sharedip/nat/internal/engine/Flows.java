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
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.MappingBehavior;
import io.sharedip.nat.ProtocolBehavior;
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
import io.sharedip.packet.Checksum;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.TrackedState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The life of flows: how one is born with its mapping and port, what a packet does to it, how it makes room, and how it ends. Keeps
 * the tables of {@code internal.flow} and {@code internal.ports} consistent with one another; nobody else changes them.
 *
 * <p>Who gives way when there is no room is decided by {@link Room}, which port a mapping gets by {@link OutsidePorts}. A new flow is
 * refused before anything is touched for it, so that a refusal never costs anybody a flow.
 *
 * <p>By mapping behaviour an inside endpoint has one mapping for all peers, or one for each peer address, or one for each peer
 * (RFC 4787 section 4.1); that of a forward is always for all.
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
    /** From {@link #adopt}: the mapping depends on a peer, and nobody knows on which. */
    static final int WITHOUT_PEER = -4;

    private static final TrackedState[] STATES = TrackedState.values();
    private static final int NO_PORT_YET = -1;
    private static final int ANOTHERS = -2;
    private static final int NO_MAPPING = -1;
    private static final int PROTOCOLS = 3;

    private final FlowTable table;
    private final MappingTable mappings;
    private final PeerTable peers;
    private final FlowTimers timers;
    private final Room room;
    private final OutsidePorts ports;
    private final MappingBehavior[] mapping = new MappingBehavior[PROTOCOLS];
    private final FilteringBehavior[] filtering = new FilteringBehavior[PROTOCOLS];
    private final TcpTracker outward;
    private final TcpTracker inward;
    private final ForwardTable forwards = new ForwardTable();
    private final GuestDirectory guests;
    private final EventRing events;
    private final OutsideAddresses outside;
    private final @Nullable HostSide sockets;
    private final boolean udpInboundRefresh;
    private final long[] tcpTimeouts = new long[STATES.length];
    private final long udpTimeout;
    private final long icmpTimeout;
    private final long otherTimeout;
    private DropReason refusal = DropReason.LIMIT_FLOWS;
    private final IntConsumer expired = this::expired;
    private long expiringAt;

    Flows(
            EngineSettings settings,
            OutsideAddresses outside,
            GuestDirectory guests,
            EventRing events,
            @Nullable HostSide sockets,
            long nowNanos) {
        this.sockets = sockets;
        KeyedHash hash = new KeyedHash(settings.random());
        this.table = new FlowTable(settings.capacity(), hash);
        boolean portsAreShared =
                settings.tcp().portOverloading() || settings.udp().portOverloading();
        this.mappings = new MappingTable(settings.capacity(), portsAreShared, new KeyedHash(settings.random()));
        this.peers = new PeerTable(settings.capacity(), new KeyedHash(settings.random()));
        this.timers = new FlowTimers(table, nowNanos);
        TcpTracking tracking = settings.tcpTracking();
        this.outward = new TcpTracker(table, tracking.windowChecks(), tracking.midStreamPickup());
        this.inward = outward.another();
        this.room = new Room(table, mappings, settings.flowsPerGuest(), this::evict);
        this.ports = new OutsidePorts(settings, table, room, sockets);
        for (int slot = 0; slot < PROTOCOLS; slot++) {
            ProtocolBehavior behavior = OutsidePorts.behavior(settings, slot);
            // the mapping of an ICMP query does not depend on its destination (RFC 5508 REQ-1), and only its flow lets
            // in
            mapping[slot] = behavior == null ? MappingBehavior.ENDPOINT_INDEPENDENT : behavior.mapping();
            filtering[slot] = behavior == null ? FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT : behavior.filtering();
        }
        this.guests = guests;
        this.events = events;
        this.outside = outside;
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

    OutsidePorts ports() {
        return ports;
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

    /**
     * Whether a mapping lets a peer begin a flow (RFC 4787 section 5): under endpoint-independent filtering anybody, under
     * address-dependent filtering a machine that the guest has addressed through it, and else nobody, because whom the guest has
     * addressed has a flow.
     */
    boolean admits(int through, int peer) {
        return switch (filtering[MappingTable.slotOf(mappings.protocol(through))]) {
            case ENDPOINT_INDEPENDENT -> true;
            case ADDRESS_DEPENDENT -> peers.contains(through, peer);
            case ADDRESS_AND_PORT_DEPENDENT -> false;
        };
    }

    /** Whether the gateway holds an outside port. */
    boolean holdsPort(int protocol, int port) {
        return ports.pool(protocol).owns(port) || forwards.covers(protocol, port);
    }

    private int peerOfKey(int protocol, int peer) {
        return mapping[MappingTable.slotOf(protocol)] == MappingBehavior.ENDPOINT_INDEPENDENT ? 0 : peer;
    }

    private int peerPortOfKey(int protocol, int peerPort) {
        return mapping[MappingTable.slotOf(protocol)] == MappingBehavior.ADDRESS_AND_PORT_DEPENDENT ? peerPort : 0;
    }

    /** The mapping of a guest's endpoint towards a peer, or -1: one of the pool, or that of a forward. */
    private int findInsideMapping(int guest, int protocol, int address, int port, int peer, int peerPort) {
        int forPeer = peerOfKey(protocol, peer);
        int found = mappings.findInside(guest, protocol, address, port, forPeer, peerPortOfKey(protocol, peerPort));
        return found < 0 && forPeer != 0 ? mappings.findInside(guest, protocol, address, port, 0, 0) : found;
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
        int number = guest.number();
        int local = outside.shared();
        int on = findInsideMapping(number, protocol, address, port, peerOutside, peerPort);
        ForwardTable.Entry forward = on < 0 ? forwardOf(guest, protocol, address, port) : null;
        if (forward != null) {
            on = mappings.findForwarded(number, protocol, address, port, forward.number());
        }
        int outsidePort =
                on >= 0 ? mappings.outsidePort(on) : forward != null ? forward.outsidePortOf(port) : NO_PORT_YET;
        // the same conversation under another name of the peer: the shared address and its alias
        int twin = outsidePort == NO_PORT_YET
                ? FlowTable.NONE
                : table.find(
                        FlowKey.addresses(local, peerOutside), FlowKey.outsidePorts(protocol, outsidePort, peerPort));
        if (twin >= 0
                && !isAt(twin, guest, address, port)
                && Room.evictionClass(tracked(twin)) != EvictionQueues.CLOSED) {
            // a forward added since gives this peer's packets to another endpoint
            refusal = DropReason.TUPLE_IN_USE;
            return REFUSED;
        }
        if (isFull(guest, Opener.GUEST, nowNanos)) {
            return REFUSED;
        }
        if (outsidePort == NO_PORT_YET) {
            outsidePort = ports.take(number, protocol, port, local, peerOutside, peerPort, nowNanos);
            if (outsidePort < 0) {
                return refuseFor(outsidePort, guest, nowNanos);
            }
        } else if (on >= 0) {
            mappings.retain(on);
        }
        if (twin >= 0) {
            close(twin, CloseReason.REPLACED, nowNanos);
        }
        room.make(number, Opener.GUEST, nowNanos);
        boolean isNew = on < 0;
        if (isNew) {
            on = addMapping(guest, protocol, address, port, peerOutside, peerPort, outsidePort, forward, nowNanos);
            if (on < 0) {
                return REFUSED;
            }
        }
        int flow = insert(guest, on, protocol, address, port, local, outsidePort, peer, peerPort, peerOutside);
        table.state(flow, table.state(flow) | FlowTable.BY_GUEST);
        if (filtering[MappingTable.slotOf(protocol)] == FilteringBehavior.ADDRESS_DEPENDENT) {
            peers.retain(on, peerOutside);
            table.state(flow, table.state(flow) | FlowTable.PEER_COUNTED);
        }
        begin(guest, flow, nowNanos + timeout(protocol, initialState(protocol)), nowNanos);
        if (!isNew) {
            mappings.release(on);
        }
        return flow;
    }

    private ForwardTable.@Nullable Entry forwardOf(Attachment guest, int protocol, int address, int port) {
        return guest.addresses()[0] == address ? forwards.leadingTo(guest.number(), protocol, port) : null;
    }

    /** Adds a mapping for a flow that is about to begin, or gives its port back. @return the mapping, or {@link #REFUSED} */
    private int addMapping(
            Attachment guest,
            int protocol,
            int address,
            int port,
            int peerOutside,
            int peerPort,
            int outsidePort,
            ForwardTable.@Nullable Entry forward,
            long nowNanos) {
        int number = guest.number();
        int forwardNumber = forward == null ? 0 : forward.number();
        boolean fromPool = forwardNumber == 0;
        if (mappings.isFull()) {
            if (fromPool) {
                ports.giveBack(number, protocol, outsidePort, false, nowNanos);
            }
            return refuse(guest, DropReason.LIMIT_FLOWS, Limit.FLOWS, nowNanos);
        }
        int added = mappings.add(
                number,
                protocol,
                address,
                port,
                fromPool ? peerOfKey(protocol, peerOutside) : 0,
                fromPool ? peerPortOfKey(protocol, peerPort) : 0,
                outsidePort,
                forwardNumber,
                fromPool && ports.areShared(protocol),
                nowNanos);
        mappings.firstPeer(added, packed(peerOutside, peerPort));
        mappings.firstAddress(added, outside.shared());
        events.mappingCreated(
                nowNanos,
                guest.guestId(),
                protocol,
                packed(address, port),
                packed(outside.shared(), outsidePort),
                packed(peerOutside, peerPort));
        return added;
    }

    private boolean isAt(int flow, Attachment guest, int address, int port) {
        return table.guest(flow) == guest.number()
                && table.insideAddress(flow) == address
                && table.insidePort(flow) == port;
    }

    /**
     * Begins a flow for a packet from outside that came through a forward or a mapping.
     *
     * @param through the mapping it came through, or -1
     * @param forward it came through, or null
     * @param peer the peer's address as the guest is to see it
     * @return the flow, or {@link #REFUSED}
     */
    int openFromOutside(
            Attachment guest,
            int through,
            ForwardTable.@Nullable Entry forward,
            int protocol,
            int address,
            int port,
            int outsidePort,
            int peer,
            int peerPort,
            int peerOutside,
            long nowNanos) {
        int number = guest.number();
        int rival = findInside(number, protocol, address, port, peer, peerPort, FlowTable.NONE, nowNanos);
        if (rival >= 0 && Room.evictionClass(tracked(rival)) != EvictionQueues.CLOSED) {
            // another outside port leads to the same endpoint, and the peer uses the same port for both
            refusal = DropReason.TUPLE_IN_USE;
            return REFUSED;
        }
        Opener opener = forward == null ? Opener.STRANGER : Opener.VISITOR;
        if (isFull(guest, opener, nowNanos)) {
            return REFUSED;
        }
        int on = through;
        if (forward != null) {
            on = mappings.findForwarded(number, protocol, address, port, forward.number());
        }
        boolean isNew = on < 0;
        if (!isNew) {
            mappings.retain(on);
        }
        if (rival >= 0) {
            close(rival, CloseReason.REPLACED, nowNanos);
        }
        closePredecessor(protocol, outside.shared(), outsidePort, peerOutside, peerPort, nowNanos);
        room.make(number, opener, nowNanos);
        if (isNew) {
            on = addMapping(guest, protocol, address, port, peerOutside, peerPort, outsidePort, forward, nowNanos);
            if (on < 0) {
                return REFUSED;
            }
        }
        int flow =
                insert(guest, on, protocol, address, port, outside.shared(), outsidePort, peer, peerPort, peerOutside);
        if (forward != null) {
            table.forward(flow, forward.number());
            forward.hit();
        }
        // a stranger whom a mapping lets in does not keep the mapping alive (RFC 4787 REQ-6)
        long deadline = forward == null && protocol == UDP
                ? mappings.deadline(on)
                : nowNanos + timeout(protocol, initialState(protocol));
        begin(guest, flow, deadline, nowNanos);
        if (!isNew) {
            mappings.release(on);
        }
        return flow;
    }

    /** Ends the flow whose connection a peer begins anew ({@link #isTurned}), though it may have been another guest's. */
    private void closePredecessor(int protocol, int local, int port, int peer, int peerPort, long nowNanos) {
        int flow = table.find(FlowKey.addresses(local, peer), FlowKey.outsidePorts(protocol, port, peerPort));
        if (flow >= 0) {
            close(flow, CloseReason.REPLACED, nowNanos);
        }
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
        // from outside the guest's own endpoint may be busy, from inside the outside tuple
        int rival = byGuest
                ? findOutside(protocol, outsideAddress, port, peerOutside, peerPort, FlowTable.NONE, nowNanos)
                : findInside(guest.number(), protocol, address, port, peer, peerPort, FlowTable.NONE, nowNanos);
        boolean sameGuest = byGuest && rival >= 0 && isAt(rival, guest, address, port);
        if (rival >= 0 && !sameGuest && Room.evictionClass(tracked(rival)) != EvictionQueues.CLOSED) {
            refusal = DropReason.TUPLE_IN_USE;
            return REFUSED;
        }
        Opener opener = byGuest ? Opener.GUEST : Opener.VISITOR;
        if (isFull(guest, opener, nowNanos)) {
            return REFUSED;
        }
        if (rival >= 0) {
            close(rival, CloseReason.REPLACED, nowNanos);
        }
        if (!byGuest) {
            closePredecessor(protocol, outsideAddress, port, peerOutside, peerPort, nowNanos);
        }
        room.make(guest.number(), opener, nowNanos);
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
        return room.hasPlace(guest.number());
    }

    /**
     * Gives a flow its mapping, or a mapping to the flow: with a certain outside port or not at all. The flow does not run yet.
     *
     * @param mapped whether it has one
     * @param forward whose port the mapping has, or null if it is of the pool
     * @param forPeer the peer that the mapping is for, 0 if that is not known
     * @param forPeerPort likewise
     * @return the flow, or {@link #CLASHES}, {@link #WITHOUT_PORT}, {@link #WITHOUT_ROOM} or {@link #WITHOUT_PEER}
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
            int forPeer,
            int forPeerPort,
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
        int on = forward == null
                ? adoptedOn(guest.number(), protocol, address, port, outsidePort, forPeer, forPeerPort)
                : mappings.findForwarded(guest.number(), protocol, address, port, forward.number());
        if (on == ANOTHERS) {
            return CLASHES;
        }
        if (on < 0) {
            if (forward == null && !isKeyKnown(protocol, forPeer, forPeerPort)) {
                return WITHOUT_PEER;
            }
            if (mappings.isFull()) {
                return WITHOUT_ROOM;
            }
            if (forward == null && !ports.pool(protocol).owns(outsidePort)) {
                return WITHOUT_PORT;
            }
            if (forward == null && !ports.takeCertain(guest.number(), protocol, outsidePort, nowNanos)) {
                return CLASHES;
            }
            boolean known = forPeer != 0;
            on = addMapping(
                    guest,
                    protocol,
                    address,
                    port,
                    known ? forPeer : peerOutside,
                    known ? forPeerPort : peerPort,
                    outsidePort,
                    forward,
                    nowNanos);
        }
        return insert(guest, on, protocol, address, port, outsideAddress, outsidePort, peer, peerPort, peerOutside);
    }

    private boolean isKeyKnown(int protocol, int peer, int peerPort) {
        return switch (mapping[MappingTable.slotOf(protocol)]) {
            case ENDPOINT_INDEPENDENT -> true;
            case ADDRESS_DEPENDENT -> peer != 0;
            case ADDRESS_AND_PORT_DEPENDENT -> peer != 0 && peerPort != 0;
        };
    }

    /** The mapping of the pool that an adopted flow belongs to, {@link MappingTable#NONE}, or {@link #ANOTHERS}. */
    private int adoptedOn(
            int guest, int protocol, int address, int port, int outsidePort, int forPeer, int forPeerPort) {
        int holder = mappings.findOutside(protocol, outsidePort);
        if (holder >= 0) {
            // of a flow that a stranger began the mapping is another peer's
            boolean same = mappings.guest(holder) == guest
                    && mappings.insideAddress(holder) == address
                    && mappings.insidePort(holder) == port;
            return same ? holder : ANOTHERS;
        }
        int towardsPeer = mappings.findInside(
                guest, protocol, address, port, peerOfKey(protocol, forPeer), peerPortOfKey(protocol, forPeerPort));
        return towardsPeer >= 0 ? ANOTHERS : MappingTable.NONE;
    }

    /** Lets an adopted flow run whose state bits are in place. */
    void resume(int flow, long deadline, long mappingDeadline) {
        int mapping = table.mapping(flow);
        table.deadline(flow, deadline);
        timers.schedule(flow);
        room.flowBegan(flow);
        if ((table.state(flow) & FlowTable.PEER_COUNTED) != 0) {
            peers.retain(mapping, table.peerOutsideAddress(flow));
        }
        if (mapping >= 0 && mappingDeadline - mappings.deadline(mapping) > 0) {
            mappings.deadline(mapping, mappingDeadline);
        }
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
        checksumDeltas(flow, mapping);
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
        room.flowBegan(flow);
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
            room.flowChanged(flow, state & FlowTable.TRACKED_MASK, tracked);
        }
        if (refreshes(protocol, tracked, state & FlowTable.TRACKED_MASK, fromGuest, byGuest, flow)) {
            refresh(flow, protocol, nowNanos + timeout(protocol, tracked), fromGuest, byGuest);
        }
        if (fromGuest) {
            t.countOut(flow, octets);
        } else {
            t.countIn(flow, octets);
        }
    }

    /** Puts the end of a flow off, or, where its state has changed, nearer; what the guest sends puts off its mapping's too. */
    private void refresh(int flow, int protocol, long deadline, boolean fromGuest, boolean byGuest) {
        final FlowTable t = table;
        boolean nearer = deadline - t.deadline(flow) < 0;
        // what a guest ends it does not keep alive (RFC 7857 section 6)
        boolean ends = fromGuest && protocol == TCP && outward.isReset();
        if (nearer || !ends) {
            t.deadline(flow, deadline);
        }
        if (nearer) {
            timers.reschedule(flow);
        }
        // a stranger's flow keeps itself alive where it may, but not the mapping that lets others in
        if (fromGuest ? !ends : byGuest && protocol == UDP && udpInboundRefresh) {
            int mapping = t.mapping(flow);
            if (mapping >= 0 && deadline - mappings.deadline(mapping) > 0) {
                mappings.deadline(mapping, deadline);
            }
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
            return Room.evictionClass(tracked) != EvictionQueues.CLOSED || tracked != before;
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

    /** Whether there is no place for a new flow, and nobody gives way to it. */
    private boolean isFull(Attachment guest, Opener opener, long nowNanos) {
        Limit full = room.whatIsFull(guest.number(), opener);
        if (full == null) {
            return false;
        }
        DropReason reason = full == Limit.FLOWS ? DropReason.LIMIT_FLOWS : DropReason.LIMIT_GUEST_FLOWS;
        return refuse(guest, reason, full, nowNanos) == REFUSED;
    }

    /** Lets a guest with more flows than that of a certain flow give up an unanswered one, and its socket. @return whether one did */
    boolean freeSocketFor(int flow, long nowNanos) {
        return room.freeFlowOfGreedier(table.guest(flow), nowNanos);
    }

    private int refuseFor(int noPort, Attachment guest, long nowNanos) {
        return noPort == OutsidePorts.GUEST_HAS_ENOUGH
                ? refuse(guest, DropReason.LIMIT_GUEST_PORTS, Limit.PORTS_PER_GUEST, nowNanos)
                : refuse(guest, DropReason.LIMIT_PORTS, Limit.PORTS, nowNanos);
    }

    private int refuse(Attachment guest, DropReason reason, Limit limit, long nowNanos) {
        refusal = reason;
        if (guest.mayReportRefusal(nowNanos)) {
            events.tableFull(nowNanos, guest.guestId(), limit);
        }
        return REFUSED;
    }

    private void evict(int flow, long nowNanos) {
        close(flow, CloseReason.EVICTED, nowNanos);
    }

    /** Ends a flow, and its mapping if it was the last on it. */
    void close(int flow, CloseReason reason, long nowNanos) {
        timers.cancel(flow);
        end(flow, reason, nowNanos);
    }

    private void end(int flow, CloseReason reason, long nowNanos) {
        if (sockets != null) {
            sockets.flowEnds(flow, nowNanos);
        }
        room.flowEnds(flow);
        int on = table.mapping(flow);
        if ((table.state(flow) & FlowTable.PEER_COUNTED) != 0) {
            peers.release(on, table.peerOutsideAddress(flow));
        }
        long packetsOut = table.packetsOut(flow);
        long bytesOut = table.bytesOut(flow);
        long packetsIn = table.packetsIn(flow);
        long bytesIn = table.bytesIn(flow);
        Attachment guest = guests.get(table.guest(flow));
        if (guest != null) {
            events.flowClosed(
                    nowNanos,
                    guest.guestId(),
                    table.protocol(flow),
                    packed(table.insideAddress(flow), table.insidePort(flow)),
                    packed(table.outsideAddress(flow), table.outsidePort(flow)),
                    packed(table.peerAddress(flow), table.peerPort(flow)),
                    reason,
                    packetsOut,
                    bytesOut,
                    packetsIn,
                    bytesIn);
        }
        table.remove(flow);
        if (on < 0) {
            return;
        }
        mappings.total(on, packetsOut, bytesOut, packetsIn, bytesIn);
        if (mappings.release(on)) {
            endMapping(on, reason, nowNanos);
        }
    }

    private void endMapping(int on, CloseReason reason, long nowNanos) {
        int number = mappings.guest(on);
        int protocol = mappings.protocol(on);
        int port = mappings.outsidePort(on);
        Attachment guest = guests.get(number);
        if (guest != null) {
            events.mappingDeleted(
                    nowNanos,
                    guest.guestId(),
                    protocol,
                    packed(mappings.insideAddress(on), mappings.insidePort(on)),
                    packed(mappings.firstAddress(on), port),
                    mappings.firstPeer(on),
                    reason,
                    mappings.packetsOut(on),
                    mappings.bytesOut(on),
                    mappings.packetsIn(on),
                    mappings.bytesIn(on));
        }
        boolean fromPool = mappings.forward(on) == 0;
        mappings.remove(on);
        if (fromPool) {
            // what makes room is wanted at once; everything else that has been outside may still be sent to
            ports.giveBack(number, protocol, port, reason != CloseReason.EVICTED, nowNanos);
        }
    }

    /** Ends flows whose time has come. @return how many were looked at */
    int expire(long nowNanos, int limit) {
        expiringAt = nowNanos;
        return timers.advance(nowNanos, limit, expired);
    }

    private void expired(int flow) {
        end(flow, CloseReason.EXPIRED, expiringAt);
    }

    /** Ends the mappings of the pool that have an outside port in a range; where ports are shared, looks at every flow. */
    void closeMappings(int protocol, int firstPort, int lastPort, CloseReason reason, long nowNanos) {
        if (ports.areShared(protocol)) {
            closeAll(
                    flow -> table.protocol(flow) == protocol
                            && table.outsidePort(flow) >= firstPort
                            && table.outsidePort(flow) <= lastPort
                            && table.mapping(flow) >= 0
                            && mappings.forward(table.mapping(flow)) == 0,
                    reason,
                    nowNanos);
            return;
        }
        for (int port = firstPort; port <= lastPort; port++) {
            int on = mappings.findOutside(protocol, port);
            for (int flow = on < 0 ? FlowTable.NONE : mappings.firstFlow(on); flow >= 0; ) {
                int next = mappings.nextFlow(flow);
                close(flow, reason, nowNanos);
                flow = next;
            }
        }
    }

    /** Ends all flows that answer to a description; looks at every flow. */
    void closeAll(IntPredicate condition, CloseReason reason, long nowNanos) {
        for (int flow = 0; flow < table.bound(); flow++) {
            if (table.isLive(flow) && condition.test(flow)) {
                close(flow, reason, nowNanos);
            }
        }
    }

    /**
     * Lets every flow that shows as one address show as another, ports and all; and those that are with the address itself (hairpins)
     * be with the other. Looks at every flow.
     *
     * @return how many flows there are now
     */
    int move(int before, int after, long nowNanos) {
        // an outside machine that had the new address cannot be reached any more
        closeAll(
                flow -> table.peerOutsideAddress(flow) == after || table.outsideAddress(flow) == after,
                CloseReason.ADDRESS_CHANGED,
                nowNanos);
        for (int flow = 0; flow < table.bound(); flow++) {
            if (table.isLive(flow)
                    && (table.outsideAddress(flow) == before || table.peerOutsideAddress(flow) == before)) {
                move(flow, before, after);
            }
        }
        return table.size();
    }

    private void move(int flow, int before, int after) {
        int shown = table.outsideAddress(flow) == before ? after : table.outsideAddress(flow);
        int peer = table.peerOutsideAddress(flow);
        int mapping = table.mapping(flow);
        if (peer == before) {
            peer = after;
            if ((table.state(flow) & FlowTable.PEER_COUNTED) != 0) {
                peers.release(mapping, before);
                peers.retain(mapping, after);
            }
        }
        table.outsideAddresses(flow, shown, peer);
        checksumDeltas(flow, mapping);
    }

    /** Computes what translation adds to checksums. */
    private void checksumDeltas(int flow, int mapping) {
        int addresses = Checksum.add(
                Checksum.delta32(table.insideAddress(flow), table.outsideAddress(flow)),
                Checksum.delta32(table.peerAddress(flow), table.peerOutsideAddress(flow)));
        int ports = Checksum.delta16(table.insidePort(flow), table.outsidePort(flow));
        // the checksum of an ICMP query does not cover addresses
        table.mapping(flow, mapping, addresses, table.protocol(flow) == ICMP ? ports : Checksum.add(addresses, ports));
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
