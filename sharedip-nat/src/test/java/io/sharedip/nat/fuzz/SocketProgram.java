package io.sharedip.nat.fuzz;

import io.sharedip.GuestId;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.Inside;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.nat.fuzz.InvariantChecker.Machine;
import io.sharedip.service.GuestService;
import io.sharedip.testing.DhcpExchange;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.MemoryHost.Datagrams;
import io.sharedip.testing.MemoryHost.Echo;
import io.sharedip.testing.MemoryHost.End;
import io.sharedip.testing.MemoryHost.Listener;
import io.sharedip.testing.MemoryHost.Stream;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.HostStream;
import io.sharedip.uplink.HostStream.Failure;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A program for a gateway over sockets of a host in memory, with DHCP and a service that is asked by UDP and TCP: two octets of settings,
 * then instructions. An instruction sends a guest's frame, made up or made from one that was seen; or lets a peer connect, speak, read,
 * finish or fail; or time pass, links and sockets fill up, rules and forwards change.
 *
 * <p>After each the {@link SocketChecker} looks at the host, beside what is looked at in any case.
 */
final class SocketProgram extends GuestProgram {

    static final String HOST_OTHER = "10.99.0.7";
    static final String METADATA = "169.254.169.254";
    private static final int SERVICE_PORT = 53;
    private static final int MOST_STREAMS = 6;

    private static final String[] CALLED = {
        GatewayRig.SERVER,
        GatewayRig.SERVER,
        GatewayRig.SERVER,
        GatewayRig.OTHER_SERVER,
        SHARED,
        SHARED,
        GatewayRig.ALIAS,
        GatewayRig.ALIAS,
        GatewayRig.ROUTER,
        NEIGHBOUR,
        HOST_OTHER,
        METADATA,
        "127.0.0.1",
        PRIVATE,
        "224.0.0.1",
        "0.0.0.0"
    };
    private static final String[] CALLERS = {
        GatewayRig.SERVER,
        GatewayRig.SERVER,
        GatewayRig.OTHER_SERVER,
        NEIGHBOUR,
        "127.0.0.1",
        HOST_OTHER,
        SHARED,
        "127.0.0.2"
    };
    private static final int[] LENGTHS = {0, 1, 20, 1400, 1472, 1473, 8000, 65_507};
    private static final int[] TYPES = {3, 3, 3, 11, 12, 4, 0, 8};

    private final class Service implements GuestService {

        private @Nullable ServiceHost gateway;
        private @Nullable ReplyPath asker;
        private boolean closed;

        @Override
        public String name() {
            return "dns";
        }

        @Override
        public int port() {
            return SERVICE_PORT;
        }

        @Override
        public void open(ServiceHost given) {
            gateway = given;
        }

        @Override
        public void received(GuestId guest, ReplyPath from, byte[] octets, int offset, int length, long nowNanos) {
            asker = from;
            if (length % 3 == 0) {
                answer(length * 2);
            }
        }

        /** Answers whoever has asked last. */
        void answer(int length) {
            if (asker != null && gateway != null) {
                gateway.reply(asker, new byte[length], 0, length);
            }
        }

