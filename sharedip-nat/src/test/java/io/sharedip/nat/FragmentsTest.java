package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.filter.FilterChain;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fragments in and out, both directions. */
class FragmentsTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String PRIVATE = "10.0.0.2";

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", PRIVATE)
                .guest("s", "52:54:00:00:00:02", SHARED)
                .guest("t", "52:54:00:00:00:03", SHARED);
    }

    private static byte[] payload(int length, int seed) {
        byte[] payload = new byte[length];
        new Random(seed).nextBytes(payload);
        return payload;
    }

    private static PacketBuilder udp(String from, int length) {
        return PacketBuilder.udp()
                .from(from, 4000)
                .to(SERVER, 53)
                .fragment(0)
                .identification(0x4242)
                .payload(payload(length, length));
    }

    private static byte[] built(GatewayRig rig, String guest, PacketBuilder packet) {
        return packet.macs(rig.station(guest).mac(), GatewayRig.ROUTER_MAC).build();
    }

    private static byte[] outside(PacketBuilder packet) {
        return packet.macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC).build();
    }

    /** The IPv4 frames that have come, without ARP. */
    private static List<byte[]> taken(GatewayRig.Station station) {
        return station.take().stream().map(ParsedPacket::frame).toList();
    }

    private static void sendAll(GatewayRig.Station station, List<byte[]> frames) {
        frames.forEach(station::sendRaw);
    }

    private static List<byte[]> reversed(List<byte[]> frames) {
        List<byte[]> copy = new ArrayList<>(frames);
        Collections.reverse(copy);
        return copy;
    }

    private static byte[] changed(byte[] frame, int at, int value) {
        byte[] copy = frame.clone();
        Octets.put16(copy, at, value);
        return Fragmenter.fixHeader(copy);
    }

    // ------------------------------------------------------------------------------------------------ whole again

    @ParameterizedTest
    @ValueSource(ints = {1473, 2048, 20_000, 65_507})
    void rfc4787_req14_and_case16_fragments_of_a_guest_leave_in_fragments_with_the_same_payload(int size) {
        try (GatewayRig rig = rig()) {
            byte[] sent = built(rig, "p", udp(PRIVATE, size));
            List<byte[]> fragments = Fragmenter.cut(sent, 1480);
            sendAll(rig.station("p"), fragments.subList(0, fragments.size() - 1));
            assertThat(taken(rig.outside())).isEmpty();
            assertThat(rig.stats().held()).isEqualTo(fragments.size() - 1);
            rig.station("p").sendRaw(fragments.get(fragments.size() - 1));
            List<byte[]> out = taken(rig.outside());
            assertThat(out)
                    .hasSameSizeAs(fragments)
                    .allSatisfy(a -> assertThat(Octets.u16(a, 16)).isLessThanOrEqualTo(1500));
            ParsedPacket whole = Fragmenter.join(out);
            assertThat(whole.source()).isEqualTo(SHARED);
            assertThat(whole.to()).isEqualTo(SERVER + ":53");
            assertThat(whole.payload()).isEqualTo(payload(size, size));
            assertThat(rig.stats().forwarded()).isEqualTo(fragments.size());
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.nonZeroDrops()).isEmpty();
        }
    }

    @Test
    void rfc4787_req14_fragments_in_reverse_order_become_whole_both_ways() {
        try (GatewayRig rig = rig()) {
            byte[] sent = built(rig, "s", udp(SHARED, 9_000));
            sendAll(rig.station("s"), reversed(Fragmenter.cut(sent, 1480)));
            ParsedPacket out = Fragmenter.join(taken(rig.outside()));
            assertThat(out.payload()).isEqualTo(payload(9_000, 9_000));
            byte[] answer = outside(PacketBuilder.udp()
                    .from(SERVER, 53)
                    .to(SHARED, out.sourcePort())
                    .fragment(0)
                    .identification(7)
                    .payload(payload(30_000, 1)));
            sendAll(rig.outside(), reversed(Fragmenter.cut(answer, 1480)));
            ParsedPacket in = Fragmenter.join(rig.station("s").takeRaw());
            assertThat(in.from()).isEqualTo(SERVER + ":53");
            assertThat(in.to()).isEqualTo(SHARED + ":4000");
            assertThat(in.payload()).isEqualTo(payload(30_000, 1));
            assertThat(rig.nonZeroDrops()).isEmpty();
        }
    }

    @Test
    void case20_later_fragments_pass_under_rules_about_ports_as_their_datagram_does() {
        try (GatewayRig rig = rig().with(b -> b.rules(FilterChain.parse("drop udp from any to any port 54")))) {
            byte[] good = built(rig, "p", udp(PRIVATE, 3_000));
            sendAll(rig.station("p"), reversed(Fragmenter.cut(good, 1000)));
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).hasSize(3_000);
            byte[] bad = built(rig, "p", udp(PRIVATE, 3_000).to(SERVER, 54).identification(2));
            sendAll(rig.station("p"), reversed(Fragmenter.cut(bad, 1000)));
            assertThat(taken(rig.outside())).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.RULE_DROPPED);
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(4);
        }
    }

    @Test
    void hostile12_a_tcp_segment_whose_first_fragment_has_8_octets_is_put_together() {
        try (GatewayRig rig = rig()) {
            Conversation talk =
                    Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 80).handshake();
            byte[] syn = built(
                    rig,
                    "p",
                    PacketBuilder.tcp().from(PRIVATE, 41000).to(SERVER, 80).fragment(0));
            sendAll(rig.station("p"), Fragmenter.cut(syn, 8));
            ParsedPacket out = Fragmenter.join(taken(rig.outside()));
            assertThat(out.flags()).isEqualTo(PacketBuilder.SYN);
            assertThat(out.sourcePort()).isNotEqualTo(talk.outsidePort());
            assertThat(rig.nonZeroDrops()).isEmpty();
        }
    }

    @Test
    void hostile05_a_wrong_checksum_is_found_when_the_datagram_is_whole() {
        try (GatewayRig rig = rig()) {
            List<byte[]> fragments = Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480);
            fragments.get(2)[50] ^= 1;
            sendAll(rig.station("p"), fragments);
            assertThat(taken(rig.outside())).isEmpty();
            assertThat(rig.drops(DropReason.UDP_CHECKSUM)).isEqualTo(3);
            assertThat(rig.stats().held()).isZero();
        }
    }

    @Test
    void hostile04_a_fragmented_datagram_without_checksum_stays_without() {
        try (GatewayRig rig = rig()) {
            byte[] sent = built(rig, "p", udp(PRIVATE, 3_000).withoutChecksum());
            sendAll(rig.station("p"), Fragmenter.cut(sent, 1480));
            ParsedPacket out = Fragmenter.join(taken(rig.outside()));
            assertThat(out.transportChecksum()).isZero();
            assertThat(out.payload()).isEqualTo(payload(3_000, 3_000));
        }
    }

    @Test
    void rfc5508_req1_large_pings_pass_both_ways_in_fragments() {
        try (GatewayRig rig = rig()) {
            byte[] ping = built(
                    rig,
                    "s",
                    PacketBuilder.icmp()
                            .from(SHARED, 0)
                            .to(SERVER, 0)
                            .echo(8, 77, 1)
                            .fragment(0)
                            .payload(payload(30_000, 5)));
            sendAll(rig.station("s"), Fragmenter.cut(ping, 1480));
            ParsedPacket out = Fragmenter.join(taken(rig.outside()));
            byte[] pong = outside(PacketBuilder.icmp()
                    .from(SERVER, 0)
                    .to(SHARED, 0)
                    .echo(0, out.sourcePort(), 1)
                    .fragment(0)
                    .payload(out.payload()));
            sendAll(rig.outside(), Fragmenter.cut(pong, 1480));
            ParsedPacket in = Fragmenter.join(rig.station("s").takeRaw());
            assertThat(in.sourcePort()).isEqualTo(77);
            assertThat(in.payload()).isEqualTo(payload(30_000, 5));
        }
    }

    @Test
    void a_large_ping_to_the_gateway_is_answered_in_fragments_from_both_sides() {
        try (GatewayRig rig = rig()) {
            PacketBuilder ping = PacketBuilder.icmp().echo(8, 77, 1).fragment(0).payload(payload(5_000, 5));
            sendAll(
                    rig.station("p"),
                    Fragmenter.cut(built(rig, "p", ping.from(PRIVATE, 0).to(GatewayRig.ALIAS, 0)), 1480));
            List<byte[]> pong = rig.station("p").takeRaw();
            assertThat(pong).hasSize(4);
            assertThat(Fragmenter.join(pong).payload()).isEqualTo(payload(5_000, 5));
            sendAll(rig.outside(), Fragmenter.cut(outside(ping.from(SERVER, 0).to(SHARED, 0)), 1480));
            ParsedPacket outside = Fragmenter.join(taken(rig.outside()));
            assertThat(outside.source()).isEqualTo(SHARED);
            assertThat(outside.payload()).isEqualTo(payload(5_000, 5));
            assertThat(rig.stats().answered()).isGreaterThanOrEqualTo(8);
        }
    }

    @Test
    void guests_with_the_same_address_and_identification_do_not_mix() {
        try (GatewayRig rig = rig()) {
            List<byte[]> ofS = Fragmenter.cut(built(rig, "s", udp(SHARED, 5_000).payload(payload(5_000, 1))), 1480);
            List<byte[]> ofT = Fragmenter.cut(built(rig, "t", udp(SHARED, 5_000).payload(payload(5_000, 2))), 1480);
            for (int i = 0; i < ofS.size(); i++) {
                rig.station("s").sendRaw(ofS.get(i));
                rig.station("t").sendRaw(ofT.get(ofT.size() - 1 - i));
            }
            assertThat(Fragmenter.joinAll(taken(rig.outside())))
                    .extracting(ParsedPacket::payload)
                    .containsExactlyInAnyOrder(payload(5_000, 1), payload(5_000, 2));
        }
    }

    @Test
    void rfc7857_eim_fragmented_datagrams_of_several_guests_to_one_destination_never_bear_the_same_identification() {
        try (GatewayRig rig = rig()) {
            List<String> keys = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                for (String guest : List.of("p", "s", "t")) {
                    String from = guest.equals("p") ? PRIVATE : SHARED;
                    sendAll(
                            rig.station(guest),
                            Fragmenter.cut(built(rig, guest, udp(from, 2_000).identification(i)), 1480));
                    rig.station(guest).send(udp(from, 100).identification(i));
                    List<byte[]> out = taken(rig.outside());
                    assertThat(out).hasSize(3);
                    keys.add(Fragmenter.keyOf(out.get(0)));
                    keys.add(Fragmenter.keyOf(out.get(2)));
                }
            }
            assertThat(keys).doesNotHaveDuplicates().hasSize(1200);
        }
    }

    @Test
    void rfc7857_eim_atomic_datagrams_keep_their_identification() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(udp(PRIVATE, 100).fragment(0x4000).identification(0x1234));
            assertThat(Octets.u16(rig.outside().takeOne().frame(), 18)).isEqualTo(0x1234);
        }
    }

    @Test
    void hairpinned_fragments_of_two_guests_reach_a_third_under_different_identifications() {
        try (GatewayRig rig = rig().with(b -> b.forward("udp 9000 -> p:9000"))) {
            for (String guest : List.of("s", "t")) {
                byte[] sent = built(
                        rig,
                        guest,
                        udp(SHARED, 4_000).to(GatewayRig.ALIAS, 9000).payload(payload(4_000, guest.charAt(0))));
                sendAll(rig.station(guest), Fragmenter.cut(sent, 1480));
            }
            List<ParsedPacket> in = Fragmenter.joinAll(rig.station("p").takeRaw());
            assertThat(in)
                    .extracting(ParsedPacket::payload)
                    .containsExactlyInAnyOrder(payload(4_000, 's'), payload(4_000, 't'));
            assertThat(in).allSatisfy(packet -> assertThat(packet.source()).isEqualTo(SHARED));
        }
    }

    // ------------------------------------------------------------------------------------------------ out again

    @Test
    void rfc4787_req13_fragments_do_not_grow_on_their_way() {
        try (GatewayRig rig = rig()) {
            sendAll(rig.station("p"), Fragmenter.cut(built(rig, "p", udp(PRIVATE, 1_000)), 200));
            List<byte[]> out = taken(rig.outside());
            assertThat(out)
                    .hasSize(6)
                    .allSatisfy(a -> assertThat(Octets.u16(a, 16)).isLessThanOrEqualTo(220));
            assertThat(Fragmenter.join(out).payload()).isEqualTo(payload(1_000, 1_000));
        }
    }

    @Test
    void rfc4787_req13_fragments_shrink_to_a_smaller_mtu() {
        try (GatewayRig rig = rig().uplinkMtu(600)) {
            sendAll(rig.station("p"), Fragmenter.cut(built(rig, "p", udp(PRIVATE, 5_000)), 1480));
            List<byte[]> out = taken(rig.outside());
            assertThat(out)
                    .hasSize(9)
                    .allSatisfy(a -> assertThat(Octets.u16(a, 16)).isLessThanOrEqualTo(600));
            assertThat(Fragmenter.join(out).payload()).isEqualTo(payload(5_000, 5_000));
            assertThat(rig.stats().forwarded()).isEqualTo(4);
        }
    }

    @Test
    void rfc4787_req13_fragments_with_df_keep_it_and_are_refused_with_3_4_if_they_exceed_the_mtu() {
        try (GatewayRig rig = rig().uplinkMtu(600)) {
            byte[] small = built(rig, "p", udp(PRIVATE, 2_000).fragment(0x4000));
            sendAll(rig.station("p"), Fragmenter.cut(small, 480));
            List<byte[]> out = taken(rig.outside());
            assertThat(out).hasSize(5).allSatisfy(a -> {
                assertThat(Octets.u16(a, 20) & 0x4000).isNotZero();
                assertThat(Octets.u16(a, 16)).isLessThanOrEqualTo(500);
            });
            assertThat(Fragmenter.join(out).payload()).isEqualTo(payload(2_000, 2_000));
            byte[] large = built(rig, "p", udp(PRIVATE, 2_000).fragment(0x4000).identification(9));
            sendAll(rig.station("p"), Fragmenter.cut(large, 800));
            assertThat(taken(rig.outside())).isEmpty();
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType() << 8 | error.icmpCode()).isEqualTo(0x304);
            assertThat(error.icmpRest()).isEqualTo(600);
            assertThat(rig.drops(DropReason.PACKET_TOO_BIG)).isEqualTo(3);
        }
    }

    @Test
    void rfc791_options_to_be_copied_are_in_every_fragment_and_others_only_in_the_first() {
        try (GatewayRig rig = rig().uplinkMtu(600)) {
            byte[] recordRoute = {7, 7, 4, 0, 0, 0, 0};
            byte[] streamId = {(byte) 136, 4, 1, 2};
            byte[] options = new byte[12];
            System.arraycopy(recordRoute, 0, options, 0, 7);
            System.arraycopy(streamId, 0, options, 7, 4);
            rig.station("p").send(udp(PRIVATE, 1_400).options(options));
            List<byte[]> out = taken(rig.outside());
            assertThat(out).hasSize(3);
            assertThat(Arrays.copyOfRange(out.get(0), 34, 46)).isEqualTo(options);
            for (byte[] later : out.subList(1, 3)) {
                assertThat(later[14] & 0xf).isEqualTo(6);
                assertThat(Arrays.copyOfRange(later, 34, 38)).isEqualTo(streamId);
            }
            assertThat(Fragmenter.join(out).payload()).isEqualTo(payload(1_400, 1_400));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"none first", "congested", "mixed"})
    void rfc3168_fragments_say_together_what_they_say_of_congestion(String what) {
        try (GatewayRig rig = rig()) {
            List<byte[]> fragments = Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480);
            for (byte[] fragment : fragments) {
                fragment[15] = (byte) (what.equals("none first") ? 0 : 2);
            }
            if (!what.equals("none first")) {
                fragments.get(1)[15] = 3;
            }
            if (what.equals("mixed")) {
                fragments.get(2)[15] = 0;
            }
            fragments.forEach(Fragmenter::fixHeader);
            sendAll(rig.station("p"), fragments);
            List<byte[]> out = taken(rig.outside());
            if (what.equals("mixed")) {
                assertThat(out).isEmpty();
                assertThat(rig.drops(DropReason.FRAGMENT_INVALID)).isEqualTo(3);
            } else {
                int expected = what.equals("congested") ? 3 : 0;
                assertThat(out).hasSize(3).allSatisfy(a -> assertThat(a[15] & 3).isEqualTo(expected));
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ hostile

    @Test
    void hostile11_an_exact_duplicate_is_ignored_and_the_datagram_completes() {
        try (GatewayRig rig = rig()) {
            List<byte[]> fragments = Fragmenter.cut(built(rig, "p", udp(PRIVATE, 5_000)), 1480);
            for (byte[] fragment : fragments.subList(0, 3)) {
                rig.station("p").sendRaw(fragment);
                rig.station("p").sendRaw(fragment);
            }
            rig.station("p").sendRaw(fragments.get(0));
            rig.station("p").sendRaw(fragments.get(3));
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).isEqualTo(payload(5_000, 5_000));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.FRAGMENT_DUPLICATE);
            assertThat(rig.drops(DropReason.FRAGMENT_DUPLICATE)).isEqualTo(4);
            assertThat(rig.stats().forwarded()).isEqualTo(4);
        }
    }

    @Test
    void hostile11_a_duplicate_of_the_last_fragment_is_ignored_too() {
        try (GatewayRig rig = rig()) {
            List<byte[]> fragments = Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_001)), 1480);
            sendAll(rig.station("p"), List.of(fragments.get(2), fragments.get(2), fragments.get(1), fragments.get(0)));
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).isEqualTo(payload(3_001, 3_001));
            assertThat(rig.drops(DropReason.FRAGMENT_DUPLICATE)).isEqualTo(1);
        }
    }

    private static void refused(DropReason why, List<byte[]> frames, List<byte[]> rest) {
        try (GatewayRig rig = rig()) {
            List<byte[]> all = new ArrayList<>(frames);
            all.addAll(rest);
            sendAll(rig.station("p"), all);
            assertThat(taken(rig.outside())).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(why);
            assertThat(rig.drops(why)).isEqualTo(all.size());
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.stats().flows()).isZero();
        }
    }

    private static byte[] sample(int size) {
        try (GatewayRig rig = rig()) {
            return built(rig, "p", udp(PRIVATE, size));
        }
    }

    @Test
    void hostile10_an_overlap_drops_the_whole_datagram_and_what_comes_of_it_later() {
        byte[] whole = sample(3_000);
        List<byte[]> cut = Fragmenter.cut(whole, 1000);
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(0), Fragmenter.piece(whole, 992, 1000)), cut);
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(1), Fragmenter.piece(whole, 8, 1000)), cut);
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(1), Fragmenter.piece(whole, 1200, 8)), cut);
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(1), Fragmenter.piece(whole, 1000, 992)), cut);
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(1), Fragmenter.piece(whole, 800, 1600)), cut);
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(0), cut.get(1), Fragmenter.piece(whole, 0, 2000)), cut);
    }

    @Test
    void hostile10_a_fragment_with_the_same_place_and_other_octets_is_an_overlap() {
        List<byte[]> cut = Fragmenter.cut(sample(3_000), 1000);
        byte[] other = cut.get(1).clone();
        other[700] ^= 1;
        refused(DropReason.FRAGMENT_OVERLAP, List.of(cut.get(0), cut.get(1), other), cut);
    }

    @Test
    void hostile10_teardrop_a_last_fragment_inside_the_first_is_refused() {
        byte[] whole = sample(200);
        byte[] last = changed(Fragmenter.piece(whole, 24, 4), 20, 3);
        refused(DropReason.FRAGMENT_INVALID, List.of(Fragmenter.piece(whole, 0, 40), last), List.of());
    }

    @Test
    void hostile10_fragments_past_65535_misaligned_or_empty_are_refused_with_their_datagram() {
        byte[] whole = sample(3_000);
        List<byte[]> cut = Fragmenter.cut(whole, 1000);
        byte[] past = changed(Fragmenter.piece(whole, 2000, 1008), 20, 8191);
        refused(DropReason.FRAGMENT_INVALID, List.of(cut.get(0), past), cut);
        refused(DropReason.FRAGMENT_INVALID, List.of(cut.get(0), Fragmenter.piece(whole, 1000, 1001)), cut);
        refused(DropReason.FRAGMENT_INVALID, List.of(cut.get(0), Fragmenter.piece(whole, 1000, 0)), cut);
    }

    @Test
    void hostile10_fragments_that_contradict_each_other_about_the_end_are_refused() {
        byte[] whole = sample(3_000);
        List<byte[]> cut = Fragmenter.cut(whole, 1000);
        byte[] early = changed(cut.get(1), 20, 125);
        refused(DropReason.FRAGMENT_INVALID, List.of(cut.get(2), early), cut);
        refused(DropReason.FRAGMENT_INVALID, List.of(cut.get(3), changed(cut.get(3), 20, 380)), cut);
        byte[] notLast = changed(Fragmenter.piece(whole, 3000, 8), 20, 0x2000 | 375);
        refused(DropReason.FRAGMENT_INVALID, List.of(notLast, cut.get(3)), cut);
    }

    @Test
    void hostile10_an_overlapped_datagram_may_be_sent_again_after_the_timeout() {
        try (GatewayRig rig = rig()) {
            byte[] whole = built(rig, "p", udp(PRIVATE, 3_000));
            List<byte[]> cut = Fragmenter.cut(whole, 1000);
            rig.station("p").sendRaw(cut.get(0));
            rig.station("p").sendRaw(Fragmenter.piece(whole, 8, 1000));
            rig.advance(Duration.ofSeconds(31));
            sendAll(rig.station("p"), cut);
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).hasSize(3_000);
        }
    }

    @Test
    void hostile01_the_sender_of_each_fragment_is_judged() {
        try (GatewayRig rig = rig()) {
            List<byte[]> cut = Fragmenter.cut(built(rig, "p", udp("10.9.9.9", 3_000)), 1480);
            sendAll(rig.station("p"), cut);
            List<byte[]> land =
                    Fragmenter.cut(built(rig, "s", udp(SHARED, 3_000).to(SHARED, 53)), 1480);
            sendAll(rig.station("s"), land);
            List<byte[]> spoofed = Fragmenter.cut(outside(udp(PRIVATE, 3_000).to(SHARED, 61_000)), 1480);
            sendAll(rig.outside(), spoofed);
            assertThat(rig.drops(DropReason.BINDING_ADDRESS)).isEqualTo(3);
            assertThat(rig.drops(DropReason.LAND)).isEqualTo(3);
            assertThat(rig.drops(DropReason.SPOOFED_OUTSIDE_SOURCE)).isEqualTo(3);
            assertThat(rig.stats().held()).isZero();
        }
    }

    // ------------------------------------------------------------------------------------------------ time and room

    @Test
    void rfc1122_what_does_not_become_whole_in_30_seconds_is_dropped_and_the_guest_told_11_1() {
        try (GatewayRig rig = rig()) {
            List<byte[]> cut = Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480);
            rig.station("p").sendRaw(cut.get(0).clone());
            rig.station("p").sendRaw(cut.get(1).clone());
            rig.advance(Duration.ofMillis(29_999));
            assertThat(rig.stats().held()).isEqualTo(2);
            assertThat(rig.station("p").takeRaw()).isEmpty();
            rig.advance(Duration.ofMillis(1));
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType() << 8 | error.icmpCode()).isEqualTo(0xb01);
            assertThat(error.payload()).isEqualTo(Arrays.copyOfRange(cut.get(0), 14, 14 + 548));
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(2);
            assertThat(rig.stats().held()).isZero();
            rig.station("p").sendRaw(cut.get(2));
            assertThat(taken(rig.outside())).isEmpty();
        }
    }

    @Test
    void rfc1122_nobody_is_told_without_the_first_fragment() {
        try (GatewayRig rig = rig()) {
            List<byte[]> cut = Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480);
            sendAll(rig.station("p"), cut.subList(1, 3));
            rig.advance(Duration.ofSeconds(31));
            assertThat(rig.station("p").takeRaw()).isEmpty();
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(2);
        }
    }

    @Test
    void the_timeout_is_a_setting() {
        try (GatewayRig rig =
                rig().with(b -> b.fragments(FragmentLimits.defaults().withTimeout(Duration.ofSeconds(5))))) {
            sendAll(
                    rig.station("p"),
                    Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480).subList(0, 2));
            rig.advance(Duration.ofSeconds(5));
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(2);
        }
    }

    private static byte[] incomplete(byte[] frame, int identification) {
        return changed(frame, 18, identification);
    }

    @Test
    void rfc4787_req14_ten_thousand_incomplete_datagrams_of_a_guest_harm_neither_another_guest_nor_itself() {
        try (GatewayRig rig = rig()) {
            List<byte[]> good = Fragmenter.cut(built(rig, "t", udp(SHARED, 20_000)), 1480);
            byte[] flood =
                    Fragmenter.cut(built(rig, "s", udp(SHARED, 3_000)), 1480).get(0);
            sendAll(rig.station("t"), good.subList(1, good.size()));
            for (int i = 0; i < 10_000; i++) {
                rig.station("s").sendRaw(incomplete(flood, i + 1));
            }
            rig.station("t").sendRaw(good.get(0));
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).isEqualTo(payload(20_000, 20_000));
            assertThat(rig.stats().held()).isLessThanOrEqualTo(512);
            assertThat(rig.drops(DropReason.FRAGMENT_LIMIT)).isGreaterThanOrEqualTo(9_400);
            sendAll(
                    rig.station("s"),
                    Fragmenter.cut(built(rig, "s", udp(SHARED, 3_000).identification(0)), 1480));
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).hasSize(3_000);
        }
    }

    private static ParsedPacket opened(GatewayRig rig, String guest, String address) {
        rig.station(guest).send(PacketBuilder.udp().from(address, 4000).to(SERVER, 53));
        return rig.outside().takeOne();
    }

    @Test
    void rfc4787_req14_ten_thousand_incomplete_datagrams_from_outside_harm_neither_guests_nor_other_sources() {
        try (GatewayRig rig = rig()) {
            int port = opened(rig, "t", SHARED).sourcePort();
            PacketBuilder call = PacketBuilder.udp()
                    .from(SERVER, 53)
                    .to(SHARED, port)
                    .fragment(0)
                    .payload(payload(20_000, 3));
            List<byte[]> good = Fragmenter.cut(outside(call), 1480);
            List<byte[]> own = Fragmenter.cut(built(rig, "s", udp(SHARED, 20_000)), 1480);
            byte[] flood = Fragmenter.cut(outside(call.from(GatewayRig.OTHER_SERVER, 53)), 1480)
                    .get(0);
            sendAll(rig.outside(), reversed(good).subList(0, 10));
            sendAll(rig.station("s"), own.subList(1, own.size()));
            for (int i = 0; i < 10_000; i++) {
                rig.outside().sendRaw(incomplete(flood, i));
            }
            sendAll(rig.outside(), reversed(good).subList(10, good.size()));
            assertThat(Fragmenter.join(rig.station("t").takeRaw()).payload()).isEqualTo(payload(20_000, 3));
            rig.station("s").sendRaw(own.get(0));
            assertThat(Fragmenter.join(taken(rig.outside())).payload()).isEqualTo(payload(20_000, 20_000));
            assertThat(rig.stats().held()).isLessThanOrEqualTo(2048);
        }
    }

    @Test
    void rfc4787_req14_a_flood_from_ten_thousand_sources_does_not_push_out_a_datagram_that_is_just_arriving() {
        try (GatewayRig rig = rig()) {
            int port = opened(rig, "t", SHARED).sourcePort();
            PacketBuilder call = PacketBuilder.udp()
                    .from(SERVER, 53)
                    .to(SHARED, port)
                    .fragment(0)
                    .payload(payload(60_000, 3));
            List<byte[]> good = Fragmenter.cut(outside(call), 1480);
            byte[] flood = Fragmenter.cut(outside(call), 1480).get(0);
            for (int i = 0; i < 10_000; i++) {
                byte[] one = flood.clone();
                Octets.put32(one, 26, 0x08000000 + i * 257);
                rig.outside().sendRaw(Fragmenter.fixHeader(one));
                if (i >= 5_000 && i % 20 == 0 && (i - 5_000) / 20 < good.size()) {
                    rig.outside().sendRaw(good.get((i - 5_000) / 20));
                }
            }
            assertThat(Fragmenter.join(rig.station("t").takeRaw()).payload()).isEqualTo(payload(60_000, 3));
        }
    }

    @Test
    void what_waits_of_a_guest_that_is_unplugged_is_dropped() throws Exception {
        try (GatewayRig rig = rig()) {
            sendAll(
                    rig.station("p"),
                    Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480).subList(0, 2));
            rig.await(rig.gateway().removeGuest(GuestId.of("p")));
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(2);
        }
    }

    @Test
    void rfc1122_a_guest_that_leaves_many_datagrams_incomplete_is_not_told_of_each() {
        try (GatewayRig rig = rig()) {
            byte[] one =
                    Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480).get(0);
            for (int i = 0; i < 400; i++) {
                rig.station("p").sendRaw(incomplete(one, i));
            }
            rig.advance(Duration.ofSeconds(30));
            assertThat(rig.station("p").take()).hasSizeBetween(50, 200);
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(400);
        }
    }

    // ------------------------------------------------------------------------------------------------ the next hop

    @Test
    void a_datagram_that_waits_for_its_next_hop_counts_as_all_its_frames_and_leaves_in_fragments() {
        try (GatewayRig rig = rig().silentRouter()) {
            byte[] question = rig.outside().takeRaw().get(0);
            sendAll(rig.station("p"), Fragmenter.cut(built(rig, "p", udp(PRIVATE, 9_000)), 1000));
            assertThat(rig.stats().held()).isEqualTo(10);
            rig.outside().sendRaw(GatewayRig.arpReply(question, GatewayRig.NEXT_HOP_MAC));
            List<byte[]> out = taken(rig.outside());
            assertThat(out)
                    .hasSize(10)
                    .allSatisfy(a -> assertThat(Octets.u16(a, 16)).isLessThanOrEqualTo(1020));
            assertThat(Fragmenter.join(out).payload()).isEqualTo(payload(9_000, 9_000));
            assertThat(rig.stats().forwarded()).isEqualTo(10);
            assertThat(rig.stats().held()).isZero();
        }
    }

    @Test
    void a_datagram_whose_next_hop_does_not_answer_is_dropped_with_all_its_frames() {
        try (GatewayRig rig = rig().silentRouter()) {
            sendAll(rig.station("p"), Fragmenter.cut(built(rig, "p", udp(PRIVATE, 9_000)), 1000));
            for (int i = 0; i < 5; i++) {
                rig.advance(Duration.ofSeconds(1));
            }
            assertThat(rig.drops(DropReason.NEIGHBOUR_UNRESOLVED)).isEqualTo(10);
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.station("p").takeOne().icmpType()).isEqualTo(3);
        }
    }

    @Test
    void the_octets_that_wait_for_a_next_hop_are_bounded() {
        try (GatewayRig rig = rig().silentRouter()) {
            for (int i = 0; i < 20; i++) {
                byte[] sent = built(rig, "p", udp(PRIVATE, 65_000).identification(i));
                sendAll(rig.station("p"), Fragmenter.cut(sent, 1480));
            }
            assertThat(rig.drops(DropReason.NEIGHBOUR_QUEUE_FULL)).isEqualTo(4 * 44);
            assertThat(rig.stats().held()).isEqualTo(16 * 44);
        }
    }

    // ------------------------------------------------------------------------------------------------ errors about
    // fragments

    @Test
    void rfc5508_req4_an_error_about_a_first_fragment_reaches_the_guest_and_one_about_a_later_one_is_dropped() {
        try (GatewayRig rig = rig()) {
            sendAll(rig.station("p"), Fragmenter.cut(built(rig, "p", udp(PRIVATE, 3_000)), 1480));
            List<byte[]> out = taken(rig.outside());
            for (int i = 0; i < 2; i++) {
                rig.outside()
                        .send(PacketBuilder.icmp()
                                .from("203.0.113.1", 0)
                                .to(SHARED, 0)
                                .error(11, 1, 0, out.get(i), 100));
            }
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType() << 8 | error.icmpCode()).isEqualTo(0xb01);
            assertThat(error.inner().from()).isEqualTo(PRIVATE + ":4000");
            assertThat(error.inner().fragment()).isEqualTo(0x2000);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_INNER);
        }
    }
}
