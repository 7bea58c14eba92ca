package io.sharedip.nat;

import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.MacAddress;
import io.sharedip.forward.PortForward;
import io.sharedip.link.InProcessLink;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Outside ports that flows to different peers share. */
class OverloadTest {

    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;

    private static final Consumer<NatGatewayBuilder> OVERLOADED =
            b -> b.tcp(ProtocolBehavior.tcp().withPortOverloading())
                    .udp(ProtocolBehavior.udp().withPortOverloading());

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .with(OVERLOADED);
    }

    // ------------------------------------------------------------------------------------------------ a million flows

    private static final int GUESTS = 4;
    private static final int PEERS = 250;
    private static final int PORTS = 1000;
    private static final int FIRST_OUTSIDE = 61000;

    private static String peer(int number) {
        return "198.51." + number / 250 + '.' + (1 + number % 250);
    }

    private static byte[] frame(PacketBuilder packet, MacAddress from, MacAddress to) {
        return packet.withoutChecksum().macs(from, to).build();
    }

    @Test
    void overload_carries_a_million_flows_on_one_address_and_each_reply_finds_its_guest() {
        InProcessLink[] links = new InProcessLink[GUESTS];
        GatewayRig rig = new GatewayRig()
                .with(OVERLOADED)
                .with(b -> b.capacity(1_000_000).flowsPerGuest(1_000_000));
        for (int guest = 0; guest < GUESTS; guest++) {
            links[guest] = InProcessLink.named("g" + guest).withCapacity(1 << 22);
            rig.guest("g" + guest, "52:54:00:00:00:0" + guest, "10.0.0." + (2 + guest), links[guest]);
        }
        // whose flow each outside tuple is: guest and port, by peer and outside port
        int[][] owners = new int[PEERS][65536 - FIRST_OUTSIDE];
        try (rig) {
            rig.gateway();
            GatewayRig.Station outside = rig.outside();
            for (int peer = 0; peer < PEERS; peer++) {
                for (int guest = 0; guest < GUESTS; guest++) {
                    byte[] frame = frame(
                            PacketBuilder.udp().from("10.0.0." + (2 + guest), 1).to(peer(peer), 53),
                            MacAddress.parse("52:54:00:00:00:0" + guest),
                            GatewayRig.ROUTER_MAC);
                    for (int port = 0; port < PORTS; port++) {
                        Octets.put16(frame, 34, 60_500 + port);
                        links[guest].transmit(frame);
                    }
                }
                rig.poll();
                List<byte[]> seen = outside.takeRaw();
                assertThat(seen).hasSize(GUESTS * PORTS);
                int at = 0;
                for (byte[] out : seen) {
                    int slot = Octets.u16(out, 34) - FIRST_OUTSIDE;
                    // guests are polled one after another, each in the order in which it sent
                    assertThat(owners[peer][slot]).isZero();
                    owners[peer][slot] = 1 + at++;
                }
            }
            assertThat(rig.stats().flows()).isEqualTo(1_000_000);
            assertThat(rig.stats().mappings()).isEqualTo(1_000_000);
            int answered = 0;
            for (int peer = 0; peer < PEERS; peer++) {
                byte[] frame = frame(
                        PacketBuilder.udp().from(peer(peer), 53).to(SHARED, 1), outside.mac(), GatewayRig.UPLINK_MAC);
                byte[] packet = frame.clone();
                int inFlight = 0;
                for (int slot = 0; slot < owners[peer].length; slot++) {
                    if (owners[peer][slot] != 0) {
                        Octets.put16(packet, 36, FIRST_OUTSIDE + slot);
                        outside.offer(packet);
                        inFlight++;
                    }
                }
                rig.poll();
                int[] next = new int[GUESTS];
                Set<Integer> ports = new HashSet<>();
                for (int guest = 0; guest < GUESTS; guest++) {
                    for (byte[] in = links[guest].receive(); in != null; in = links[guest].receive()) {
                        ports.add(guest << 16 | Octets.u16(in, 36));
                        next[guest]++;
                    }
                    assertThat(next[guest]).isEqualTo(PORTS);
                }
                assertThat(ports).hasSize(inFlight);
                answered += inFlight;
            }
            assertThat(answered).isEqualTo(1_000_000);
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    // ------------------------------------------------------------------------------------------------ which port

    @Test
    void overload_keeps_the_guests_port_towards_each_peer_that_does_not_see_it_yet() {
        try (GatewayRig rig = rig()) {
            for (boolean tcp : new boolean[] {true, false}) {
                Conversation ofP = talk(rig, tcp, "p", P, 62000, SERVER);
                Conversation ofQ = talk(rig, tcp, "q", Q, 62000, OTHER);
                Conversation clash = talk(rig, tcp, "q", Q, 62000, SERVER);
                ofP.out(SYN);
                ofQ.out(SYN);
                clash.out(SYN);
                assertThat(ofP.outsidePort()).isEqualTo(62000);
                assertThat(ofQ.outsidePort()).isEqualTo(62000);
                assertThat(clash.outsidePort()).isNotEqualTo(62000);
                assertThat(clash.outsidePort() & 1).isZero();
                assertThat(ofP.in(SYN | ACK).to()).isEqualTo(P + ":62000");
                assertThat(ofQ.in(SYN | ACK).to()).isEqualTo(Q + ":62000");
                assertThat(clash.in(SYN | ACK).to()).isEqualTo(Q + ":62000");
            }
        }
    }

    private static Conversation talk(
            GatewayRig rig, boolean tcp, String guest, String address, int port, String server) {
        return tcp
                ? Conversation.tcp(rig, guest, address, port, server, 80)
                : Conversation.udp(rig, guest, address, port, server, 80);
    }

    @Test
    void overload_lets_in_only_the_endpoint_that_was_addressed() {
        try (GatewayRig rig = rig()) {
            Conversation talk = talk(rig, false, "p", P, 62000, SERVER);
            talk.out();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 81).to(SHARED, 62000));
            rig.outside().send(PacketBuilder.udp().from(OTHER, 80).to(SHARED, 62000));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.NO_MAPPING)).isEqualTo(2);
            assertThat(talk.in()).isNotNull();
        }
    }

    @Test
    void overload_exhausts_ports_towards_one_peer_only_and_takes_a_closed_flows_place() {
        try (GatewayRig rig = rig().ports(62000, 62001)) {
            Conversation first = Conversation.tcp(rig, "p", P, 1001, SERVER, 80).handshake();
            Conversation second =
                    Conversation.tcp(rig, "q", Q, 1002, SERVER, 80).handshake();
            rig.station("p").take();
            assertThat(Conversation.tcp(rig, "p", P, 1003, SERVER, 80).out(SYN)).isNull();
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(13);
            assertThat(rig.drops(DropReason.LIMIT_PORTS)).isEqualTo(1);
            Conversation.tcp(rig, "p", P, 1003, SERVER, 443).handshake();
            Conversation.tcp(rig, "p", P, 1003, OTHER, 80).handshake();
            first.out(FIN | ACK);
            first.in(FIN | ACK);
            Conversation third = Conversation.tcp(rig, "q", Q, 1003, SERVER, 80);
            assertThat(third.out(SYN)).isNotNull();
            assertThat(third.outsidePort()).isEqualTo(first.outsidePort());
            assertThat(second.in()).isNotNull();
        }
    }

    @Test
    void overload_does_not_let_a_greedy_guests_unanswered_flows_block_a_peer() {
        try (GatewayRig rig = rig().ports(62000, 62001)) {
            for (int port = 1001; port < 1003; port++) {
                Conversation.tcp(rig, "p", P, port, SERVER, 80).out(SYN);
            }
            Conversation modest = Conversation.tcp(rig, "q", Q, 1001, SERVER, 80);
            assertThat(modest.out(SYN)).isNotNull();
            assertThat(modest.in(SYN | ACK)).isNotNull();
        }
    }

    @Test
    void overload_and_ports_per_guest_each_flow_counts() {
        try (GatewayRig rig = rig().with(
                        b -> b.udp(ProtocolBehavior.udp().withPortOverloading().withPortsPerGuest(2)))) {
            for (String server : List.of(SERVER, OTHER)) {
                Conversation talk = talk(rig, false, "p", P, 62000, server);
                talk.out();
                talk.in();
                assertThat(talk.outsidePort()).isEqualTo(62000);
            }
            assertThat(talk(rig, false, "p", P, 62000, "198.18.0.1").out()).isNull();
            assertThat(rig.drops(DropReason.LIMIT_GUEST_PORTS)).isEqualTo(1);
            assertThat(talk(rig, false, "q", Q, 62000, "198.18.0.1").out()).isNotNull();
        }
    }

    @Test
    void overload_a_port_that_is_forwarded_ends_all_flows_that_share_it() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation ofP = talk(rig, false, "p", P, 62000, SERVER);
            Conversation ofQ = talk(rig, false, "q", Q, 62000, OTHER);
            Conversation another = talk(rig, false, "q", Q, 62002, OTHER);
            ofP.out();
            ofQ.out();
            another.out();
            PortForward forward = PortForward.parse("udp 62000 -> p:80");
            rig.await(rig.gateway().addForward(forward));
            assertThat(rig.stats().flows()).isEqualTo(1);
            assertThat(another.in()).isNotNull();
            ofQ.out();
            assertThat(ofQ.outsidePort()).isNotEqualTo(62000);
            rig.await(rig.gateway().removeForward(forward.selector()));
            Conversation again = talk(rig, false, "q", Q, 62000, SERVER);
            again.out();
            assertThat(again.outsidePort()).isEqualTo(62000);
        }
    }

    @Test
    void rfc6888_req8_a_shared_port_need_not_rest() {
        try (GatewayRig rig = rig().ports(62000, 62000)) {
            Conversation first = talk(rig, false, "p", P, 1001, SERVER);
            first.out();
            assertThat(first.in()).isNotNull();
            rig.advance(Duration.ofSeconds(301));
            assertThat(talk(rig, false, "q", Q, 1001, SERVER).out()).isNotNull();
        }
    }

    @Test
    void overload_leaves_pings_and_hairpins_through_forwards_alone() {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> q:80"))) {
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 5, 1));
            ParsedPacket ping = rig.outside().takeOne();
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, ping.sourcePort(), 1));
            assertThat(rig.station("p").takeOne().sourcePort()).isEqualTo(5);
            rig.station("p").send(PacketBuilder.tcp().from(P, 62000).to(SHARED, 8080));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(SHARED + ":62000");
            rig.station("q")
                    .send(PacketBuilder.tcp().from(Q, 80).to(SHARED, 62000).flags(SYN | ACK));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(SHARED + ":8080");
        }
    }

    @Test
    void overload_a_forward_takes_a_port_that_a_flow_without_mapping_uses_too() throws Exception {
        try (GatewayRig rig = rig().with(b -> b.oneToOne("192.0.2.20", "p"))) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 62000).to(SERVER, 80));
            assertThat(rig.outside().takeOne().from()).isEqualTo("192.0.2.20:62000");

            rig.await(rig.gateway().addForward(PortForward.parse("tcp 62000 -> q:80")));

            rig.outside().send(PacketBuilder.tcp().from(OTHER, 5555).to(SHARED, 62000));
            assertThat(rig.station("q").takeOne().to()).isEqualTo(Q + ":80");
            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 80)
                            .to("192.0.2.20", 62000)
                            .flags(SYN | ACK));
            assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":62000");
        }
    }
}
