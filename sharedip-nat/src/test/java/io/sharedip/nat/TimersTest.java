package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.stats.DropReason;
import io.sharedip.stats.TrackedState;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/**
 * TCP states, and how long each kind of flow is remembered. The rig's clock starts 5 s before its sign changes, so nearly all of these
 * tests cross the wrap-around.
 */
class TimersTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String PRIVATE = "10.0.0.2";
    private static final Duration NANO = Duration.ofNanos(1);
    private static final Duration WHEEL_TICK = Duration.ofNanos(1L << 27);

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE);
    }

    private static Conversation tcp(GatewayRig rig) {
        return Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 80);
    }

    private static Conversation udp(GatewayRig rig) {
        return Conversation.udp(rig, "p", PRIVATE, 40000, SERVER, 53);
    }

    private static TrackedState state(GatewayRig rig) throws Exception {
        assertThat(rig.flows()).hasSize(1);
        return rig.flows().get(0).state();
    }

    private static void advance(GatewayRig rig, long seconds) {
        rig.advance(Duration.ofSeconds(seconds));
    }

    @Test
    void a_connection_walks_through_its_states() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig);
            talk.out(SYN);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            talk.in(SYN | ACK);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            talk.out(ACK);
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            talk.out(FIN | ACK);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);
            talk.in(ACK);
            assertThat(talk.in()).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);
            talk.in(FIN | ACK);
            assertThat(state(rig)).isEqualTo(TrackedState.CLOSED);
            assertThat(talk.out(ACK)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.CLOSED);
        }
    }

    @Test
    void rfc5382_req2_simultaneous_open_is_a_valid_sequence() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig);
            assertThat(talk.out(SYN)).isNotNull();
            assertThat(talk.in(SYN)).isNotNull();
            assertThat(talk.out(SYN | ACK)).isNotNull();
            assertThat(talk.in(SYN | ACK)).isNotNull();
            assertThat(talk.out(ACK)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void half_open_is_remembered_for_120_s_and_the_end_is_exact() {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig);
            talk.out(SYN);
            rig.advance(Duration.ofSeconds(120).minus(NANO));
            assertThat(talk.in(SYN | ACK)).isNotNull();
        }
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig);
            talk.out(SYN);
            rig.advance(Duration.ofSeconds(120));
            assertThat(talk.in(SYN | ACK)).isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
        }
    }

    @Test
    void rfc5382_req5_an_established_connection_is_remembered_for_7440_s() {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            advance(rig, 7439);
            assertThat(talk.in()).isNotNull();
            advance(rig, 7439);
            assertThat(talk.out()).isNotNull();
            advance(rig, 7440);
            assertThat(talk.in()).isNull();
        }
    }

    @Test
    void rfc5382_req5_a_half_closed_connection_keeps_its_own_long_timer() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            talk.in(FIN | ACK);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);
            advance(rig, 7439);
            assertThat(talk.out()).isNotNull();
            advance(rig, 7440);
            assertThat(talk.out()).isNull();
        }
    }

    @Test
    void rfc7857_req2_a_closed_connection_ends_240_s_after_its_end_whatever_follows() {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            talk.out(FIN | ACK);
            talk.in(FIN | ACK);
            advance(rig, 120);
            assertThat(talk.out(ACK)).isNotNull();
            advance(rig, 119);
            assertThat(talk.in(ACK)).isNotNull();
            advance(rig, 1);
            assertThat(talk.in(ACK)).isNull();
        }
    }

    @Test
    void rfc7857_rst_a_reset_is_translated_and_its_state_kept_for_240_s() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            assertThat(talk.in(RST)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            advance(rig, 239);
            assertThat(talk.in()).isNotNull();
            advance(rig, 1);
            assertThat(talk.in()).isNull();
            assertThat(talk.out()).isNull();
            assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(1);
        }
    }

    @Test
    void rfc7857_eim_an_outbound_reset_does_not_refresh_a_closed_connection() {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            talk.out(RST);
            advance(rig, 239);
            assertThat(talk.out(RST)).isNotNull();
            advance(rig, 1);
            assertThat(talk.in()).isNull();
        }
    }

    @Test
    void case17_a_syn_reopens_a_closed_and_a_reset_connection_on_the_same_port() throws Exception {
        try (GatewayRig rig = rig()) {
            for (int end : new int[] {RST, FIN}) {
                Conversation talk = tcp(rig).handshake();
                int port = talk.outsidePort();
                talk.out(end | ACK);
                talk.in(end | ACK);
                assertThat(state(rig)).isIn(TrackedState.RESET, TrackedState.CLOSED);
                assertThat(talk.out(SYN)).isNotNull();
                assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
                assertThat(talk.outsidePort()).isEqualTo(port);
                talk.in(SYN | ACK);
                talk.out(ACK);
                assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
                talk.out(RST);
            }
        }
    }

    @Test
    void half_open_is_the_timer_of_a_reopened_connection_too() {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            talk.out(RST);
            talk.out(SYN);
            advance(rig, 120);
            assertThat(talk.in(SYN | ACK)).isNull();
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void hostile08_a_syn_in_an_established_connection_is_forwarded_and_its_state_kept() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig).handshake();
            assertThat(talk.out(SYN)).isNotNull();
            assertThat(talk.in(SYN)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            advance(rig, 241);
            assertThat(talk.in()).isNotNull();
        }
    }

    @Test
    void hostile07_packets_that_begin_no_connection_are_dropped_without_state() {
        try (GatewayRig rig = rig()) {
            Conversation talk = tcp(rig);
            for (int flags : new int[] {ACK, FIN | ACK, RST, SYN | ACK, RST | ACK}) {
                assertThat(talk.out(flags)).isNull();
            }
            assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(5);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void rfc4787_req5_udp_is_remembered_for_300_s() {
        try (GatewayRig rig = rig()) {
            Conversation talk = udp(rig);
            talk.out();
            rig.advance(Duration.ofSeconds(300).minus(NANO));
            assertThat(talk.in()).isNotNull();
            rig.advance(NANO);
            assertThat(talk.in()).isNull();
        }
    }

    @Test
    void rfc4787_req6_what_the_guest_sends_refreshes() {
        try (GatewayRig rig = rig()) {
            Conversation talk = udp(rig);
            for (int i = 0; i < 5; i++) {
                assertThat(talk.out()).isNotNull();
                advance(rig, 299);
            }
            assertThat(talk.in()).isNotNull();
        }
    }

    @Test
    void rfc4787_req6_what_comes_in_does_not_refresh_unless_it_is_set_to() {
        for (boolean refresh : new boolean[] {false, true}) {
            try (GatewayRig rig = rig().with(b -> b.udpInboundRefresh(refresh))) {
                Conversation talk = udp(rig);
                talk.out();
                for (int i = 0; i < 2; i++) {
                    advance(rig, 149);
                    assertThat(talk.in()).isNotNull();
                }
                advance(rig, 149);
                assertThat(talk.in() != null).isEqualTo(refresh);
            }
        }
    }

    @Test
    void rfc4787_req6_what_comes_through_a_forward_is_kept_alive_by_those_who_came() {
        try (GatewayRig rig = rig().with(b -> b.forward("udp 5000 -> p:5000"))) {
            Conversation talk =
                    Conversation.udp(rig, "p", PRIVATE, 5000, SERVER, 53).outsidePort(5000);
            for (int i = 0; i < 4; i++) {
                assertThat(talk.in()).isNotNull();
                advance(rig, 299);
            }
            assertThat(rig.stats().flows()).isEqualTo(1);
            advance(rig, 2);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void rfc5508_req2_a_ping_is_remembered_for_60_s() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).echo(8, 7, 1));
            int id = rig.outside().takeOne().sourcePort();
            rig.advance(Duration.ofSeconds(60).minus(NANO));
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, id, 1));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.advance(NANO);
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, id, 1));
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @Test
    void half_open_and_other_timeouts_are_settings() {
        Timeouts timeouts = Timeouts.defaults()
                .withUdp(Duration.ofSeconds(10))
                .withIcmp(Duration.ofSeconds(5))
                .withTcpHalfOpen(Duration.ofSeconds(240));
        try (GatewayRig rig = rig().with(b -> b.timeouts(timeouts))) {
            Conversation half = tcp(rig);
            half.out(SYN);
            Conversation talk = udp(rig);
            talk.out();
            advance(rig, 10);
            assertThat(talk.in()).isNull();
            advance(rig, 229);
            assertThat(half.in(SYN | ACK)).isNotNull();
        }
    }

    @Test
    void an_expired_flow_leaves_the_table_within_one_tick_of_the_wheel() {
        try (GatewayRig rig = rig()) {
            udp(rig).out();
            rig.advance(Duration.ofSeconds(300).minus(NANO));
            assertThat(rig.stats().flows()).isEqualTo(1);
            rig.advance(WHEEL_TICK.plus(NANO));
            assertThat(rig.stats().flows()).isZero();
            assertThat(rig.stats().mappings()).isZero();
        }
    }

    @Test
    void a_jump_of_the_clock_by_a_year_ends_everything_and_leaves_a_working_gateway() {
        try (GatewayRig rig = rig().with(b -> b.capacity(5000).flowsPerGuest(5000))) {
            for (int i = 0; i < 3000; i++) {
                rig.station("p")
                        .send(PacketBuilder.udp().from(PRIVATE, 10_000 + i).to(SERVER, 53));
            }
            Conversation talk = tcp(rig).handshake();
            assertThat(rig.stats().flows()).isEqualTo(3001);
            advance(rig, 366L * 86_400);
            assertThat(talk.in()).isNull();
            for (int i = 0; i < 10; i++) {
                rig.poll();
            }
            assertThat(rig.stats().flows()).isZero();
            assertThat(tcp(rig).handshake().in()).isNotNull();
            advance(rig, 121);
            assertThat(rig.stats().flows()).isEqualTo(1);
        }
    }

    @Test
    void expiry_is_bounded_for_each_millisecond_between_ticks() {
        try (GatewayRig rig = rig().with(b -> b.capacity(5000).flowsPerGuest(5000))) {
            for (int i = 0; i < 4000; i++) {
                rig.station("p")
                        .send(PacketBuilder.udp().from(PRIVATE, 10_000 + i).to(SERVER, 53));
            }
            rig.outside().take();
            rig.clock().advance(Duration.ofSeconds(300));
            rig.gateway().tick(rig.clock().nanoTime());
            assertThat(rig.gateway().stats().flows()).isEqualTo(4000);
            for (long left = 4000; left > 0; ) {
                rig.clock().advance(Duration.ofMillis(1));
                rig.gateway().tick(rig.clock().nanoTime());
                long now = rig.gateway().stats().flows();
                assertThat(left - now).isBetween(0L, 512L);
                left = now;
            }
            assertThat(rig.gateway().stats().flows()).isZero();
        }
    }

    @Test
    void the_clock_may_wrap_around_while_flows_live() {
        // the rig starts 5 s before Long.MAX_VALUE
        try (GatewayRig rig = rig()) {
            assertThat(rig.clock().nanoTime()).isPositive();
            Conversation talk = udp(rig);
            talk.out();
            advance(rig, 10);
            assertThat(rig.clock().nanoTime()).isNegative();
            assertThat(talk.in()).isNotNull();
            advance(rig, 289);
            assertThat(talk.in()).isNotNull();
            advance(rig, 1);
            assertThat(talk.in()).isNull();
        }
    }

    @Test
    void the_table_says_how_long_a_flow_has_left() throws Exception {
        try (GatewayRig rig = rig()) {
            udp(rig).out();
            advance(rig, 100);
            assertThat(rig.flows().get(0).expiresIn()).isEqualTo(Duration.ofSeconds(200));
            assertThat(rig.flows().get(0).packetsOut()).isEqualTo(1);
            assertThat(rig.flows().get(0).bytesOut()).isEqualTo(31);
            assertThat(rig.flows().get(0).packetsIn()).isZero();
        }
    }

    @Test
    void one_tick_after_a_long_pause_ends_all_flows_whose_time_has_come() {
        try (GatewayRig rig = rig()) {
            for (int port = 1; port <= 2000; port++) {
                rig.station("p")
                        .send(PacketBuilder.udp().from(PRIVATE, 20000 + port).to(SERVER, 53));
            }
            assertThat(rig.stats().flows()).isEqualTo(2000);
            rig.clock().advance(Duration.ofSeconds(300).plus(WHEEL_TICK));
            rig.gateway().tick(rig.clock().nanoTime());
            assertThat(rig.gateway().stats().flows()).isZero();
        }
    }

    @Test
    void rfc4787_req6_inbound_refresh_where_it_is_set_keeps_the_mapping_open_to_all_whom_it_admits() {
        for (boolean refresh : new boolean[] {true, false}) {
            try (GatewayRig rig = rig().with(b -> b.udpInboundRefresh(refresh))) {
                Conversation talk = udp(rig);
                ParsedPacket out = talk.out();
                assertThat(out).isNotNull();
                advance(rig, 200);
                assertThat(talk.in()).isNotNull();
                advance(rig, 110);
                rig.station("p").take();
                rig.outside().send(PacketBuilder.udp().from(SERVER, 54).to(SHARED, out.sourcePort()));
                assertThat(rig.station("p").take()).hasSize(refresh ? 1 : 0);
            }
        }
    }
}
