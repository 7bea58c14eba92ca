package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.MacAddress;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Behaviours that suites of other translators test and no other class here. */
class PeerSuiteCasesTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final MacAddress P_MAC = MacAddress.parse("52:54:00:00:00:01");
    private static final MacAddress Q_MAC = MacAddress.parse("52:54:00:00:00:02");

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", P_MAC.toString(), P).guest("q", Q_MAC.toString(), Q);
    }

    @ParameterizedTest
    @ValueSource(strings = {SERVER, OTHER})
    void rfc5382_req7_connections_of_two_guests_never_share_an_outside_port(String secondPeer) throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation first =
                    Conversation.tcp(rig, "p", P, 61_500, SERVER, 80).handshake();
            Conversation second =
                    Conversation.tcp(rig, "q", Q, 61_500, secondPeer, 80).handshake();
            assertThat(first.outsidePort()).isEqualTo(61_500);
            assertThat(second.outsidePort()).isNotEqualTo(61_500);
            assertThat(first.in().to()).isEqualTo(P + ":61500");
            assertThat(second.in().to()).isEqualTo(Q + ":61500");
        }
    }

    @Test
    void rfc5382_req7_no_two_endpoints_share_a_port_until_the_last_is_used() {
        try (GatewayRig rig = rig().ports(61_000, 61_099)) {
            Set<Integer> seen = new HashSet<>();
            for (int i = 0; i < 100; i++) {
                Conversation talk = Conversation.tcp(
                        rig,
                        i % 2 == 0 ? "p" : "q",
                        i % 2 == 0 ? P : Q,
                        40_000 + i / 2,
                        i % 3 == 0 ? SERVER : OTHER,
                        80);
                talk.handshake();
                assertThat(seen.add(talk.outsidePort())).isTrue();
            }
            assertThat(seen).allMatch(port -> port >= 61_000 && port <= 61_099);
        }
    }

    @Test
    void rfc6888_req15_ports_of_successive_connections_cannot_be_told_from_one_another() {
        try (GatewayRig rig = rig().ports(1024, 65_535)) {
            int[] ports = new int[400];
            for (int i = 0; i < ports.length; i++) {
                // below the pool, so that the port cannot be kept
                Conversation talk = Conversation.udp(rig, "p", P, 100 + i, SERVER, 53);
                talk.out();
                ports[i] = talk.outsidePort();
            }
            Set<Integer> steps = new HashSet<>();
            int upper = 0;
            for (int i = 1; i < ports.length; i++) {
                steps.add(ports[i] - ports[i - 1]);
                upper += ports[i] > 33_280 ? 1 : 0;
            }
            // 64,512 ports: successive steps repeat hardly ever, and either half is drawn from as often
            assertThat(steps).hasSizeGreaterThan(380);
            assertThat(upper).isBetween(140, 260);
        }
    }

    @Test
    void case08_what_a_guest_may_begin_cannot_be_begun_from_outside() {
        try (GatewayRig rig = rig()) {
            Conversation talk =
                    Conversation.tcp(rig, "p", P, 61_500, SERVER, 80).handshake();
            // towards the guest's own address, as if there were a route
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5555).to(P, 80));
            assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.INSIDE_DESTINATION, 1L));
            // towards the shared address, to no mapping, and by a stranger to the mapping that there is
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5555).to(SHARED, 61_501));
            rig.outside().send(PacketBuilder.tcp().from(OTHER, 5555).to(SHARED, 61_500));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.station("q").take()).isEmpty();
            assertThat(talk.in()).isNotNull();
        }
    }

    /** {@link ParsedPacket} judges every checksum of what it takes apart. */
    @Test
    void case10_tcp_udp_and_icmp_pass_both_ways_with_right_checksums() {
        try (GatewayRig rig = rig()) {
            for (boolean tcp : new boolean[] {true, false}) {
                rig.station("p")
                        .send((tcp ? PacketBuilder.tcp() : PacketBuilder.udp())
                                .from(P, 40_000)
                                .to(SERVER, 7)
                                .payload("odd"));
                ParsedPacket out = rig.outside().takeOne();
                assertThat(out.source()).isEqualTo(SHARED);
                rig.outside()
                        .send((tcp ? PacketBuilder.tcp() : PacketBuilder.udp())
                                .from(SERVER, 7)
                                .to(SHARED, out.sourcePort())
                                .flags(SYN | ACK)
                                .sequence(1, 1001 + 3)
                                .payload("even"));
                assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":40000");
            }
            rig.station("p")
                    .send(PacketBuilder.icmp()
                            .from(P, 0)
                            .to(SERVER, 0)
                            .echo(8, 5, 1)
                            .payload("odd"));
            ParsedPacket ping = rig.outside().takeOne();
            rig.outside()
                    .send(PacketBuilder.icmp()
                            .from(SERVER, 0)
                            .to(SHARED, 0)
                            .echo(0, ping.sourcePort(), 1)
                            .payload("odd"));
            assertThat(rig.station("p").takeOne().destination()).isEqualTo(P);
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @Test
    void case23_a_guest_whose_address_another_one_announces_still_gets_its_packets() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.udp(rig, "p", P, 61_500, SERVER, 53);
            talk.out();
            rig.station("q").sendRaw(GatewayRig.arp(2, Q_MAC, P, P));
            rig.station("q").sendRaw(GatewayRig.arp(1, Q_MAC, P, P));
            assertThat(rig.nonZeroDrops().keySet()).isSubsetOf(DropReason.ARP_SPOOFED, DropReason.ARP_UNSOLICITED);
            ParsedPacket answer = talk.in();
            assertThat(answer.destinationMac()).isEqualTo(P_MAC);
            assertThat(rig.station("q").takeRaw()).isEmpty();
        }
    }

    @Test
    void hostile22_a_flood_of_mac_addresses_makes_no_state_and_harms_nobody() {
        try (GatewayRig rig = rig().with(b -> b.capacity(16).flowsPerGuest(16))) {
            Conversation talk =
                    Conversation.tcp(rig, "p", P, 61_500, SERVER, 80).handshake();
            for (int i = 0; i < 20_000; i++) {
                rig.station("q")
                        .sendRaw(PacketBuilder.udp()
                                .from(Q, 1000)
                                .to(SERVER, 53)
                                .macs(new MacAddress(0x020011000000L + i), GatewayRig.ROUTER_MAC)
                                .build());
            }
            assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.BINDING_MAC, 20_000L));
            assertThat(rig.stats().flows()).isEqualTo(1);
            assertThat(talk.in()).isNotNull();
            assertThat(Conversation.udp(rig, "q", Q, 1000, SERVER, 53).out()).isNotNull();
            assertThat(List.of(rig.stats().mappings())).containsExactly(2L);
        }
    }
}
