package io.sharedip.nat.internal.terminator;

import static io.sharedip.nat.internal.terminator.Packets.UDP;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.nat.internal.engine.ServiceSide;
import io.sharedip.nat.internal.tcp.InitialSequence;
import io.sharedip.nat.internal.tcp.TcpEnd;
import io.sharedip.nat.internal.tcp.TcpEndpoint;
import io.sharedip.nat.internal.tcp.TcpShared;
import io.sharedip.packet.TcpView;
import io.sharedip.service.GuestService;
import io.sharedip.service.GuestService.ReplyPath;
import io.sharedip.stats.DropReason;
import io.sharedip.uplink.HostStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The services of a gateway, with every kind of uplink: datagrams are handed over one by one, TCP by endpoints of the gateway's own, a
 * bounded number for each guest. Who asks is known by the link that the packet came from.
 */
public final class LocalServices implements ServiceSide {

    private static final int UDP_HEADER = 8;
    private static final int SMALLEST_MTU = 576;
    private static final int MOST_OF_A_GUEST = 64;
    private static final int MOST = 1024;
    private static final int LARGEST_RING = 1 << 16;
    private static final int SYN_FLAGS = TcpView.SYN | TcpView.ACK | TcpView.RST | TcpView.FIN;
    private static final int LONGEST = 65_507;

    /** What services need of the gateway around them. */
    public interface Gateway extends Terminator.Gateway {

        /** Runs something on the driver's thread soon. Any thread. */
        void execute(Runnable action);
    }

    private final Map<Integer, GuestService> byPort = new HashMap<>();
    private final boolean[] listens = new boolean[1 << 16];
    private final Gateway gateway;
    private final BiConsumer<String, String> notices;
    private final TcpShared shared = new TcpShared(LARGEST_RING, 0);
    private final InitialSequence sequences;
    private final Map<Integer, List<ServiceConnection>> connections = new HashMap<>();
    private int count;
    private @Nullable Parts parts;
    private boolean closed;

    private record Parts(Inlet inlet, Packets packets, Schedule schedule) {}

    /**
     * Makes them, to be {@linkplain #attach attached} to an engine.
     *
     * @param services not open yet
     * @param gateway around them
     * @param random source of initial sequence numbers
     * @param notices takes the name of a service and what it says
     * @throws ConfigurationException if two of them have one port
     */
    public LocalServices(
            List<GuestService> services, Gateway gateway, Random random, BiConsumer<String, String> notices) {
        this.gateway = gateway;
        this.notices = notices;
        this.sequences = new InitialSequence(random);
        for (GuestService service : services) {
            GuestService other = byPort.putIfAbsent(service.port(), service);
            if (other != null) {
                throw new ConfigurationException(
                        "service " + service.name(),
                        String.valueOf(service.port()),
                        "is the port of service " + other.name() + " too",
                        "give each service a port of its own");
            }
            listens[service.port()] = true;
        }
    }

    /** Joins the engine, and opens the services. */
    public void attach(Inlet inlet) {
        parts = new Parts(inlet, new Packets(inlet), new Schedule(inlet));
        byPort.values().forEach(service -> service.open(new Host(service)));
    }

    private Parts parts() {
        return Objects.requireNonNull(parts);
    }

    /** The gateway as a service sees it. */
    private final class Host implements GuestService.ServiceHost {

        private final GuestService service;

        Host(GuestService service) {
            this.service = service;
        }

        @Override
        public boolean reply(ReplyPath to, byte[] octets, int offset, int length) {
            Inlet inlet = parts().inlet;
            if (closed || length > LONGEST || !inlet.owns(to.guest(), to.guestAddress())) {
                return false;
            }
            return inlet.toGuest(
                    to.guest(),
                    parts().packets
                            .datagramFor(
                                    to.gatewayAddress(),
                                    service.port(),
                                    to.guestAddress(),
                                    to.guestPort(),
                                    octets,
                                    offset,
                                    length));
        }

        @Override
        public Map<GuestId, List<Ipv4Address>> guests() {
            return parts().inlet.addresses();
        }

        @Override
        public void execute(Runnable action) {
            gateway.execute(action);
        }

        @Override
        public void notice(String message) {
            notices.accept(service.name(), message);
        }
    }

    @Override
    public boolean listens(int port) {
        return listens[port];
    }

    @Override
    public @Nullable DropReason take(
            int guest,
            int protocol,
            int source,
            int destination,
            byte[] octets,
            int transport,
            int length,
            long nowNanos) {
        GuestService service = byPort.get(u16(octets, transport + 2));
        GuestId id = parts().inlet.guestId(guest);
        if (closed || service == null || id == null) {
            return DropReason.HOST_UNREACHABLE;
        }
        if (protocol == UDP) {
            service.received(
                    id,
                    new ReplyPath(guest, source, u16(octets, transport), destination),
                    octets,
                    transport + UDP_HEADER,
                    u16(octets, transport + 4) - UDP_HEADER,
                    nowNanos);
            return null;
        }
        return takeSegment(service, id, guest, source, destination, octets, transport, length, nowNanos);
    }

    // ------------------------------------------------------------------------------------------------ TCP

