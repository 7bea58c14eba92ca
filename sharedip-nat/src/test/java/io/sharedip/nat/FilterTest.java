package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.PSH;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.event.SharedIpEvent.RuleLogged;
import io.sharedip.filter.FilterChain;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.RuleStatus;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The filter chain at work. */
class FilterTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";

    private static GatewayRig rig(String chain) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .with(builder -> builder.rules(FilterChain.parse(chain.replace(';', '\n'))));
    }

    private static Conversation tcp(GatewayRig rig, String guest, int port, String server, int serverPort) {
        return Conversation.tcp(rig, guest, guest.equals("p") ? P : Q, port, server, serverPort);
    }

    private static List<Long> hits(GatewayRig rig) throws Exception {
        return rig.await(rig.gateway().rules()).stream().map(RuleStatus::hits).toList();
    }

    private static void replace(GatewayRig rig, String chain) throws Exception {
        rig.await(rig.gateway().replaceRules(FilterChain.parse(chain.replace(';', '\n'))));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // rule | guest | protocol | from port | server | to port | whether it matches
                "drop from guest p to any                            | p | tcp  | 1000 | 198.51.100.7 | 80  | true",
                "drop from guest p to any                            | q | tcp  | 1000 | 198.51.100.7 | 80  | false",
                "drop tcp from any to any                            | p | tcp  | 1000 | 198.51.100.7 | 80  | true",
                "drop tcp from any to any                            | p | udp  | 1000 | 198.51.100.7 | 80  | false",
                "drop icmp from any to any                           | p | icmp | 0    | 198.51.100.7 | 0   | true",
                "drop icmp from any to any icmp-type 8               | p | icmp | 0    | 198.51.100.7 | 0   | true",
                "drop icmp from any to any icmp-type 13              | p | icmp | 0    | 198.51.100.7 | 0   | false",
                "drop 17 from any to any                             | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from 10.0.0.2 to any                           | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from 10.0.0.2 to any                           | q | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop from 10.0.0.0/24 to any                        | q | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from any to 198.51.100.0/24                    | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from any to 198.51.100.0/30                    | p | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop from any to outside                            | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from outside to any                            | p | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop from any to host                               | p | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop udp from any port 1000 to any                  | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop udp from any port 999,1001-1005 to any         | p | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop udp from any to any port 50-60                 | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop udp from any to any port 54                    | p | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop tcp from any to any flags syn,!ack             | p | tcp  | 1000 | 198.51.100.7 | 80  | true",
                "drop tcp from any to any flags psh                  | p | tcp  | 1000 | 198.51.100.7 | 80  | false",
                "drop from any to any state new                      | p | tcp  | 1000 | 198.51.100.7 | 80  | true",
                "drop from any to any state established              | p | tcp  | 1000 | 198.51.100.7 | 80  | false",
                "drop udp from any to any port 53 hook ingress       | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from 10.0.0.2 to any hook ingress              | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from 10.0.0.2 to any hook egress               | p | udp  | 1000 | 198.51.100.7 | 53  | false",
                "drop from 192.0.2.10 to any hook egress             | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop from guest p to outside hook egress            | p | udp  | 1000 | 198.51.100.7 | 53  | true",
                "drop tcp from any to any flags syn hook egress      | p | tcp  | 1000 | 198.51.100.7 | 80  | true",
                "drop icmp from any to any icmp-type 8 hook egress   | p | icmp | 0    | 198.51.100.7 | 0   | true"
            })
    void each_part_of_a_rule_matches_what_it_says(
            String rule, String guest, String protocol, int port, String server, int serverPort, boolean matches)
            throws Exception {
        try (GatewayRig rig = rig(rule)) {
            PacketBuilder packet = switch (protocol) {
                case "tcp" -> PacketBuilder.tcp();
                case "udp" -> PacketBuilder.udp();
                default -> PacketBuilder.icmp().echo(8, 1, 1);
            };
            rig.station(guest).send(packet.from(guest.equals("p") ? P : Q, port).to(server, serverPort));
            assertThat(rig.outside().take()).hasSize(matches ? 0 : 1);
            assertThat(hits(rig)).containsExactly(matches ? 1L : 0L);
            if (matches) {
                assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.RULE_DROPPED);
                assertThat(rig.station(guest).take()).isEmpty();
            }
        }
    }

    @Test
    void the_first_rule_that_matches_decides() throws Exception {
        try (GatewayRig rig = rig("accept tcp from guest p to any port 25;drop tcp from any to any port 25")) {
            assertThat(tcp(rig, "p", 1000, SERVER, 25).out(SYN)).isNotNull();
            assertThat(tcp(rig, "q", 1000, SERVER, 25).out(SYN)).isNull();
            assertThat(tcp(rig, "q", 1000, SERVER, 80).out(SYN)).isNotNull();
            assertThat(hits(rig)).containsExactly(1L, 1L);
        }
    }

    @ParameterizedTest
    @CsvSource({"default drop", "default drop hook ingress", "default drop hook egress"})
    void a_policy_decides_where_no_rule_matches(String policy) {
        try (GatewayRig rig = rig(policy)) {
            assertThat(Conversation.udp(rig, "p", P, 1000, SERVER, 53).out()).isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.RULE_DROPPED);
        }
    }

    @Test
    void a_policy_of_reject_answers() {
        try (GatewayRig rig = rig("default reject")) {
            rig.station("p").send(PacketBuilder.udp().from(P, 1000).to(SERVER, 53));
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(13);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.RULE_REJECTED);
        }
    }

    @Test
    void a_rejected_syn_is_reset_with_the_right_numbers() {
        try (GatewayRig rig = rig("reject tcp from any to any")) {
            rig.station("p")
                    .send(PacketBuilder.tcp()
                            .from(P, 1000)
                            .to(SERVER, 80)
                            .sequence(0xffffffffL, 0)
                            .payload("fast open"));
            ParsedPacket reset = rig.station("p").takeOne();
            assertThat(reset.from()).isEqualTo(SERVER + ":80");
            assertThat(reset.to()).isEqualTo(P + ":1000");
            assertThat(reset.flags()).isEqualTo(RST | ACK);
            assertThat(reset.sequence()).isZero();
            // the SYN and nine octets, around the wrap of the sequence numbers
            assertThat(reset.acknowledgment()).isEqualTo(9);
        }
    }

    @Test
    void a_reset_has_the_diffserv_field_of_what_it_answers_and_is_not_ecn_capable() {
        try (GatewayRig rig = rig("reject tcp from any to any")) {
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 1000).to(SERVER, 80).trafficClass(0xce));

            assertThat(rig.station("p").takeOne().trafficClass()).isEqualTo(0xcc);
        }
    }

    @Test
    void a_rejected_segment_with_an_acknowledgment_is_reset_at_that_number() throws Exception {
        try (GatewayRig rig = rig("")) {
            Conversation talk = tcp(rig, "p", 1000, SERVER, 80).handshake();
            replace(rig, "reject tcp from any to any");
            rig.station("p")
                    .send(PacketBuilder.tcp()
                            .from(P, 1000)
                            .to(SERVER, 80)
                            .flags(ACK | PSH)
                            .sequence(500, 0xdeadbeefL)
                            .payload("x"));
            ParsedPacket reset = rig.station("p").takeOne();
            assertThat(reset.flags()).isEqualTo(RST);
            assertThat(reset.sequence()).isEqualTo(0xdeadbeefL);
            assertThat(reset.acknowledgment()).isZero();
            assertThat(talk.in()).isNull();
        }
    }

    @Test
    void a_reset_is_never_answered_with_a_reset() throws Exception {
        try (GatewayRig rig = rig("")) {
            Conversation talk = tcp(rig, "p", 1000, SERVER, 80).handshake();
            replace(rig, "reject tcp from any to any");
            rig.station("p").take();
            assertThat(talk.out(RST)).isNull();
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @Test
    void rejected_udp_and_pings_are_answered_with_3_13() {
        try (GatewayRig rig = rig("reject from any to any")) {
            rig.station("p").send(PacketBuilder.udp().from(P, 1000).to(SERVER, 53));
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 1, 1));
            assertThat(rig.station("p").take()).hasSize(2).allMatch(e -> e.icmpType() == 3 && e.icmpCode() == 13);
        }
    }

    @Test
    void a_call_from_outside_that_is_rejected_is_answered_from_the_shared_address() {
        try (GatewayRig rig = rig("reject tcp from outside to guest p").with(b -> b.forward("tcp 8080 -> p:80"))) {
            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 5555)
                            .to(SHARED, 8080)
                            .sequence(10, 0));
            ParsedPacket reset = rig.outside().takeOne();
            assertThat(reset.from()).isEqualTo(SHARED + ":8080");
            assertThat(reset.to()).isEqualTo(SERVER + ":5555");
            assertThat(reset.acknowledgment()).isEqualTo(11);
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @Test
    void continue_with_log_tells_and_goes_on() throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig("continue from guest p to any log;drop udp from any to any port 53 log")
                .with(b -> b.listener(events))) {
            assertThat(tcp(rig, "p", 1000, SERVER, 80).out(SYN)).isNotNull();
            assertThat(Conversation.udp(rig, "p", P, 1000, SERVER, 53).out()).isNull();
            assertThat(hits(rig)).containsExactly(2L, 1L);
            RuleLogged first = events.await(RuleLogged.class);
            assertThat(first.guest()).contains(GuestId.of("p"));
            assertThat(first.source()).isEqualTo(Endpoint.parse(P + ":1000"));
            assertThat(first.destination()).isEqualTo(Endpoint.parse(SERVER + ":80"));
            assertThat(first.rule().toString()).isEqualTo("continue from guest p to any log");
            events.await(RuleLogged.class, e -> e.rule().toString().startsWith("drop udp"));
        }
        assertThat(events.all(RuleLogged.class)).hasSize(3);
    }

    @Test
    void forwarded_calls_are_judged_after_destination_translation_and_before_source_translation() {
        try (GatewayRig rig = rig("accept tcp from 198.51.100.0/24 to guest p port 80;drop from outside to any")
                .with(b -> b.forward("tcp 8080 -> p:80").forward("tcp 8081 -> p:81"))) {
            assertThat(Conversation.tcp(rig, "p", P, 80, SERVER, 5555)
                            .outsidePort(8080)
                            .in(SYN))
                    .isNotNull();
            assertThat(Conversation.tcp(rig, "p", P, 80, OTHER, 5555)
                            .outsidePort(8080)
                            .in(SYN))
                    .isNull();
            assertThat(Conversation.tcp(rig, "p", P, 81, SERVER, 5555)
                            .outsidePort(8081)
                            .in(SYN))
                    .isNull();
        }
    }

    @Test
    void at_ingress_packets_from_outside_are_seen_as_they_came() {
        try (GatewayRig rig = rig("drop tcp from outside to 192.0.2.10 port 8080 hook ingress")
                .with(b -> b.forward("tcp 8080 -> p:80").forward("tcp 8081 -> p:80"))) {
            assertThat(Conversation.tcp(rig, "p", P, 80, SERVER, 5555)
                            .outsidePort(8080)
                            .in(SYN))
                    .isNull();
            assertThat(Conversation.tcp(rig, "p", P, 80, SERVER, 5555)
                            .outsidePort(8081)
                            .in(SYN))
                    .isNotNull();
        }
    }

    @Test
    void at_egress_packets_to_a_guest_are_seen_as_the_guest_will_see_them() {
        try (GatewayRig rig = rig("drop tcp from outside to 10.0.0.2 port 80 hook egress")
                .with(b -> b.forward("tcp 8080 -> p:80").forward("tcp 8081 -> p:81"))) {
            assertThat(Conversation.tcp(rig, "p", P, 80, SERVER, 5555)
                            .outsidePort(8080)
                            .in(SYN))
                    .isNull();
            assertThat(Conversation.tcp(rig, "p", P, 81, SERVER, 5555)
                            .outsidePort(8081)
                            .in(SYN))
                    .isNotNull();
        }
    }

    @Test
    void replies_and_related_errors_of_an_accepted_flow_pass() {
        try (GatewayRig rig = rig("accept from guest p to outside;default drop")) {
            Conversation talk = tcp(rig, "p", 1000, SERVER, 80).handshake();
            assertThat(talk.in()).isNotNull();
            byte[] out = talk.out().frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from("192.0.2.1", 0)
                            .to(SHARED, 0)
                            .error(3, 1, 0, out, 100));
            assertThat(rig.station("p").takeOne().icmpType()).isEqualTo(3);
        }
    }

    @Test
    void egress_rules_hold_for_translated_icmp_errors_too() throws Exception {
        try (GatewayRig rig = rig("")) {
            Conversation talk = Conversation.udp(rig, "p", P, 1000, SERVER, 53);
            byte[] out = talk.out().frame();
            byte[] in = talk.in().frame();
            replace(rig, "drop icmp from any to any icmp-type 3 hook egress");
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from("192.0.2.1", 0)
                            .to(SHARED, 0)
                            .error(3, 1, 0, out, 100));
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).error(3, 3, 0, in, 100));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(2);
            assertThat(hits(rig)).containsExactly(2L);
        }
    }

    @Test
    void a_replaced_chain_judges_each_flow_again_at_its_next_packet() throws Exception {
        try (GatewayRig rig = rig("")) {
            Conversation web = tcp(rig, "p", 1000, SERVER, 80).handshake();
            Conversation mail = tcp(rig, "p", 1001, SERVER, 25).handshake();
            replace(rig, "drop tcp from guest p to any port 25");
            assertThat(web.out()).isNotNull();
            assertThat(web.in()).isNotNull();
            assertThat(mail.out()).isNull();
            assertThat(mail.in()).isNull();
            assertThat(hits(rig)).containsExactly(2L);
            // the flow was kept: a milder chain lets it go on
            replace(rig, "");
            assertThat(mail.in()).isNotNull();
            assertThat(mail.out()).isNotNull();
        }
    }

    @Test
    void flows_that_exist_are_established_to_a_new_chain_and_new_ones_are_not() throws Exception {
        try (GatewayRig rig = rig("")) {
            Conversation old = tcp(rig, "p", 1000, SERVER, 80).handshake();
            replace(rig, "accept from any to any state established;default drop");
            assertThat(old.out()).isNotNull();
            assertThat(old.in()).isNotNull();
            assertThat(tcp(rig, "p", 1001, SERVER, 80).out(SYN)).isNull();
        }
    }

    @Test
    void a_hairpin_is_judged_once_with_both_guests_and_again_with_the_same_tuple() throws Exception {
        String chain = "accept tcp from 10.0.0.2 to guest q port 80;default drop";
        try (GatewayRig rig = rig(chain).with(b -> b.forward("tcp 8080 -> q:80"))) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 1000).to(SHARED, 8080));
            ParsedPacket in = rig.station("q").takeOne();
            assertThat(hits(rig)).containsExactly(1L);
            replace(rig, chain);
            rig.station("q")
                    .send(PacketBuilder.tcp()
                            .from(Q, 80)
                            .to(SHARED, in.sourcePort())
                            .flags(SYN | ACK));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 1000).to(SHARED, 8080).flags(ACK));
            assertThat(rig.station("q").take()).hasSize(1);
            assertThat(hits(rig)).containsExactly(1L);
            replace(rig, "default drop");
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 1000).to(SHARED, 8080).flags(ACK));
            assertThat(rig.station("q").take()).isEmpty();
        }
    }

    @Test
    void calls_to_the_host_can_be_ruled() {
        try (GatewayRig rig = rig("drop from any to host")) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 1000).to(SHARED, 22));
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SHARED, 0).echo(8, 1, 1));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(2);
        }
    }

    @Test
    void a_chain_that_names_an_unknown_guest_is_refused_and_the_old_one_stays() throws Exception {
        try (GatewayRig rig = rig("drop udp from any to any")) {
            assertThatThrownBy(() -> replace(rig, "accept from any to any;drop from guest nobody to any"))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOfSatisfying(ConfigurationException.class, e -> {
                        assertThat(e.value()).contains("nobody");
                        assertThat(e.cure()).isPresent();
                    });
            assertThat(rig.await(rig.gateway().filterChain()).format()).contains("drop udp");
            assertThat(Conversation.udp(rig, "p", P, 1000, SERVER, 53).out()).isNull();
            assertThat(hits(rig)).containsExactly(1L);
        }
    }

    @Test
    void a_guest_that_a_rule_names_cannot_be_removed() throws Exception {
        try (GatewayRig rig = rig("drop from guest p to any")) {
            assertThatThrownBy(() -> rig.await(rig.gateway().removeGuest(GuestId.of("p"))))
                    .cause()
                    .isInstanceOf(ConfigurationException.class);
            assertThat(rig.await(rig.gateway().bindings())).hasSize(2);
            replace(rig, "");
            rig.await(rig.gateway().removeGuest(GuestId.of("p")));
            assertThat(rig.await(rig.gateway().bindings())).hasSize(1);
        }
    }

    @Test
    void hits_begin_anew_with_a_new_chain() throws Exception {
        try (GatewayRig rig = rig("continue from any to any")) {
            Conversation.udp(rig, "p", P, 1000, SERVER, 53).out();
            assertThat(hits(rig)).containsExactly(1L);
            replace(rig, "continue from any to any");
            assertThat(hits(rig)).containsExactly(0L);
        }
    }

    @Test
    void what_ingress_drops_costs_no_flow() {
        try (GatewayRig rig = rig("drop tcp from any to any flags syn,!ack hook ingress")) {
            for (int i = 0; i < 100; i++) {
                tcp(rig, "p", 1000 + i, SERVER, 80).out(SYN);
            }
            assertThat(rig.stats().flows()).isZero();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(100);
        }
    }

    @Test
    void icmp_errors_of_an_accepted_flow_meet_only_rules_that_name_the_state_related() throws Exception {
        try (GatewayRig rig = new GatewayRig().guest("a", "52:54:00:00:00:01", GatewayRig.SHARED)) {
            rig.station("a")
                    .send(PacketBuilder.udp().from(GatewayRig.SHARED, 61500).to(GatewayRig.SERVER, 9));
            byte[] left = rig.outside().takeOne().frame();
            PacketBuilder error = PacketBuilder.icmp()
                    .from("198.51.100.1", 0)
                    .to(GatewayRig.SHARED, 0)
                    .error(3, 3, 0, left, 28);
            rig.await(rig.gateway()
                    .replaceRules(FilterChain.parse("drop icmp from any to any state new,established\n"
                            + "continue icmp from outside to guest a state related icmp-type 3")));
            rig.outside().send(error);
            assertThat(rig.station("a").takeOne().icmpCode()).isEqualTo(3);
            assertThat(rig.await(rig.gateway().rules()))
                    .extracting(rule -> rule.hits())
                    .containsExactly(0L, 1L);

            rig.await(rig.gateway()
                    .replaceRules(FilterChain.parse("drop icmp from outside to guest a state related icmp-type 3")));
            rig.outside().send(error);
            assertThat(rig.station("a").take()).isEmpty();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(1);
        }
    }
}
