package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.testing.RecordingLink;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a packet looks like after it has been translated, and which outside port it bears. */
class TranslationTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;
    private static final String PRIVATE = "10.0.0.2";

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", PRIVATE)
                .guest("q", "52:54:00:00:00:02", "10.0.0.3")
                .guest("s", "52:54:00:00:00:03", SHARED);
    }

    @Test
    void rfc5382_req6_tcp_is_translated_both_ways_and_its_payload_untouched() {
        try (GatewayRig rig = rig()) {
            byte[] payload = "PORT 10,0,0,2,7,138\r\n".getBytes(StandardCharsets.US_ASCII);
            rig.station("p")
                    .send(PacketBuilder.tcp()
                            .from(PRIVATE, 40001)
                            .to(SERVER, 21)
                            .payload(payload));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.source()).isEqualTo(SHARED);
            assertThat(out.to()).isEqualTo(SERVER + ":21");
            assertThat(out.payload()).isEqualTo(payload);
            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 21)
                            .to(SHARED, out.sourcePort())
                            .flags(PacketBuilder.SYN | PacketBuilder.ACK)
                            .payload(payload));
            ParsedPacket in = rig.station("p").takeOne();
            assertThat(in.from()).isEqualTo(SERVER + ":21");
            assertThat(in.to()).isEqualTo(PRIVATE + ":40001");
            assertThat(in.payload()).isEqualTo(payload);
            assertThat(in.ttl()).isEqualTo(63);
        }
    }

    @Test
    void rfc4787_req10_udp_payload_passes_identically() {
        try (GatewayRig rig = rig()) {
            byte[] payload = new byte[1001];
            for (int i = 0; i < payload.length; i++) {
                payload[i] = (byte) (i * 7);
            }
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 5060)
                            .to(SERVER, 5060)
                            .payload(payload));
            assertThat(rig.outside().takeOne().payload()).isEqualTo(payload);
        }
    }

    @Test
    void rfc5508_req1_equal_ping_identifiers_of_two_guests_differ_outside_and_replies_find_back() {
        try (GatewayRig rig = rig()) {
            int[] ids = new int[2];
            String[] names = {"p", "q"};
            String[] addresses = {PRIVATE, "10.0.0.3"};
            for (int i = 0; i < 2; i++) {
                rig.station(names[i])
                        .send(PacketBuilder.icmp()
                                .from(addresses[i], 0)
                                .to(SERVER, 0)
                                .echo(8, 77, 1)
                                .payload("abc"));
                ParsedPacket out = rig.outside().takeOne();
                assertThat(out.icmpType()).isEqualTo(8);
                assertThat(out.source()).isEqualTo(SHARED);
                assertThat(out.icmpRest() & 0xffff).isEqualTo(1);
                ids[i] = out.sourcePort();
            }
            assertThat(ids[0]).isNotEqualTo(ids[1]);
            for (int i = 0; i < 2; i++) {
                rig.outside()
                        .send(PacketBuilder.icmp()
                                .from(SERVER, 0)
                                .to(SHARED, 0)
                                .echo(0, ids[i], 1)
                                .payload("abc"));
                ParsedPacket in = rig.station(names[i]).takeOne();
                assertThat(in.icmpType()).isZero();
                assertThat(in.sourcePort()).isEqualTo(77);
                assertThat(in.destination()).isEqualTo(addresses[i]);
            }
        }
    }

    @Test
    void rfc5508_req1_the_identifier_mapping_does_not_depend_on_the_destination() {
        try (GatewayRig rig = rig()) {
            Set<Integer> ids = new HashSet<>();
            for (String server : List.of(SERVER, OTHER)) {
                rig.station("p")
                        .send(PacketBuilder.icmp()
                                .from(PRIVATE, 0)
                                .to(server, 0)
                                .echo(8, 77, 1));
                ids.add(rig.outside().takeOne().sourcePort());
            }
            assertThat(ids).hasSize(1);
        }
    }

    @Test
    void hostile07_an_echo_reply_of_a_guest_that_is_itself_the_one_who_asks_is_dropped() {
        try (GatewayRig rig = rig()) {
            PacketBuilder ping =
                    PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).echo(8, 77, 1);
            rig.station("p").send(ping);
            rig.outside().takeOne();
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).echo(0, 77, 1));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.drops(DropReason.ICMP_NO_FLOW)).isEqualTo(1);
        }
    }

    @Test
    void an_echo_reply_from_another_machine_than_the_one_asked_is_dropped() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).echo(8, 77, 1));
            int id = rig.outside().takeOne().sourcePort();
            rig.outside().send(PacketBuilder.icmp().from(OTHER, 0).to(SHARED, 0).echo(0, id, 1));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_NO_FLOW);
        }
    }

    @Test
    void tcp_udp_and_icmp_have_mappings_of_their_own() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.tcp().from(PRIVATE, 62000).to(SERVER, 80));
            rig.station("p").send(PacketBuilder.udp().from(PRIVATE, 62000).to(SERVER, 80));
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).echo(8, 62000, 1));
            assertThat(rig.outside().take())
                    .extracting(ParsedPacket::sourcePort)
                    .containsExactly(62000, 62000, 62000);
            assertThat(rig.stats().mappings()).isEqualTo(3);
        }
    }

    @Test
    void rfc4787_req3_a_port_of_the_pool_is_kept_when_it_is_free() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(PRIVATE, 61234).to(SERVER, 53));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(61234);
        }
    }

    @Test
    void rfc4787_req3_a_port_in_use_is_never_overloaded() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(PRIVATE, 61234).to(SERVER, 53));
            rig.station("q").send(PacketBuilder.udp().from("10.0.0.3", 61234).to(OTHER, 53));
            List<ParsedPacket> out = rig.outside().take();
            assertThat(out.get(0).sourcePort()).isEqualTo(61234);
            assertThat(out.get(1).sourcePort()).isNotEqualTo(61234).isBetween(61000, 65535);
        }
    }

    @Test
    void rfc4787_req4_parity_is_kept_and_req3a_the_class() {
        try (GatewayRig rig = rig().ports(1000, 1100)) {
            for (int port = 2001; port < 2040; port++) {
                rig.station("p").send(PacketBuilder.udp().from(PRIVATE, port).to(SERVER, 53));
                assertThat(rig.outside().takeOne().sourcePort() & 1).isEqualTo(port & 1);
            }
            for (int port = 500; port < 510; port++) {
                rig.station("p").send(PacketBuilder.udp().from(PRIVATE, port).to(SERVER, 53));
                assertThat(rig.outside().takeOne().sourcePort()).isBetween(1000, 1023);
            }
        }
    }

    @Test
    void a_guest_port_outside_the_pool_gets_a_port_of_the_pool_and_none_other() {
        try (GatewayRig rig = rig()) {
            for (int port = 30000; port < 30300; port++) {
                rig.station("s").send(PacketBuilder.tcp().from(SHARED, port).to(SERVER, 80));
                assertThat(rig.outside().takeOne().sourcePort()).isBetween(61000, 65535);
            }
        }
    }

    @Test
    void ports_that_are_not_kept_cannot_be_guessed_from_their_forerunners() {
        try (GatewayRig rig = rig()) {
            Set<Integer> steps = new HashSet<>();
            int last = 0;
            for (int port = 30000; port < 30200; port += 2) {
                rig.station("p").send(PacketBuilder.udp().from(PRIVATE, port).to(SERVER, 53));
                int seen = rig.outside().takeOne().sourcePort();
                steps.add(seen - last);
                last = seen;
            }
            assertThat(steps).hasSizeGreaterThan(90);
        }
    }

    @Test
    void a_port_is_free_again_when_its_last_flow_has_ended_and_it_has_rested() throws Exception {
        try (GatewayRig rig = rig().ports(61000, 61000)) {
            rig.station("p").send(PacketBuilder.udp().from(PRIVATE, 1111).to(SERVER, 53));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(61000);
            rig.advance(Duration.ofSeconds(301));
            rig.advance(Duration.ofSeconds(120));
            rig.station("q").send(PacketBuilder.udp().from("10.0.0.3", 2222).to(SERVER, 53));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(61000);
        }
    }

    @Test
    void hostile04_udp_checksum_0_stays_0_both_ways() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 4000)
                            .to(SERVER, 53)
                            .payload("q")
                            .withoutChecksum());
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.transportChecksum()).isZero();
            rig.outside()
                    .send(PacketBuilder.udp()
                            .from(SERVER, 53)
                            .to(SHARED, out.sourcePort())
                            .payload("a")
                            .withoutChecksum());
            assertThat(rig.station("p").takeOne().transportChecksum()).isZero();
        }
    }

    @Test
    void a_udp_checksum_that_becomes_0_is_sent_as_ffff() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 61500)
                            .to(SERVER, 53)
                            .payload((byte) 0, (byte) 0));
            int checksum = rig.outside().takeOne().transportChecksum();
            // with this payload the sum of everything else becomes ffff, so the checksum becomes 0
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 61500)
                            .to(SERVER, 53)
                            .payload((byte) (checksum >> 8), (byte) checksum));
            assertThat(rig.outside().takeOne().transportChecksum()).isEqualTo(0xffff);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ChecksumState.class,
            names = {"PARTIAL", "RECOMPUTE"})
    void a_checksum_that_is_not_complete_is_computed_in_full(ChecksumState state) {
        for (PacketBuilder packet : List.of(PacketBuilder.tcp(), PacketBuilder.udp())) {
            RecordingLink link = new RecordingLink("p", null);
            try (GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE, link)) {
                byte[] a =
                        packet.from(PRIVATE, 4000).to(SERVER, 53).payload("odd").build();
                Octets.put16(a, a[23] == 6 ? 14 + 20 + 16 : 14 + 20 + 6, 0x1234);
                rig.outside().take();
                link.bring(Frame.of(a).checksumState(state));
                rig.poll();
                ParsedPacket out = rig.outside().takeOne();
                assertThat(out.payload()).isEqualTo("odd".getBytes(StandardCharsets.US_ASCII));
                rig.outside()
                        .send((a[23] == 6 ? PacketBuilder.tcp() : PacketBuilder.udp())
                                .from(SERVER, 53)
                                .to(SHARED, out.sourcePort())
                                .flags(PacketBuilder.SYN | PacketBuilder.ACK));
                List<Frame> in = link.take();
                assertThat(in).hasSize(1);
                assertThat(in.get(0).checksumState()).isEqualTo(ChecksumState.COMPLETE);
                ParsedPacket.of(in.get(0).toByteArray());
            }
        }
    }

    @Test
    void a_ping_to_the_gateway_with_a_checksum_to_be_recomputed_is_answered_with_a_right_one() {
        RecordingLink link = new RecordingLink("p", null);
        try (GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE, link)) {
            rig.outside();
            byte[] a = PacketBuilder.icmp()
                    .from(PRIVATE, 0)
                    .to(SHARED, 0)
                    .echo(8, 7, 1)
                    .payload("x")
                    .build();
            Octets.put16(a, 36, 0);
            link.bring(Frame.of(a).checksumState(ChecksumState.RECOMPUTE));
            rig.poll();
            Frame answer = link.take().get(0);
            assertThat(answer.checksumState()).isEqualTo(ChecksumState.COMPLETE);
            assertThat(ParsedPacket.of(answer.toByteArray()).icmpType()).isZero();
        }
    }

    @Test
    void a_super_frame_goes_only_to_a_link_that_takes_it() {
        RecordingLink link = new RecordingLink("p", null);
        try (GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE, link)) {
            rig.outside().take();
            byte[] a = PacketBuilder.tcp()
                    .from(PRIVATE, 4000)
                    .to(SERVER, 80)
                    .payload(new byte[4000])
                    .build();
            link.bring(Frame.of(a).checksumState(ChecksumState.PARTIAL).segmentSize(1460));
            rig.poll();
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.PACKET_TOO_BIG);
        }
    }

    @Test
    void padding_behind_the_ip_packet_is_cut_off() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 4000)
                            .to(SERVER, 53)
                            .payload("x")
                            .padding(17));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.frame()).hasSize(14 + 20 + 8 + 1);
            rig.outside()
                    .send(PacketBuilder.udp()
                            .from(SERVER, 53)
                            .to(SHARED, out.sourcePort())
                            .padding(18));
            assertThat(rig.station("p").takeOne().frame()).hasSize(14 + 28);
        }
    }

    @Test
    void ip_options_are_kept() {
        byte[] options = {7, 7, 4, 0, 0, 0, 0, 0};
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.tcp().from(PRIVATE, 4000).to(SERVER, 80).options(options));
            byte[] frame = rig.outside().takeOne().frame();
            assertThat(Arrays.copyOfRange(frame, 34, 42)).isEqualTo(options);
        }
    }

    @Test
    void tcp_options_are_kept() {
        byte[] options = {2, 4, 5, (byte) 0xb4, 1, 3, 3, 7};
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.tcp().from(PRIVATE, 4000).to(SERVER, 80).tcpOptions(options));
            byte[] frame = rig.outside().takeOne().frame();
            assertThat(Arrays.copyOfRange(frame, 54, 62)).isEqualTo(options);
        }
    }

    @Test
    void everything_else_in_the_ip_header_is_kept() {
        try (GatewayRig rig = rig()) {
            byte[] sent = PacketBuilder.udp()
                    .from(PRIVATE, 4000)
                    .to(SERVER, 53)
                    .identification(0xbeef)
                    .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            sent[15] = (byte) 0xb9;
            PacketBuilder.fixChecksums(sent);
            rig.station("p").sendRaw(sent);
            byte[] seen = rig.outside().takeOne().frame();
            assertThat(Arrays.copyOfRange(seen, 14, 22)).isEqualTo(Arrays.copyOfRange(sent, 14, 22));
        }
    }

    @Test
    void a_wrong_transport_checksum_is_dropped_and_never_repaired() {
        for (boolean verify : new boolean[] {true, false}) {
            try (GatewayRig rig = rig().with(b -> b.verifyChecksums(verify))) {
                for (PacketBuilder packet : List.of(PacketBuilder.tcp(), PacketBuilder.udp())) {
                    byte[] a = packet.from(PRIVATE, 4000)
                            .to(SERVER, 53)
                            .payload("xyz")
                            .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                            .build();
                    a[a.length - 1] ^= 0x40;
                    rig.station("p").sendRaw(a);
                }
                if (verify) {
                    assertThat(rig.outside().take()).isEmpty();
                    assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TCP_CHECKSUM, DropReason.UDP_CHECKSUM);
                } else {
                    List<byte[]> seen = rig.outside().takeRaw();
                    assertThat(seen)
                            .hasSize(2)
                            .allSatisfy(frame -> Assertions.assertThatThrownBy(() -> ParsedPacket.of(frame))
                                    .hasMessageContaining("transport checksum is wrong"));
                }
            }
        }
    }

    @Test
    void rfc4787_req7_the_same_address_inside_and_outside_is_told_apart() {
        // the guest's own address lies in the segment of the outside machine it talks to
        try (GatewayRig rig = new GatewayRig().guest("x", "52:54:00:00:00:01", "192.0.2.77")) {
            rig.station("x").send(PacketBuilder.udp().from("192.0.2.77", 4000).to("192.0.2.1", 53));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.from()).isEqualTo(SHARED + ":" + out.sourcePort());
            rig.outside().send(PacketBuilder.udp().from("192.0.2.1", 53).to(SHARED, out.sourcePort()));
            assertThat(rig.station("x").takeOne().to()).isEqualTo("192.0.2.77:4000");
        }
    }

    @Test
    void private_and_same_address_guests_live_together() {
        try (GatewayRig rig = rig()) {
            Conversation p =
                    Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 80).handshake();
            Conversation q =
                    Conversation.tcp(rig, "q", "10.0.0.3", 40000, SERVER, 80).handshake();
            Conversation s =
                    Conversation.tcp(rig, "s", SHARED, 40000, SERVER, 80).handshake();
            assertThat(Set.of(p.outsidePort(), q.outsidePort(), s.outsidePort()))
                    .hasSize(3);
            assertThat(p.in().to()).isEqualTo(PRIVATE + ":40000");
            assertThat(q.in().to()).isEqualTo("10.0.0.3:40000");
            assertThat(s.in().to()).isEqualTo(SHARED + ":40000");
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @Test
    void protocols_without_ports_are_not_translated_yet() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.protocol(47)
                            .from(PRIVATE, 0)
                            .to(SERVER, 0)
                            .payload("gre"));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.PROTOCOL_UNSUPPORTED);
        }
    }
}
