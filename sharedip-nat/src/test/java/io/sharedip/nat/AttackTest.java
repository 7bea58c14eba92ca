package io.sharedip.nat;

import static io.sharedip.testing.GatewayRig.ALIAS;
import static io.sharedip.testing.GatewayRig.OTHER_SERVER;
import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a hostile guest or outside machine tries against others; each was possible once. */
class AttackTest {

    private static final String A = "10.0.0.1";
    private static final String B = "10.0.0.2";
    private static final String D = "10.0.0.4";
    private static final String A_MAC = "52:54:00:00:00:01";
    private static final String B_MAC = "52:54:00:00:00:02";
    private static final String D_MAC = "52:54:00:00:00:04";

    private static GatewayRig rig() {
        return new GatewayRig().guest("a", A_MAC, A).guest("b", B_MAC, B);
    }

    private static void replace(GatewayRig rig, String... rules) throws Exception {
        FilterChain.Builder chain = FilterChain.builder();
        for (String rule : rules) {
            chain.add(rule);
        }
        rig.await(rig.gateway().replaceRules(chain.build()));
    }

    /** A connection of a guest to a server, with its handshake. @return the outside port */
    private static int connect(GatewayRig rig, String guest, String address, int port, int serverPort) {
        rig.station(guest).send(PacketBuilder.tcp().from(address, port).to(SERVER, serverPort));
        int outside = rig.outside().takeOne().sourcePort();
        rig.outside()
                .send(PacketBuilder.tcp()
                        .from(SERVER, serverPort)
                        .to(SHARED, outside)
                        .flags(SYN | ACK));
        rig.station(guest)
                .send(PacketBuilder.tcp()
                        .from(address, port)
                        .to(SERVER, serverPort)
                        .flags(ACK));
        rig.outside().take();
        rig.station(guest).take();
        return outside;
    }

    @Test
    void a_guest_does_not_show_a_forwarded_port_that_a_more_specific_forward_gives_to_another() {
        try (GatewayRig rig = rig().with(g -> g.forward("tcp 8080 -> a:80").forward("tcp 8000-8100 -> b:8000-8100"))) {
            rig.station("a").send(PacketBuilder.tcp().from(A, 80).to(SERVER, 443));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(8080);
            rig.station("b").send(PacketBuilder.tcp().from(B, 8080).to(SERVER, 443));
            assertThat(rig.outside().takeOne().sourcePort()).isNotEqualTo(8080);
            rig.outside()
                    .send(PacketBuilder.tcp().from(SERVER, 443).to(SHARED, 8080).flags(SYN | ACK));
            assertThat(rig.station("a").takeOne().to()).isEqualTo(A + ":80");
            assertThat(rig.station("b").take()).isEmpty();
        }
    }

