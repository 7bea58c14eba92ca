package io.sharedip.nat.fuzz;

import io.sharedip.address.Ipv4Address;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.MemoryHost.Datagram;
import io.sharedip.testing.MemoryHost.Datagrams;
import io.sharedip.testing.MemoryHost.Echo;
import io.sharedip.testing.MemoryHost.End;
import io.sharedip.testing.MemoryHost.Stream;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What must be true of the host's sockets after every step. Whatever is connected to or sent to is somebody outside whom the guest that has
 * just sent a frame has addressed, by a flow that is alive; the host itself only if the rules name it. There are no more sockets than
 * flows and forwards call for.
 */
final class SocketChecker {

    private static final int ICMP = 1;
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final String LOOPBACK = "127.0.0.1";

    private static final FilterChain[] RULES = {
        FilterChain.acceptAll(),
        FilterChain.parse("accept tcp from guest p to host port 80\naccept udp from any to host port 5000-5007"),
        FilterChain.parse("accept udp from any to " + SocketProgram.METADATA
                + "/32 port 8080\naccept from any to 0.0.0.0/0\naccept from any to 169.0.0.0/8"),
        FilterChain.parse("reject tcp from any to any port 80\ndrop icmp from any to any hook egress"),
    };

    private final MemoryHost host;
    private final Collection<PortForward> forwards;
    private final Set<Stream> accepted = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<String> callers = new HashSet<>();
    private int rules;
    private int streams;

    SocketChecker(MemoryHost host, Collection<PortForward> forwards) {
        this.host = host;
        this.forwards = forwards;
    }

    /** Rules whose openings the checker knows. @param number 0 to 3 */
    static FilterChain rules(int number) {
        return RULES[number];
    }

    /** Says which rules are in force. */
    void ruledBy(int number) {
        rules = number;
    }

    /** Whether the rules in force open a part of the host, written without the engine's judgement. */
    private boolean opens(@Nullable String guest, int protocol, String peer, int port) {
        return switch (rules) {
            case 1 ->
                protocol == TCP ? port == 80 && "p".equals(guest) : protocol == UDP && port >= 5000 && port <= 5007;
            case 2 -> protocol == UDP && peer.equals(SocketProgram.METADATA) && port == 8080;
            default -> false;
        };
    }

    /** Somebody has connected to a forward. */
    void accepted(Stream stream) {
        accepted.add(stream);
    }

    /** Somebody has sent a datagram, and may be answered. */
    void hasCalled(String peer, int port) {
        callers.add(peer + ":" + port);
    }

    /**
     * Looks.
     *
     * @param cause the frame that has just gone in, or null
     * @param flows that are alive
     * @return a number that tells apart what has gone out
     */
    int check(@Nullable Cause cause, List<FlowStatus> flows) {
        String guest = cause == null ? null : cause.guest();
        int sum = 1;
        for (; streams < host.streams().size(); streams++) {
            Stream stream = host.streams().get(streams);
            if (!accepted.contains(stream)) {
                sum = sum * 31 + stream.peer().hashCode();
                checkSent(guest, TCP, stream.wantedPort(), stream.peer(), flows);
            }
        }
        for (Datagrams socket : host.datagrams().values()) {
            for (Datagram datagram : socket.take()) {
                sum = sum * 31 + datagram.peer().hashCode() + Arrays.hashCode(datagram.payload());
                checkSent(guest, UDP, socket.localPort(), datagram.peer(), flows);
            }
        }
        for (Echo echo : host.echoes()) {
            for (Datagram request : echo.take()) {
                sum = sum * 31 + request.peer().hashCode();
                checkSent(guest, ICMP, -1, request.peer(), flows);
            }
        }
        checkNumbers(flows);
        return sum;
    }

    private void checkSent(@Nullable String guest, int protocol, int port, String peer, List<FlowStatus> flows) {
        int colon = peer.indexOf(':');
        String address = peer.substring(0, colon);
        int peerPort = Integer.parseInt(peer.substring(colon + 1));
        if (guest == null) {
            throw new AssertionError("nobody has sent anything, but something goes to " + peer);
        }
        checkPeer(guest, protocol, address, peerPort);
        for (FlowStatus flow : flows) {
            String called = flow.peer().address().toString();
            if (flow.guest().name().equals(guest)
                    && flow.protocol().number() == protocol
                    && (protocol == ICMP || flow.outside().port() == port)
                    && (called.equals(address) || isGateway(called))
                    && (protocol == ICMP || isGateway(called) || flow.peer().port() == peerPort)) {
                return;
            }
        }
        throw new AssertionError("no flow of " + guest + " leads to " + peer + ", among " + flows);
    }

    private static boolean isGateway(String address) {
        return address.equals(GatewayRig.ALIAS)
                || address.equals(GatewayRig.ROUTER)
                || address.equals(GatewayRig.SHARED);
    }

    private void checkPeer(String guest, int protocol, String address, int port) {
        int bits = Ipv4Address.parse(address).bits();
        int first = bits >>> 24;
        boolean ofHost = first == 127
                || bits >>> 16 == 0xa9fe
                || address.equals(GatewayRig.SHARED)
                || address.equals(SocketProgram.HOST_OTHER);
        if (ofHost && protocol == UDP && callers.contains(address + ":" + port)) {
            return;
        }
        if (first == 0
                || first >= 224
                || (first == 127 && !address.equals(LOOPBACK))
                || address.equals(GuestProgram.PRIVATE)
                || address.equals(GatewayRig.ALIAS)
                || address.equals(GatewayRig.ROUTER)
                || (ofHost && !opens(guest, protocol, address, port))) {
            throw new AssertionError(
                    "guest " + guest + " reaches " + address + " port " + port + " by protocol " + protocol);
        }
    }

    private void checkNumbers(List<FlowStatus> flows) {
        Set<Integer> ports = new HashSet<>();
        Set<Integer> listened = new HashSet<>();
        for (PortForward forward : forwards) {
            for (int port = forward.outside().first(); port <= forward.outside().last(); port++) {
                (forward.protocol().number() == UDP ? ports : listened).add(port);
            }
        }
        if (!host.listeners().keySet().equals(listened)) {
            throw new AssertionError("listens on " + host.listeners().keySet() + ", forwards want " + listened);
        }
        int tcp = 0;
        int icmp = 0;
        for (FlowStatus flow : flows) {
            switch (flow.protocol().number()) {
                case TCP -> tcp++;
                case UDP -> ports.add(flow.outside().port());
                default -> icmp++;
            }
        }
        if (!ports.containsAll(host.datagrams().keySet())) {
            throw new AssertionError("sockets on UDP ports " + host.datagrams().keySet() + ", needed are " + ports);
        }
        long open = host.streams().stream()
                .filter(stream -> stream.end() == End.OPEN)
                .count();
        if (open > tcp || host.echoes().size() > icmp) {
            throw new AssertionError(
                    open + " connections and " + host.echoes().size() + " sockets for pings for " + flows);
        }
    }

    /** Looks when everything has expired and no forward is left. */
    void checkEnd() {
        checkNumbers(List.of());
    }
}
