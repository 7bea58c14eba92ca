package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.ALIAS;
import static io.sharedip.testing.GatewayRig.OTHER_SERVER;
import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.FlowPolicy;
import io.sharedip.GuestId;
import io.sharedip.PortClaimException;
import io.sharedip.SharedIp;
import io.sharedip.address.UplinkAddress;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport.Skipped;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.MemoryHost.End;
import io.sharedip.testing.MemoryHost.Stream;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.HostStream.Failure;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** TCP of guests, terminated by the gateway and joined to streams of the host. */
class SocketTcpTest {

    private static final String IN = "10.0.0.2";

    private final MemoryHost host = new MemoryHost().withAddresses("203.0.113.200");
    private final GatewayRig rig = new GatewayRig()
            .sockets(host)
            .guest("a", "52:54:00:00:00:01", IN)
            .guest("b", "52:54:00:00:00:02", "10.0.0.3")
            .guest("same", "52:54:00:00:00:03", SHARED);

    @AfterEach
    void close() {
        if (rig.gateway().state() == SharedIp.State.RUNNING) {
            rig.stats();
        }
        rig.close();
    }

    private TcpGuest client(int port) {
        return new TcpGuest(rig.station("a"), IN, port, SERVER, 80);
    }

    private TcpGuest connected(int port) {
        TcpGuest guest = client(port).syn();
        host.stream().establish();
        rig.poll();
        guest.expect(SYN | ACK);
        return guest.acknowledge();
    }

    @Test
    void the_syn_is_answered_only_once_the_host_is_connected() {
        TcpGuest guest = client(40_000).syn();
        guest.expectNothing();
        Stream stream = host.stream();
        assertThat(stream.peer()).isEqualTo(SERVER + ":80");
        assertThat(stream.wantedPort()).isEqualTo(40_000);
        rig.station("a").send(guest.segment(SYN, "").sequence(7_000, 0));
        assertThat(host.streams()).hasSize(1);
        stream.establish();
        rig.poll();
        guest.expect(SYN | ACK);
    }

    @Test
    void octets_travel_both_ways_and_each_side_closes_for_itself() {
        TcpGuest guest = connected(40_000);
        Stream stream = host.stream();
        guest.say("request");
        guest.expect(ACK);
        assertThat(stream.read()).isEqualTo("request");
        assertThat(stream.send("answer")).isEqualTo(6);
        rig.poll();
        guest.expectText("answer");
        guest.finish();
        rig.poll();
        guest.expect(ACK);
        assertThat(stream.isShutDown()).isTrue();
        assertThat(stream.send("more")).isEqualTo(4);
        rig.poll();
        guest.expectText("more");
        guest.acknowledge();
        stream.finish();
        rig.poll();
        guest.expect(FIN | ACK);
        guest.acknowledge();
        assertThat(stream.end()).isEqualTo(End.CLOSED);
        rig.advance(Duration.ofMinutes(10));
        assertThat(rig.stats().flows()).isZero();
    }

    @ParameterizedTest
    @EnumSource(
            value = Failure.class,
            names = {"REFUSED", "RESET", "ADDRESS_GONE", "NO_RESOURCES", "OTHER"})
    void a_refused_connection_is_told_by_rst(Failure failure) {
        TcpGuest guest = client(40_000).syn();
        host.stream().fail(failure);
        rig.poll();
        guest.expect(RST | ACK);
    }

    @ParameterizedTest
    @CsvSource({"HOST_UNREACHABLE, 1", "NETWORK_UNREACHABLE, 0", "PROHIBITED, 13"})
    void an_unreachable_host_is_told_by_the_icmp_error_that_the_guests_stack_expects(Failure failure, int code) {
        client(40_000).syn();
        host.stream().fail(failure);
        rig.poll();
        ParsedPacket error = rig.station("a").takeOne();
        assertThat(error.icmpType()).isEqualTo(3);
        assertThat(error.icmpCode()).isEqualTo(code);
        assertThat(error.inner().from()).isEqualTo(IN + ":40000");
        assertThat(error.inner().to()).isEqualTo(SERVER + ":80");
        assertThat(error.inner().sequence()).isEqualTo(7_000);
        client(40_000).syn();
        assertThat(host.streams()).hasSize(2);
    }

    @Test
    void a_host_that_never_answers_is_silent_for_the_guest_too() {
        TcpGuest guest = client(40_000).syn();
        host.stream().fail(Failure.TIMED_OUT);
        rig.poll();
        guest.expectNothing();
    }

