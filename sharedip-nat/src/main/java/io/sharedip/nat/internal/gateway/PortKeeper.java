package io.sharedip.nat.internal.gateway;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.forward.PortForward;
import io.sharedip.uplink.HostPortClaims;
import io.sharedip.uplink.HostPortClaims.Conflict;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Claims outside ports from the host before the engine uses them: the ports of forwards one by one, those of the pool in blocks
 * ahead of need and in random order. Used by one thread at a time, never the driver's; claiming may take a while.
 */
public final class PortKeeper {

    /** Ports claimed at a time. */
    public static final int BLOCK = 256;

    /** Free ports below which further ones are claimed. */
    public static final int LOW_WATER = 4 * BLOCK;

    /** Conflicts told of, each once; whoever has that many has heard enough. */
    private static final int MOST_TOLD = 1024;

    private final HostPortClaims claims;
    private Ipv4Address address;
    private final Set<IpProtocol> protocols;
    private final Consumer<SharedIpEvent> events;
    private final List<PortRange> pool = new ArrayList<>();
    private final Deque<PortRange> tcp = new ArrayDeque<>();
    private final Deque<PortRange> udp = new ArrayDeque<>();
    private final Set<String> told = new HashSet<>();
    private final BitSet heldTcp = new BitSet();
    private final BitSet heldUdp = new BitSet();

    /**
     * Makes a keeper that has claimed nothing.
     *
     * @param claims that the gateway owns
     * @param address the shared address
     * @param pool ports for what guests begin
     * @param protocols without ports, each of which is claimed as a whole
     * @param random orders the blocks
     * @param events hears of conflicts
     */
    public PortKeeper(
            HostPortClaims claims,
            Ipv4Address address,
            PortRange pool,
            Set<IpProtocol> protocols,
            Random random,
            Consumer<SharedIpEvent> events) {
        this.protocols = Set.copyOf(protocols);
        this.claims = claims;
        this.address = address;
        this.events = events;
        for (int first = pool.first(); first <= pool.last(); first += BLOCK) {
            this.pool.add(PortRange.of(first, Math.min(first + BLOCK - 1, pool.last())));
        }
        Collections.shuffle(this.pool, random);
        tcp.addAll(this.pool);
        udp.addAll(this.pool);
    }

    /**
     * Begins work.
     *
     * @throws PortClaimException if a protocol cannot be claimed
     */
    public void open() {
        claims.open(address);
        protocols.forEach(claims::claimProtocol);
    }

    /** Whether conflicts have to be looked for. */
    public boolean mustLookForConflicts() {
        return !claims.reservesPorts();
    }

    /** Whether the pool has ports that have not been claimed yet. */
    public boolean hasMore(IpProtocol protocol) {
        synchronized (tcp) {
            return !blocks(protocol).isEmpty();
        }
    }

    private Deque<PortRange> blocks(IpProtocol protocol) {
        return protocol.equals(IpProtocol.TCP) ? tcp : udp;
    }

    /**
     * Claims the first ports of the pool.
     *
     * @return those that were claimed
     * @throws PortClaimException if the host holds all of them, or claiming fails
     */
    public List<PortRange> claimFirst(IpProtocol protocol) {
        List<PortRange> taken = new ArrayList<>();
        while (hasMore(protocol) && taken.stream().mapToInt(PortRange::size).sum() < LOW_WATER) {
            taken.addAll(claimMore(protocol));
        }
        if (taken.isEmpty()) {
            throw new PortClaimException(
                    protocol + " pool",
                    "is held by programs of the host",
                    "choose another pool of outside ports",
                    null);
        }
        return taken;
    }

    /** Claims a further block of the pool. @return the ports that were claimed, empty if none is left */
    public List<PortRange> claimMore(IpProtocol protocol) {
        PortRange block;
        synchronized (tcp) {
            block = blocks(protocol).poll();
        }
        return block == null ? List.of() : claimBlock(protocol, block);
    }

    /** Claims those blocks of the pool that hold certain ports and have not been claimed yet. @return the ports that were claimed */
    public List<PortRange> claimAround(IpProtocol protocol, BitSet wanted) {
        List<PortRange> blocks = new ArrayList<>();
        synchronized (tcp) {
            for (PortRange block : blocks(protocol)) {
                int next = wanted.nextSetBit(block.first());
                if (next >= 0 && next <= block.last()) {
                    blocks.add(block);
                }
            }
            blocks(protocol).removeAll(blocks);
        }
        List<PortRange> taken = new ArrayList<>();
        for (PortRange block : blocks) {
            try {
                taken.addAll(claimBlock(protocol, block));
            } catch (PortClaimException e) {
                tell(protocol, block.first(), e.problem());
            }
        }
        return taken;
    }

    private List<PortRange> claimBlock(IpProtocol protocol, PortRange block) {
        List<PortRange> taken = claims.claim(protocol, block);
        taken.forEach(range -> held(protocol).set(range.first(), range.last() + 1));
        int missing = firstMissing(block, taken);
        if (missing > 0) {
            tell(protocol, missing, "a program of the host uses it; the pool goes without");
        }
        return taken;
    }

