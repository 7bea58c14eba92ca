package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.filter.FilterChain;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The next hops on the uplink: asked for, waited for, asked again, given up. */
class NeighboursTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final MacAddress ROUTER = GatewayRig.NEXT_HOP_MAC;

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", P).silentRouter();
    }

    private static void send(GatewayRig rig, int port) {
        rig.station("p").send(PacketBuilder.udp().from(P, port).to(SERVER, 53));
    }

    private static List<byte[]> questions(List<byte[]> frames) {
        return frames.stream()
                .filter(f -> Octets.u16(f, 12) == 0x0806 && Octets.u16(f, 20) == 1)
                .toList();
    }

    private static byte[] question(GatewayRig rig) {
        List<byte[]> questions = questions(rig.outside().takeRaw());
        assertThat(questions).hasSize(1);
        return questions.get(0);
    }

    private static void second(GatewayRig rig) {
        rig.advance(Duration.ofSeconds(1));
    }

    @Test
    void the_router_is_asked_for_before_the_first_packet_needs_it() {
        try (GatewayRig rig = rig()) {
            byte[] question = question(rig);
            assertThat(Octets.u48(question, 0)).isEqualTo(0xffffffffffffL);
            assertThat(Octets.u48(question, 6)).isEqualTo(GatewayRig.UPLINK_MAC.bits());
            assertThat(Octets.u48(question, 22)).isEqualTo(GatewayRig.UPLINK_MAC.bits());
            assertThat(Octets.i32(question, 28))
                    .isEqualTo(Ipv4Address.parse(SHARED).bits());
            assertThat(Octets.u48(question, 32)).isZero();
            assertThat(Octets.i32(question, 38))
                    .isEqualTo(Ipv4Address.parse(GatewayRig.ROUTER).bits());
        }
    }

    @Test
    void frames_wait_in_order_and_leave_when_the_answer_comes() {
        try (GatewayRig rig = rig()) {
            byte[] question = question(rig);
            for (int port = 62000; port < 62010; port++) {
                send(rig, port);
            }
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.stats().held()).isEqualTo(10);
            rig.outside().sendRaw(GatewayRig.arpReply(question, ROUTER));
            List<ParsedPacket> out = rig.outside().take();
            assertThat(out)
                    .extracting(ParsedPacket::sourcePort)
                    .containsExactly(62000, 62001, 62002, 62003, 62004, 62005, 62006, 62007, 62008, 62009);
            assertThat(out).allMatch(p -> p.destinationMac().equals(ROUTER));
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.stats().forwarded()).isEqualTo(10);
        }
    }

    @Test
    void the_queue_is_bounded_and_what_does_not_fit_is_counted() {
        try (GatewayRig rig = rig()) {
            byte[] question = question(rig);
            for (int port = 62000; port < 62100; port++) {
                send(rig, port);
            }
            assertThat(rig.stats().held()).isEqualTo(32);
            assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.NEIGHBOUR_QUEUE_FULL, 68L));
            rig.outside().sendRaw(GatewayRig.arpReply(question, ROUTER));
            assertThat(rig.outside().take()).hasSize(32);
        }
    }

    @Test
    void the_question_is_repeated_each_second_and_given_up_after_three() {
        try (GatewayRig rig = rig()) {
            send(rig, 62000);
            int asked = questions(rig.outside().takeRaw()).size();
            for (int i = 0; i < 2; i++) {
                rig.clock().advance(Duration.ofSeconds(1));
                rig.poll();
                asked += questions(rig.outside().takeRaw()).size();
            }
            assertThat(asked).isEqualTo(3);
            assertThat(rig.station("p").take()).isEmpty();
            rig.clock().advance(Duration.ofSeconds(1));
            rig.poll();
            assertThat(questions(rig.outside().takeRaw())).isEmpty();
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType()).isEqualTo(3);
            assertThat(error.icmpCode()).isEqualTo(1);
            assertThat(error.source()).isEqualTo(GatewayRig.ALIAS);
            assertThat(error.inner().from()).isEqualTo(P + ":62000");
            assertThat(error.inner().to()).isEqualTo(SERVER + ":53");
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NEIGHBOUR_UNRESOLVED);
            assertThat(rig.stats().held()).isZero();
        }
    }

    private static void giveUp(GatewayRig rig) {
        for (int i = 0; i < 3; i++) {
            rig.clock().advance(Duration.ofSeconds(1));
            rig.poll();
        }
    }

    @Test
    void after_giving_up_the_guest_is_told_at_once_and_after_3_s_the_question_is_asked_anew() {
        try (GatewayRig rig = rig()) {
            rig.gateway();
            giveUp(rig);
            rig.outside().takeRaw();
            send(rig, 62000);
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(1);
            assertThat(rig.outside().takeRaw()).isEmpty();
            rig.clock().advance(Duration.ofSeconds(3));
            send(rig, 62000);
            byte[] question = question(rig);
            assertThat(rig.stats().held()).isEqualTo(1);
            rig.outside().sendRaw(GatewayRig.arpReply(question, ROUTER));
            assertThat(rig.outside().take()).hasSize(1);
        }
    }

    @Test
    void what_is_told_about_an_unreachable_next_hop_is_rate_limited() {
        try (GatewayRig rig = rig()) {
            rig.gateway();
            giveUp(rig);
            for (int i = 0; i < 1000; i++) {
                send(rig, 62000);
            }
            assertThat(rig.station("p").take()).hasSize(100);
            assertThat(rig.drops(DropReason.NEIGHBOUR_UNRESOLVED)).isEqualTo(1000);
        }
    }

    @Test
    void a_neighbour_in_use_is_asked_again_after_30_s_while_packets_go_on() {
        try (GatewayRig rig = rig()) {
            rig.outside().sendRaw(GatewayRig.arpReply(question(rig), ROUTER));
            rig.clock().advance(Duration.ofSeconds(29));
            send(rig, 62000);
            assertThat(questions(rig.outside().takeRaw())).isEmpty();
            rig.clock().advance(Duration.ofSeconds(1));
            send(rig, 62000);
            List<byte[]> frames = rig.outside().takeRaw();
            assertThat(frames).hasSize(2);
            byte[] question = questions(frames).get(0);
            // only the neighbour itself is asked
            assertThat(Octets.u48(question, 0)).isEqualTo(ROUTER.bits());
            // and its answer counts, even if it has a new card
            MacAddress card = MacAddress.parse("02:00:00:00:00:98");
            rig.outside().sendRaw(GatewayRig.arpReply(question, card));
            send(rig, 62000);
            assertThat(rig.outside().takeOne().destinationMac()).isEqualTo(card);
        }
    }

    @Test
    void a_neighbour_that_falls_silent_is_given_up_after_its_probes() {
        try (GatewayRig rig = rig()) {
            rig.outside().sendRaw(GatewayRig.arpReply(question(rig), ROUTER));
            rig.clock().advance(Duration.ofSeconds(31));
            send(rig, 62000);
            for (int i = 0; i < 3; i++) {
                assertThat(rig.station("p").take()).isEmpty();
                rig.clock().advance(Duration.ofSeconds(1));
                rig.poll();
                send(rig, 62000);
            }
            assertThat(rig.station("p").take()).hasSize(1);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NEIGHBOUR_UNRESOLVED);
        }
    }

    @Test
    void a_gratuitous_announcement_of_a_new_card_makes_the_gateway_ask_and_not_believe() {
        try (GatewayRig rig = rig()) {
            rig.outside().sendRaw(GatewayRig.arpReply(question(rig), ROUTER));
            MacAddress card = MacAddress.parse("02:00:00:00:00:98");
            rig.outside().sendRaw(GatewayRig.arp(1, card, GatewayRig.ROUTER, GatewayRig.ROUTER));
            List<byte[]> asked = questions(rig.outside().takeRaw());
            assertThat(asked).isNotEmpty();
            send(rig, 62000);
            assertThat(rig.outside().takeOne().destinationMac()).isEqualTo(ROUTER);
            rig.outside().sendRaw(GatewayRig.arpReply(asked.get(asked.size() - 1), card));
            send(rig, 62000);
            assertThat(rig.outside().takeOne().destinationMac()).isEqualTo(card);
        }
    }

    @Test
    void a_machine_of_the_segment_is_its_own_next_hop() {
        try (GatewayRig rig = rig()) {
            question(rig);
            rig.station("p").send(PacketBuilder.udp().from(P, 62000).to("192.0.2.77", 53));
            byte[] question = question(rig);
            assertThat(Octets.i32(question, 38))
                    .isEqualTo(Ipv4Address.parse("192.0.2.77").bits());
            MacAddress near = MacAddress.parse("02:00:00:00:00:77");
            rig.outside().sendRaw(GatewayRig.arpReply(question, near));
            assertThat(rig.outside().takeOne().destinationMac()).isEqualTo(near);
        }
    }

    @Test
    void hostile22_a_scan_of_the_segment_by_a_guest_holds_a_bounded_number_of_frames_and_leaves_others_alone() {
        try (GatewayRig rig = rig()) {
            rig.outside().sendRaw(GatewayRig.arpReply(question(rig), ROUTER));
            for (int host = 2; host < 250; host++) {
                if (host != 10) {
                    for (int i = 0; i < 3; i++) {
                        rig.station("p").send(PacketBuilder.udp().from(P, 62000).to("192.0.2." + host, 53));
                    }
                }
            }
            assertThat(rig.stats().held()).isLessThanOrEqualTo(256);
            assertThat(rig.drops(DropReason.NEIGHBOUR_QUEUE_FULL)).isPositive();
            rig.outside().takeRaw();
            send(rig, 62001);
            assertThat(rig.outside().take()).hasSize(1);
            giveUp(rig);
            assertThat(rig.stats().held()).isZero();
        }
    }

    /** Sends to one machine of 192.0.0.0/16 after the other, 2,000 a second. */
    private static void scan(GatewayRig rig, int packets) {
        for (int i = 0; i < packets; i++) {
            String machine = "192.0." + (3 + i / 250 % 250) + "." + (1 + i % 250);
            rig.station("p").send(PacketBuilder.udp().from(P, 62000).to(machine, 53));
            rig.clock().advance(Duration.ofNanos(500_000));
        }
        rig.station("p").discard();
    }

    @Test
    void hostile20_and_hostile22_a_scan_of_the_segment_by_one_guest_does_not_keep_another_from_its_neighbours() {
        String b = "10.0.0.3";
        MacAddress near = MacAddress.parse("02:00:00:00:00:77");
        try (GatewayRig rig = rig().guest("q", "52:54:00:00:00:02", b)
                .with(s -> s.prefix("192.0.0.0/16").capacity(100_000).flowsPerGuest(50_000))) {
            rig.outside().sendRaw(GatewayRig.arpReply(question(rig), ROUTER));
            scan(rig, 4_000);
            for (int round = 0; round < 6; round++) {
                rig.outside().takeRaw();
                for (int host = 100 + round * 10; host < 110 + round * 10; host++) {
                    rig.station("q").send(PacketBuilder.udp().from(b, 62001).to("192.0.2." + host, 53));
                }
                List<byte[]> asked = questions(rig.outside().takeRaw());
                assertThat(asked).hasSize(10);
                scan(rig, 500);
                rig.outside().takeRaw();
                for (byte[] question : asked) {
                    rig.outside().sendRaw(GatewayRig.arpReply(question, near));
                }
                assertThat(rig.outside().take())
                        .hasSize(10)
                        .allMatch(p -> p.destinationMac().equals(near));
            }
            // neither they nor the router are lost to what goes on
            scan(rig, 4_000);
            rig.outside().takeRaw();
            for (int host = 100; host < 160; host++) {
                rig.station("q").send(PacketBuilder.udp().from(b, 62001).to("192.0.2." + host, 53));
            }
            rig.station("q").send(PacketBuilder.udp().from(b, 62001).to(SERVER, 53));
            assertThat(rig.outside().take()).hasSize(61);
            assertThat(rig.station("q").take()).isEmpty();
            assertThat(rig.stats().held()).isLessThanOrEqualTo(256);
        }
    }

    @Test
    void hostile20_a_guest_that_fills_the_queue_of_a_next_hop_leaves_room_in_it_for_others() {
        String b = "10.0.0.3";
        try (GatewayRig rig = rig().guest("q", "52:54:00:00:00:02", b)) {
            byte[] question = question(rig);
            for (int i = 0; i < 100; i++) {
                send(rig, 62000);
            }
            for (int port = 62001; port < 62005; port++) {
                rig.station("q").send(PacketBuilder.udp().from(b, port).to(SERVER, 53));
                send(rig, 62000);
            }
            assertThat(rig.stats().held()).isEqualTo(32);
            rig.outside().sendRaw(GatewayRig.arpReply(question, ROUTER));
            assertThat(rig.outside().take())
                    .extracting(ParsedPacket::sourcePort)
                    .hasSize(32)
                    .containsSubsequence(62001, 62002, 62003, 62004);
        }
    }

    @Test
    void frames_that_wait_for_a_removed_guest_never_leave() throws Exception {
        try (GatewayRig rig = rig().guest("q", "52:54:00:00:00:02", "10.0.0.3")) {
            byte[] question = question(rig);
            send(rig, 62000);
            rig.station("q").send(PacketBuilder.udp().from("10.0.0.3", 62005).to(SERVER, 53));
            rig.await(rig.gateway().removeGuest(GuestId.of("p")));
            rig.outside().sendRaw(GatewayRig.arpReply(question, ROUTER));
            assertThat(rig.outside().take())
                    .extracting(ParsedPacket::sourcePort)
                    .containsExactly(62005);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
        }
    }

    @Test
    void giving_up_a_frame_whose_flow_the_rules_forbid_meanwhile_keeps_the_books() throws Exception {
        try (GatewayRig rig = rig()) {
            send(rig, 62000);
            rig.await(rig.gateway().replaceRules(FilterChain.parse("default drop")));
            giveUp(rig);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NEIGHBOUR_UNRESOLVED);
            assertThat(rig.stats().balances()).isTrue();
        }
    }

    @Test
    void several_neighbours_have_queues_of_their_own() {
        try (GatewayRig rig = rig()) {
            question(rig);
            List<byte[]> asked = new ArrayList<>();
            for (int host = 50; host < 54; host++) {
                for (int i = 0; i < 3; i++) {
                    rig.station("p").send(PacketBuilder.udp().from(P, 62000 + i).to("192.0.2." + host, 53));
                }
                asked.add(question(rig));
            }
            for (int i = 3; i >= 0; i--) {
                rig.outside().sendRaw(GatewayRig.arpReply(asked.get(i), ROUTER));
                String address = "192.0.2." + (50 + i);
                assertThat(rig.outside().take())
                        .hasSize(3)
                        .allMatch(p -> p.destination().equals(address))
                        .extracting(ParsedPacket::sourcePort)
                        .containsExactly(62000, 62001, 62002);
            }
        }
    }

    @Test
    void a_conversation_outlives_many_refreshes() {
        try (GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", P)) {
            Conversation talk = Conversation.tcp(rig, "p", P, 40000, SERVER, 80).handshake();
            for (int i = 0; i < 200; i++) {
                second(rig);
                assertThat(talk.out()).isNotNull();
                assertThat(talk.in()).isNotNull();
            }
            assertThat(rig.stats().dropped()).isZero();
        }
    }
}
