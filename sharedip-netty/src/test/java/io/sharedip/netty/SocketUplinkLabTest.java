package io.sharedip.netty;

import static io.sharedip.netty.UplinkRig.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostEcho;
import io.sharedip.uplink.HostListener;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What an uplink says of a network that has faults: a host, a router whose far side takes short packets only, and a server behind it.
 */
@Tag("lab")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(NothingLeaks.class)
class SocketUplinkLabTest {

    private static final int SERVER = Ipv4Address.parse("10.9.1.2").bits();
    private static final int SILENT = Ipv4Address.parse("10.9.0.77").bits();
    private static final int NO_ROUTE = Ipv4Address.parse("203.0.113.1").bits();
    private static final int UNREACHABLE = Ipv4Address.parse("198.51.100.1").bits();
    private static final int PROHIBITED = Ipv4Address.parse("198.51.100.2").bits();
    private static final int BLACKHOLE = Ipv4Address.parse("198.51.100.3").bits();
    private static final int FAR_UNREACHABLE = Ipv4Address.parse("10.9.2.1").bits();
    private static final int FAR_PROHIBITED = Ipv4Address.parse("10.9.2.2").bits();
    private static final int FAR_SILENT = Ipv4Address.parse("10.9.2.3").bits();
    private static final int CLOSED = 9;

    private static final List<Namespace> NAMESPACES = new ArrayList<>();
    private static Namespace host;
    private static Namespace server;

    private static Namespace namespace() {
        Namespace made = new Namespace();
        NAMESPACES.add(made);
        return made;
    }

    @BeforeAll
    static void build() {
        host = namespace();
        Namespace router = namespace();
        server = namespace();
        host.cable("up0", "10.9.0.1/24", router, "r0", "10.9.0.254/24");
        router.cable("r1", "10.9.1.254/24", server, "se0", "10.9.1.2/24");
        router.shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
        router.ip("link set r1 mtu 1000");
        server.ip("link set se0 mtu 1000");
        host.ip("route add 10.9.1.0/24 via 10.9.0.254");
        host.ip("route add 10.9.2.0/24 via 10.9.0.254");
        server.ip("route add default via 10.9.1.254");
        host.ip("route add unreachable 198.51.100.1");
        host.ip("route add prohibit 198.51.100.2");
        host.ip("route add blackhole 198.51.100.3");
        router.ip("route add 10.9.2.0/24 via 10.9.1.2");
        // by a filter, since the kernel tells of its routes' errors once a second only
        router.shell("nft add table ip far; nft add chain ip far forward '{ type filter hook forward priority 0; }';"
                + " nft add rule ip far forward ip daddr 10.9.2.1 reject with icmp type host-unreachable;"
                + " nft add rule ip far forward ip daddr 10.9.2.2 reject with icmp type admin-prohibited;"
                + " nft add rule ip far forward ip daddr 10.9.2.3 drop");
        host.shell("echo 1 > /proc/sys/net/ipv4/tcp_syn_retries");
        // whether a neighbour is there is known well before that
        host.shell("echo 100 > /proc/sys/net/ipv4/neigh/up0/retrans_time_ms");
    }

