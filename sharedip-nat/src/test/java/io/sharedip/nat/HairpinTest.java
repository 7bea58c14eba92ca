package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.PacketUplink;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guests that call the shared address or its alias (RFC 4787 section 6). */
class HairpinTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String ALIAS = GatewayRig.ALIAS;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";

    private static GatewayRig rig(String... forwards) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .guest("s", "52:54:00:00:00:03", SHARED)
                .guest("t", "52:54:00:00:00:04", SHARED)
                .with(builder -> List.of(forwards).forEach(builder::forward));
    }

    @ParameterizedTest
    @CsvSource({
        // caller, its address, the name it uses, called guest, its address, what it is shown
        "p, 10.0.0.2, 192.0.2.10, q, 10.0.0.3, 192.0.2.10",
        "p, 10.0.0.2, 192.0.2.254, q, 10.0.0.3, 192.0.2.10",
        "s, 192.0.2.10, 192.0.2.254, t, 192.0.2.10, 192.0.2.254",
        "s, 192.0.2.10, 192.0.2.254, q, 10.0.0.3, 192.0.2.10",
        "p, 10.0.0.2, 192.0.2.10, t, 192.0.2.10, 192.0.2.254",
        "p, 10.0.0.2, 192.0.2.10, p, 10.0.0.2, 192.0.2.10",
        "s, 192.0.2.10, 192.0.2.254, s, 192.0.2.10, 192.0.2.254"
    })
    void rfc4787_req9_and_rfc5382_req8_a_guest_reaches_a_forward_and_the_source_shown_is_outside(
            String caller, String callerAddress, String name, String called, String calledAddress, String shown)
            throws Exception {
        try (GatewayRig rig = rig("tcp 8080 -> " + called + ":80")) {
            rig.station(caller)
                    .send(PacketBuilder.tcp()
                            .from(callerAddress, 40000)
                            .to(name, 8080)
                            .payload("hello"));
            ParsedPacket in = rig.station(called).takeOne();
            assertThat(in.source()).isEqualTo(shown);
            assertThat(in.sourcePort()).isBetween(61000, 65535);
            assertThat(in.to()).isEqualTo(calledAddress + ":80");
            assertThat(in.ttl()).isEqualTo(63);
            assertThat(in.sourceMac()).isEqualTo(GatewayRig.ROUTER_MAC);
            assertThat(in.payload()).isEqualTo("hello".getBytes(StandardCharsets.US_ASCII));
            rig.station(called)
                    .send(PacketBuilder.tcp()
                            .from(calledAddress, 80)
                            .to(shown, in.sourcePort())
                            .flags(SYN | ACK));
            ParsedPacket back = rig.station(caller).takeOne();
            assertThat(back.from()).isEqualTo(name + ":8080");
            assertThat(back.to()).isEqualTo(callerAddress + ":40000");
            rig.station(caller)
                    .send(PacketBuilder.tcp()
                            .from(callerAddress, 40000)
                            .to(name, 8080)
                            .flags(ACK));
            assertThat(rig.station(called).take()).hasSize(1);
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.stats().dropped()).isZero();
            assertThat(rig.flows()).hasSize(2).allMatch(f -> f.state().name().equals("ESTABLISHED"));
        }
    }

    @Test
    void rfc4787_req9_a_guest_reaches_a_mapping_whose_owner_has_addressed_the_shared_address() {
        try (GatewayRig rig = rig()) {
            Conversation ofQ = Conversation.udp(rig, "q", Q, 62000, SERVER, 53);
            ofQ.out();
            assertThat(ofQ.outsidePort()).isEqualTo(62000);
            // filtered: q has not addressed the shared address through this mapping
            rig.station("p").send(PacketBuilder.udp().from(P, 62001).to(SHARED, 62000));
            assertThat(rig.station("q").take()).isEmpty();
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.FILTERED_BY_MAPPING);
            // now it has: p's first packet has opened p's own mapping to the shared address
            rig.station("q").send(PacketBuilder.udp().from(Q, 62000).to(SHARED, 62001));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(SHARED + ":62000");
            rig.station("p").send(PacketBuilder.udp().from(P, 62001).to(SHARED, 62000));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(SHARED + ":62001");
        }
    }

    @Test
    void rfc4787_req9_two_guests_that_call_one_anothers_mappings_meet() {
        try (GatewayRig rig = rig("udp 7000 -> p:62001")) {
            // q addresses X:7000, which is p's forwarded endpoint; now p may answer to q's mapping
            rig.station("q").send(PacketBuilder.udp().from(Q, 62000).to(SHARED, 7000));
            ParsedPacket atP = rig.station("p").takeOne();
            assertThat(atP.from()).isEqualTo(SHARED + ":62000");
            rig.station("p").send(PacketBuilder.udp().from(P, 5555).to(SHARED, 62000));
            ParsedPacket atQ = rig.station("q").takeOne();
            assertThat(atQ.source()).isEqualTo(SHARED);
            assertThat(atQ.to()).isEqualTo(Q + ":62000");
        }
    }

    @ParameterizedTest
    @CsvSource({"p, 10.0.0.2, 192.0.2.10", "s, 192.0.2.10, 192.0.2.254"})
    void calling_the_host_itself_is_refused_in_a_way_a_program_notices(String guest, String own, String name) {
        try (GatewayRig rig = rig()) {
            rig.station(guest)
                    .send(PacketBuilder.tcp().from(own, 40000).to(name, 22).sequence(77, 0));
            ParsedPacket reset = rig.station(guest).takeOne();
            assertThat(reset.from()).isEqualTo(name + ":22");
            assertThat(reset.flags()).isEqualTo(PacketBuilder.RST | ACK);
            assertThat(reset.acknowledgment()).isEqualTo(78);
            rig.station(guest).send(PacketBuilder.udp().from(own, 40000).to(name, 53));
            ParsedPacket unreachable = rig.station(guest).takeOne();
            assertThat(unreachable.icmpType()).isEqualTo(3);
            assertThat(unreachable.icmpCode()).isEqualTo(3);
            assertThat(rig.drops(DropReason.HOST_UNREACHABLE)).isEqualTo(2);
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void a_ping_to_the_shared_address_or_the_alias_is_answered() {
        try (GatewayRig rig = rig()) {
            rig.station("p")
                    .send(PacketBuilder.icmp()
                            .from(P, 0)
                            .to(SHARED, 0)
                            .echo(8, 5, 6)
                            .payload("ping"));
            ParsedPacket reply = rig.station("p").takeOne();
            assertThat(reply.icmpType()).isZero();
            assertThat(reply.source()).isEqualTo(SHARED);
            assertThat(reply.icmpRest()).isEqualTo(5 << 16 | 6);
            assertThat(reply.payload()).isEqualTo("ping".getBytes(StandardCharsets.US_ASCII));
            rig.station("s")
                    .send(PacketBuilder.icmp().from(SHARED, 0).to(ALIAS, 0).echo(8, 5, 6));
            assertThat(rig.station("s").takeOne().source()).isEqualTo(ALIAS);
        }
    }

    @Test
    void a_guest_cannot_call_another_guests_own_address() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 40000).to(Q, 80));
            assertThat(rig.station("q").take()).isEmpty();
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(13);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LATERAL);
        }
    }

    @Test
    void without_an_alias_a_guest_that_owns_the_shared_address_cannot_be_reached_by_others() {
        try (NatGateway gateway = gatewayWithoutAlias()) {
            assertThat(gateway.state()).isEqualTo(io.sharedip.SharedIp.State.RUNNING);
            gateway.poll();
            caller.transmit(PacketBuilder.tcp()
                    .from(P, 40000)
                    .to(SHARED, 8080)
                    .macs(MacAddress.parse("52:54:00:00:00:01"), GatewayRig.ROUTER_MAC)
                    .build());
            gateway.poll();
            gateway.tick(System.nanoTime());
            assertThat(gateway.stats().drops(DropReason.LATERAL)).isEqualTo(1);
            assertThat(called.receive()).isNull();
        }
    }

    private final InProcessLink caller = InProcessLink.named("p");
    private final InProcessLink called = InProcessLink.named("s");

    private NatGateway gatewayWithoutAlias() {
        return NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC))
                        .withAddressOfItsOwn())
                .guest(io.sharedip.Guest.of("p", "52:54:00:00:00:01", P, caller))
                .guest(io.sharedip.Guest.of("s", "52:54:00:00:00:03", SHARED, called))
                .forward("tcp 8080 -> s:80")
                .build();
    }

    @Test
    void removing_either_guest_ends_both_halves() throws Exception {
        for (String removed : List.of("p", "q")) {
            try (GatewayRig rig = rig("tcp 8080 -> q:80")) {
                rig.station("p").send(PacketBuilder.tcp().from(P, 40000).to(SHARED, 8080));
                assertThat(rig.station("q").take()).hasSize(1);
                assertThat(rig.stats().flows()).isEqualTo(2);
                rig.await(rig.gateway().removeGuest(io.sharedip.GuestId.of(removed)));
                assertThat(rig.stats().flows()).isZero();
                assertThat(rig.stats().mappings()).isZero();
            }
        }
    }
}
