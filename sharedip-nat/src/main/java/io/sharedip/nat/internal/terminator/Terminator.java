package io.sharedip.nat.internal.terminator;

import static io.sharedip.nat.internal.terminator.Packets.ICMP;
import static io.sharedip.nat.internal.terminator.Packets.TCP;
import static io.sharedip.nat.internal.terminator.Packets.UDP;

import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.forward.PortForward;
import io.sharedip.link.Link;
import io.sharedip.nat.internal.engine.HostSide;
import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.nat.internal.tcp.TcpShared;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.uplink.FlowUplink;
import java.util.BitSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * The host's side of a gateway whose way out is one of sockets: guests' packets end here, each at a socket of the host, and what sockets
 * receive becomes packets here.
 *
 * <p>What comes in is translated already, and what goes in comes from the peer to the shared address, as on a card. So bindings, rules,
 * mappings, filtering, hairpin and the books are the engine's, the same with both ways out; here is only what a socket is.
 */
public final class Terminator implements HostSide {

    /** What a terminator needs of the gateway around it. */
    public interface Gateway {

        /** Whether the gateway runs: nothing is done any more once it does not. */
        boolean isRunning();

        /** Something has gone wrong that must not. */
        void failed(Throwable cause);

        /** The gateway's clock. */
        long nanoTime();
    }

    /** Of what one connection buffers towards its guest, in octets. */
    private static final int LARGEST_RING = 1 << 22;
    /** Of what all of them buffer beyond 65,536 octets each. */
    private static final long RING_BUDGET = 64L << 20;

    private final FlowUplink uplink;
    private final Gateway gateway;
    private final boolean showClients;
    private final Random random;
    private final SocketLink link;
    private @Nullable Parts parts;
    private boolean closed;

    /** What can be made once the engine is there. */
    private record Parts(
            Inlet inlet, Packets packets, Schedule schedule, TcpConnections tcp, UdpSockets udp, EchoSockets echo) {}

    /**
     * Makes a terminator, to be {@linkplain #attach attached} to an engine.
     *
     * @param uplink not open yet
     * @param gateway around it
     * @param showClients whether guests see who comes through a forward
     * @param random source of initial sequence numbers
     */
    public Terminator(FlowUplink uplink, Gateway gateway, boolean showClients, Random random) {
        this.random = random;
        this.uplink = uplink;
        this.gateway = gateway;
        this.showClients = showClients;
        this.link = new SocketLink(uplink, gateway);
    }

    /** What is plugged in where the uplink's link belongs. */
    public Link link() {
        return link;
    }

    /** Joins the engine. */
    public void attach(Inlet inlet) {
        Hosts hosts = new Hosts(uplink, inlet, showClients);
        Packets packets = new Packets(inlet);
        Schedule schedule = new Schedule(inlet);
        parts = new Parts(
                inlet,
                packets,
                schedule,
                new TcpConnections(
                        uplink,
                        this,
                        inlet,
                        packets,
                        hosts,
                        schedule,
                        new TcpShared(LARGEST_RING, RING_BUDGET),
                        random),
                new UdpSockets(uplink, this, inlet, packets, hosts),
                new EchoSockets(uplink, this, inlet, packets));
    }

    private Parts parts() {
        return Objects.requireNonNull(parts);
    }

    // ------------------------------------------------------------------------------------------------ sockets' calls

    /** Whether something that a socket has heard is to be dealt with. */
    boolean enter() {
        return !closed && gateway.isRunning();
    }

    void failed(Throwable cause) {
        gateway.failed(cause);
    }

    long now() {
        return gateway.nanoTime();
    }

    /** Tells a guest of an ICMP error that the host has got about a packet of its socket. */
    void tell(int protocol, int localPort, int peer, int peerPort, int type, int code, int mtu, long nowNanos) {
        if (type != IcmpView.DESTINATION_UNREACHABLE && type != IcmpView.TIME_EXCEEDED) {
            return;
        }
        boolean byPeer = type == IcmpView.DESTINATION_UNREACHABLE
                && (code == IcmpView.CODE_PORT_UNREACHABLE || code == IcmpView.CODE_PROTOCOL_UNREACHABLE);
        // which router has said so is not known
        int from = byPeer ? peer : parts().inlet.alias();
        parts().packets.error(from, protocol, localPort, peer, peerPort, type, code, mtu, nowNanos);
    }