    @Test
    void a_guest_does_not_end_the_flow_of_another_that_came_through_the_same_outside_port() throws Exception {
        try (GatewayRig rig = rig().with(g -> g.forward("tcp 8080 -> a:80"))) {
            rig.station("a").send(PacketBuilder.tcp().from(A, 80).to(OTHER_SERVER, 443));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(8080);
            rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 from 198.51.100.0/24 -> b:80")));
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5000).to(SHARED, 8080));
            assertThat(rig.station("b").takeOne().to()).isEqualTo(B + ":80");
            rig.station("a").send(PacketBuilder.tcp().from(A, 80).to(SERVER, 5000));
            rig.station("b")
                    .send(PacketBuilder.tcp().from(B, 80).to(SERVER, 5000).flags(SYN | ACK));
            assertThat(rig.outside().takeOne().flags()).isEqualTo(SYN | ACK);
            assertThat(rig.drops(DropReason.TUPLE_IN_USE)).isEqualTo(1);
        }
    }

    @Test
    void giving_up_a_held_frame_of_a_flow_that_new_rules_refuse_counts_one_drop() throws Exception {
        try (GatewayRig rig = rig().silentRouter()) {
            rig.station("a").send(PacketBuilder.udp().from(A, 4000).to(SERVER, 53));
            replace(rig, "drop from any to any");
            for (int i = 0; i < 6; i++) {
                rig.advance(Duration.ofSeconds(1));
            }
            assertThat(rig.stats().dropped()).isEqualTo(1);
        }
    }

    @Test
    void what_waited_for_a_neighbour_does_not_leave_once_its_mapping_is_gone() throws Exception {
        try (GatewayRig rig = rig().silentRouter()) {
            rig.station("a").send(PacketBuilder.udp().from(A, 4000).to(SERVER, 53));
            byte[] question = rig.outside().takeRaw().get(0);
            rig.await(rig.gateway().removeGuest(GuestId.of("a")));
            rig.outside().sendRaw(GatewayRig.arpReply(question, GatewayRig.NEXT_HOP_MAC));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.drops(DropReason.NO_MAPPING)).isEqualTo(1);
        }
    }

    @Test
    void what_waited_for_a_neighbour_leaves_while_its_flow_lives_errors_too() {
        try (GatewayRig rig = rig()) {
            String near = "192.0.2.50";
            rig.station("a").send(PacketBuilder.udp().from(A, 4000).to(near, 53));
            byte[] question = rig.outside().takeRaw().get(0);
            byte[] incoming =
                    PacketBuilder.udp().from(near, 53).to(A, 4000).payload("x").build();
            rig.station("a").send(PacketBuilder.icmp().from(A, 0).to(near, 0).error(3, 3, 0, incoming, 64));
            rig.outside().sendRaw(GatewayRig.arpReply(question, GatewayRig.NEXT_HOP_MAC));
            List<ParsedPacket> left = rig.outside().take();
            assertThat(left).hasSize(2);
            assertThat(left.get(1).icmpType()).isEqualTo(3);
            assertThat(left.get(1).inner().to())
                    .isEqualTo(SHARED + ":" + left.get(0).sourcePort());
        }
    }

    @Test
    void a_fin_without_a_handshake_does_not_make_a_half_open_flow_unevictable() {
        try (GatewayRig rig =
                rig().with(g -> g.forward("tcp 8080 -> b:80").capacity(8).flowsPerGuest(4))) {
            for (int i = 0; i < 4; i++) {
                rig.outside().send(PacketBuilder.tcp().from(SERVER, 5000 + i).to(SHARED, 8080));
                rig.outside()
                        .send(PacketBuilder.tcp()
                                .from(SERVER, 5000 + i)
                                .to(SHARED, 8080)
                                .flags(FIN | ACK));
            }
            rig.station("b").take();
            rig.outside().send(PacketBuilder.tcp().from(OTHER_SERVER, 6000).to(SHARED, 8080));
            assertThat(rig.station("b").takeOne().from()).isEqualTo(OTHER_SERVER + ":6000");
        }
    }

    @Test
    void a_guest_that_holds_most_ports_does_not_push_out_anothers_half_open_flow() {
        try (GatewayRig rig = rig().ports(61000, 61003)) {
            for (int i = 0; i < 3; i++) {
                connect(rig, "a", A, 1000 + i, 80);
            }
            rig.station("b").send(PacketBuilder.tcp().from(B, 2000).to(SERVER, 80));
            int port = rig.outside().takeOne().sourcePort();
            rig.station("a").send(PacketBuilder.tcp().from(A, 1010).to(SERVER, 80));
            rig.outside().take();
            rig.outside()
                    .send(PacketBuilder.tcp().from(SERVER, 80).to(SHARED, port).flags(SYN | ACK));
            assertThat(rig.station("b").takeOne().to()).isEqualTo(B + ":2000");
            assertThat(rig.drops(DropReason.LIMIT_PORTS)).isEqualTo(1);
        }
    }

    @Test
    void a_guest_that_holds_most_flows_does_not_push_out_anothers_half_open_flow() {
        try (GatewayRig rig = rig().with(g -> g.capacity(4).flowsPerGuest(4))) {
            for (int i = 0; i < 3; i++) {
                connect(rig, "a", A, 1000 + i, 80);
            }
            rig.station("b").send(PacketBuilder.tcp().from(B, 2000).to(SERVER, 80));
            int port = rig.outside().takeOne().sourcePort();
            rig.station("a").send(PacketBuilder.tcp().from(A, 1010).to(SERVER, 80));
            rig.outside().take();
            rig.outside()
                    .send(PacketBuilder.tcp().from(SERVER, 80).to(SHARED, port).flags(SYN | ACK));
            assertThat(rig.station("b").takeOne().to()).isEqualTo(B + ":2000");
            assertThat(rig.drops(DropReason.LIMIT_FLOWS)).isEqualTo(1);
        }
    }

    /** A connection of guest a to guest b through a forward. @return the port that b sees */
    private static int callThroughForward(GatewayRig rig, String guest, String address, int port) {
        rig.station(guest).send(PacketBuilder.tcp().from(address, port).to(SHARED, 8080));
        int shown = rig.station("b").takeOne().sourcePort();
        rig.station("b").send(PacketBuilder.tcp().from(B, 80).to(SHARED, shown).flags(SYN | ACK));
        rig.station(guest)
                .send(PacketBuilder.tcp().from(address, port).to(SHARED, 8080).flags(ACK));
        rig.station(guest).take();
        rig.station("b").take();
        return shown;
    }

    @Test
    void a_guest_does_not_inherit_the_half_of_a_hairpin_whose_caller_lost_its_address() throws Exception {
        try (GatewayRig rig = rig().guest("d", D_MAC, D).with(g -> g.forward("tcp 8080 -> b:80"))) {
            int shown = callThroughForward(rig, "d", D, 61500);
            assertThat(shown).isEqualTo(61500);
            MacAddress mac = MacAddress.parse(D_MAC);
            rig.await(rig.gateway().bind(new Binding(GuestId.of("d"), mac, Ipv4Address.parse("10.0.0.5"))));
            rig.await(rig.gateway().unbind(new Binding(GuestId.of("d"), mac, Ipv4Address.parse(D))));
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void a_hairpin_of_another_guest_on_the_same_port_begins_anew() throws Exception {
        try (GatewayRig rig = rig().guest("d", D_MAC, D)
                .with(g -> g.forward("udp 8080 -> b:80").flowsPerGuest(1))) {
            rig.station("d").send(PacketBuilder.udp().from(D, 61500).to(SHARED, 8080));
            assertThat(rig.station("b").takeOne().sourcePort()).isEqualTo(61500);
            // d's half goes, and with it the port; b's half is still there
            rig.station("d").send(PacketBuilder.udp().from(D, 1).to(SERVER, 53));
            rig.station("a").send(PacketBuilder.udp().from(A, 61500).to(ALIAS, 8080));
            assertThat(rig.station("b").takeOne().sourcePort()).isEqualTo(61500);
            List<FlowStatus> flows = rig.await(rig.gateway().flows());
            assertThat(flows).extracting(f -> f.guest().name()).containsExactlyInAnyOrder("a", "b", "d");
            replace(rig, "drop from guest a to guest b");
            rig.station("a").send(PacketBuilder.udp().from(A, 61500).to(ALIAS, 8080));
            assertThat(rig.station("b").take()).isEmpty();
        }
    }

    @Test
    void a_hairpin_is_judged_again_by_the_callers_own_address() throws Exception {
        try (GatewayRig rig = rig().with(g -> g.forward("tcp 8080 -> b:80"))) {
            callThroughForward(rig, "a", A, 61500);
            replace(rig, "drop from 10.0.0.1 to guest b");
            rig.station("a")
                    .send(PacketBuilder.tcp().from(A, 61500).to(SHARED, 8080).flags(ACK));
            assertThat(rig.station("b").take()).isEmpty();
            rig.station("b")
                    .send(PacketBuilder.tcp().from(B, 80).to(SHARED, 61500).flags(ACK));
            assertThat(rig.station("a").take()).isEmpty();
        }
    }

    @Test
    void egress_rules_see_icmp_errors_both_ways() {
        try (GatewayRig rig = rig().with(g -> g.rules(FilterChain.builder()
                .add("drop icmp from any to any icmp-type 3 hook egress")
                .build()))) {
            rig.station("a").send(PacketBuilder.udp().from(A, 4000).to(SERVER, 53));
            ParsedPacket out = rig.outside().takeOne();
            byte[] answer = PacketBuilder.udp().from(SERVER, 53).to(A, 4000).build();
            rig.station("a").send(PacketBuilder.icmp().from(A, 0).to(SERVER, 0).error(3, 3, 0, answer, 64));
            assertThat(rig.outside().take()).isEmpty();
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).error(3, 3, 0, out.frame(), 64));
            assertThat(rig.station("a").take()).isEmpty();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(2);
        }
    }

    @Test
    void a_scan_of_a_large_segment_does_not_cut_others_off_from_the_router() {
        try (GatewayRig rig = rig().with(g -> g.prefix("192.0.0.0/16"))) {
            rig.gateway();
            rig.outside().takeRaw();
            rig.clock().advance(Duration.ofSeconds(62));
            for (int i = 0; i < 2048; i++) {
                rig.station("a")
                        .send(PacketBuilder.udp().from(A, 4000).to("192.0." + (16 + i / 250) + "." + (1 + i % 250), 9));
            }
            rig.outside().takeRaw();
            rig.station("b").send(PacketBuilder.udp().from(B, 4000).to(SERVER, 53));
            assertThat(rig.outside().takeOne().destinationMac()).isEqualTo(GatewayRig.NEXT_HOP_MAC);
        }
    }

    @Test
    void forwards_to_removed_ports_come_back_to_the_pool() throws Exception {
        try (GatewayRig rig = rig().ports(61000, 61000)) {
            rig.await(rig.gateway().addForward(PortForward.parse("tcp 61000 -> b:80")));
            rig.station("a").send(PacketBuilder.tcp().from(A, 5).to(SERVER, 80));
            assertThat(rig.outside().take()).isEmpty();
            rig.await(rig.gateway().removeForward(ForwardSelector.parse("tcp 61000")));
            rig.station("a").send(PacketBuilder.tcp().from(A, 5).to(SERVER, 80));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(61000);
        }
    }
}
