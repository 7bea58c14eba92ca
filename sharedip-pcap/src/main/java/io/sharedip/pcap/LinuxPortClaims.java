package io.sharedip.pcap;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.internal.host.HostSockets;
import io.sharedip.uplink.HostPortClaims;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Claims outside ports from a Linux kernel, in one of two ways. With either, the kernel answers neither with a reset nor with
 * "port unreachable" to what arrives for a claimed port, and a capture still sees it.
 *
 * <table>
 *   <caption>The two ways</caption>
 *   <tr><th></th><th>{@link #sockets()}</th><th>{@link #firewall()}</th></tr>
 *   <tr><td>a claim is</td><td>a socket that drops all it is given</td><td>an entry in a drop rule of nftables</td></tr>
 *   <tr><td>host programs get a claimed port</td><td>never</td><td>yes, which {@link #conflicts()} then reports</td></tr>
 *   <tr><td>needs</td><td>a file descriptor per port; CAP_NET_BIND_SERVICE below 1024</td>
 *       <td>nft, CAP_NET_ADMIN; ports outside {@code ip_local_port_range}</td></tr>
 * </table>
 *
 * <p>A whole {@linkplain #claimProtocol protocol} is claimed by a raw socket or by a drop rule. The raw socket keeps the kernel from
 * answering "protocol unreachable" to a protocol that it does not speak; one that it speaks itself, because a module such as
 * {@code ip_gre} or {@code sctp} is loaded, has to be claimed by firewall.
 *
 * <p>Neither outlives this process, {@code kill -9} included: sockets are closed by the kernel and are not inherited by
 * children, and the nftables table is owned by a child that ends with this process.
 *
 * <p>The address must be one of the host's own. Thread-safe; the methods block for milliseconds.
 */
public abstract sealed class LinuxPortClaims implements HostPortClaims permits SocketClaims, FirewallClaims {

    private @Nullable Ipv4Address address;
    private boolean closed;

    /** Only the two ways there are. */
    LinuxPortClaims() {}

    /**
     * Claims by sockets: TCP ones that listen and UDP ones that are bound, each with a socket filter that drops everything.
     *
     * <p>A port counts as taken while any socket of the host uses it, and for the minute that a closed connection stays in
     * TIME_WAIT: until then the kernel would still answer to its peer.
     *
     * @return claims that are not open yet
     */
    public static LinuxPortClaims sockets() {
        return new SocketClaims();
    }

    /**
     * Claims by one packet filter table, {@code sharedip_} and the address, with a drop rule on input.
     *
     * <p>It does not keep ports from host programs, so it refuses ports that the kernel itself gives out
     * ({@code net.ipv4.ip_local_port_range} without {@code ip_local_reserved_ports}). Ports that a host program uses when they
     * are claimed stay with it. If somebody ends the child that holds the table, the table is made again at once.
     *
     * @return claims that are not open yet
     */
    public static LinuxPortClaims firewall() {
        return new FirewallClaims();
    }

    @Override
    public final synchronized void open(Ipv4Address address) {
        Objects.requireNonNull(address, "address");
        if (this.address != null || closed) {
            throw new IllegalStateException("claims were opened before");
        }
        if (!Platform.isLinux() || Native.POINTER_SIZE != 8) {
            throw new PortClaimException(
                    address.toString(),
                    "ports can be claimed on 64-bit Linux only",
                    "implement HostPortClaims for this system, or use an address that no host uses",
                    null);
        }
        begin(address);
        this.address = address;
    }

    @Override
    public final synchronized List<PortRange> claim(IpProtocol protocol, PortRange ports) {
        return ranges(claimPorts(opened(), checked(protocol), ports));
    }

    @Override
    public final synchronized void claimAll(IpProtocol protocol, PortRange ports) {
        Ipv4Address own = opened();
        BitSet before = (BitSet) claimed(checked(protocol)).clone();
        BitSet taken = claimPorts(own, protocol, ports);
        int free = taken.nextClearBit(ports.first());
        if (free > ports.last()) {
            return;
        }
        taken.andNot(before);
        ranges(taken).forEach(range -> releasePorts(protocol, range));
        String holder = HostSockets.holder(protocol, own, free);
        throw new PortClaimException(
                protocol + " " + ports,
                (ports.isSingle() ? "is" : "cannot be claimed: " + free + " is") + " held by " + holder,
                "stop the program or choose another port",
                null);
    }

    @Override
    public final synchronized void claimProtocol(IpProtocol protocol) {
        Ipv4Address own = opened();
        if (protocol.hasPorts() || protocol.equals(IpProtocol.ICMP)) {
            throw new IllegalArgumentException("protocol: " + protocol + " is not claimed as a whole");
        }
        claimWhole(own, protocol);
    }

    @Override
    public final synchronized void release(IpProtocol protocol, PortRange ports) {
        checked(protocol);
        Objects.requireNonNull(ports, "ports");
        if (address != null && !closed) {
            releasePorts(protocol, ports);
        }
    }

    @Override
    public final synchronized void move(Ipv4Address address) {
        Objects.requireNonNull(address, "address");
        if (closed) {
            throw new IllegalStateException("claims are closed");
        }
        end();
        this.address = null;
        begin(address);
        this.address = address;
    }

    @Override
    public final synchronized void close() {
        if (!closed) {
            closed = true;
            end();
        }
    }

    /** Checks what can be checked and prepares. */
    abstract void begin(Ipv4Address address);

    /** Claims what is free of a range and returns all of the range that is claimed now. */
    abstract BitSet claimPorts(Ipv4Address address, IpProtocol protocol, PortRange ports);

    /** Claims a protocol without ports; one that is claimed already is left as it is. */
    abstract void claimWhole(Ipv4Address address, IpProtocol protocol);

    abstract void releasePorts(IpProtocol protocol, PortRange ports);

    /** All claimed ports, live. */
    abstract BitSet claimed(IpProtocol protocol);

    /** Gives everything back, also if {@link #begin} was never called or failed; {@link #begin} may follow. */
    abstract void end();

    private Ipv4Address opened() {
        Ipv4Address own = address;
        if (own == null || closed) {
            throw new IllegalStateException("claims are not open");
        }
        return own;
    }

    private static IpProtocol checked(IpProtocol protocol) {
        if (!protocol.hasPorts()) {
            throw new IllegalArgumentException("protocol: " + protocol + " has no ports that can be claimed");
        }
        return protocol;
    }

    static List<PortRange> ranges(BitSet ports) {
        List<PortRange> ranges = new ArrayList<>();
        for (int first = ports.nextSetBit(0); first >= 0; ) {
            int end = ports.nextClearBit(first);
            ranges.add(PortRange.of(first, end - 1));
            first = ports.nextSetBit(end);
        }
        return ranges;
    }

    /** Those of some ports that lie in a range. */
    static BitSet within(BitSet ports, PortRange range) {
        BitSet inside = new BitSet();
        inside.set(range.first(), range.last() + 1);
        inside.and(ports);
        return inside;
    }
}
