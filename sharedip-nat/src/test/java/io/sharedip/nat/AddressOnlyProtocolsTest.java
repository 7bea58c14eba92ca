package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.IpProtocol;
import io.sharedip.event.SharedIpEvent.FlowClosed;
import io.sharedip.event.SharedIpEvent.FlowOpened;
import io.sharedip.filter.FilterChain;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Protocols without ports: GRE, ESP, SCTP, and DCCP and UDP-Lite, whose checksum covers the addresses. */
class AddressOnlyProtocolsTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final int GRE = 47;
    private static final int ESP = 50;
    private static final int SCTP = 132;
    private static final int DCCP = 33;
    private static final int UDP_LITE = 136;

    private final EventRecorder events = new EventRecorder();

    private GatewayRig rig(int... protocols) {
        IpProtocol[] enabled =
                Arrays.stream(protocols).mapToObj(IpProtocol::new).toArray(IpProtocol[]::new);
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .guest("s", "52:54:00:00:00:03", SHARED)
                .with(b -> b.protocols(enabled).listener(events));
    }

    private static PacketBuilder packet(int protocol, String from, String to) {
        return PacketBuilder.protocol(protocol).from(from, 0).to(to, 0).payload("0123456789abcdef");
    }

    @ParameterizedTest
    @ValueSource(ints = {GRE, ESP, SCTP, 4, 41, 115})
    void case19_a_protocol_without_ports_is_translated_by_address_only(int protocol) throws Exception {
        try (GatewayRig rig = rig(protocol)) {
            rig.station("p").send(packet(protocol, P, SERVER));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.protocol()).isEqualTo(protocol);
            assertThat(out.source()).isEqualTo(SHARED);
            assertThat(out.destination()).isEqualTo(SERVER);
            assertThat(out.ttl()).isEqualTo(63);
            assertThat(Arrays.copyOfRange(out.frame(), 34, out.frame().length))
                    .asString()
                    .isEqualTo("0123456789abcdef");
            rig.outside().send(packet(protocol, SERVER, SHARED));
            ParsedPacket in = rig.station("p").takeOne();
            assertThat(in.source()).isEqualTo(SERVER);
            assertThat(in.destination()).isEqualTo(P);
            assertThat(rig.flows()).singleElement().satisfies(flow -> {
                assertThat(flow.protocol().number()).isEqualTo(protocol);
                assertThat(flow.inside()).hasToString(P + ":0");
                assertThat(flow.outside()).hasToString(SHARED + ":0");
                assertThat(flow.peer()).hasToString(SERVER + ":0");
                assertThat(flow.packetsOut()).isEqualTo(1);
                assertThat(flow.packetsIn()).isEqualTo(1);
            });
            assertThat(rig.stats().dropped()).isZero();
            assertThat(events.await(FlowOpened.class).outside().port()).isZero();
        }
    }

    @Test
    void case19_one_guest_at_a_time_for_each_peer_and_the_second_is_told_3_13() throws Exception {
        try (GatewayRig rig = rig(GRE, ESP)) {
            rig.station("p").send(packet(GRE, P, SERVER));
            assertThat(rig.outside().take()).hasSize(1);
            rig.station("q").send(packet(GRE, Q, SERVER));
            assertThat(rig.outside().take()).isEmpty();
            ParsedPacket refusal = rig.station("q").takeOne();
            assertThat(refusal.icmpType()).isEqualTo(3);
            assertThat(refusal.icmpCode()).isEqualTo(13);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TUPLE_IN_USE);
            // another peer, or another protocol, is another matter
            rig.station("q").send(packet(GRE, Q, GatewayRig.OTHER_SERVER));
            rig.station("q").send(packet(ESP, Q, SERVER));
            assertThat(rig.outside().take()).hasSize(2);
            // what the peer sends goes to who was first
            rig.outside().send(packet(GRE, SERVER, SHARED));
            assertThat(rig.station("p").take()).hasSize(1);
            assertThat(rig.station("q").take()).isEmpty();
            rig.advance(Duration.ofSeconds(601));
            rig.station("q").send(packet(GRE, Q, SERVER));
            assertThat(rig.outside().takeOne().source()).isEqualTo(SHARED);
            rig.outside().send(packet(GRE, SERVER, SHARED));
            assertThat(rig.station("q").take()).hasSize(1);
            assertThat(events.await(FlowClosed.class, e -> e.protocol().number() == GRE)
                            .outside())
                    .hasToString(SHARED + ":0");
        }
    }

    @Test
    void case19_a_flow_lives_for_the_time_set_for_other_protocols() {
        try (GatewayRig rig = rig(GRE).with(b -> b.timeouts(Timeouts.defaults().withOther(Duration.ofSeconds(30))))) {
            rig.station("p").send(packet(GRE, P, SERVER));
            rig.advance(Duration.ofSeconds(29));
            rig.outside().send(packet(GRE, SERVER, SHARED));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.advance(Duration.ofSeconds(2));
            rig.outside().takeRaw();
            rig.outside().send(packet(GRE, SERVER, SHARED));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
        }
    }

    @Test
    void case19_from_outside_only_what_a_guest_began_comes_in() {
        try (GatewayRig rig = rig(GRE)) {
            rig.station("p").send(packet(GRE, P, SERVER));
            rig.outside().send(packet(GRE, GatewayRig.OTHER_SERVER, SHARED));
            rig.outside().send(packet(ESP, SERVER, SHARED));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING, DropReason.PROTOCOL_UNSUPPORTED);
        }
    }

    @Test
    void case19_a_protocol_that_is_not_enabled_passes_in_neither_direction() {
        try (GatewayRig rig = rig(GRE)) {
            rig.station("p").send(packet(ESP, P, SERVER));
            rig.outside().send(packet(ESP, SERVER, SHARED));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.PROTOCOL_UNSUPPORTED)).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {DCCP, UDP_LITE})
    void case19_a_checksum_over_the_addresses_is_kept_right(int protocol) {
        try (GatewayRig rig = rig(protocol)) {
            byte[] sent = packet(protocol, P, SERVER)
                    .macs(rig.station("p").mac(), GatewayRig.ROUTER_MAC)
                    .build();
            sum(sent, protocol);
            assertThat(isRight(sent, protocol)).isTrue();
            rig.station("p").sendRaw(sent);
            byte[] out = rig.outside().takeOne().frame();
            assertThat(Octets.u16(out, 40)).isNotEqualTo(Octets.u16(sent, 40));
            assertThat(isRight(out, protocol)).isTrue();
            byte[] answer = packet(protocol, SERVER, SHARED)
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .build();
            sum(answer, protocol);
            rig.outside().sendRaw(answer);
            assertThat(isRight(rig.station("p").takeOne().frame(), protocol)).isTrue();
        }
    }

    private static int pseudoHeader(byte[] a, int protocol) {
        return Checksum.pseudoHeader(Octets.i32(a, 26), Octets.i32(a, 30), protocol, a.length - 34);
    }

    private static void sum(byte[] a, int protocol) {
        Octets.put16(a, 40, 0);
        Octets.put16(a, 40, ~Checksum.add(Checksum.sum(a, 34, a.length - 34), pseudoHeader(a, protocol)));
    }

    private static boolean isRight(byte[] a, int protocol) {
        return Checksum.add(Checksum.sum(a, 34, a.length - 34), pseudoHeader(a, protocol)) == 0xffff;
    }

    @Test
    void hostile03_a_packet_too_short_for_its_checksum_is_dropped() {
        try (GatewayRig rig = rig(UDP_LITE, DCCP)) {
            rig.station("p").send(packet(UDP_LITE, P, SERVER).payload("1234567"));
            rig.station("p").send(packet(DCCP, P, SERVER).payload("12345678901"));
            rig.outside().send(packet(UDP_LITE, SERVER, SHARED).payload("1234567"));
            assertThat(rig.drops(DropReason.PROTOCOL_HEADER)).isEqualTo(3);
            assertThat(rig.outside().take()).isEmpty();
        }
    }

    @Test
    void rfc5508_req4_an_error_about_such_a_packet_finds_its_guest_with_the_addresses_reverted() {
        try (GatewayRig rig = rig(GRE)) {
            rig.station("p").send(packet(GRE, P, SERVER));
            byte[] left = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(SHARED, 0)
                            .error(3, 2, 0, left, 28));
            ParsedPacket error = rig.station("p").takeOne();
            assertThat(error.icmpCode()).isEqualTo(2);
            assertThat(error.destination()).isEqualTo(P);
            assertThat(error.inner().source()).isEqualTo(P);
            assertThat(error.inner().destination()).isEqualTo(SERVER);
            assertThat(Arrays.copyOfRange(error.payload(), 20, 28)).asString().isEqualTo("01234567");
        }
    }

    @Test
    void rfc5508_req5_an_error_from_a_guest_about_such_a_packet_shows_no_inside_address() {
        try (GatewayRig rig = rig(GRE)) {
            rig.station("p").send(packet(GRE, P, SERVER));
            rig.outside().take();
            rig.outside().send(packet(GRE, SERVER, SHARED));
            byte[] got = rig.station("p").takeOne().frame();
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).error(3, 2, 0, got, 28));
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.source()).isEqualTo(SHARED);
            assertThat(error.inner().source()).isEqualTo(SERVER);
            assertThat(error.inner().destination()).isEqualTo(SHARED);
        }
    }

    @Test
    void rules_judge_such_packets_by_protocol_number() {
        try (GatewayRig rig = rig(GRE, ESP)
                .with(b -> b.rules(FilterChain.parse("reject 47 from guest p to any\naccept from any to any")))) {
            rig.station("p").send(packet(GRE, P, SERVER));
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(13);
            rig.station("p").send(packet(ESP, P, SERVER));
            rig.station("q").send(packet(GRE, Q, SERVER));
            assertThat(rig.outside().take()).hasSize(2);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.RULE_REJECTED);
        }
    }

    @Test
    void such_a_packet_to_the_host_is_refused_with_protocol_unreachable() {
        try (GatewayRig rig = rig(GRE)) {
            rig.station("p").send(packet(GRE, P, SHARED));
            ParsedPacket refusal = rig.station("p").takeOne();
            assertThat(refusal.icmpType()).isEqualTo(3);
            assertThat(refusal.icmpCode()).isEqualTo(2);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.HOST_UNREACHABLE);
        }
    }
}
