package io.sharedip.pcap;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.internal.host.HostSockets;
import io.sharedip.pcap.NftTable.NftException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims by a packet filter table. The rule sits in the input hook, where the kernel has put fragments together, so that the
 * later ones do not slip past the port match. What comes over the loopback is let through: a host program that knocks at a
 * claimed port of its own address is then refused at once instead of waiting in vain.
 */
final class FirewallClaims extends LinuxPortClaims {

    private static final Logger LOG = LoggerFactory.getLogger(FirewallClaims.class);

    private final BitSet tcp = new BitSet(1 << 16);
    private final BitSet udp = new BitSet(1 << 16);
    private final Set<Integer> whole = new TreeSet<>();
    private @Nullable Ipv4Address address;
    private @Nullable NftTable table;
    private boolean ended;

    @Override
    public String kind() {
        return "firewall";
    }

    @Override
    public boolean reservesPorts() {
        return false;
    }

    @Override
    void begin(Ipv4Address address) {
        try {
            this.address = address;
            ended = false;
            table = install(address);
        } catch (NftException e) {
            throw failure(address.toString(), e);
        }
    }

    static String tableName(Ipv4Address address) {
        return "sharedip_" + address.toString().replace('.', '_');
    }

    private NftTable install(Ipv4Address address) throws NftException {
        String name = tableName(address);
        NftTable fresh = NftTable.create("ip", name);
        try {
            fresh.run(String.join(
                    "; ",
                    "add set ip " + name + " tcp_ports { type inet_service; flags interval; }",
                    "add set ip " + name + " udp_ports { type inet_service; flags interval; }",
                    "add chain ip " + name + " input { type filter hook input priority -300; policy accept; }",
                    "add rule ip " + name + " input iifname != \"lo\" ip daddr " + address
                            + " tcp dport @tcp_ports drop",
                    "add rule ip " + name + " input iifname != \"lo\" ip daddr " + address
                            + " udp dport @udp_ports drop"));
            for (int protocol : whole) {
                fresh.run(dropWhole(address, protocol));
            }
            for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
                if (!claimed(protocol).isEmpty()) {
                    fresh.run(replace(name, protocol, claimed(protocol)));
                }
            }
        } catch (NftException e) {
            fresh.close();
            throw e;
        }
        fresh.onEnd(this::repair);
        return fresh;
    }

    private static String dropWhole(Ipv4Address address, int protocol) {
        return "add rule ip " + tableName(address) + " input iifname != \"lo\" ip daddr " + address + " ip protocol "
                + protocol + " drop";
    }

    @Override
    void claimWhole(Ipv4Address address, IpProtocol protocol) {
        if (whole.contains(protocol.number())) {
            return;
        }
        try {
            repair();
            NftTable current = table;
            if (current == null) {
                throw new IllegalStateException("not begun");
            }
            current.run(dropWhole(address, protocol.number()));
        } catch (NftException e) {
            throw failure("protocol " + protocol, e);
        }
        whole.add(protocol.number());
    }

    /** One transaction that makes a set hold exactly some ports. */
    static String replace(String table, IpProtocol protocol, BitSet ports) {
        String set = "ip " + table + " " + protocol + "_ports";
        String elements = ranges(ports).stream().map(PortRange::toString).collect(Collectors.joining(", "));
        return "flush set " + set + (elements.isEmpty() ? "" : "; add element " + set + " { " + elements + " }");
    }

    /** Makes the table again after somebody ended the child that held it. */
    private synchronized void repair() {
        NftTable broken = table;
        Ipv4Address own = address;
        if (ended || own == null || broken == null || broken.isAlive()) {
            return;
        }
        try {
            table = install(own);
            LOG.warn("the process that held the claims on {} was ended; they were made again", own);
        } catch (NftException e) {
            LOG.error("the claims on {} are lost: {}; {}", own, e.problem(), e.cure());
        }
    }

    private void apply(IpProtocol protocol, BitSet ports) throws NftException {
        repair();
        NftTable current = table;
        Ipv4Address own = address;
        if (current == null || own == null) {
            throw new IllegalStateException("not begun");
        }
        current.run(replace(tableName(own), protocol, ports));
    }

    @Override
    BitSet claimPorts(Ipv4Address address, IpProtocol protocol, PortRange ports) {
        BitSet ephemeral = within(HostSockets.ephemeralPorts(), ports);
        if (!ephemeral.isEmpty()) {
            List<PortRange> given = ranges(ephemeral);
            throw new PortClaimException(
                    protocol + " " + ports,
                    "the kernel gives " + given.get(0) + " to host programs, and a firewall claim cannot prevent that",
                    "choose ports outside net.ipv4.ip_local_port_range, add them to net.ipv4.ip_local_reserved_ports,"
                            + " or claim by sockets",
                    null);
        }
        BitSet claimed = claimed(protocol);
        BitSet wanted = (BitSet) claimed.clone();
        wanted.set(ports.first(), ports.last() + 1);
        for (HostSockets.Entry entry : HostSockets.using(protocol, address)) {
            if (ports.contains(entry.port()) && !claimed.get(entry.port())) {
                wanted.clear(entry.port());
            }
        }
        try {
            apply(protocol, wanted);
        } catch (NftException e) {
            throw failure(protocol + " " + ports, e);
        }
        claimed.or(wanted);
        return within(claimed, ports);
    }

    @Override
    void releasePorts(IpProtocol protocol, PortRange ports) {
        BitSet claimed = claimed(protocol);
        if (within(claimed, ports).isEmpty()) {
            return;
        }
        claimed.clear(ports.first(), ports.last() + 1);
        try {
            apply(protocol, claimed);
        } catch (NftException e) {
            LOG.warn("{} {} could not be released: {}", protocol, ports, e.problem());
        }
    }

    @Override
    BitSet claimed(IpProtocol protocol) {
        return protocol.equals(IpProtocol.TCP) ? tcp : udp;
    }

    @Override
    public synchronized List<Conflict> conflicts() {
        repair();
        Ipv4Address own = address;
        if (own == null || ended) {
            return List.of();
        }
        List<Conflict> conflicts = new ArrayList<>();
        for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
            Set<Integer> told = new HashSet<>();
            for (HostSockets.Entry entry : HostSockets.using(protocol, own)) {
                if (claimed(protocol).get(entry.port()) && told.add(entry.port())) {
                    conflicts.add(new Conflict(protocol, entry.port(), HostSockets.describe(entry)));
                }
            }
        }
        return conflicts;
    }

    private static PortClaimException failure(String ports, NftException e) {
        return new PortClaimException(ports, "cannot be claimed by firewall: " + e.problem(), e.cure(), e);
    }

    @Override
    void end() {
        ended = true;
        NftTable current = table;
        if (current != null) {
            current.close();
        }
        table = null;
        tcp.clear();
        udp.clear();
        whole.clear();
    }
}
