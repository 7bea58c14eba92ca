package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.filter.FilterChain;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.LeakChecker;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Addresses that belong to one guest alone (Basic NAT, RFC 3022). */
class OneToOneTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final String OF_P = "192.0.2.20";
    private static final String OF_Q = "192.0.2.21";

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .guest("r", "52:54:00:00:00:03", "10.0.0.4")
                .guest("s", "52:54:00:00:00:04", SHARED)
                .with(b -> b.oneToOne(OF_P, "p").oneToOne(OF_Q, "q"));
    }

    @Test
    void rfc4787_req2_each_guest_keeps_its_one_outside_address() {
        try (GatewayRig rig = rig()) {
            for (int i = 0; i < 20; i++) {
                String peer = i % 2 == 0 ? SERVER : GatewayRig.OTHER_SERVER;
                rig.station("p").send(PacketBuilder.udp().from(P, 5000 + i).to(peer, 53));
                rig.station("p").send(PacketBuilder.tcp().from(P, 5000 + i).to(peer, 80));
                rig.station("p")
                        .send(PacketBuilder.icmp().from(P, 0).to(peer, 0).echo(8, i, 1));
                assertThat(rig.outside().take())
                        .hasSize(3)
                        .allMatch(out -> out.source().equals(OF_P));
                rig.station("r")
                        .send(PacketBuilder.udp().from("10.0.0.4", 5000 + i).to(peer, 53));
                assertThat(rig.outside().takeOne().source()).isEqualTo(SHARED);
            }
        }
    }

    @Test
    void rfc4787_req2_a_forward_of_the_shared_address_does_not_change_what_its_guest_shows() {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> p:80"))) {
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(SHARED, 8080));
            assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":80");
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 80).to(SERVER, 6000).flags(SYN | ACK));
            assertThat(rig.outside().takeOne().from()).isEqualTo(SHARED + ":8080");
            rig.station("p").send(PacketBuilder.tcp().from(P, 80).to(SERVER, 7000));
            assertThat(rig.outside().takeOne().from()).isEqualTo(OF_P + ":80");
        }
    }

    @Test
    void tcp_udp_and_pings_pass_both_ways_with_ports_untouched() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 22).to(SERVER, 80));
            assertThat(rig.outside().takeOne().from()).isEqualTo(OF_P + ":22");
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 80).to(OF_P, 22).flags(SYN | ACK));
            assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":22");

            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(OF_P, 443));
            ParsedPacket call = rig.station("p").takeOne();
            assertThat(call.from()).isEqualTo(SERVER + ":6000");
            assertThat(call.to()).isEqualTo(P + ":443");
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 443).to(SERVER, 6000).flags(SYN | ACK));
            assertThat(rig.outside().takeOne().from()).isEqualTo(OF_P + ":443");

            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OF_Q, 1).payload("x"));
            assertThat(rig.station("q").takeOne().to()).isEqualTo(Q + ":1");
            rig.station("q").send(PacketBuilder.udp().from(Q, 1).to(SERVER, 53).payload("y"));
            assertThat(rig.outside().takeOne().from()).isEqualTo(OF_Q + ":1");

            rig.outside().send(PacketBuilder.icmp().from(SERVER, 0).to(OF_P, 0).echo(8, 77, 1));
            ParsedPacket ping = rig.station("p").takeOne();
            assertThat(ping.icmpType()).isEqualTo(8);
            assertThat(ping.icmpRest()).isEqualTo(77 << 16 | 1);
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(0, 77, 1));
            ParsedPacket pong = rig.outside().takeOne();
            assertThat(pong.icmpType()).isZero();
            assertThat(pong.source()).isEqualTo(OF_P);
            assertThat(rig.stats().dropped()).isZero();
            assertThat(rig.stats().mappings()).isZero();
            assertThat(rig.flows()).hasSize(4);
        }
    }

    @Test
    void an_enabled_protocol_without_ports_passes_both_ways_for_each_address() {
        try (GatewayRig rig = rig().with(b -> b.protocols(new IpProtocol(47)))) {
            rig.station("p")
                    .send(PacketBuilder.protocol(47).from(P, 0).to(SERVER, 0).payload("12345678"));
            rig.station("q")
                    .send(PacketBuilder.protocol(47).from(Q, 0).to(SERVER, 0).payload("12345678"));
            assertThat(rig.outside().take()).extracting(ParsedPacket::source).containsExactly(OF_P, OF_Q);
            rig.outside()
                    .send(PacketBuilder.protocol(47)
                            .from(GatewayRig.OTHER_SERVER, 0)
                            .to(OF_Q, 0)
                            .payload("12345678"));
            assertThat(rig.station("q").takeOne().destination()).isEqualTo(Q);
        }
    }

    @Test
    void the_rules_judge_what_comes_in() {
        try (GatewayRig rig = rig().with(b -> b.rules(FilterChain.parse(
                "accept tcp from outside to guest p port 443\ndrop from outside to any\naccept from any to any")))) {
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(OF_P, 443));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(OF_P, 22));
            rig.outside().send(PacketBuilder.udp().from(SERVER, 6000).to(OF_P, 443));
            rig.outside().send(PacketBuilder.icmp().from(SERVER, 0).to(OF_P, 0).echo(8, 77, 1));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(3);
        }
    }

    @Test
    void segments_and_replies_that_nobody_expects_are_dropped() {
        try (GatewayRig rig = rig()) {
            rig.outside()
                    .send(PacketBuilder.tcp().from(SERVER, 6000).to(OF_P, 443).flags(ACK));
            rig.outside().send(PacketBuilder.icmp().from(SERVER, 0).to(OF_P, 0).echo(0, 77, 1));
            rig.outside()
                    .send(PacketBuilder.protocol(47).from(SERVER, 0).to(OF_P, 0).payload("12345678"));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops())
                    .containsOnlyKeys(DropReason.TCP_NO_FLOW, DropReason.ICMP_NO_FLOW, DropReason.PROTOCOL_UNSUPPORTED);
        }
    }

    @Test
    void a_flow_that_came_from_outside_is_kept_alive_by_those_who_came() {
        try (GatewayRig rig = rig()) {
            for (int i = 0; i < 4; i++) {
                rig.outside()
                        .send(PacketBuilder.udp().from(SERVER, 53).to(OF_Q, 1).payload("x"));
                assertThat(rig.station("q").take()).hasSize(1);
                rig.advance(Duration.ofSeconds(200));
            }
            assertThat(rig.stats().flows()).isEqualTo(1);
            rig.advance(Duration.ofSeconds(101));
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void the_gateway_answers_arp_for_the_address_and_sees_through_who_claims_it() {
        try (GatewayRig rig = rig()) {
            rig.outside().takeRaw();
            rig.outside().sendRaw(GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, GatewayRig.ROUTER, OF_P));
            assertThat(rig.outside().takeRaw()).singleElement().satisfies(reply -> {
                assertThat(Octets.u16(reply, 20)).isEqualTo(2);
                assertThat(Octets.u48(reply, 22)).isEqualTo(GatewayRig.UPLINK_MAC.bits());
                assertThat(Octets.i32(reply, 28))
                        .isEqualTo(Ipv4Address.parse(OF_P).bits());
            });
            rig.outside().sendRaw(GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, OF_P, GatewayRig.ROUTER));
            assertThat(rig.drops(DropReason.ARP_SPOOFED)).isEqualTo(1);
            rig.outside().send(PacketBuilder.udp().from(OF_P, 53).to(SHARED, 61000));
            assertThat(rig.drops(DropReason.LAND)).isEqualTo(1);
        }
    }

    @Test
    void case12_a_guest_calls_a_one_to_one_address_and_the_source_shown_is_outside() throws Exception {
        try (GatewayRig rig = rig()) {
            // from a guest with an address of its own, and from one behind the shared address
            rig.station("p").send(PacketBuilder.tcp().from(P, 4000).to(OF_Q, 80));
            ParsedPacket call = rig.station("q").takeOne();
            assertThat(call.from()).isEqualTo(OF_P + ":4000");
            assertThat(call.to()).isEqualTo(Q + ":80");
            assertThat(call.ttl()).isEqualTo(63);
            rig.station("q").send(PacketBuilder.tcp().from(Q, 80).to(OF_P, 4000).flags(SYN | ACK));
            ParsedPacket answer = rig.station("p").takeOne();
            assertThat(answer.from()).isEqualTo(OF_Q + ":80");
            assertThat(answer.to()).isEqualTo(P + ":4000");

            rig.station("r").send(PacketBuilder.udp().from("10.0.0.4", 62000).to(OF_Q, 53));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(SHARED + ":62000");
            rig.station("q").send(PacketBuilder.udp().from(Q, 53).to(SHARED, 62000));
            assertThat(rig.station("r").takeOne().from()).isEqualTo(OF_Q + ":53");

            // a guest that owns the shared address too
            rig.station("s").send(PacketBuilder.udp().from(SHARED, 62001).to(OF_P, 53));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(SHARED + ":62001");
            rig.station("p").send(PacketBuilder.udp().from(P, 53).to(SHARED, 62001));
            assertThat(rig.station("s").takeOne().from()).isEqualTo(OF_P + ":53");
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.stats().dropped()).isZero();
            assertThat(rig.flows()).hasSize(6);
        }
    }

    @Test
    void case12_a_guest_calls_its_own_one_to_one_address() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(OF_P, 53));
            ParsedPacket turned = rig.station("p").takeOne();
            assertThat(turned.from()).isEqualTo(OF_P + ":4000");
            assertThat(turned.to()).isEqualTo(P + ":53");
            rig.station("p").send(PacketBuilder.udp().from(P, 53).to(OF_P, 4000));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(OF_P + ":53");
        }
    }

    @Test
    void a_guest_with_a_one_to_one_address_reaches_a_forward_of_the_shared_address() {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> r:80"))) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 4000).to(SHARED, 8080));
            assertThat(rig.station("r").takeOne().from()).isEqualTo(OF_P + ":4000");
            rig.station("r")
                    .send(PacketBuilder.tcp()
                            .from("10.0.0.4", 80)
                            .to(OF_P, 4000)
                            .flags(SYN | ACK));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(SHARED + ":8080");
        }
    }

    @Test
    void rfc5508_req7_hairpinned_pings_and_errors_about_hairpinned_packets_pass() {
        try (GatewayRig rig = rig()) {
            rig.station("r")
                    .send(PacketBuilder.icmp().from("10.0.0.4", 0).to(OF_P, 0).echo(8, 7, 1));
            ParsedPacket ping = rig.station("p").takeOne();
            assertThat(ping.source()).isEqualTo(SHARED);
            assertThat(ping.destination()).isEqualTo(P);
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SHARED, 0).echo(0, ping.icmpRest() >>> 16, 1));
            ParsedPacket pong = rig.station("r").takeOne();
            assertThat(pong.source()).isEqualTo(OF_P);
            assertThat(pong.icmpType()).isZero();
            assertThat(pong.icmpRest()).isEqualTo(7 << 16 | 1);

            rig.station("q").send(PacketBuilder.udp().from(Q, 4000).to(OF_P, 9));
            byte[] got = rig.station("p").takeOne().frame();
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(OF_Q, 0).error(3, 3, 0, got, 28));
            ParsedPacket error = rig.station("q").takeOne();
            assertThat(error.source()).isEqualTo(OF_P);
            assertThat(error.inner().from()).isEqualTo(Q + ":4000");
            assertThat(error.inner().to()).isEqualTo(OF_P + ":9");
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @Test
    void errors_from_outside_and_from_the_guest_are_translated() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 9));
            byte[] left = rig.outside().takeOne().frame();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(OF_P, 0)
                            .error(3, 1, 0, left, 28));
            assertThat(rig.station("p").takeOne().inner().from()).isEqualTo(P + ":4000");
            // to another address than the quoted packet came from
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(GatewayRig.ROUTER, 0)
                            .to(SHARED, 0)
                            .error(3, 1, 0, left, 28));
            assertThat(rig.drops(DropReason.ICMP_NO_FLOW)).isEqualTo(1);
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OF_P, 9));
            byte[] got = rig.station("p").takeOne().frame();
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).error(3, 3, 0, got, 28));
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.source()).isEqualTo(OF_P);
            assertThat(error.inner().to()).isEqualTo(OF_P + ":9");
        }
    }

    @Test
    void what_the_gateway_says_of_such_a_packet_it_says_from_the_address_that_was_called() {
        try (GatewayRig rig = rig()) {
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OF_P, 9).ttl(1));
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.icmpType()).isEqualTo(11);
            assertThat(error.source()).isEqualTo(OF_P);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void nothing_leaks_and_the_checker_would_notice() {
        LeakChecker checker =
                new LeakChecker(GatewayRig.UPLINK_MAC, SHARED, (protocol, port) -> false, P, Q).alsoFrom(OF_P, OF_Q);
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 22).to(SERVER, 80));
            rig.station("q").send(PacketBuilder.icmp().from(Q, 0).to(SERVER, 0).echo(8, 1, 1));
            List<byte[]> frames = rig.outside().takeRaw();
            assertThat(frames).hasSize(2);
            checker.check(frames);
            byte[] untranslated = frames.get(0).clone();
            Octets.put32(untranslated, 26, Ipv4Address.parse(P).bits());
            assertThatThrownBy(() -> checker.check(untranslated)).hasMessageContaining("leak");
            byte[] foreign = frames.get(0).clone();
            Octets.put32(foreign, 26, Ipv4Address.parse("192.0.2.22").bits());
            assertThatThrownBy(() -> checker.check(foreign)).hasMessageContaining("leak");
        }
    }

    @Test
    void an_address_of_several_can_be_named_and_only_that_one_is_mapped() {
        GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", P);
        rig.with(b -> b.oneToOne(Ipv4Address.parse(OF_P), GuestId.of("p"), Ipv4Address.parse(P)));
        try (rig) {
            Binding further = new Binding(GuestId.of("p"), MacAddress.parse("52:54:00:00:00:01"), Ipv4Address.parse(Q));
            rig.await(rig.gateway().bind(further));
            rig.station("p").send(PacketBuilder.udp().from(Q, 62000).to(SERVER, 53));
            rig.station("p").send(PacketBuilder.udp().from(P, 62000).to(SERVER, 53));
            assertThat(rig.outside().take()).extracting(ParsedPacket::source).containsExactly(SHARED, OF_P);
            Binding mapped = new Binding(GuestId.of("p"), MacAddress.parse("52:54:00:00:00:01"), Ipv4Address.parse(P));
            assertThatThrownBy(() -> rig.await(rig.gateway().unbind(mapped)))
                    .hasCauseInstanceOf(ConfigurationException.class);
            Binding taken =
                    new Binding(GuestId.of("p"), MacAddress.parse("52:54:00:00:00:01"), Ipv4Address.parse(OF_P));
            assertThatThrownBy(() -> rig.await(rig.gateway().bind(taken)))
                    .hasCauseInstanceOf(ConfigurationException.class);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void an_address_goes_with_its_guest() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OF_P, 9));
            rig.await(rig.gateway().removeGuest(GuestId.of("p")));
            rig.outside().takeRaw();
            assertThat(rig.stats().flows()).isZero();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OF_P, 9));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NOT_FOR_US);
            rig.outside().sendRaw(GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, GatewayRig.ROUTER, OF_P));
            assertThat(rig.outside().takeRaw()).isEmpty();
        }
    }

    @Test
    void many_addresses_are_told_apart() {
        GatewayRig rig = new GatewayRig();
        for (int i = 0; i < 100; i++) {
            String name = "g" + i;
            String outside = "192.0.2." + (100 + i);
            rig.guest(name, String.format("52:54:00:00:01:%02x", i), "10.0.1." + (i + 1))
                    .with(b -> b.oneToOne(outside, name));
        }
        try (rig) {
            for (int i = 0; i < 100; i++) {
                rig.station("g" + i)
                        .send(PacketBuilder.udp().from("10.0.1." + (i + 1), 7).to(SERVER, 9));
                ParsedPacket out = rig.outside().takeOne();
                assertThat(out.from()).isEqualTo("192.0.2." + (100 + i) + ":7");
                rig.outside().send(PacketBuilder.udp().from(SERVER, 9).to(out.source(), 7));
                assertThat(Arrays.asList(rig.station("g" + i).takeOne().to()))
                        .containsExactly("10.0.1." + (i + 1) + ":7");
            }
        }
    }
}