    private final class ServiceConnection extends Connection {

        private final int guestAddress;
        private final int guestPort;
        private final int gatewayAddress;
        private final int port;

        ServiceConnection(int guest, int guestAddress, int guestPort, int gatewayAddress, int port) {
            super(parts().schedule, guest);
            this.guestAddress = guestAddress;
            this.guestPort = guestPort;
            this.gatewayAddress = gatewayAddress;
            this.port = port;
        }

        boolean is(int address, int addressPort, int destination, int destinationPort) {
            return guestPort == addressPort
                    && guestAddress == address
                    && gatewayAddress == destination
                    && port == destinationPort;
        }

        @Override
        Packets packets() {
            return parts().packets;
        }

        @Override
        void send(int length, long nowNanos) {
            parts().inlet.toGuest(guest, parts().packets.segmentFor(gatewayAddress, guestAddress, length));
        }

        @Override
        boolean enter() {
            return !closed && gateway.isRunning();
        }

        @Override
        void failed(Throwable cause) {
            gateway.failed(cause);
        }

        @Override
        public void connectFailed(TcpEndpoint endpoint, HostStream.Failure failure) {
            endpoint.refuse();
        }

        @Override
        public void closed(TcpEndpoint endpoint, TcpEnd end) {
            parts().schedule.forget(this);
            List<ServiceConnection> ofGuest = connections.get(guest);
            if (ofGuest != null && ofGuest.remove(this)) {
                count--;
                if (ofGuest.isEmpty()) {
                    connections.remove(guest);
                }
            }
        }
    }

    private @Nullable ServiceConnection find(int guest, int address, int port, int destination, int destinationPort) {
        List<ServiceConnection> ofGuest = connections.get(guest);
        if (ofGuest != null) {
            for (ServiceConnection each : ofGuest) {
                if (each.is(address, port, destination, destinationPort)) {
                    return each;
                }
            }
        }
        return null;
    }

    private @Nullable DropReason takeSegment(
            GuestService service,
            GuestId id,
            int guest,
            int source,
            int destination,
            byte[] octets,
            int transport,
            int length,
            long nowNanos) {
        int sourcePort = u16(octets, transport);
        int port = u16(octets, transport + 2);
        ServiceConnection connection = find(guest, source, sourcePort, destination, port);
        int past = 0;
        if (connection != null && connection.endpoint().givesWayTo(octets, transport)) {
            past = connection.endpoint().nextSequence();
            connection.endpoint().discard();
            connection = null;
        }
        if (connection != null) {
            connection.endpoint().onSegment(octets, transport, length, nowNanos);
            parts().schedule.touched(connection);
            return null;
        }
        if ((u8(octets, transport + 13) & SYN_FLAGS) != TcpView.SYN) {
            return DropReason.TCP_NO_FLOW;
        }
        List<ServiceConnection> ofGuest = connections.computeIfAbsent(guest, number -> new ArrayList<>());
        if (count >= MOST || ofGuest.size() >= MOST_OF_A_GUEST) {
            return DropReason.LIMIT_SERVICE;
        }
        connection = new ServiceConnection(guest, source, sourcePort, destination, port);
        long addresses = (long) destination << 32 | (source & 0xffffffffL);
        long ports = (long) guest << 32 | (long) port << 16 | sourcePort;
        int iss = sequences.sequence(addresses, ports, nowNanos);
        if (past != 0 && iss - past <= 0) {
            iss = past + (1 << 16);
        }
        TcpEndpoint endpoint = new TcpEndpoint(
                shared,
                connection,
                Math.max(SMALLEST_MTU, parts().inlet.mtu(guest)),
                port,
                sourcePort,
                iss,
                sequences.timestampOffset(addresses, ports));
        connection.endpoint(endpoint);
        ofGuest.add(connection);
        count++;
        endpoint.onSegment(octets, transport, length, nowNanos);
        HostStream stream = service.accept(id, connection);
        if (stream == null) {
            endpoint.refuse();
        } else {
            endpoint.attach(stream);
            endpoint.connected(port);
        }
        parts().schedule.touched(connection);
        return null;
    }

    @Override
    public void guestEnds(int guest) {
        List<ServiceConnection> ofGuest = connections.get(guest);
        if (ofGuest != null) {
            forEach(ofGuest, connection -> connection.endpoint().discard());
        }
    }

    private static void forEach(List<ServiceConnection> some, Consumer<ServiceConnection> action) {
        List.copyOf(some).forEach(action);
    }

    @Override
    public int work(long nowNanos) {
        return closed ? 0 : parts().schedule.run(nowNanos);
    }

    @Override
    public long untilDue(long nowNanos) {
        return parts().schedule.untilDue(nowNanos);
    }

    /** Ends everything. Driver's thread, or no driver any more. */
    public void close() {
        if (closed) {
            return;
        }
        List.copyOf(connections.values())
                .forEach(ofGuest -> forEach(ofGuest, connection -> {
                    connection.endpoint().abort();
                    connection.emit(gateway.nanoTime());
                    connection.endpoint().discard();
                }));
        closed = true;
        byPort.values().forEach(GuestService::close);
    }
}
