package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.LeakChecker;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Destinations that guests' packets go to untranslated (RFC 6888 REQ-6). */
class ExemptDestinationsTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String SITE = "10.20.0.5";
    private static final String P = "10.0.0.2";
    private static final String TWICE = "10.0.0.9";

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("s", "52:54:00:00:00:02", SHARED)
                .guest("t", "52:54:00:00:00:03", TWICE)
                .guest("u", "52:54:00:00:00:04", TWICE)
                .with(b -> b.exempt("10.20.0.0/16"));
    }

    @Test
    void rfc6888_req6_packets_to_an_exempt_destination_keep_their_source_and_replies_come_back() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 4000).to(SITE, 80));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.from()).isEqualTo(P + ":4000");
            assertThat(out.to()).isEqualTo(SITE + ":80");
            assertThat(out.ttl()).isEqualTo(63);
            assertThat(out.destinationMac()).isEqualTo(GatewayRig.NEXT_HOP_MAC);
            rig.outside().send(PacketBuilder.tcp().from(SITE, 80).to(P, 4000).flags(SYN | ACK));
            assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":4000");
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SITE, 0).echo(8, 9, 1));
            assertThat(rig.outside().takeOne().source()).isEqualTo(P);
            rig.outside().send(PacketBuilder.icmp().from(SITE, 0).to(P, 0).echo(0, 9, 1));
            assertThat(rig.station("p").takeOne().icmpRest()).isEqualTo(9 << 16 | 1);
            assertThat(rig.flows()).hasSize(2).allMatch(f -> f.inside().equals(f.outside()));
            assertThat(rig.stats().dropped()).isZero();
            assertThat(rig.stats().mappings()).isZero();
            // everything else is translated as ever
            rig.station("p").send(PacketBuilder.tcp().from(P, 4000).to(SERVER, 80));
            assertThat(rig.outside().takeOne().source()).isEqualTo(SHARED);
        }
    }

    @Test
    void rfc6888_req6_nothing_but_replies_of_such_flows_comes_in() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SITE, 53));
            rig.outside().take();
            rig.outside().send(PacketBuilder.udp().from(SITE, 54).to(P, 4000));
            rig.outside().send(PacketBuilder.udp().from(SITE, 53).to(P, 4001));
            rig.outside().send(PacketBuilder.tcp().from(SITE, 53).to(P, 4000));
            rig.outside().send(PacketBuilder.icmp().from(SITE, 0).to(P, 0).echo(8, 1, 1));
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(P, 4000));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.INSIDE_DESTINATION)).isEqualTo(5);
            rig.advance(Duration.ofSeconds(301));
            rig.outside().takeRaw();
            rig.outside().send(PacketBuilder.udp().from(SITE, 53).to(P, 4000));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.INSIDE_DESTINATION)).isEqualTo(6);
        }
    }

    @Test
    void rfc6888_req6_a_source_that_does_not_tell_whose_it_is_is_translated_all_the_same() {
        try (GatewayRig rig = rig()) {
            rig.station("t").send(PacketBuilder.udp().from(TWICE, 4000).to(SITE, 53));
            rig.station("u").send(PacketBuilder.udp().from(TWICE, 4000).to(SITE, 53));
            rig.station("s").send(PacketBuilder.udp().from(SHARED, 4000).to(SITE, 53));
            assertThat(rig.outside().take())
                    .hasSize(3)
                    .allMatch(out -> out.source().equals(SHARED))
                    .extracting(ParsedPacket::sourcePort)
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void rfc6888_req6_errors_about_such_packets_pass_both_ways() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SITE, 53));
            byte[] left = rig.outside().takeOne().frame();
            // from a router on the way, which is not exempt itself
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(P, 0)
                            .error(3, 1, 0, left, 28));
            assertThat(rig.station("p").takeOne().inner().from()).isEqualTo(P + ":4000");
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(TWICE, 0)
                            .error(3, 1, 0, left, 28));
            assertThat(rig.drops(DropReason.ICMP_NO_FLOW)).isEqualTo(1);
            rig.outside().send(PacketBuilder.udp().from(SITE, 53).to(P, 4000));
            byte[] got = rig.station("p").takeOne().frame();
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SITE, 0).error(3, 3, 0, got, 28));
            assertThat(rig.outside().takeOne().source()).isEqualTo(P);
        }
    }

    @Test
    void rfc6888_req6_inside_addresses_leave_for_exempt_destinations_only() {
        LeakChecker checker = new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, (protocol, port) -> true, P, TWICE)
                .exempting("10.20.0.0/16");
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SITE, 53));
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53));
            List<byte[]> frames = rig.outside().takeRaw();
            assertThat(frames).hasSize(2);
            checker.check(frames);
            byte[] elsewhere = frames.get(0).clone();
            Octets.put32(elsewhere, 30, 0xc6336407);
            assertThatThrownBy(() -> checker.check(elsewhere)).hasMessageContaining("leak");
            assertThatThrownBy(() ->
                            new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, (protocol, port) -> true, P).check(frames))
                    .hasMessageContaining("leak");
        }
    }
}
