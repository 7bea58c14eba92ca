package io.sharedip.nat.internal.terminator;

import static io.sharedip.nat.internal.terminator.Packets.TCP;
import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.address.Ipv4Address;
import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.nat.internal.tcp.InitialSequence;
import io.sharedip.nat.internal.tcp.TcpEnd;
import io.sharedip.nat.internal.tcp.TcpEndpoint;
import io.sharedip.nat.internal.tcp.TcpReset;
import io.sharedip.nat.internal.tcp.TcpShared;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.TcpView;
import io.sharedip.stats.DropReason;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * TCP of guests: for each flow an endpoint towards the guest, joined to a stream of the host. The guest's SYN is answered once the stream
 * is connected; a failure is told as the network would have told it, by RST or by an ICMP error about the SYN. Who calls a forward is
 * connected already when the guest hears of it, and is reset if the guest refuses.
 */
final class TcpConnections {

    private static final int SMALLEST_MTU = 576;
    private static final int ENDED = -2;
    private static final int FIRST_PORT = 1024;
    private static final int TRIES = 64;
    private static final int SYN_FLAGS = TcpView.SYN | TcpView.ACK | TcpView.RST | TcpView.FIN;
    private static final FlowConnection[] NONE = {};

    private final FlowUplink uplink;
    private final Terminator terminator;
    private final Inlet inlet;
    private final Packets packets;
    /** For what goes to guests past the engine, which may be in the middle of a packet from {@link #packets}. */
    private final Packets aside;

    private final Hosts hosts;
    private final Schedule schedule;
    private final TcpShared shared;
    private final InitialSequence sequences;
    private final @Nullable HostListener[] listeners = new HostListener[1 << 16];
    private @Nullable FlowConnection[] byFlow = NONE;

    TcpConnections(
            FlowUplink uplink,
            Terminator terminator,
            Inlet inlet,
            Packets packets,
            Hosts hosts,
            Schedule schedule,
            TcpShared shared,
            Random random) {
        this.uplink = uplink;
        this.terminator = terminator;
        this.inlet = inlet;
        this.packets = packets;
        this.aside = new Packets(inlet);
        this.hosts = hosts;
        this.schedule = schedule;
        this.shared = shared;
        this.sequences = new InitialSequence(random);
    }

    private final class FlowConnection extends Connection {

        private int flow;
        private int peer;
        /** Of the guest's SYN. */
        private int synSequence;

        FlowConnection(int flow, int guest, int peer) {
            super(schedule, guest);
            this.flow = flow;
            this.peer = peer;
        }

        @Override
        Packets packets() {
            return packets;
        }

        @Override
        void send(int length, long nowNanos) {
            packets.tcp(flow >= 0 ? inlet.peer(flow) : peer, length, Math.max(flow, Inlet.NONE), nowNanos);
        }

        @Override
        boolean enter() {
            return terminator.enter();
        }

        @Override
        void failed(Throwable cause) {
            terminator.failed(cause);
        }

        @Override
        public void connectFailed(TcpEndpoint endpoint, HostStream.Failure failure) {
            int code = switch (failure) {
                case HOST_UNREACHABLE -> IcmpView.CODE_HOST_UNREACHABLE;
                case NETWORK_UNREACHABLE -> IcmpView.CODE_NET_UNREACHABLE;
                case PROHIBITED -> IcmpView.CODE_PROHIBITED;
                default -> -1;
            };
            if (code >= 0 && flow >= 0) {
                packets.errorAboutSyn(
                        inlet.alias(),
                        inlet.outsidePort(flow),
                        inlet.peer(flow),
                        inlet.peerPort(flow),
                        synSequence,
                        code,
                        terminator.now());
                endpoint.discard();
            } else if (failure == HostStream.Failure.TIMED_OUT) {
                // nobody has answered, and nobody does here
                endpoint.discard();
            } else if (failure == HostStream.Failure.NO_RESOURCES
                    && flow >= 0
                    && inlet.freeSocketFor(flow, terminator.now())) {
                // the guest's next SYN finds a socket
                endpoint.discard();
            } else {
                endpoint.refuse();
            }
        }