    // ------------------------------------------------------------------------------------------------ engine's calls

    @Override
    public @Nullable DropReason take(int flow, Frame frame, int protocol, int transport, int length, long nowNanos) {
        byte[] a = frame.array();
        if (closed) {
            return DropReason.LINK_DOWN;
        }
        return switch (protocol) {
            case TCP -> parts().tcp.take(flow, a, transport, length, nowNanos);
            case UDP -> parts().udp.take(flow, a, transport);
            case ICMP ->
                Octets.u8(a, transport) == IcmpView.ECHO_REQUEST
                        ? parts().echo.take(flow, a, transport, length)
                        : DropReason.SOCKET_UNSUPPORTED;
            default -> DropReason.SOCKET_UNSUPPORTED;
        };
    }

    @Override
    public boolean takeError(int flow, int mtu, int sequence, long nowNanos) {
        return parts().tcp.takeError(flow, mtu, sequence);
    }

    @Override
    public boolean acquire(int protocol, int port) {
        return switch (protocol) {
            case UDP -> parts().udp.acquire(port);
            case ICMP -> parts().echo.acquire(port);
            // a connection gets its port when it is made, and the host's kernel may share it between peers
            default -> true;
        };
    }

    @Override
    public void release(int protocol, int port) {
        if (protocol == UDP) {
            parts().udp.release(port);
        } else if (protocol == ICMP) {
            parts().echo.release(port);
        }
    }

    @Override
    public void flowEnds(int flow, long nowNanos) {
        parts().udp.flowEnds(flow);
        parts().tcp.flowEnds(flow, nowNanos);
    }

    @Override
    public boolean sendsEcho() {
        return uplink.echoUnavailable().isEmpty();
    }

    @Override
    public boolean isHostAddress(int address) {
        return uplink.isHostAddress(address);
    }

    @Override
    public int work(long nowNanos) {
        return closed ? 0 : parts().schedule.run(nowNanos);
    }

    @Override
    public long untilDue(long nowNanos) {
        return parts().schedule.untilDue(nowNanos);
    }

    @Override
    public void flush() {
        if (!closed) {
            uplink.flush();
        }
    }

    // ------------------------------------------------------------------------------------------------ forwards

    /**
     * Listens on the ports of a forward, those that another forward has already excepted.
     *
     * @throws PortClaimException if the host cannot spare one; then none is held that was not before
     */
    public void claim(PortForward forward) {
        Optional<Ipv4Address> address = forward.selector().address();
        BitSet claimed = new BitSet();
        try {
            for (int port = forward.outside().first(); port <= forward.outside().last(); port++) {
                if (!isClaimed(forward.protocol(), port)) {
                    claim(forward.protocol(), address, port);
                    claimed.set(port);
                }
            }
        } catch (RuntimeException e) {
            claimed.stream().forEach(port -> release(forward.protocol(), PortRange.of(port, port)));
            throw e;
        }
    }

    private boolean isClaimed(IpProtocol protocol, int port) {
        return protocol.number() == UDP
                ? parts().udp.isClaimed(port)
                : parts().tcp.isClaimed(port);
    }

    private void claim(IpProtocol protocol, Optional<Ipv4Address> address, int port) {
        if (protocol.number() == UDP) {
            parts().udp.claim(address, port);
        } else {
            parts().tcp.claim(address, port);
        }
    }

    /** Listens no more on ports that no forward covers any more. */
    public void release(IpProtocol protocol, PortRange ports) {
        for (int port = ports.first(); port <= ports.last(); port++) {
            if (protocol.number() == UDP) {
                parts().udp.unclaim(port);
            } else {
                parts().tcp.unclaim(port);
            }
        }
    }

    /** Ends everything. Driver's thread. */
    public void close() {
        Parts made = parts;
        if (!closed && made != null) {
            made.tcp.close(gateway.nanoTime());
        }
        closed = true;
    }
}