    @Test
    void rst_travels_both_ways() {
        connected(40_000).reset();
        assertThat(host.stream().end()).isEqualTo(End.RESET);
        TcpGuest guest = connected(40_001);
        host.stream().fail(Failure.RESET);
        rig.poll();
        guest.expect(RST | ACK);
    }

    @Test
    void a_segment_of_a_connection_that_nobody_knows_is_answered_by_rst_at_a_bounded_rate() {
        TcpGuest guest = client(40_000);
        guest.say("left over from before");
        guest.expect(RST);
        assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(1);
        for (int i = 0; i < 1_000; i++) {
            guest.say("x");
        }
        assertThat(guest.take()).hasSizeBetween(50, 200);
        assertThat(host.streams()).isEmpty();
    }

    @Test
    void a_lost_answer_is_sent_again_on_the_gateways_own_clock_without_a_tick_in_between() {
        TcpGuest guest = client(40_000).syn();
        host.stream().establish();
        rig.poll();
        guest.expect(SYN | ACK);
        rig.advance(Duration.ofMillis(999));
        guest.expectNothing();
        rig.advance(Duration.ofMillis(2));
        guest.expect(SYN | ACK);
    }

    @Test
    void what_the_guest_does_not_read_stays_with_the_host() {
        TcpGuest guest = connected(40_000).window(0).acknowledge();
        Stream stream = host.stream();
        byte[] much = new byte[1 << 20];
        int sent = stream.send(much) + stream.send(much) + stream.send(much) + stream.send(much);
        rig.poll();
        assertThat(sent).isLessThan(1 << 20);
        assertThat(stream.requested()).isZero();
        assertThat(guest.take()).isEmpty();
    }

    @Test
    void what_the_host_does_not_read_closes_the_guests_window() {
        host.withStreamRoom(4_000);
        TcpGuest guest = connected(40_000);
        String text = "x".repeat(1_000);
        for (int i = 0; i < 4; i++) {
            guest.say(text);
        }
        List<ParsedPacket> acks = guest.take();
        assertThat(io.sharedip.packet.Octets.u16(acks.get(acks.size() - 1).frame(), 14 + 20 + 14))
                .isZero();
        assertThat(host.stream().read()).hasSize(4_000);
        rig.poll();
        assertThat(guest.take()).hasSize(1);
    }

    @Test
    void when_a_flow_ends_by_its_timer_both_sides_are_told_by_rst() {
        TcpGuest guest = connected(40_000);
        rig.advance(Duration.ofHours(3));
        guest.expect(RST | ACK);
        assertThat(host.stream().end()).isEqualTo(End.RESET);
        assertThat(rig.stats().flows()).isZero();
    }

    @Test
    void new_rules_that_forbid_a_connection_end_it_on_both_sides_and_others_go_on() throws Exception {
        TcpGuest guest = connected(40_000);
        Stream forbidden = host.stream();
        TcpGuest other = new TcpGuest(rig.station("b"), "10.0.0.3", 40_000, OTHER_SERVER, 80).syn();
        host.stream().establish();
        rig.poll();
        other.expect(SYN | ACK);
        other.acknowledge();
        rig.await(rig.gateway().replaceRules(FilterChain.parse("drop tcp from any to " + SERVER + "/32")));
        guest.expect(RST | ACK);
        assertThat(forbidden.end()).isEqualTo(End.RESET);
        assertThat(host.stream().end()).isEqualTo(End.OPEN);
        other.say("still here");
        other.expect(ACK);
        assertThat(host.stream().read()).isEqualTo("still here");
    }

    @Test
    void a_guest_that_is_removed_resets_its_peers() throws Exception {
        connected(40_000);
        rig.await(rig.gateway().removeGuest(GuestId.of("a")));
        assertThat(host.stream().end()).isEqualTo(End.RESET);
    }

    @Test
    void a_gateway_that_is_closed_tells_guests_and_peers() {
        TcpGuest guest = connected(40_000);
        rig.gateway().close();
        assertThat(guest.take()).extracting(p -> p.flags() & RST).containsExactly(RST);
        assertThat(host.stream().end()).isEqualTo(End.RESET);
        assertThat(host.isClosed()).isTrue();
    }