        @Override
        public void closed(TcpEndpoint endpoint, TcpEnd end) {
            schedule.forget(this);
            if (flow >= 0 && byFlow[flow] == this) {
                byFlow[flow] = null;
            }
            flow = ENDED;
        }
    }

    private @Nullable FlowConnection at(int flow) {
        return flow < byFlow.length ? byFlow[flow] : null;
    }

    private void put(int flow, FlowConnection connection) {
        if (flow >= byFlow.length) {
            byFlow = Arrays.copyOf(byFlow, Math.min(inlet.capacity(), Math.max(flow + 1, 2 * byFlow.length + 64)));
        }
        byFlow[flow] = connection;
    }

    private static long addresses(int a, int b) {
        return (long) a << 32 | (b & 0xffffffffL);
    }

    private TcpEndpoint endpoint(
            FlowConnection connection, int peer, int peerPort, int localPort, int past, long nowNanos) {
        long addresses = addresses(peer, inlet.shared());
        long ports = (long) connection.guest << 32 | (long) peerPort << 16 | localPort;
        int iss = sequences.sequence(addresses, ports, nowNanos);
        if (past != 0 && iss - past <= 0) {
            iss = past + (1 << 16);
        }
        int offset = sequences.timestampOffset(addresses, ports);
        int mtu = Math.max(SMALLEST_MTU, inlet.mtu(connection.guest));
        TcpEndpoint made = new TcpEndpoint(shared, connection, mtu, peerPort, localPort, iss, offset);
        connection.endpoint(made);
        return made;
    }

    // ------------------------------------------------------------------------------------------------ guests' segments

    /** Takes a segment of a guest. @return null if it was taken, else why it is to be dropped */
    @Nullable
    DropReason take(int flow, byte[] octets, int transport, int length, long nowNanos) {
        FlowConnection connection = at(flow);
        int past = 0;
        if (connection != null && connection.endpoint().givesWayTo(octets, transport)) {
            past = connection.endpoint().nextSequence();
            connection.endpoint().discard();
            connection = null;
        }
        if (connection == null) {
            // whoever has called a forward and is gone is not to be called back by the flow that let it in
            if ((u8(octets, transport + 13) & SYN_FLAGS) != TcpView.SYN || !inlet.isByGuest(flow)) {
                return resetUnknown(flow, octets, transport, length, nowNanos);
            }
            connect(flow, octets, transport, length, past, nowNanos);
            return null;
        }
        connection.endpoint().onSegment(octets, transport, length, nowNanos);
        schedule.touched(connection);
        return null;
    }

    private void connect(int flow, byte[] octets, int transport, int length, int past, long nowNanos) {
        int peer = inlet.peer(flow);
        int peerPort = inlet.peerPort(flow);
        FlowConnection connection = new FlowConnection(flow, inlet.guest(flow), peer);
        connection.synSequence = i32(octets, transport + 4);
        TcpEndpoint made = endpoint(connection, peer, peerPort, inlet.outsidePort(flow), past, nowNanos);
        put(flow, connection);
        made.onSegment(octets, transport, length, nowNanos);
        made.attach(uplink.connect(hosts.reach(peer), peerPort, inlet.outsidePort(flow), connection));
        schedule.touched(connection);
    }

    private DropReason resetUnknown(int flow, byte[] octets, int transport, int length, long nowNanos) {
        int guest = inlet.guest(flow);
        if ((u8(octets, transport + 13) & TcpView.RST) == 0 && inlet.mayAnswer(guest, nowNanos)) {
            int written = TcpReset.answer(octets, transport, length, aside.room(), aside.transport());
            toGuest(flow, written);
        }
        return DropReason.TCP_NO_FLOW;
    }

    /** Sends a segment that has been written aside to the guest of a flow, past the engine. */
    private void toGuest(int flow, int length) {
        put16(aside.room(), aside.transport() + 2, inlet.insidePort(flow));
        inlet.toGuest(inlet.guest(flow), aside.segmentFor(inlet.shownPeer(flow), inlet.insideAddress(flow), length));
    }