    private BitSet held(IpProtocol protocol) {
        return protocol.equals(IpProtocol.TCP) ? heldTcp : heldUdp;
    }

    private static int firstMissing(PortRange wanted, List<PortRange> taken) {
        int next = wanted.first();
        for (PortRange range : taken) {
            if (range.first() > next) {
                return next;
            }
            next = range.last() + 1;
        }
        return next <= wanted.last() ? next : 0;
    }

    private void tell(IpProtocol protocol, int port, String description) {
        if (told.size() < MOST_TOLD && told.add(protocol + " " + port + " " + description)) {
            events.accept(new SharedIpEvent.ForwardConflict(Instant.now(), protocol, port, description));
        }
    }

    /**
     * Claims the ports of a forward.
     *
     * @throws PortClaimException if the host holds one; an event tells of it
     */
    public void claim(PortForward forward) {
        IpProtocol protocol = forward.protocol();
        PortRange ports = forward.outside();
        try {
            claims.claimAll(protocol, ports);
            held(protocol).set(ports.first(), ports.last() + 1);
        } catch (PortClaimException e) {
            // ports that were claimed before, for the pool or another forward, may have been given back with the others
            BitSet held = held(protocol);
            for (int first = held.nextSetBit(ports.first()); first >= 0 && first <= ports.last(); ) {
                int end = Math.min(held.nextClearBit(first), ports.last() + 1);
                claims.claim(protocol, PortRange.of(first, end - 1));
                first = held.nextSetBit(end);
            }
            events.accept(new SharedIpEvent.ForwardConflict(
                    Instant.now(), forward.protocol(), forward.outside().first(), e.problem()));
            throw e;
        }
    }

    /** Gives ports back to the host. */
    public void release(IpProtocol protocol, List<PortRange> ranges) {
        for (PortRange range : ranges) {
            held(protocol).clear(range.first(), range.last() + 1);
            claims.release(protocol, range);
        }
    }

    /** Tells of host programs that use claimed ports, each once. */
    public void lookForConflicts() {
        for (Conflict conflict : claims.conflicts()) {
            tell(conflict.protocol(), conflict.port(), conflict.description());
        }
    }

    /**
     * Gives everything back and claims the same at another address. Where that fails altogether, what was claimed before is claimed
     * again.
     *
     * @param lostMeanwhile takes the ports that could not be claimed again, by protocol, if there are any
     * @return the ports that the host holds there, by protocol; an event tells of the first of each
     * @throws io.sharedip.SharedIpException if nothing can be claimed there
     */
    public Map<IpProtocol, BitSet> move(Ipv4Address to, Consumer<Map<IpProtocol, BitSet>> lostMeanwhile) {
        Ipv4Address before = address;
        try {
            return claimAgainAt(to);
        } catch (RuntimeException e) {
            try {
                Map<IpProtocol, BitSet> lost = claimAgainAfter(e, before);
                if (!lost.isEmpty()) {
                    lostMeanwhile.accept(lost);
                }
            } catch (RuntimeException another) {
                e.addSuppressed(another);
            }
            throw e;
        }
    }

    private Map<IpProtocol, BitSet> claimAgainAfter(RuntimeException failure, Ipv4Address before) {
        try {
            return claimAgainAt(before);
        } catch (RuntimeException again) {
            failure.addSuppressed(again);
            return loseEverything();
        }
    }

    /** Nobody knows what is claimed; the pool is claimed anew, block by block as it is needed. */
    private Map<IpProtocol, BitSet> loseEverything() {
        Map<IpProtocol, BitSet> lost = new LinkedHashMap<>();
        for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
            if (!held(protocol).isEmpty()) {
                lost.put(protocol, (BitSet) held(protocol).clone());
            }
            held(protocol).clear();
            synchronized (tcp) {
                blocks(protocol).clear();
                blocks(protocol).addAll(pool);
            }
        }
        return lost;
    }

    private Map<IpProtocol, BitSet> claimAgainAt(Ipv4Address to) {
        claims.move(to);
        address = to;
        protocols.forEach(claims::claimProtocol);
        Map<IpProtocol, BitSet> lost = new LinkedHashMap<>();
        for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
            BitSet missing = (BitSet) held(protocol).clone();
            for (int first = missing.nextSetBit(0); first >= 0; ) {
                int end = missing.nextClearBit(first);
                claims.claim(protocol, PortRange.of(first, end - 1))
                        .forEach(range -> missing.clear(range.first(), range.last() + 1));
                first = missing.nextSetBit(end);
            }
            if (!missing.isEmpty()) {
                lost.put(protocol, missing);
                tell(protocol, missing.nextSetBit(0), "a program of the host uses it at " + to);
            }
        }
        lost.forEach((protocol, ports) -> held(protocol).andNot(ports));
        return lost;
    }

    /** Gives everything back. */
    public void close() {
        claims.close();
    }
}