        @Override
        public @Nullable HostStream accept(GuestId guest, HostStream.Handler handler) {
            if (guest.name().equals("t")) {
                return null;
            }
            Stream stream = host.serve(handler);
            served.add(stream);
            return stream;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    private final MemoryHost host =
            new MemoryHost().withAddresses(SHARED, HOST_OTHER).withBusyPorts(40_001);
    private final Service service = new Service();
    private final NatGateway gateway;
    private final Inside inside;
    private final SocketChecker sockets;
    private final List<Stream> served = new ArrayList<>();
    private final Set<Stream> finished = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<PortForward> forwards =
            new TreeSet<>((a, b) -> a.toString().compareTo(b.toString()));
    private final boolean verifies;

    private static final PortForward[] FORWARDS = {
        PortForward.parse("tcp 8080 -> p:80"),
        PortForward.parse("tcp 61004-61005 -> s:80-81"),
        PortForward.parse("udp 5000-5003 -> q:6000-6003"),
        PortForward.parse("udp 61006 -> t:53"),
    };

    SocketProgram(byte[] program) {
        super(program);
        int general = next();
        int protocols = next();
        verifies = (general & 1) == 0;
        host.withStreamRoom((general & 0x80) != 0 ? 1000 : 65_536);
        if ((general & 0x40) != 0) {
            host.withoutEcho("forbidden");
        }
        NatGatewayBuilder builder = builder()
                .uplink(host)
                .dhcp(DhcpSettings.defaults())
                .service(service)
                .verifyChecksums(verifies)
                .udpInboundRefresh((general & 2) != 0)
                .showClients((general & 4) == 0)
                .tcpTracking(TcpTracking.defaults().withWindowChecks((general & 8) == 0))
                .tcp(behavior(ProtocolBehavior.tcp(), false, protocols))
                .udp(behavior(ProtocolBehavior.udp(), false, protocols >>> 4));
        gateway = builder.build();
        inside = new Inside(gateway);
        sockets = new SocketChecker(host, forwards);
    }

    @Override
    NatGateway gateway() {
        return gateway;
    }

    @Override
    Inside inside() {
        return inside;
    }

    @Override
    String called(int choice) {
        return CALLED[choice & 15];
    }

    @Override
    void offerOutside(byte[] frame) {
        // there is no link
    }

    @Override
    void lookOutside(@Nullable Cause cause) {
        transcript = transcript * 31 + sockets.check(cause, inside.flows());
    }

    @Override
    void lookAtGuests(byte[] frame, Machine machine) {
        super.lookAtGuests(frame, machine);
        if (verifies) {
            checker.checkSoundness(frame);
        }
    }

    @Override
    void begin() {
        add(FORWARDS[0]);
        add(FORWARDS[2]);
    }

    @Override
    void instruction(int code) {
        int bits = code >>> 4;
        switch (code & 15) {
            case 0 -> raw();
            case 1, 2, 3 -> fromGuest(bits);
            case 4, 5, 6 -> answer(bits);
            case 7 -> errorAbout(bits);
            case 8 -> fragments(bits);
            case 9 -> again(bits);
            case 10 -> request(bits);
            case 11, 12 -> peer(bits);
            case 13 -> pass(PAUSES[bits & 7]);
            case 14 -> call(bits);
            default -> setting(bits);
        }
        // what a peer has done shows at the gateway's next turn
        gateway.poll(now());
        look(null);
    }

    /** A guest asks the gateway itself: DHCP, or the service by UDP or TCP. */
    private void request(int bits) {
        int number = bits & 3;
        Machine machine = GUESTS.get(number);
        String address = machine.addresses().iterator().next();
        int choice = next();
        PacketBuilder packet = switch (bits >>> 2) {
            case 0 ->
                DhcpExchange.message(machine.mac(), 1 + (choice & 7))
                        .address(50, (choice & 8) != 0 ? address : GatewayRig.SERVER)
                        .option(55, 1, 3, 6, choice)
                        .packet();
            case 1 ->
                PacketBuilder.udp()
                        .from(address, 4000 + (choice & 3))
                        .to(CALLED[4 + (choice >>> 2 & 7)], SERVICE_PORT)
                        .payload(new byte[LENGTHS[choice >>> 5]])
                        .macs(machine.mac(), GatewayRig.ROUTER_MAC);
            default ->
                PacketBuilder.tcp()
                        .from(address, 4000 + (choice & 3))
                        .to(CALLED[4 + (choice >>> 2 & 7)], SERVICE_PORT)
                        .sequence(choice * 1000L, 0)
                        .macs(machine.mac(), GatewayRig.ROUTER_MAC);
        };
        put(1 + number, changed(packet.build()));
    }

    /** The other side of a socket does something. */
    private void peer(int bits) {
        switch (bits & 3) {
            case 0 -> stream(bits >>> 2, host.streams());
            case 1 -> stream(bits >>> 2, served);
            case 2 -> datagrams(bits >>> 2);
            default -> echo(bits >>> 2);
        }
    }

    private void stream(int bits, List<Stream> streams) {
        if (streams.isEmpty()) {
            service.answer(LENGTHS[bits]);
            return;
        }
        int choice = next();
        Stream stream = streams.get(streams.size() - 1 - (choice >>> 3) % Math.min(MOST_STREAMS, streams.size()));
        if (stream.end() != End.OPEN) {
            return;
        }
        switch (choice & 7) {
            case 0 -> stream.fail(Failure.values()[next() % Failure.values().length]);
            case 1 -> stream.readOctets();
            case 2 -> {
                if (stream.isConnected() && finished.add(stream)) {
                    stream.finish();
                }
            }
            default -> {
                if (!stream.isConnected()) {
                    stream.establish();
                } else if (!finished.contains(stream)) {
                    stream.send(new byte[LENGTHS[bits + (choice & 4)]]);
                }
            }
        }
    }

    private void datagrams(int bits) {
        List<Datagrams> open = List.copyOf(host.datagrams().values());
        if (open.isEmpty()) {
            return;
        }
        int choice = next();
        Datagrams socket = open.get((choice >>> 3) % open.size());
        String peer = CALLERS[choice & 7];
        int port = port();
        if (port == 0) {
            return;
        }
        switch (bits) {
            case 0, 1 -> {
                sockets.hasCalled(peer, port);
                socket.receive(peer, port, new byte[LENGTHS[next() & 7]]);
            }
            case 2 -> socket.unreachable(peer, port, TYPES[next() & 7], next() & 15, next() * 8);
            default -> socket.full((next() & 1) != 0);
        }
    }

    private void echo(int bits) {
        if (host.echoes().isEmpty()) {
            return;
        }
        int choice = next();
        Echo echo = host.echoes().get((choice >>> 3) % host.echoes().size());
        String peer = CALLERS[choice & 7];
        if (bits < 2) {
            echo.reply(peer, next() & 3, new byte[LENGTHS[next() & 7]]);
        } else {
            echo.unreachable(peer, (next() & 3) - 1, TYPES[next() & 7], next() & 15);
        }
    }

    /** Somebody connects to a forward. */
    private void call(int bits) {
        List<Listener> open = List.copyOf(host.listeners().values());
        int port = port();
        if (!open.isEmpty() && port != 0) {
            sockets.accepted(open.get((bits >>> 3) % open.size()).connect(CALLERS[bits & 7], port));
        }
    }

    private void setting(int bits) {
        int choice = bits & 3;
        switch (bits >>> 2) {
            case 0 -> {
                sockets.ruledBy(choice);
                inside.replaceRules(SocketChecker.rules(choice));
            }
            case 1 -> add(FORWARDS[choice]);
            case 2 -> remove(FORWARDS[choice]);
            default -> wires.get(choice).full((next() & 1) != 0);
        }
    }

    private void add(PortForward forward) {
        if (forwards.add(forward)) {
            inside.add(forward);
        }
    }

    private void remove(PortForward forward) {
        if (forwards.remove(forward)) {
            inside.remove(forward.selector());
        }
    }

    @Override
    void finish() {
        wires.forEach(wire -> wire.full(false));
        host.datagrams().values().forEach(socket -> socket.full(false));
        for (PortForward forward : List.copyOf(forwards)) {
            remove(forward);
        }
        inside.replaceRules(FilterChain.acceptAll());
        sockets.ruledBy(0);
        for (Stream stream : served) {
            if (stream.end() == End.OPEN && finished.add(stream)) {
                stream.finish();
            }
        }
    }

    @Override
    void end() {
        // each repetition is a turn of its own
        for (int i = 0; i < 40 && served.stream().anyMatch(stream -> stream.end() == End.OPEN); i++) {
            pass(PAUSES[5]);
        }
        // whoever acknowledges the end and does not close its own half is for the server to give up
        served.stream().filter(stream -> stream.end() == End.OPEN).forEach(stream -> stream.fail(Failure.RESET));
        super.end();
        sockets.checkEnd();
        gateway.close();
        require(host.isClosed() && service.closed, "closing has left something open");
    }
}