    @AfterAll
    static void remove() {
        NAMESPACES.forEach(Namespace::close);
        NAMESPACES.clear();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_stream_that_cannot_be_had_says_why(SocketTransport transport) {
        try (UplinkRig rig = host.uplink(transport)) {
            StreamEvents refused = rig.connect(SERVER, CLOSED, 0);
            StreamEvents noRoute = rig.connect(NO_ROUTE, 80, 0);
            StreamEvents unreachable = rig.connect(UNREACHABLE, 80, 0);
            StreamEvents prohibited = rig.connect(PROHIBITED, 80, 0);
            StreamEvents blackhole = rig.connect(BLACKHOLE, 80, 0);
            StreamEvents farUnreachable = rig.connect(FAR_UNREACHABLE, 80, 0);
            StreamEvents farProhibited = rig.connect(FAR_PROHIBITED, 80, 0);
            StreamEvents silent = rig.connect(SILENT, 80, 0);
            StreamEvents lost = rig.connect(FAR_SILENT, 80, 0);
            refused.await("failed REFUSED");
            noRoute.await("failed NETWORK_UNREACHABLE");
            unreachable.await("failed HOST_UNREACHABLE");
            prohibited.await("failed PROHIBITED");
            blackhole.await("failed NETWORK_UNREACHABLE");
            farUnreachable.await("failed HOST_UNREACHABLE");
            farProhibited.await("failed HOST_UNREACHABLE");
            silent.await("failed HOST_UNREACHABLE");
            lost.await("failed TIMED_OUT");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_datagram_that_does_not_arrive_is_told_as_an_icmp_error(SocketTransport transport) {
        try (UplinkRig rig = host.uplink(transport)) {
            DatagramEvents socket = rig.bind();
            byte[] octet = new byte[1];
            for (int peer :
                    new int[] {SERVER, NO_ROUTE, UNREACHABLE, PROHIBITED, FAR_UNREACHABLE, FAR_PROHIBITED, SILENT}) {
                assertThat(socket.send(peer, CLOSED, octet)).isTrue();
            }
            until(() -> socket.errors.size() == 7);
            assertThat(socket.errors)
                    .containsExactlyInAnyOrder(
                            "10.9.1.2:9 3/3",
                            "203.0.113.1:9 3/0",
                            "198.51.100.1:9 3/1",
                            "198.51.100.2:9 3/13",
                            "10.9.2.1:9 3/1",
                            "10.9.2.2:9 3/13",
                            "10.9.0.77:9 3/1");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_datagram_that_is_too_long_for_the_way_is_told_once_and_then_fragmented(SocketTransport transport)
            throws Exception {
        host.ip("route flush cache");
        try (UplinkRig rig = host.uplink(transport);
                DatagramSocket peer = server.call(() -> new DatagramSocket(new InetSocketAddress("10.9.1.2", 0)))) {
            peer.setSoTimeout(20_000);
            DatagramEvents socket = rig.bind();
            byte[] payload = new byte[1300];
            new Random(1).nextBytes(payload);
            socket.send(SERVER, peer.getLocalPort(), payload);
            until(() -> !socket.errors.isEmpty());
            assertThat(socket.errors).containsExactly("10.9.1.2:" + peer.getLocalPort() + " 3/4 mtu 1000");
            socket.send(SERVER, peer.getLocalPort(), payload);
            DatagramPacket received = new DatagramPacket(new byte[2000], 2000);
            peer.receive(received);
            assertThat(received.getLength()).isEqualTo(1300);
            assertThat(socket.errors).hasSize(1);
        }
        host.ip("route flush cache");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void pings_are_answered_and_their_errors_told_by_sequence_number(SocketTransport transport) {
        host.shell("echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range");
        try (UplinkRig rig = host.uplink(transport)) {
            assertThat(rig.get(rig.uplink::echoUnavailable)).isEmpty();
            EchoEvents events = new EchoEvents();
            HostEcho echo = rig.get(() -> rig.uplink.openEcho(events));
            EchoEvents others = new EchoEvents();
            HostEcho other = rig.get(() -> rig.uplink.openEcho(others));
            int sequence = 65_530;
            for (int length : new int[] {0, 1, 56, 8000, 65_507}) {
                byte[] data = new byte[length];
                new Random(length).nextBytes(data);
                int number = sequence++;
                // what is longer than the way allows is told once, and sent again goes through in fragments
                until(() -> {
                    rig.run(() -> assertThat(echo.send(SERVER, number, data, 0, length))
                            .isTrue());
                    return events.replies.stream().anyMatch(reply -> reply.sequence() == number);
                });
                EchoEvents.Reply reply = events.replies.stream()
                        .filter(one -> one.sequence() == number)
                        .findFirst()
                        .orElseThrow();
                assertThat(reply.data()).isEqualTo(data);
                assertThat(reply.peer()).isEqualTo(SERVER);
            }
            events.errors.clear();
            rig.run(() -> {
                assertThat(echo.send(FAR_UNREACHABLE, 7, new byte[8], 0, 8)).isTrue();
                assertThat(echo.send(NO_ROUTE, 8, new byte[8], 0, 8)).isTrue();
                assertThat(echo.send(SILENT, 9, new byte[8], 0, 8)).isTrue();
            });
            until(() -> events.errors.size() == 3);
            assertThat(events.errors)
                    .containsExactlyInAnyOrder("10.9.2.1 #7 3/1", "203.0.113.1 #8 3/0", "10.9.0.77 #9 3/1");
            assertThat(others.replies).isEmpty();
            rig.run(() -> {
                echo.close();
                echo.close();
                other.close();
                assertThat(echo.send(SERVER, 1, new byte[8], 0, 8)).isFalse();
            });
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void where_the_system_forbids_ping_sockets_it_is_said_with_the_cure(SocketTransport transport) {
        host.shell("echo '1 0' > /proc/sys/net/ipv4/ping_group_range");
        try (UplinkRig rig = host.uplink(transport)) {
            assertThat(rig.get(() -> rig.uplink.openEcho(new EchoEvents()))).isNull();
            assertThat(rig.get(rig.uplink::echoUnavailable))
                    .hasValueSatisfying(reason -> assertThat(reason)
                            .contains("net.ipv4.ping_group_range is '1 0'")
                            .contains("sysctl -w net.ipv4.ping_group_range='0 2147483647'"));
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void when_an_address_goes_its_streams_fail_and_everything_else_goes_on(SocketTransport transport) throws Exception {
        host.ip("address add 10.9.0.5/24 dev up0");
        int going = Ipv4Address.parse("10.9.0.5").bits();
        try (UplinkRig rig = host.uplink(transport);
                ServerSocket web = server.call(() -> new ServerSocket(0, 50, null));
                DatagramSocket peer = server.call(() -> new DatagramSocket(new InetSocketAddress("10.9.1.2", 0)))) {
            peer.setSoTimeout(20_000);
            assertThat(rig.uplink.hostAddresses()).contains(going).doesNotContain(UplinkRig.LOOPBACK);
            for (int own : new int[] {going, UplinkRig.LOOPBACK, UplinkRig.LOOPBACK + 77, 0}) {
                assertThat(rig.get(() -> rig.uplink.isHostAddress(own))).isTrue();
            }
            assertThat(rig.get(() -> rig.uplink.isHostAddress(SERVER))).isFalse();

            List<StreamEvents> taken = new ArrayList<>();
            HostListener listener = rig.get(() -> rig.uplink.listen(java.util.Optional.empty(), 0, (stream, c, p) -> {
                StreamEvents events = new StreamEvents(rig);
                events.stream = stream;
                events.inCall = false;
                taken.add(events);
                return events;
            }));
            StreamEvents stays = rig.connect(SERVER, web.getLocalPort(), 0);
            stays.await("connected");
            Socket client = server.call(() -> new Socket("10.9.0.5", listener.localPort()));
            until(() -> rig.get(taken::size) == 1);
            DatagramEvents socket = rig.bind();

            host.ip("address del 10.9.0.5/24 dev up0");
            until(() -> !rig.changes.isEmpty());
            assertThat(rig.changes.get(0)).isEqualTo("address 10.9.0.5 is gone");
            assertThat(taken.get(0).events).containsExactly("failed ADDRESS_GONE");
            assertThat(stays.events).containsExactly("connected");
            assertThat(rig.uplink.hostAddresses()).doesNotContain(going);
            assertThat(rig.get(() -> rig.uplink.isHostAddress(going))).isFalse();
            client.close();

            socket.send(SERVER, peer.getLocalPort(), new byte[] {3});
            DatagramPacket received = new DatagramPacket(new byte[10], 10);
            peer.receive(received);
            assertThat(received.getLength()).isEqualTo(1);

            host.ip("route add 192.0.2.0/24 via 10.9.0.254");
            until(() -> rig.changes.size() == 2);
            assertThat(rig.changes.get(1)).isEqualTo("the host's routes have changed");
            host.ip("route del 192.0.2.0/24");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void when_an_address_goes_what_was_being_connected_from_it_is_tried_from_another(SocketTransport transport)
            throws Exception {
        host.ip("address add 10.9.0.6/24 dev up0");
        host.ip("route add 10.9.1.2/32 via 10.9.0.254 src 10.9.0.6");
        host.shell("echo 6 > /proc/sys/net/ipv4/tcp_syn_retries");
        server.shell("nft add table ip way; nft add chain ip way in '{ type filter hook input priority 0; }';"
                + " nft add rule ip way in ip saddr 10.9.0.6 counter drop;"
                + " nft add rule ip way in tcp flags syn counter drop");
        try (UplinkRig rig = host.uplink(transport);
                ServerSocket web = server.call(() -> new ServerSocket(0, 50, null))) {
            StreamEvents stream = rig.connect(SERVER, web.getLocalPort(), 42_017);
            until(() -> hasDropped("ip saddr 10.9.0.6"));

            host.ip("address del 10.9.0.6/24 dev up0");
            until(() -> hasDropped("tcp flags syn"));
            assertThat(rig.changes).first().isEqualTo("address 10.9.0.6 is gone");
            assertThat(stream.events).isEmpty();
            server.shell("nft flush chain ip way in");

            stream.await("connected");
            assertThat(stream.localPort).isEqualTo(42_017);
            try (Socket accepted = web.accept()) {
                assertThat(accepted.getRemoteSocketAddress()).isEqualTo(new InetSocketAddress("10.9.0.1", 42_017));
                assertThat(stream.events).containsExactly("connected");
            }
        } finally {
            server.shell("nft delete table ip way");
            host.shell("echo 1 > /proc/sys/net/ipv4/tcp_syn_retries");
        }
    }

    private static boolean hasDropped(String rule) {
        return server.says("nft list table ip way")
                .lines()
                .anyMatch(line -> line.strip().matches("\\Q" + rule + "\\E counter packets [1-9].*"));
    }
}