    /** A guest's network says that a segment did not reach it. @return whether that means anything */
    boolean takeError(int flow, int mtu, int sequence) {
        FlowConnection connection = at(flow);
        if (connection == null) {
            return false;
        }
        if (mtu > 0) {
            connection.endpoint().onTooBig(mtu, sequence);
        } else {
            connection.endpoint().onUnreachable(sequence);
        }
        if (connection.flow >= 0) {
            schedule.touched(connection);
        }
        return true;
    }

    /** A flow ends: both sides are told, if they do not know. */
    void flowEnds(int flow, long nowNanos) {
        FlowConnection connection = at(flow);
        if (connection == null) {
            return;
        }
        byFlow[flow] = null;
        schedule.forget(connection);
        TcpEndpoint endpoint = connection.endpoint();
        endpoint.abort();
        schedule.forget(connection);
        int written = endpoint.emit(aside.room(), aside.transport(), TcpEndpoint.LARGEST_HEADER, nowNanos);
        if (written > 0) {
            toGuest(flow, written);
        }
        endpoint.discard();
        connection.flow = ENDED;
    }

    /** Ends every connection. */
    void close(long nowNanos) {
        for (int flow = 0; flow < byFlow.length; flow++) {
            if (byFlow[flow] != null && inlet.isLive(flow)) {
                flowEnds(flow, nowNanos);
            }
        }
        for (@Nullable HostListener listener : listeners) {
            if (listener != null) {
                listener.close();
            }
        }
        Arrays.fill(listeners, null);
    }

    // ------------------------------------------------------------------------------------------------ forwards

    boolean isClaimed(int port) {
        return listeners[port] != null;
    }

    void claim(Optional<Ipv4Address> address, int port) {
        listeners[port] = uplink.listen(
                address, port, (stream, client, clientPort) -> accepted(stream, port, client, clientPort));
    }

    void unclaim(int port) {
        HostListener listener = listeners[port];
        listeners[port] = null;
        if (listener != null) {
            listener.close();
        }
    }

    private HostStream.@Nullable Handler accepted(HostStream stream, int port, int client, int clientPort) {
        if (!terminator.enter()) {
            return null;
        }
        try {
            return accept(stream, port, client, clientPort, terminator.now());
        } catch (RuntimeException | Error e) {
            terminator.failed(e);
            return null;
        }
    }

    private HostStream.@Nullable Handler accept(
            HostStream stream, int port, int client, int clientPort, long nowNanos) {
        int peer = client;
        int peerPort = clientPort;
        if (hosts.showsAsAlias(client, true)) {
            peer = inlet.alias();
            peerPort = freePort(port, peer, clientPort, nowNanos);
            if (peerPort == 0) {
                inlet.drop(DropReason.LIMIT_PORTS);
                return null;
            }
        }
        int left = inlet.find(TCP, port, peer, peerPort, nowNanos);
        FlowConnection before = left < 0 ? null : at(left);
        if (before != null) {
            // the host's kernel takes no connection twice, so this one is over for it
            before.endpoint().discard();
        }
        FlowConnection connection = new FlowConnection(Inlet.NONE, 0, peer);
        TcpEndpoint made = endpoint(connection, peer, peerPort, port, 0, nowNanos);
        made.attach(stream);
        made.open();
        connection.emit(nowNanos);
        int flow = inlet.find(TCP, port, peer, peerPort, nowNanos);
        if (flow < 0 || at(flow) != null) {
            made.discard();
            return null;
        }
        connection.flow = flow;
        connection.guest = inlet.guest(flow);
        put(flow, connection);
        schedule.touched(connection);
        return connection;
    }

    /** A port of a peer from which no connection to a port exists, its own if that is one. */
    private int freePort(int port, int peer, int wanted, long nowNanos) {
        int chosen = wanted;
        for (int i = 0; i < TRIES; i++) {
            int flow = inlet.find(TCP, port, peer, chosen, nowNanos);
            if (flow < 0 || at(flow) == null) {
                return chosen;
            }
            chosen = chosen == 65_535 ? FIRST_PORT : chosen + 1;
        }
        return 0;
    }
}
