package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.nat.internal.engine.PacketContext.UDP;

import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.internal.flow.EvictionQueues;
import io.sharedip.nat.internal.flow.FlowKey;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.MappingTable;
import io.sharedip.nat.internal.ports.PortAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Which outside port of the pool a new mapping gets (RFC 4787 section 4.2, RFC 6888 REQ-4, REQ-8, REQ-11).
 *
 * <p><b>A port to itself.</b> The wanted port if it is free, else a random one like it; if there is none, one that a mapping gives up
 * ({@link Room}).
 *
 * <p><b>A shared port</b> (overloading) is any port of the pool with which the flow's outside tuple is unique: the wanted one, else
 * a random one like it, or one of those that {@value #TRIES} growing steps lead to from there, so that runs of ports in use do not grow
 * into each other; else the same with the other parity; else one whose tuple belongs to a flow that may give way, if one has been
 * seen on the way. So the work is bounded, at the price that a flow to a peer with whom nearly every port of the pool is in use may be
 * refused although a few are left.
 *
 * <p><b>Sockets.</b> Where what guests send ends at sockets of the host, a port is given only if the host has it free as well, and is held
 * by a socket as long as the mapping lives ({@link HostSide#acquire}). A port that the host refuses rests, so that it is not asked for
 * again and again. {@value #HOST_TRIES} refusals one after another mean that not ports but sockets are wanting: then somebody gives one up
 * ({@link Room#freeSocket}), or the flow is refused. Of sockets for pings there are few, and a guest that loses one gets another with
 * its next ping; so they are shared out alike: whoever holds most gives way to whoever holds less, with an unanswered one if there is
 * one, else with its oldest.
 */
final class OutsidePorts {

    /** No port. */
    static final int NONE = -1;
    /** No port, because the guest has as many as it may have. */
    static final int GUEST_HAS_ENOUGH = -2;

    private static final int PROTOCOLS = 3;
    private static final int TRIES = 128;
    private static final int HOST_TRIES = 16;

    private final FlowTable table;
    private final Room room;
    private final @Nullable HostSide sockets;
    private final PortAllocator[] pools = new PortAllocator[PROTOCOLS];
    private final boolean[] coming = new boolean[PROTOCOLS];
    private final boolean[] shared = new boolean[PROTOCOLS];
    private final int[] perGuest = new int[PROTOCOLS];
    private final int[] refused = new int[HOST_TRIES];
    /** The identifiers that sockets hold, by guest, all in one queue. */
    private final EvictionQueues pings;

    OutsidePorts(EngineSettings settings, FlowTable table, Room room, @Nullable HostSide sockets) {
        this.sockets = sockets;
        this.table = table;
        this.room = room;
        this.pings = new EvictionQueues(new long[sockets == null ? 0 : 1 << 16]);
        for (int slot = 0; slot < PROTOCOLS; slot++) {
            ProtocolBehavior behavior = behavior(settings, slot);
            shared[slot] = behavior != null && behavior.portOverloading();
            perGuest[slot] = behavior == null ? 0 : behavior.portsPerGuest();
            // a shared port admits known peers only, so it may be used again at once (RFC 6888 REQ-8 C)
            long rest = behavior == null || shared[slot]
                    ? 0
                    : behavior.portReuseDelay().toNanos();
            pools[slot] = new PortAllocator(settings.random(), rest);
        }
    }

    /** How a protocol behaves, or null for what is no setting: queries of ICMP. */
    static @Nullable ProtocolBehavior behavior(EngineSettings settings, int slot) {
        if (slot == MappingTable.slotOf(TCP)) {
            return settings.tcp();
        }
        return slot == MappingTable.slotOf(UDP) ? settings.udp() : null;
    }

    PortAllocator pool(int protocol) {
        return pools[MappingTable.slotOf(protocol)];
    }

    /** Lets all ports out that rest. */
    void endRests() {
        for (PortAllocator pool : pools) {
            pool.endRests();
        }
    }

    /** Whether mappings of a protocol share ports. */
    boolean areShared(int protocol) {
        return shared[MappingTable.slotOf(protocol)];
    }

    /** Whether further ports of a protocol are being claimed: who finds none now will find one shortly. */
    boolean areComing(int protocol) {
        return coming[MappingTable.slotOf(protocol)];
    }

    void areComing(int protocol, boolean now) {
        coming[MappingTable.slotOf(protocol)] = now;
    }

    /**
     * Takes a port for a new mapping.
     *
     * @param wanted the guest's own port
     * @param local the gateway's address that the flow shows as
     * @param peer the peer as the outside sees it
     * @return the port, {@link #NONE}, or {@link #GUEST_HAS_ENOUGH}
     */
    int take(int guest, int protocol, int wanted, int local, int peer, int peerPort, long nowNanos) {
        int slot = MappingTable.slotOf(protocol);
        if (perGuest[slot] != 0
                && room.portsOf(guest, protocol) >= perGuest[slot]
                && !room.freeOwnPort(guest, protocol, wanted, nowNanos)) {
            return GUEST_HAS_ENOUGH;
        }
        int port = shared[slot]
                ? share(pools[slot], guest, protocol, wanted, FlowKey.addresses(local, peer), peerPort, nowNanos)
                : takeAlone(pools[slot], guest, protocol, wanted, nowNanos);
        if (port >= 0) {
            given(guest, protocol, port);
        }
        return port;
    }

    private void given(int guest, int protocol, int port) {
        room.countPort(guest, protocol, port, 1);
        if (sockets != null && protocol == ICMP) {
            pings.count(guest, 1);
            pings.add(port, guest, EvictionQueues.UNANSWERED);
        }
    }

    /** Takes a certain port of the pool, whatever the guest's quota. @return whether it could be had */
    boolean takeCertain(int guest, int protocol, int port, long nowNanos) {
        if (!areShared(protocol) && !pool(protocol).take(port, nowNanos)) {
            return false;
        }
        if (sockets != null && !sockets.acquire(protocol, port)) {
            pool(protocol).rest(port, nowNanos);
            return false;
        }
        given(guest, protocol, port);
        return true;
    }

    private int takeAlone(PortAllocator pool, int guest, int protocol, int wanted, long nowNanos) {
        int port = pool.take(wanted, nowNanos) ? wanted : pool.takeLike(wanted, nowNanos);
        boolean evict = port == PortAllocator.NONE && !areComing(protocol);
        if (evict && room.freePort(guest, protocol, wanted, nowNanos)) {
            port = pool.takeLike(wanted, nowNanos);
        }
        if (sockets == null) {
            return port;
        }
        int held = holdOnHost(sockets, pool, protocol, wanted, port, nowNanos);
        if (held == NONE && freeSocket(guest, protocol, wanted, nowNanos)) {
            int again = pool.take(wanted, nowNanos) ? wanted : pool.takeLike(wanted, nowNanos);
            held = holdOnHost(sockets, pool, protocol, wanted, again, nowNanos);
        }
        return held == NONE && protocol == ICMP && pings.held(guest) > 0 ? GUEST_HAS_ENOUGH : held;
    }

    private int holdOnHost(HostSide sockets, PortAllocator pool, int protocol, int wanted, int first, long nowNanos) {
        int port = first;
        int tries = 0;
        int held = NONE;
        while (port != PortAllocator.NONE && tries < HOST_TRIES && held == NONE) {
            if (sockets.acquire(protocol, port)) {
                held = port;
            } else {
                refused[tries++] = port;
                port = pool.takeLike(wanted, nowNanos);
            }
        }
        if (held == NONE && port != PortAllocator.NONE) {
            pool.release(port);
        }
        for (int i = 0; i < tries; i++) {
            if (tries < HOST_TRIES) {
                pool.rest(refused[i], nowNanos);
            } else {
                pool.release(refused[i]);
            }
        }
        return held;
    }

    private boolean freeSocket(int guest, int protocol, int wanted, long nowNanos) {
        if (protocol != ICMP) {
            return room.freeSocket(guest, protocol, wanted, nowNanos);
        }
        int greedier = pings.greedierThan(guest);
        if (greedier < 0) {
            // who has none although nobody has more is short of sockets of any kind
            return pings.held(guest) > 0
                    ? room.freeOwnPort(guest, ICMP, wanted, nowNanos)
                    : room.freeSocket(guest, ICMP, wanted, nowNanos);
        }
        return room.freeOwnPort(greedier, ICMP, wanted, nowNanos)
                || room.freeCertainPort(ICMP, pings.oldest(greedier, EvictionQueues.UNANSWERED), nowNanos);
    }

    private int share(
            PortAllocator pool, int guest, int protocol, int wanted, long addresses, int peerPort, long nowNanos) {
        int port = pool.owns(wanted) ? wanted : pool.drawLike(wanted);
        int yielding = FlowTable.NONE;
        for (int i = 0; i <= 2 * TRIES && port != PortAllocator.NONE; i++) {
            int flow = table.find(addresses, FlowKey.outsidePorts(protocol, port, peerPort));
            if (flow == FlowTable.NONE) {
                return port;
            }
            if (yielding == FlowTable.NONE && room.mayGiveWay(flow, guest)) {
                yielding = flow;
            }
            int step = i % TRIES;
            port = step == 0 ? pool.drawLike(i < TRIES ? wanted : wanted ^ 1) : pool.after(port, step);
        }
        if (yielding == FlowTable.NONE) {
            return NONE;
        }
        int freed = table.outsidePort(yielding);
        room.evict(yielding, nowNanos);
        return freed;
    }

    /**
     * Gives a port back that {@link #take} has given.
     *
     * @param rest whether it is to rest first
     */
    void giveBack(int guest, int protocol, int port, boolean rest, long nowNanos) {
        room.countPort(guest, protocol, port, -1);
        if (sockets != null) {
            if (protocol == ICMP) {
                pings.count(guest, -1);
                pings.remove(port, guest, EvictionQueues.UNANSWERED);
            }
            sockets.release(protocol, port);
        }
        PortAllocator pool = pool(protocol);
        if (areShared(protocol)) {
            return;
        }
        if (rest) {
            pool.rest(port, nowNanos);
        } else {
            pool.release(port);
        }
    }
}
