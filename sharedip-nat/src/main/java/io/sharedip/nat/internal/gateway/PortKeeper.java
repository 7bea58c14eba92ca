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
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Claims outside ports from the host before the engine uses them: the ports of forwards one by one, those of the pool in blocks
 * ahead of need and in random order. Used by one thread at a time; claiming may take a while, so the driver's asks no more than
 * {@link #isDue} and {@link #areComing}.
 *
 * <p>A block whose claim failed is tried again ({@link PoolBlocks}). After a move that failed there and back nothing is claimed; then
 * whatever claims next begins anew at the address first.
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
    private final PoolBlocks tcp;
    private final PoolBlocks udp;
    private final Set<String> told = new HashSet<>();
    private final BitSet heldTcp = new BitSet();
    private final BitSet heldUdp = new BitSet();
    /** Whether a move has failed there and back, so that the claims themselves are of no address. */
    private boolean lost;

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
        List<PortRange> blocks = new ArrayList<>();
        for (int first = pool.first(); first <= pool.last(); first += BLOCK) {
            blocks.add(PortRange.of(first, Math.min(first + BLOCK - 1, pool.last())));
        }
        Collections.shuffle(blocks, random);
        tcp = new PoolBlocks(blocks);
        udp = new PoolBlocks(blocks);
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

    /** Whether the pool has ports that can be claimed now. */
    public boolean isDue(IpProtocol protocol, long nowNanos) {
        return blocks(protocol).isDue(nowNanos);
    }

    /** Whether the pool has ports that will be claimed as soon as they are needed, as far as anybody knows. */
    public boolean areComing(IpProtocol protocol) {
        return blocks(protocol).areComing();
    }

    /** Whether the claims are of the address, as they are unless a move has failed there and back. */
    public boolean isHolding() {
        return !lost;
    }

    private PoolBlocks blocks(IpProtocol protocol) {
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
        PortRange block = blocks(protocol).take();
        while (block != null) {
            taken.addAll(claimBlock(protocol, block));
            boolean enough = taken.stream().mapToInt(PortRange::size).sum() >= LOW_WATER;
            block = enough ? null : blocks(protocol).take();
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

    /**
     * Claims a further block of the pool. One whose claim fails will be due again; of failures in a row the first is told.
     *
     * @return the ports that were claimed, empty if none is left or could be claimed
     */
    public List<PortRange> claimMore(IpProtocol protocol, long nowNanos) {
        PoolBlocks blocks = blocks(protocol);
        PortRange block = blocks.take();
        if (block == null) {
            return List.of();
        }
        try {
            beginAnewIfLost();
            List<PortRange> taken = claimBlock(protocol, block);
            blocks.succeeded();
            return taken;
        } catch (RuntimeException e) {
            if (blocks.failed(block, nowNanos)) {
                notice("further " + protocol + " ports could not be claimed, and will be tried again: "
                        + e.getMessage());
            }
            return List.of();
        }
    }

    /** Claims those blocks of the pool that hold certain ports and have not been claimed yet. @return the ports that were claimed */
    public List<PortRange> claimAround(IpProtocol protocol, BitSet wanted) {
        try {
            beginAnewIfLost();
        } catch (RuntimeException e) {
            notice(protocol + " ports of restored flows cannot be claimed: " + e.getMessage());
            return List.of();
        }
        List<PortRange> taken = new ArrayList<>();
        for (PortRange block : blocks(protocol).takeAround(wanted)) {
            try {
                taken.addAll(claimBlock(protocol, block));
            } catch (RuntimeException e) {
                blocks(protocol).putBack(block);
                tell(protocol, block.first(), e instanceof PortClaimException told ? told.problem() : e.toString());
            }
        }
        return taken;
    }

    private void beginAnewIfLost() {
        if (!lost) {
            return;
        }
        claims.move(address);
        protocols.forEach(claims::claimProtocol);
        lost = false;
        tcp.succeeded();
        udp.succeeded();
        notice("ports of " + address + " can be claimed again");
    }

    private void notice(String message) {
        events.accept(new SharedIpEvent.LinkNotice(Instant.now(), "claims", message));
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
     * @throws io.sharedip.SharedIpException if all claims are lost, and cannot be had again
     */
    public void claim(PortForward forward) {
        beginAnewIfLost();
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
     * again; and where that fails too, everything is lost until the address is the host's again, or another move succeeds.
     *
     * @param lostMeanwhile takes the ports that could not be claimed again, by protocol, if there are any
     * @return the ports that the host holds there, by protocol; an event tells of the first of each
     * @throws io.sharedip.SharedIpException if nothing can be claimed there, or the claims cannot be moved at all
     */
    public Map<IpProtocol, BitSet> move(Ipv4Address to, Consumer<Map<IpProtocol, BitSet>> lostMeanwhile) {
        try {
            claims.move(to);
        } catch (UnsupportedOperationException e) {
            throw new PortClaimException(
                    to.toString(),
                    "cannot be moved to by " + claims.kind(),
                    "make a new gateway for the new address",
                    e);
        } catch (RuntimeException e) {
            throw returned(e, lostMeanwhile);
        }
        try {
            return claimAgainAt(to);
        } catch (RuntimeException e) {
            throw returned(e, lostMeanwhile);
        }
    }

    /** Claims everything again where it was. @return the failure that made it necessary */
    private RuntimeException returned(RuntimeException failure, Consumer<Map<IpProtocol, BitSet>> lostMeanwhile) {
        try {
            Map<IpProtocol, BitSet> gone = claimAgainAfter(failure);
            if (!gone.isEmpty()) {
                lostMeanwhile.accept(gone);
            }
        } catch (RuntimeException another) {
            failure.addSuppressed(another);
        }
        return failure;
    }

    private Map<IpProtocol, BitSet> claimAgainAfter(RuntimeException failure) {
        try {
            claims.move(address);
            return claimAgainAt(address);
        } catch (RuntimeException again) {
            failure.addSuppressed(again);
            return loseEverything();
        }
    }

    private Map<IpProtocol, BitSet> loseEverything() {
        lost = true;
        Map<IpProtocol, BitSet> gone = new LinkedHashMap<>();
        for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
            BitSet held = held(protocol);
            if (!held.isEmpty()) {
                gone.put(protocol, (BitSet) held.clone());
            }
            held.clear();
            blocks(protocol).awaitAllBut(held);
        }
        return gone;
    }

    private Map<IpProtocol, BitSet> claimAgainAt(Ipv4Address to) {
        protocols.forEach(claims::claimProtocol);
        Map<IpProtocol, BitSet> gone = new LinkedHashMap<>();
        for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
            BitSet missing = (BitSet) held(protocol).clone();
            for (int first = missing.nextSetBit(0); first >= 0; ) {
                int end = missing.nextClearBit(first);
                claims.claim(protocol, PortRange.of(first, end - 1))
                        .forEach(range -> missing.clear(range.first(), range.last() + 1));
                first = missing.nextSetBit(end);
            }
            if (!missing.isEmpty()) {
                gone.put(protocol, missing);
                tell(protocol, missing.nextSetBit(0), "a program of the host uses it at " + to);
            }
        }
        if (lost || !to.equals(address)) {
            // what could not be had at the old address may be free at the new one
            tcp.awaitAllBut(heldTcp);
            udp.awaitAllBut(heldUdp);
        }
        gone.forEach((protocol, ports) -> held(protocol).andNot(ports));
        address = to;
        lost = false;
        return gone;
    }

    /** Gives everything back. */
    public void close() {
        claims.close();
    }
}
