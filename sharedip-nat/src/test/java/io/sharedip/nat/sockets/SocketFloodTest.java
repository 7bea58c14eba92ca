package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.HostStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One guest takes all the sockets that it can have; the others have theirs, old and new. */
class SocketFloodTest {

    private static final String A = "10.0.0.2";
    private static final String B = "10.0.0.3";
    private static final String C = "10.0.0.4";
    private static final int PINGS = 1_024;

    private final MemoryHost host = new MemoryHost();
    private final GatewayRig rig = new GatewayRig()
            .sockets(host)
            .guest("a", "52:54:00:00:00:01", A)
            .guest("b", "52:54:00:00:00:02", B)
            .guest("c", "52:54:00:00:00:03", C);

    @AfterEach
    void close() {
        rig.stats();
        rig.close();
    }

    private static String address(String guest) {
        return guest.equals("a") ? A : guest.equals("b") ? B : C;
    }

    private void ping(String guest, int identifier) {
        rig.station(guest)
                .send(PacketBuilder.icmp()
                        .from(address(guest), 0)
                        .to(SERVER, 0)
                        .echo(8, identifier, 1)
                        .payload(guest + identifier));
    }

    private void datagram(String guest, int port) {
        rig.station(guest)
                .send(PacketBuilder.udp()
                        .from(address(guest), port)
                        .to(SERVER, 53)
                        .payload(guest + port));
    }

    /** Answers the pings that have been sent and not answered. @return what they said */
    private List<String> answerPings() {
        return List.copyOf(host.echoes()).stream()
                .flatMap(echo -> echo.take().stream().peek(asked -> echo.reply(SERVER, 1, asked.payload())))
                .map(MemoryHost.Datagram::text)
                .toList();
    }

    private void answerDatagrams() {
        List.copyOf(host.datagrams().values())
                .forEach(socket -> socket.take().forEach(asked -> socket.receive(SERVER, 53, asked.payload())));
    }

    private List<String> heard(String guest) {
        return rig.station(guest).take().stream()
                .map(packet -> new String(packet.payload(), StandardCharsets.US_ASCII))
                .toList();
    }

    // ------------------------------------------------------------------------------------------------ pings

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void hostile20_and_rfc6888_req5_a_guest_that_takes_every_ping_socket_leaves_the_others_theirs(boolean answered) {
        ping("b", 1);
        assertThat(answerPings()).containsExactly("b1");
        for (int i = 0; i < 1_100; i++) {
            ping("a", i);
            if (answered) {
                answerPings();
            }
        }
        assertThat(host.echoes()).hasSize(PINGS);
        answerPings();
        rig.station("a").takeRaw();
        ping("b", 2);
        ping("c", 3);
        assertThat(answerPings()).containsExactly("b2", "c3");
        assertThat(heard("b")).containsExactly("b1", "b2");
        assertThat(heard("c")).containsExactly("c3");
        ping("b", 1);
        assertThat(answerPings()).containsExactly("b1");
        assertThat(heard("b")).containsExactly("b1");
        assertThat(host.echoes()).hasSize(PINGS);
    }

