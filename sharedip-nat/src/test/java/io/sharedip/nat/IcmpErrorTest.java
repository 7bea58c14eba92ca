package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ICMP errors about translated packets, both ways (RFC 5508 section 4). */
class IcmpErrorTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String ROUTER = "192.0.2.1";
    private static final String PRIVATE = "10.0.0.2";

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", PRIVATE)
                .guest("q", "52:54:00:00:00:02", "10.0.0.3")
                .guest("s", "52:54:00:00:00:03", SHARED)
                .guest("t", "52:54:00:00:00:04", SHARED);
    }

    private static PacketBuilder probe(String protocol) {
        return switch (protocol) {
            case "tcp" -> PacketBuilder.tcp().payload("0123456789");
            case "udp" -> PacketBuilder.udp().payload("0123456789");
            default -> PacketBuilder.icmp().echo(8, 4000, 1).payload("0123456789");
        };
    }

    private static byte[] innerOf(ParsedPacket error) {
        return error.payload();
    }

    @ParameterizedTest
    @CsvSource({
        "tcp, 3, 3, 10.0.0.2, p", "udp, 3, 3, 10.0.0.2, p", "icmp, 3, 1, 10.0.0.2, p",
        "tcp, 11, 0, 10.0.0.2, p", "udp, 11, 0, 192.0.2.10, s", "icmp, 11, 0, 192.0.2.10, s",
        "udp, 12, 0, 10.0.0.2, p", "tcp, 3, 13, 192.0.2.10, s"
    })
    void
            rfc5508_req4_and_rfc5382_req9_and_case15_an_error_from_outside_comes_with_its_inner_packet_as_the_guest_sent_it(
                    String protocol, int type, int code, String inside, String guest) {
        try (GatewayRig rig = rig()) {
            byte[] sent = probe(protocol)
                    .from(inside, 4000)
                    .to(SERVER, 7)
                    .macs(rig.station(guest).mac(), GatewayRig.ROUTER_MAC)
                    .build();
            rig.station(guest).sendRaw(sent.clone());
            byte[] out = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(type, code, 0x01020304, out, 1000));
            ParsedPacket error = rig.station(guest).takeOne();
            assertThat(error.icmpType()).isEqualTo(type);
            assertThat(error.icmpCode()).isEqualTo(code);
            assertThat(error.icmpRest()).isEqualTo(0x01020304);
            assertThat(error.source()).isEqualTo(ROUTER);
            assertThat(error.destination()).isEqualTo(inside);
            // but for the time to live, which was counted down on the way, and the header checksum over it
            byte[] inner = innerOf(error);
            byte[] expected = Arrays.copyOfRange(sent, 14, sent.length);
            expected[8]--;
            Octets.put16(expected, 10, 0);
            Octets.put16(expected, 10, ~Checksum.sum(expected, 0, 20));
            assertThat(ParsedPacket.hex(inner)).isEqualTo(ParsedPacket.hex(expected));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcp", "udp", "icmp"})
    void an_inner_packet_truncated_to_8_octets_of_transport_is_reverted(String protocol) {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(probe(protocol).from(PRIVATE, 4000).to(SERVER, 7));
            byte[] out = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(3, 1, 0, out, 28));
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.payload()).hasSize(28);
            assertThat(error.inner().source()).isEqualTo(PRIVATE);
            assertThat(error.inner().sourcePort()).isEqualTo(4000);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "14, 0", "8, 1", "0, 1"})
    void hostile15_an_error_about_a_ping_of_a_type_or_code_that_was_not_sent_is_dropped(int type, int code) {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(probe("icmp").from(PRIVATE, 4000).to(SERVER, 7));
            byte[] out = rig.outside().takeOne().frame();
            byte[] quoted = out.clone();
            quoted[34] = (byte) type;
            quoted[35] = (byte) code;
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(11, 0, 0, quoted, 28));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.ICMP_INNER)).isEqualTo(1);
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(11, 0, 0, out, 28));
            assertThat(rig.station("p").take()).hasSize(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"8, 0", "0, 1"})
    void hostile15_a_guests_error_about_a_ping_that_it_did_not_receive_is_dropped(int type, int code) {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(probe("icmp").from(PRIVATE, 4000).to(SERVER, 7));
            int identifier = rig.outside().takeOne().sourcePort();
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, identifier, 1));
            byte[] reply = rig.station("p").takeOne().frame();
            byte[] quoted = reply.clone();
            quoted[34] = (byte) type;
            quoted[35] = (byte) code;
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).error(3, 3, 0, quoted, 28));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.drops(DropReason.ICMP_INNER)).isEqualTo(1);
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).error(3, 3, 0, reply, 28));
            assertThat(rig.outside().take()).hasSize(1);
        }
    }

    @Test
    void rfc5508_req3_inner_options_are_skipped_over() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 4000)
                            .to(SERVER, 7)
                            .options((byte) 1, (byte) 1, (byte) 1, (byte) 0));
            byte[] out = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(11, 0, 0, out, 32));
            ParsedPacket inner = rig.station("p").takeOne().inner();
            assertThat(inner.from()).isEqualTo(PRIVATE + ":4000");
            assertThat(inner.to()).isEqualTo(SERVER + ":7");
        }
    }

    @Test
    void rfc5508_req3_the_rfc4884_extension_behind_the_inner_packet_is_left_alone() {
        try (GatewayRig rig = rig()) {
            byte[] sent = PacketBuilder.udp()
                    .from(PRIVATE, 4000)
                    .to(SERVER, 7)
                    .payload(new byte[100])
                    .build();
            rig.station("p").sendRaw(sent);
            byte[] out = rig.outside().takeOne().frame();
            byte[] quoted = Arrays.copyOf(out, 14 + 128 + 12);
            byte[] extension = {0x20, 0, 0x12, 0x34, 0, 8, 1, 1, 0x0a, 0, 0, 2};
            System.arraycopy(extension, 0, quoted, 14 + 128, 12);
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(11, 0, 32 << 16, quoted, 1000));
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpRest()).isEqualTo(32 << 16);
            assertThat(Arrays.copyOfRange(error.payload(), 128, 140)).isEqualTo(extension);
            assertThat(error.inner().from()).isEqualTo(PRIVATE + ":4000");
        }
    }

    @Test
    void rfc5508_req3_the_inner_transport_checksum_is_not_judged() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(probe("udp").from(PRIVATE, 4000).to(SERVER, 7));
            byte[] out = rig.outside().takeOne().frame();
            out[41] ^= 0x55;
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(3, 3, 0, out, 100));
            assertThat(rig.station("p").takeOne().inner().from()).isEqualTo(PRIVATE + ":4000");
        }
    }

    @Test
    void rfc5508_req3_a_wrong_icmp_checksum_or_inner_header_checksum_is_dropped() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(probe("udp").from(PRIVATE, 4000).to(SERVER, 7));
            byte[] out = rig.outside().takeOne().frame();
            byte[] wrongSum = PacketBuilder.icmp()
                    .from(ROUTER, 0)
                    .to(SHARED, 0)
                    .error(3, 3, 0, out, 100)
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .build();
            wrongSum[36] ^= 1;
            rig.outside().sendRaw(wrongSum);
            out[24] ^= 1;
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(3, 3, 0, out, 100));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_CHECKSUM, DropReason.ICMP_INNER);
        }
    }

    @Test
    void rfc5508_req4_an_error_that_belongs_to_no_flow_is_dropped_silently() {
        try (GatewayRig rig = rig()) {
            byte[] stranger =
                    PacketBuilder.udp().from(SHARED, 61001).to(SERVER, 7).build();
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(3, 3, 0, stranger, 100));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_NO_FLOW);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "tcp, 3, 3, p, 10.0.0.2", "udp, 3, 3, p, 10.0.0.2", "icmp, 3, 3, p, 10.0.0.2",
        "tcp, 11, 1, s, 192.0.2.10", "udp, 3, 2, s, 192.0.2.10", "icmp, 11, 1, s, 192.0.2.10"
    })
    void rfc5508_req5_an_error_from_a_guest_leaves_from_the_shared_address_with_its_inner_packet_as_the_peer_sent_it(
            String protocol, int type, int code, String guest, String inside) {
        try (GatewayRig rig = rig()) {
            rig.station(guest).send(probe(protocol).from(inside, 4000).to(SERVER, 7));
            int port = rig.outside().takeOne().sourcePort();
            PacketBuilder answer = switch (protocol) {
                case "tcp" -> PacketBuilder.tcp().flags(PacketBuilder.SYN | PacketBuilder.ACK);
                case "udp" -> PacketBuilder.udp().payload("answer");
                default -> PacketBuilder.icmp().echo(0, port, 1).payload("0123456789");
            };
            byte[] reply = answer.from(SERVER, 7)
                    .to(SHARED, port)
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .build();
            rig.outside().sendRaw(reply.clone());
            byte[] in = rig.station(guest).takeOne().frame();
            rig.station(guest)
                    .send(PacketBuilder.icmp().from(inside, 0).to(SERVER, 0).error(type, code, 0, in, 100));
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.source()).isEqualTo(SHARED);
            assertThat(error.destination()).isEqualTo(SERVER);
            assertThat(error.icmpType()).isEqualTo(type);
            assertThat(error.icmpCode()).isEqualTo(code);
            byte[] expected = Arrays.copyOfRange(reply, 14, reply.length);
            expected[8]--;
            Octets.put16(expected, 10, 0);
            Octets.put16(expected, 10, ~Checksum.sum(expected, 0, 20));
            assertThat(ParsedPacket.hex(error.payload())).isEqualTo(ParsedPacket.hex(expected));
        }
    }

    @Test
    void an_error_from_a_guest_about_a_packet_it_never_got_is_dropped() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 7);
            talk.out();
            byte[] neverSent =
                    PacketBuilder.udp().from(SERVER, 9).to(PRIVATE, 4000).build();
            byte[] othersPacket =
                    PacketBuilder.udp().from(SERVER, 7).to("10.0.0.3", 4000).build();
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).error(3, 3, 0, neverSent, 100));
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).error(3, 3, 0, othersPacket, 100));
            // about a packet from the server, but sent to somebody else
            byte[] fromServer =
                    PacketBuilder.udp().from(SERVER, 7).to(PRIVATE, 4000).build();
            rig.station("p")
                    .send(PacketBuilder.icmp()
                            .from(PRIVATE, 0)
                            .to(GatewayRig.OTHER_SERVER, 0)
                            .error(3, 3, 0, fromServer, 100));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_NO_FLOW, DropReason.ICMP_INNER);
        }
    }

    @Test
    void redirects_and_source_quenches_pass_in_neither_direction() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 7);
            byte[] out = talk.out().frame();
            byte[] in = talk.in().frame();
            for (int type : new int[] {4, 5}) {
                rig.outside()
                        .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(type, 1, 0, out, 100));
                rig.station("p")
                        .send(PacketBuilder.icmp()
                                .from(PRIVATE, 0)
                                .to(SERVER, 0)
                                .error(type, 1, 0, in, 100));
            }
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.outside().take()).isEmpty();
        }
    }

    @Test
    void an_error_about_an_error_is_dropped() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 7);
            byte[] in = talk.out() == null ? new byte[0] : talk.in().frame();
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).error(3, 3, 0, in, 100));
            byte[] error = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(3, 1, 0, error, 100));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ICMP_INNER);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // who calls, under which name, who is called, what the caller is shown to the called one
        "p, 10.0.0.2, 192.0.2.10, q, 10.0.0.3, 192.0.2.10",
        "s, 192.0.2.10, 192.0.2.254, t, 192.0.2.10, 192.0.2.254",
        "p, 10.0.0.2, 192.0.2.10, t, 192.0.2.10, 192.0.2.254",
        "s, 192.0.2.10, 192.0.2.254, q, 10.0.0.3, 192.0.2.10"
    })
    void rfc5508_req7_an_error_about_a_hairpinned_packet_finds_its_sender(
            String caller, String callerAddress, String name, String called, String calledAddress, String shown) {
        try (GatewayRig rig = rig().with(b -> b.forward("udp 8080 -> " + called + ":80"))) {
            byte[] sent = PacketBuilder.udp()
                    .from(callerAddress, 4000)
                    .to(name, 8080)
                    .payload("hello")
                    .macs(rig.station(caller).mac(), GatewayRig.ROUTER_MAC)
                    .build();
            rig.station(caller).sendRaw(sent.clone());
            ParsedPacket in = rig.station(called).takeOne();
            assertThat(in.source()).isEqualTo(shown);
            assertThat(in.to()).isEqualTo(calledAddress + ":80");
            assertThat(in.ttl()).isEqualTo(63);
            rig.station(called)
                    .send(PacketBuilder.icmp()
                            .from(calledAddress, 0)
                            .to(shown, 0)
                            .error(3, 3, 0, in.frame(), 100));
            ParsedPacket error = rig.station(caller).takeOne();
            assertThat(error.source()).isEqualTo(name);
            assertThat(error.destination()).isEqualTo(callerAddress);
            assertThat(error.ttl()).isEqualTo(63);
            byte[] expected = Arrays.copyOfRange(sent, 14, sent.length);
            expected[8]--;
            Octets.put16(expected, 10, 0);
            Octets.put16(expected, 10, ~Checksum.sum(expected, 0, 20));
            assertThat(ParsedPacket.hex(error.payload())).isEqualTo(ParsedPacket.hex(expected));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @Test
    void rfc5508_req6_an_error_does_not_refresh_a_flow() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).echo(8, 7, 1));
            ParsedPacket out = rig.outside().takeOne();
            rig.advance(Duration.ofSeconds(50));
            rig.outside()
                    .send(PacketBuilder.icmp().from(ROUTER, 0).to(SHARED, 0).error(3, 1, 0, out.frame(), 100));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.advance(Duration.ofSeconds(11));
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, out.sourcePort(), 1));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void rfc7857_an_error_from_a_guest_does_not_refresh_either() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 7);
            talk.out();
            byte[] in = talk.in().frame();
            rig.advance(Duration.ofSeconds(200));
            rig.station("p")
                    .send(PacketBuilder.icmp().from(PRIVATE, 0).to(SERVER, 0).error(3, 3, 0, in, 100));
            assertThat(rig.outside().take()).hasSize(1);
            rig.advance(Duration.ofSeconds(101));
            assertThat(talk.in()).isNull();
        }
    }

    @Test
    void rfc4787_req12_and_rfc5382_req10_an_error_ends_neither_mapping_nor_connection() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation udp = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 7);
            byte[] datagram = udp.out().frame();
            Conversation tcp =
                    Conversation.tcp(rig, "p", PRIVATE, 4000, SERVER, 80).handshake();
            byte[] segment = tcp.out().frame();
            for (byte[] about : new byte[][] {datagram, segment}) {
                for (int code : new int[] {0, 1, 3, 13}) {
                    rig.outside()
                            .send(PacketBuilder.icmp()
                                    .from(ROUTER, 0)
                                    .to(SHARED, 0)
                                    .error(3, code, 0, about, 100));
                }
            }
            assertThat(rig.station("p").take()).hasSize(8);
            assertThat(udp.out()).isNotNull();
            assertThat(udp.in()).isNotNull();
            assertThat(tcp.out()).isNotNull();
            assertThat(tcp.in()).isNotNull();
            assertThat(rig.stats().flows()).isEqualTo(2);
        }
    }

    @Test
    void rfc5508_req3_pmtu_of_a_router_on_the_way_reaches_the_guest() {
        try (GatewayRig rig = rig()) {
            Conversation tcp =
                    Conversation.tcp(rig, "s", SHARED, 40000, SERVER, 80).handshake();
            byte[] out = tcp.out().frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from("198.51.100.1", 0)
                            .to(SHARED, 0)
                            .error(3, 4, 1280, out, 28));
            ParsedPacket error = rig.station("s").takeOne();
            assertThat(error.icmpCode()).isEqualTo(4);
            assertThat(error.icmpRest()).isEqualTo(1280);
            assertThat(error.inner().from()).isEqualTo(SHARED + ":40000");
        }
    }

    @Test
    void rfc5508_req11_messages_that_are_neither_query_nor_error_and_deprecated_queries_are_dropped() {
        try (GatewayRig rig = rig()) {
            for (int type : new int[] {9, 10, 15, 16, 17, 18, 40}) {
                rig.station("p")
                        .send(PacketBuilder.icmp()
                                .from(PRIVATE, 0)
                                .to(SERVER, 0)
                                .echo(type, 1, 1));
                rig.outside()
                        .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(type, 1, 1));
            }
            assertThat(rig.drops(DropReason.ICMP_TYPE)).isEqualTo(14);
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.station("p").take()).isEmpty();
        }
    }
}
