package io.sharedip.nat;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.uplink.HostPortClaims;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Claims in memory, against a host that holds some ports itself and lacks some addresses. As with those of Linux, nothing can be claimed
 * before they are opened, nor from a move that failed until one that succeeds.
 */
final class FakeClaims implements HostPortClaims {

    private final BitSet tcp = new BitSet();
    private final BitSet udp = new BitSet();
    private boolean open;

    /** Ports of host programs. */
    final BitSet heldByHost = new BitSet();
    /** Ports of host programs at any address but the first. */
    final BitSet heldElsewhere = new BitSet();
    /** Ports that host programs take as soon as a move has failed. */
    final BitSet takenMeanwhile = new BitSet();
    /** Addresses that the host does not have. */
    final Set<String> absent = ConcurrentHashMap.newKeySet();
    /** Ports whose claim fails, for another reason than a host program. */
    final BitSet failing = new BitSet();
    /** Whether the first opening fails. */
    boolean refusing;
    /** A protocol that cannot be claimed. */
    int unclaimable = -1;
    /** Where that is so, if not everywhere. */
    String unclaimableAt = "";

    final Set<Integer> whole = new HashSet<>();
    Ipv4Address address = Ipv4Address.UNSPECIFIED;
    private Ipv4Address first = Ipv4Address.UNSPECIFIED;
    int closed;
    int attempts;
    Thread claimer;

    private synchronized BitSet of(IpProtocol protocol) {
        return protocol.equals(IpProtocol.TCP) ? tcp : udp;
    }

    synchronized boolean holds(IpProtocol protocol, int port) {
        return of(protocol).get(port);
    }

    synchronized int count(IpProtocol protocol) {
        return of(protocol).cardinality();
    }

    synchronized int attempts() {
        return attempts;
    }

    synchronized void failing(int from, int to, boolean value) {
        failing.set(from, to + 1, value);
    }

    synchronized void heldByHost(int from, int to, boolean value) {
        heldByHost.set(from, to + 1, value);
    }

    @Override
    public String kind() {
        return "fake";
    }

    @Override
    public synchronized void open(Ipv4Address own) {
        if (refusing) {
            throw new PortClaimException("claims", "need a right", "be root", null);
        }
        address = own;
        first = own;
        open = true;
    }

    @Override
    public synchronized void move(Ipv4Address to) {
        tcp.clear();
        udp.clear();
        whole.clear();
        open = false;
        if (absent.contains(to.toString())) {
            heldByHost.or(takenMeanwhile);
            throw new PortClaimException(to.toString(), "is not an address of this host", "add it", null);
        }
        open = true;
        address = to;
        if (!to.equals(first)) {
            heldByHost.or(heldElsewhere);
        }
    }

    private void requireOpen() {
        if (!open) {
            throw new IllegalStateException("claims are not open");
        }
    }

    @Override
    public synchronized List<PortRange> claim(IpProtocol protocol, PortRange ports) {
        requireOpen();
        claimer = Thread.currentThread();
        attempts++;
        int fails = failing.nextSetBit(ports.first());
        if (fails >= 0 && fails <= ports.last()) {
            throw new PortClaimException(protocol + " " + ports, "no file descriptor is left", null, null);
        }
        List<PortRange> taken = new ArrayList<>();
        for (int port = ports.first(); port <= ports.last(); port++) {
            if (!heldByHost.get(port)) {
                of(protocol).set(port);
                PortRange last = taken.isEmpty() ? null : taken.get(taken.size() - 1);
                if (last != null && last.last() == port - 1) {
                    taken.set(taken.size() - 1, PortRange.of(last.first(), port));
                } else {
                    taken.add(PortRange.of(port));
                }
            }
        }
        return taken;
    }

    @Override
    public synchronized void claimAll(IpProtocol protocol, PortRange ports) {
        requireOpen();
        claimer = Thread.currentThread();
        if (heldByHost.get(ports.first(), ports.last() + 1).cardinality() > 0) {
            throw new PortClaimException(protocol + " " + ports, "is held by a program of the host", null, null);
        }
        of(protocol).set(ports.first(), ports.last() + 1);
    }

    @Override
    public synchronized void claimProtocol(IpProtocol protocol) {
        requireOpen();
        boolean here = unclaimableAt.isEmpty() || unclaimableAt.equals(address.toString());
        if (protocol.number() == unclaimable && here) {
            HostPortClaims.super.claimProtocol(protocol);
        }
        whole.add(protocol.number());
    }

    @Override
    public synchronized void release(IpProtocol protocol, PortRange ports) {
        of(protocol).clear(ports.first(), ports.last() + 1);
    }

    @Override
    public boolean reservesPorts() {
        return true;
    }

    @Override
    public synchronized void close() {
        closed++;
        open = false;
        tcp.clear();
        udp.clear();
    }
}