    @Test
    void hostile20_a_guest_without_a_ping_to_spare_is_told_3_13_and_which_limit_it_has_reached() {
        for (int i = 0; i < PINGS; i++) {
            ping("a", i);
            answerPings();
        }
        rig.station("a").takeRaw();
        ping("a", 5_000);
        ParsedPacket told = rig.station("a").takeOne();
        assertThat(told.icmpType()).isEqualTo(3);
        assertThat(told.icmpCode()).isEqualTo(13);
        assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_GUEST_PORTS);
        assertThat(answerPings()).isEmpty();
        ping("a", 0);
        assertThat(answerPings()).containsExactly("a0");
    }

    @Test
    void hostile20_of_two_guests_that_want_every_ping_socket_each_gets_half_and_a_third_what_it_asks_for() {
        ping("c", 1);
        for (int i = 0; i < 2_000; i++) {
            ping("a", i);
            ping("b", i);
            answerPings();
        }
        rig.station("a").takeRaw();
        rig.station("b").takeRaw();
        assertThat(host.echoes()).hasSize(PINGS);
        for (int i = 0; i < 2_000; i++) {
            ping("a", i);
        }
        List<String> left = answerPings();
        assertThat(left).hasSizeBetween(PINGS / 2 - 2, PINGS / 2);
        ping("c", 1);
        ping("c", 2);
        assertThat(answerPings()).containsExactly("c1", "c2");
    }

    @Test
    void hostile20_what_has_not_been_answered_gives_way_first() {
        for (int i = 0; i < PINGS - 1; i++) {
            ping("a", i);
        }
        answerPings();
        List<MemoryHost.Echo> answered = List.copyOf(host.echoes());
        ping("a", 7_000);
        MemoryHost.Echo unanswered = host.echoes().get(PINGS - 1);
        unanswered.take();
        ping("b", 1);
        assertThat(host.echoes()).hasSize(PINGS).containsAll(answered).doesNotContain(unanswered);
        answerPings();
        rig.station("a").takeRaw();
        for (int i = 0; i < PINGS - 1; i++) {
            ping("a", i);
        }
        assertThat(answerPings()).hasSize(PINGS - 1);
    }

    // ------------------------------------------------------------------------------------------------ all kinds

    @Test
    void hostile20_a_flood_of_every_kind_up_to_the_quota_leaves_the_others_tcp_udp_and_pings_alone() {
        TcpGuest old = new TcpGuest(rig.station("b"), B, 40_000, SERVER, 80).syn();
        host.stream().establish();
        rig.poll();
        old.expect(SYN | ACK);
        old.acknowledge();
        MemoryHost.Stream oldStream = host.stream();
        datagram("b", 40_000);
        ping("b", 1);
        answerDatagrams();
        answerPings();
        assertThat(heard("b")).containsExactly("b40000", "b1");
        for (int i = 0; i < 9_000; i++) {
            switch (i % 3) {
                case 0 ->
                    rig.station("a").send(PacketBuilder.tcp().from(A, 1_024 + i).to(SERVER, 80));
                case 1 -> datagram("a", 1_024 + i);
                default -> ping("a", i);
            }
            rig.station("a").discard();
            if (i % 900 == 899) {
                int n = i / 900;
                TcpGuest fresh = new TcpGuest(rig.station("b"), B, 41_000 + n, SERVER, 80).syn();
                host.stream().establish();
                rig.poll();
                fresh.expect(SYN | ACK);
                datagram("b", 41_000 + n);
                answerDatagrams();
                ping("b", 100 + n);
                answerPings();
                assertThat(heard("b")).containsExactly("b" + (41_000 + n), "b" + (100 + n));
            }
        }
        old.say("still here");
        assertThat(oldStream.read()).isEqualTo("still here");
        datagram("b", 40_000);
        answerDatagrams();
        ping("b", 1);
        answerPings();
        assertThat(heard("b")).contains("b40000", "b1");
        assertThat(rig.stats().flows()).isLessThanOrEqualTo(2_000 + 33);
    }

    // ------------------------------------------------------------------------------------------------ descriptors

    private GatewayRig poor(int descriptors) {
        return new GatewayRig()
                .sockets(new MemoryHost().withDescriptors(descriptors))
                .guest("a", "52:54:00:00:00:01", A)
                .guest("b", "52:54:00:00:00:02", B);
    }

    @Test
    void hostile20_where_the_host_has_no_more_sockets_unanswered_datagrams_of_the_greediest_give_way() {
        try (GatewayRig poor = poor(200)) {
            for (int i = 0; i < 1_000; i++) {
                poor.station("a").send(PacketBuilder.udp().from(A, 2_000 + i).to(SERVER, 9));
            }
            assertThat(poor.host().datagrams()).hasSize(200);
            for (int i = 0; i < 50; i++) {
                poor.station("b")
                        .send(PacketBuilder.udp()
                                .from(B, 10_000 + i)
                                .to(SERVER, 53)
                                .payload("b" + i));
            }
            assertThat(poor.host().datagrams().values().stream()
                            .flatMap(socket -> socket.takeTexts().stream())
                            .filter(text -> text.contains(" b")))
                    .hasSize(50);
            assertThat(poor.station("b").take()).isEmpty();
        }
    }

    @Test
    void hostile20_where_the_host_has_no_more_sockets_pings_of_the_greediest_give_way() {
        try (GatewayRig poor = poor(200)) {
            for (int i = 0; i < 300; i++) {
                poor.station("a")
                        .send(PacketBuilder.icmp().from(A, 0).to(SERVER, 0).echo(8, i, 1));
            }
            poor.station("b")
                    .send(PacketBuilder.icmp()
                            .from(B, 0)
                            .to(SERVER, 0)
                            .echo(8, 1, 1)
                            .payload("b"));
            assertThat(poor.host().echoes().stream()
                            .flatMap(echo -> echo.take().stream())
                            .map(MemoryHost.Datagram::text))
                    .contains("b");
        }
    }

    private static void syn(GatewayRig rig, String guest, int port) {
        rig.station(guest).send(PacketBuilder.tcp().from(address(guest), port).to(SERVER, 80));
    }

    @Test
    void hostile20_where_the_host_has_no_more_sockets_a_half_open_connection_of_the_greediest_gives_way() {
        try (GatewayRig poor = poor(Integer.MAX_VALUE)) {
            for (int i = 0; i < 20; i++) {
                syn(poor, "a", 2_000 + i);
            }
            MemoryHost.Stream first = poor.host().streams().get(0);
            TcpGuest b = new TcpGuest(poor.station("b"), B, 40_000, SERVER, 80);
            PacketBuilder syn = b.segment(SYN, "");
            b.syn();
            poor.host().stream().fail(HostStream.Failure.NO_RESOURCES);
            poor.poll();
            assertThat(first.end()).isEqualTo(MemoryHost.End.RESET);
            assertThat(poor.host().streams())
                    .filteredOn(stream -> stream.end() == MemoryHost.End.OPEN)
                    .hasSize(19);
            assertThat(poor.station("b").take()).isEmpty();
            poor.advance(Duration.ofSeconds(1));
            poor.station("b").send(syn);
            poor.host().stream().establish();
            poor.poll();
            b.expect(SYN | ACK);
        }
    }

    @Test
    void where_the_host_has_no_more_sockets_and_nobody_gives_way_a_connection_is_refused() {
        try (GatewayRig poor = poor(Integer.MAX_VALUE)) {
            syn(poor, "a", 2_000);
            syn(poor, "b", 2_000);
            poor.host().stream().fail(HostStream.Failure.NO_RESOURCES);
            poor.poll();
            assertThat(poor.station("b").takeOne().flags()).isEqualTo(RST | ACK);
            assertThat(poor.host().streams().get(0).end()).isEqualTo(MemoryHost.End.OPEN);
        }
    }

    @Test
    void ports_that_an_exhausted_host_refused_are_there_when_it_has_sockets_again() {
        try (GatewayRig poor = poor(0)) {
            for (int i = 0; i < 6_000; i++) {
                poor.station("a").send(PacketBuilder.udp().from(A, 2_000 + i).to(SERVER, 9));
            }
            poor.host().withDescriptors(10);
            poor.station("b")
                    .send(PacketBuilder.udp().from(B, 10_000).to(SERVER, 53).payload("b"));
            assertThat(poor.host().datagrams()).hasSize(1);
        }
    }
}
