package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.testing.RecordingLink;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Time to live and MTU, both directions. */
class TtlAndMtuTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String PRIVATE = "10.0.0.2";

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE).guest("s", "52:54:00:00:00:02", SHARED);
    }

    @Test
    void the_time_to_live_is_counted_down_by_one_in_each_direction() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.udp().from(PRIVATE, 4000).to(SERVER, 53).ttl(2));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.ttl()).isEqualTo(1);
            rig.outside()
                    .send(PacketBuilder.udp()
                            .from(SERVER, 53)
                            .to(SHARED, out.sourcePort())
                            .ttl(255));
            assertThat(rig.station("p").takeOne().ttl()).isEqualTo(254);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void
            rfc5508_req10_and_hostile14_and_case13_expiry_from_a_guest_is_answered_with_11_0_and_quotes_the_packet_untranslated(
                    int ttl) {
        try (GatewayRig rig = rig()) {
            byte[] sent = PacketBuilder.udp()
                    .from(PRIVATE, 4000)
                    .to(SERVER, 33434)
                    .ttl(ttl)
                    .payload("trace")
                    .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            rig.station("p").sendRaw(sent.clone());
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType()).isEqualTo(11);
            assertThat(error.icmpCode()).isZero();
            assertThat(error.source()).isEqualTo(GatewayRig.ALIAS);
            assertThat(error.destination()).isEqualTo(PRIVATE);
            assertThat(error.payload()).isEqualTo(Arrays.copyOfRange(sent, 14, sent.length));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TTL_EXPIRED);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void rfc5508_req10_an_own_error_bears_precedence_6_and_the_type_of_service_of_what_it_quotes() {
        try (GatewayRig rig = rig()) {
            byte[] sent = PacketBuilder.udp()
                    .from(PRIVATE, 4000)
                    .to(SERVER, 33434)
                    .ttl(1)
                    .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            sent[15] = (byte) 0x3f;
            Octets.put16(sent, 24, 0);
            Octets.put16(sent, 24, ~Checksum.sum(sent, 14, 20));
            rig.station("p").sendRaw(sent);
            assertThat(Octets.u8(rig.station("p").takeRaw().get(0), 15)).isEqualTo(0xde);
        }
    }

    @Test
    void
            rfc5508_req10_and_hostile14_expiry_from_outside_is_answered_from_the_shared_address_and_shows_nothing_inside() {
        try (GatewayRig rig = rig()) {
            Conversation talk =
                    Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 80).handshake();
            byte[] sent = PacketBuilder.tcp()
                    .from(SERVER, 80)
                    .to(SHARED, talk.outsidePort())
                    .flags(PacketBuilder.ACK)
                    .ttl(1)
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .build();
            rig.outside().sendRaw(sent.clone());
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.icmpType()).isEqualTo(11);
            assertThat(error.source()).isEqualTo(SHARED);
            assertThat(error.destination()).isEqualTo(SERVER);
            assertThat(error.payload()).isEqualTo(Arrays.copyOfRange(sent, 14, sent.length));
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @Test
    void rfc5508_req10_what_is_for_the_gateway_itself_does_not_expire() {
        try (GatewayRig rig = rig().with(b -> b.forward("udp 5000 -> p:5000"))) {
            PacketBuilder toGateway = PacketBuilder.udp().from(PRIVATE, 40000).ttl(1);
            rig.station("p").send(toGateway.to(SHARED, 9));
            ParsedPacket refused = rig.station("p").takeOne();
            assertThat(refused.icmpType()).isEqualTo(3);
            assertThat(refused.icmpCode()).isEqualTo(3);
            // through a forward it would go further
            rig.station("p").send(toGateway.to(SHARED, 5000));
            assertThat(rig.station("p").takeOne().icmpType()).isEqualTo(11);
            rig.station("p")
                    .send(PacketBuilder.tcp()
                            .from(PRIVATE, 40000)
                            .to(SHARED, 9)
                            .flags(PacketBuilder.SYN)
                            .ttl(1));
            assertThat(rig.station("p").takeOne().flags() & PacketBuilder.RST).isNotZero();
        }
    }

    @Test
    void expiry_of_a_packet_that_would_come_through_a_forward_is_answered_too_and_begins_no_flow() {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> p:80"))) {
            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 5555)
                            .to(SHARED, 8080)
                            .ttl(1));
            assertThat(rig.outside().takeOne().icmpType()).isEqualTo(11);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void an_icmp_error_that_expires_is_not_answered() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 53);
            byte[] out = talk.out().frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from("192.0.2.1", 0)
                            .to(SHARED, 0)
                            .error(3, 3, 0, out, 64)
                            .ttl(1));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TTL_EXPIRED);
        }
    }

    @Test
    void rfc4787_req13_a_packet_with_df_that_is_too_big_outwards_is_answered_with_3_4_and_the_mtu() {
        try (GatewayRig rig = rig().uplinkMtu(600)) {
            byte[] sent = PacketBuilder.udp()
                    .from(PRIVATE, 4000)
                    .to(SERVER, 53)
                    .payload(new byte[573])
                    .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            rig.station("p").sendRaw(sent.clone());
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpType()).isEqualTo(3);
            assertThat(error.icmpCode()).isEqualTo(4);
            assertThat(error.icmpRest()).isEqualTo(600);
            assertThat(error.inner().from()).isEqualTo(PRIVATE + ":4000");
            assertThat(error.totalLength()).isLessThanOrEqualTo(576);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.PACKET_TOO_BIG);
            rig.station("p")
                    .send(PacketBuilder.udp().from(PRIVATE, 4000).to(SERVER, 53).payload(new byte[572]));
            assertThat(rig.outside().takeOne().totalLength()).isEqualTo(600);
        }
    }

    @Test
    void rfc4787_req13_a_packet_with_df_that_is_too_big_inwards_is_answered_with_3_4_from_the_shared_address() {
        InProcessLink small = InProcessLink.named("small").withMtu(600);
        try (GatewayRig rig = new GatewayRig().guest("small", "52:54:00:00:00:09", "10.0.0.9", small)) {
            rig.outside().take();
            small.transmit(PacketBuilder.udp()
                    .from("10.0.0.9", 4000)
                    .to(SERVER, 53)
                    .macs(MacAddress.parse("52:54:00:00:00:09"), GatewayRig.ROUTER_MAC)
                    .build());
            rig.poll();
            int port = rig.outside().takeOne().sourcePort();
            rig.outside()
                    .send(PacketBuilder.udp().from(SERVER, 53).to(SHARED, port).payload(new byte[900]));
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.icmpType()).isEqualTo(3);
            assertThat(error.icmpCode()).isEqualTo(4);
            assertThat(error.icmpRest()).isEqualTo(600);
            assertThat(error.inner().to()).isEqualTo(SHARED + ":" + port);
            assertThat(small.receive()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {573, 1000, 1472})
    void rfc4787_req13_a_packet_without_df_is_fragmented(int size) {
        try (GatewayRig rig = rig().uplinkMtu(600)) {
            byte[] payload = new byte[size];
            for (int i = 0; i < size; i++) {
                payload[i] = (byte) (i * 31);
            }
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 4000)
                            .to(SERVER, 53)
                            .fragment(0)
                            .identification(0x4242)
                            .payload(payload));
            List<ParsedPacket> fragments = rig.outside().take();
            assertThat(fragments).hasSizeGreaterThan(1);
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            for (int i = 0; i < fragments.size(); i++) {
                ParsedPacket fragment = fragments.get(i);
                boolean last = i == fragments.size() - 1;
                assertThat(fragment.totalLength()).isLessThanOrEqualTo(600);
                assertThat(fragment.source()).isEqualTo(SHARED);
                assertThat(fragment.fragment() & 0x1fff).isEqualTo(joined.size() / 8);
                assertThat((fragment.fragment() & 0x2000) != 0).isEqualTo(!last);
                byte[] frame = fragment.frame();
                // the gateway's own, and the same in all (RFC 6864)
                assertThat(Octets.u16(frame, 18))
                        .isEqualTo(Octets.u16(fragments.get(0).frame(), 18));
                joined.write(frame, 34, frame.length - 34);
            }
            byte[] whole = joined.toByteArray();
            assertThat(Arrays.copyOfRange(whole, 8, whole.length)).isEqualTo(payload);
            // the checksum over the reassembled datagram is right
            byte[] rebuilt = new byte[34 + whole.length];
            System.arraycopy(fragments.get(0).frame(), 0, rebuilt, 0, 34);
            System.arraycopy(whole, 0, rebuilt, 34, whole.length);
            int checksum = (whole[6] & 0xff) << 8 | whole[7] & 0xff;
            Octets.put16(rebuilt, 16, 20 + whole.length);
            Octets.put16(rebuilt, 20, 0);
            PacketBuilder.fixChecksums(rebuilt);
            assertThat(ParsedPacket.of(rebuilt).transportChecksum()).isEqualTo(checksum);
            assertThat(rig.stats().forwarded()).isEqualTo(1);
        }
    }

    @Test
    void a_link_that_takes_no_more_drops_with_its_reason() {
        RecordingLink link = new RecordingLink("p", null);
        try (GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE, link)) {
            rig.outside().take();
            link.bring(Frame.of(
                    PacketBuilder.udp().from(PRIVATE, 4000).to(SERVER, 53).build()));
            rig.poll();
            int port = rig.outside().takeOne().sourcePort();
            link.taking(false);
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(SHARED, port));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LINK_FULL);
        }
    }

    @Test
    void rfc4787_req13_and_rfc5508_req7_a_hairpinned_packet_too_big_for_its_guest_is_answered_with_3_4() {
        InProcessLink narrow = InProcessLink.named("q").withMtu(600);
        try (GatewayRig rig = rig().guest("q", "52:54:00:00:00:03", "10.0.0.3", narrow)
                .with(b -> b.forward("udp 5000 -> q:53").oneToOne("192.0.2.20", "q"))) {
            for (String called : new String[] {SHARED, "192.0.2.20"}) {
                rig.station("p")
                        .send(PacketBuilder.udp()
                                .from(PRIVATE, 4000)
                                .to(called, 5000)
                                .payload(new byte[1000]));
                ParsedPacket error = rig.station("p").takeOne();
                assertThat(error.icmpType()).isEqualTo(3);
                assertThat(error.icmpCode()).isEqualTo(4);
                assertThat(error.icmpRest()).isEqualTo(600);
                assertThat(error.inner().from()).isEqualTo(PRIVATE + ":4000");
                assertThat(error.inner().to()).isEqualTo(called + ":5000");
            }
            assertThat(narrow.receive()).isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.PACKET_TOO_BIG);
            // one that its sender lets be cut passes
            rig.station("p")
                    .send(PacketBuilder.udp()
                            .from(PRIVATE, 4000)
                            .to(SHARED, 5000)
                            .fragment(0)
                            .payload(new byte[1000]));
            assertThat(narrow.receive()).isNotNull();
            assertThat(narrow.receive()).isNotNull();
        }
    }
}
