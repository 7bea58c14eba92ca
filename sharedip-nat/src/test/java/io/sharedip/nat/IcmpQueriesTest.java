package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.filter.FilterChain;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ICMP queries (RFC 5508 section 3), and what the gateway says of its own accord (section 5). */
class IcmpQueriesTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final int ECHO = 8;
    private static final int TIMESTAMP = 13;

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", P).guest("q", "52:54:00:00:00:02", Q);
    }

    private static PacketBuilder query(String from, String to, int type, int identifier) {
        return PacketBuilder.icmp()
                .from(from, 0)
                .to(to, 0)
                .echo(type, identifier, 1)
                .payload("0123456789ab");
    }

    @ParameterizedTest
    @CsvSource({"8, 0", "13, 14"})
    void case25_and_rfc5508_req1_queries_of_two_guests_with_one_identifier_find_back(int type, int answer) {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(query(P, SERVER, type, 62_000));
            rig.station("q").send(query(Q, SERVER, type, 62_000));
            List<ParsedPacket> out = rig.outside().take();
            assertThat(out).hasSize(2).allMatch(o -> o.source().equals(SHARED) && o.icmpType() == type);
            int ofP = out.get(0).sourcePort();
            int ofQ = out.get(1).sourcePort();
            assertThat(ofP).isEqualTo(62_000).isNotEqualTo(ofQ);
            // whatever the destination, the same guest and identifier show as the same identifier
            rig.station("q").send(query(Q, GatewayRig.OTHER_SERVER, type, 62_000));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(ofQ);
            rig.outside().send(query(SERVER, SHARED, answer, ofQ));
            rig.outside().send(query(SERVER, SHARED, answer, ofP));
            ParsedPacket atP = rig.station("p").takeOne();
            ParsedPacket atQ = rig.station("q").takeOne();
            assertThat(atP.destination()).isEqualTo(P);
            assertThat(atQ.destination()).isEqualTo(Q);
            assertThat(atP.icmpRest()).isEqualTo(62_000 << 16 | 1);
            assertThat(atQ.icmpRest()).isEqualTo(62_000 << 16 | 1);
            assertThat(atQ.icmpType()).isEqualTo(answer);
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"8, 0", "13, 14"})
    void rfc5508_req2_a_reply_comes_in_for_60_s_and_no_longer(int type, int answer) {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(query(P, SERVER, type, 62_000));
            rig.advance(Duration.ofSeconds(59));
            rig.outside().takeRaw();
            rig.outside().send(query(SERVER, SHARED, answer, 62_000));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.advance(Duration.ofSeconds(2));
            rig.outside().send(query(SERVER, SHARED, answer, 62_000));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_NO_FLOW);
        }
    }

    @Test
    void rfc5508_req4_an_error_about_a_timestamp_query_is_reverted() {
        try (GatewayRig rig = rig()) {
            rig.station("q").send(query(Q, GatewayRig.OTHER_SERVER, TIMESTAMP, 62_000));
            rig.station("p").send(query(P, SERVER, TIMESTAMP, 62_000));
            byte[] left = rig.outside().take().get(1).frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(SHARED, 0)
                            .error(3, 1, 0, left, 28));
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.inner().source()).isEqualTo(P);
            assertThat(error.inner().icmpRest()).isEqualTo(62_000 << 16 | 1);
            assertThat(rig.station("q").take()).isEmpty();
        }
    }

    @Test
    void the_gateway_itself_tells_nobody_its_time() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(query(P, SHARED, TIMESTAMP, 1));
            rig.station("p").send(query(P, GatewayRig.ALIAS, TIMESTAMP, 1));
            rig.outside().send(query(SERVER, SHARED, TIMESTAMP, 1));
            assertThat(rig.drops(DropReason.ICMP_TYPE)).isEqualTo(3);
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.outside().take()).isEmpty();
        }
    }

    @Test
    void a_chain_that_is_replaced_judges_a_timestamp_query_as_one() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(query(P, SERVER, TIMESTAMP, 62_000));
            rig.station("p").send(query(P, SERVER, ECHO, 62_001));
            assertThat(rig.outside().take()).hasSize(2);
            rig.await(rig.gateway()
                    .replaceRules(FilterChain.parse("drop icmp from any to any icmp-type 13\naccept from any to any")));
            rig.outside().send(query(SERVER, SHARED, 14, 62_000));
            rig.outside().send(query(SERVER, SHARED, 0, 62_001));
            assertThat(rig.station("p").takeOne().icmpType()).isZero();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.RULE_DROPPED);
        }
    }

    @Test
    void rfc5508_req8_what_is_refused_for_want_of_room_is_told_with_3_13_at_a_limited_rate() {
        try (GatewayRig rig = rig().ports(61_000, 61_000).with(b -> b.errorsPerSecond(10))) {
            rig.station("p").send(query(P, SERVER, ECHO, 1));
            rig.outside().send(query(SERVER, SHARED, 0, 61_000));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.outside().take();
            byte[] sent = query(Q, SERVER, ECHO, 2)
                    .macs(rig.station("q").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            rig.station("q").sendRaw(sent.clone());
            ParsedPacket refusal = rig.station("q").takeOne();
            assertThat(refusal.icmpType()).isEqualTo(3);
            assertThat(refusal.icmpCode()).isEqualTo(13);
            assertThat(refusal.payload()).isEqualTo(Arrays.copyOfRange(sent, 14, sent.length));
            for (int i = 0; i < 100; i++) {
                rig.station("q").sendRaw(sent.clone());
            }
            assertThat(rig.station("q").take()).hasSize(4);
            rig.advance(Duration.ofSeconds(1));
            for (int i = 0; i < 100; i++) {
                rig.station("q").sendRaw(sent.clone());
            }
            assertThat(rig.station("q").take()).hasSize(5);
            assertThat(rig.drops(DropReason.LIMIT_PORTS)).isEqualTo(201);
        }
    }

    /** 10,000 in a second, of which half a second's worth may be answered at once. */
    @ParameterizedTest
    @CsvSource({"2000, 3000", "10, 15", "0, 0"})
    void hostile20_a_flood_of_pings_of_the_gateway_is_answered_at_a_limited_rate_and_others_are_answered_too(
            int rate, int replies) {
        try (GatewayRig rig = rig().with(b -> b.echoRepliesPerSecond(rate))) {
            rig.station("p");
            for (int i = 0; i < 10_000; i++) {
                rig.station("p").send(query(P, SHARED, ECHO, 1));
                rig.outside().send(query(SERVER, SHARED, ECHO, 1));
                rig.clock().advance(Duration.ofNanos(100_000));
            }
            assertThat(rig.station("p").take()).hasSizeBetween(replies - 1, replies);
            assertThat(rig.outside().take()).hasSizeBetween(replies - 1, replies);
            assertThat(rig.drops(DropReason.LIMIT_ECHO)).isBetween(20_000L - 2 * replies, 20_002L - 2 * replies);
            rig.station("q").send(query(Q, SHARED, ECHO, 1));
            assertThat(rig.station("q").take()).hasSize(rate == 0 ? 0 : 1);
            // those that only pass are not counted
            rig.station("p").send(query(P, SERVER, ECHO, 1));
            assertThat(rig.outside().take()).hasSize(1);
        }
    }

    @Test
    void rfc5508_req8_what_a_rule_rejects_is_told_with_3_13() {
        try (GatewayRig rig = rig().with(
                        b -> b.rules(FilterChain.parse("reject icmp from any to outside\naccept from any to any")))) {
            rig.station("p").send(query(P, SERVER, ECHO, 1));
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(13);
        }
    }

    @Test
    void rfc5508_req9_a_policy_keeps_the_gateways_own_errors_back_and_only_those() {
        try (GatewayRig rig = rig().with(b -> b.errorsPerSecond(0)
                .rules(FilterChain.parse("reject tcp from any to outside port 25\naccept from any to any")))) {
            rig.station("p")
                    .send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53).ttl(1));
            rig.station("p").send(PacketBuilder.tcp().from(P, 4000).to(SERVER, 25));
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(Q, 53));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops())
                    .containsOnlyKeys(DropReason.TTL_EXPIRED, DropReason.RULE_REJECTED, DropReason.LATERAL);
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53));
            byte[] left = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(SHARED, 0)
                            .error(3, 3, 0, left, 28));
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void rfc5508_req10_and_hostile14_an_expired_time_to_live_is_answered_with_11_0_untranslated_inside(int ttl) {
        try (GatewayRig rig = rig()) {
            byte[] sent = query(P, SERVER, ECHO, 1)
                    .ttl(ttl)
                    .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            rig.station("p").sendRaw(sent.clone());
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType()).isEqualTo(11);
            assertThat(error.icmpCode()).isZero();
            assertThat(error.payload()).isEqualTo(Arrays.copyOfRange(sent, 14, sent.length));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TTL_EXPIRED);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void rfc5508_req10_the_gateways_own_errors_follow_rfc1812() {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> q:80")).uplinkMtu(600)) {
            // 4.3.2.3: no more of the packet than fits into 576 octets; 4.3.2.7: never about an error
            rig.station("p")
                    .send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53).payload(new byte[1400]));
            ParsedPacket tooBig = rig.station("p").takeOne();
            assertThat(tooBig.icmpCode()).isEqualTo(4);
            assertThat(tooBig.icmpRest()).isEqualTo(600);
            assertThat(tooBig.totalLength()).isEqualTo(576);
            assertThat(tooBig.ttl()).isEqualTo(64);
            byte[] about = PacketBuilder.udp().from(SERVER, 53).to(P, 4000).build();
            rig.station("p")
                    .send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).ttl(1).error(3, 3, 0, about, 28));
            assertThat(rig.station("p").take()).isEmpty();
            // nobody listens at the gateway: 3/3
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SHARED, 53));
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(3);
        }
    }
}