    @Test
    void connections_survive_a_new_address_if_flows_are_kept_and_are_told_of_their_end_if_not() throws Exception {
        TcpGuest guest = connected(40_000);
        rig.await(rig.gateway()
                .changeAddress(UplinkAddress.of("198.18.0.10", "198.18.0.0/24", "198.18.0.1"), FlowPolicy.KEEP));
        guest.say("hello");
        guest.expect(ACK);
        host.stream().send("answer");
        rig.poll();
        guest.expectText("answer");
        rig.await(rig.gateway()
                .changeAddress(UplinkAddress.of(SHARED, "192.0.2.0/24", GatewayRig.ROUTER), FlowPolicy.FLUSH));
        guest.expect(RST | ACK);
        assertThat(host.stream().end()).isEqualTo(End.RESET);
    }

    @Test
    void a_forward_listens_and_the_guest_sees_the_true_client_address_and_port() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> a:80")));
        Stream stream = host.listener(8080).connect(OTHER_SERVER, 5_555);
        rig.poll();
        TcpGuest server = new TcpGuest(rig.station("a"), IN, 80, OTHER_SERVER, 5_555);
        server.expect(SYN);
        assertThat(stream.requested()).isZero();
        server.send(SYN | ACK, "");
        rig.poll();
        server.expect(ACK);
        stream.send("GET /");
        rig.poll();
        server.expectText("GET /");
        server.say("200");
        rig.poll();
        assertThat(stream.read()).isEqualTo("200");
        rig.await(rig.gateway().removeForward(ForwardSelector.parse("tcp 8080")));
        assertThat(host.listeners()).isEmpty();
        assertThat(stream.end()).isEqualTo(End.RESET);
    }

    @Test
    void a_guest_that_refuses_a_forwarded_connection_resets_the_client() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> a:80")));
        Stream stream = host.listener(8080).connect(OTHER_SERVER, 5_555);
        rig.poll();
        TcpGuest server = new TcpGuest(rig.station("a"), IN, 80, OTHER_SERVER, 5_555);
        server.expect(SYN);
        server.reset();
        assertThat(stream.end()).isEqualTo(End.RESET);
    }

    @Test
    void a_client_that_no_rule_lets_in_is_reset_at_once() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> a:80")));
        rig.await(rig.gateway().replaceRules(FilterChain.parse("drop tcp from outside to any")));
        assertThat(host.listener(8080).connect(OTHER_SERVER, 5_555).end()).isEqualTo(End.RESET);
        rig.poll();
        assertThat(rig.station("a").take()).isEmpty();
    }

    @Test
    void clients_on_the_host_itself_are_shown_as_the_alias_each_by_a_port_of_its_own() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> same:80")));
        host.listener(8080).connect("127.0.0.1", 5_555);
        host.listener(8080).connect("203.0.113.200", 5_555);
        rig.poll();
        List<ParsedPacket> syns = rig.station("same").take();
        assertThat(syns).extracting(ParsedPacket::source).containsExactly(ALIAS, ALIAS);
        assertThat(syns).extracting(ParsedPacket::sourcePort).doesNotHaveDuplicates();
    }

    @Test
    void a_forward_whose_port_the_host_has_is_refused_with_the_owners_cure() {
        host.withBusyPorts(8080);
        assertThatThrownBy(() -> rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> a:80"))))
                .hasCauseInstanceOf(PortClaimException.class)
                .hasMessageContaining("another port");
    }

    @Test
    void rfc5382_req8_two_guests_meet_through_a_forward_without_a_socket_between_them() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> b:80")));
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(SHARED, 8080));
        assertThat(rig.station("b").takeOne().from()).isEqualTo(SHARED + ":40000");
        assertThat(host.streams()).isEmpty();
    }

    @Test
    void a_guests_own_path_mtu_is_learned_from_its_icmp_errors() {
        TcpGuest guest = connected(40_000);
        host.stream().send(new byte[1_400]);
        rig.poll();
        ParsedPacket big = guest.take().get(0);
        assertThat(big.totalLength()).isGreaterThan(1_400);
        rig.station("a").send(PacketBuilder.icmp().from(IN, 0).to(SERVER, 0).error(3, 4, 1_000, big.frame(), 28));
        rig.poll();
        assertThat(guest.take()).isNotEmpty().allMatch(p -> p.totalLength() <= 1_000);
    }

    @Test
    void connections_cannot_be_restored_and_are_reported_as_such() throws Exception {
        connected(40_000);
        rig.station("a").send(PacketBuilder.udp().from(IN, 5_000).to(SERVER, 53).payload("x"));
        ByteArrayOutputStream snapshot = new ByteArrayOutputStream();
        rig.await(rig.gateway().snapshot(snapshot));
        MemoryHost fresh = new MemoryHost();
        try (GatewayRig next = new GatewayRig()
                .sockets(fresh)
                .guest("a", "52:54:00:00:00:01", IN)
                .guest("b", "52:54:00:00:00:02", "10.0.0.3")
                .guest("same", "52:54:00:00:00:03", SHARED)) {
            var report = next.await(next.gateway()
                    .restore(
                            new ByteArrayInputStream(snapshot.toByteArray()),
                            RestoreOptions.defaults().withDowntime(Duration.ofSeconds(1))));
            assertThat(report.skipped().get(Skipped.FLOW_WITHOUT_SOCKET)).isEqualTo(1);
            assertThat(report.flows()).isEqualTo(1);
            assertThat(fresh.datagrams().keySet()).containsExactly(5_000);
            TcpGuest guest = new TcpGuest(next.station("a"), IN, 40_000, SERVER, 80);
            guest.say("still there?");
            guest.expect(RST);
        }
    }

    @Test
    void a_guest_that_speaks_nonsense_harms_only_itself() {
        TcpGuest good = new TcpGuest(rig.station("b"), "10.0.0.3", 40_000, OTHER_SERVER, 80).syn();
        Stream kept = host.stream();
        kept.establish();
        rig.poll();
        good.expect(SYN | ACK);
        good.acknowledge();
        java.util.Random random = new java.util.Random(11);
        for (int i = 0; i < 3_000; i++) {
            byte[] octets = new byte[random.nextInt(40)];
            random.nextBytes(octets);
            byte[] options = new byte[random.nextInt(11) * 4];
            random.nextBytes(options);
            rig.station("a")
                    .sendWithoutWork(PacketBuilder.tcp()
                            .from(IN, 40_000 + random.nextInt(8))
                            .to(SERVER, 80 + random.nextInt(2))
                            .flags(random.nextInt(64))
                            .sequence(random.nextInt(), random.nextInt())
                            .window(random.nextInt(1 << 16))
                            .tcpOptions(options)
                            .payload(octets));
            if (i % 50 == 0) {
                rig.advance(Duration.ofMillis(random.nextInt(3_000)));
                for (Stream stream : List.copyOf(host.streams())) {
                    if (stream != kept && stream.end() == End.OPEN && random.nextInt(3) == 0 && stream.room() == 0) {
                        stream.establish();
                    }
                }
                rig.station("a").discard();
            }
        }
        rig.poll();
        rig.station("b").discard();
        good.say("hello");
        assertThat(kept.read()).isEqualTo("hello");
        assertThat(rig.gateway().failure()).isEmpty();
    }

    @Test
    void a_guests_octets_reach_only_the_stream_of_their_own_flow() {
        TcpGuest first = connected(40_000);
        Stream one = host.stream();
        TcpGuest second = new TcpGuest(rig.station("b"), "10.0.0.3", 40_000, SERVER, 80).syn();
        Stream two = host.stream();
        two.establish();
        rig.poll();
        second.expect(SYN | ACK);
        second.acknowledge();
        first.say("from a");
        second.say("from b");
        assertThat(one.read()).isEqualTo("from a");
        assertThat(two.read()).isEqualTo("from b");
        one.send("to a");
        two.send("to b");
        rig.poll();
        assertThat(rig.station("a").take()).allMatch(p -> !new String(p.payload()).contains("to b"));
        assertThat(rig.station("b").take()).allMatch(p -> !new String(p.payload()).contains("to a"));
    }

    @Test
    void a_thousand_connections_one_after_another_leave_nothing_behind() {
        for (int i = 0; i < 1_000; i++) {
            TcpGuest guest = connected(20_000 + i);
            host.stream().finish();
            rig.poll();
            guest.expect(FIN | ACK);
            guest.finish();
            rig.poll();
            rig.station("a").discard();
            assertThat(host.stream().end()).isEqualTo(End.CLOSED);
        }
        rig.advance(Duration.ofMinutes(10));
        assertThat(rig.stats().flows()).isZero();
        assertThat(rig.stats().mappings()).isZero();
    }
}
