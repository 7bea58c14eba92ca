package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.ALIAS;
import static io.sharedip.testing.GatewayRig.OTHER_SERVER;
import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.FlowPolicy;
import io.sharedip.GuestId;
import io.sharedip.PortClaimException;
import io.sharedip.address.UplinkAddress;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.packet.IcmpView;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** UDP of guests through sockets of the host: one for each mapping, under the guest's own port where the host has it free. */
class SocketUdpTest {

    private static final String IN = "10.0.0.2";
    private static final String IN2 = "10.0.0.3";

    private final MemoryHost host = new MemoryHost().withAddresses("203.0.113.200");
    private final GatewayRig rig = new GatewayRig()
            .sockets(host)
            .guest("a", "52:54:00:00:00:01", IN)
            .guest("b", "52:54:00:00:00:02", IN2)
            .guest("same", "52:54:00:00:00:03", SHARED);

    @AfterEach
    void close() {
        rig.stats();
        rig.close();
        assertThat(host.isClosed()).isTrue();
    }

    private void send(String guest, String address, int port, String peer, int peerPort, String text) {
        rig.station(guest)
                .send(PacketBuilder.udp().from(address, port).to(peer, peerPort).payload(text));
    }

    private void send(String text) {
        send("a", IN, 40_000, SERVER, 53, text);
    }

    @Test
    void rfc4787_req3_a_datagram_leaves_through_a_socket_of_the_guests_own_port_and_the_reply_comes_back() {
        send("question");
        assertThat(host.datagrams().keySet()).containsExactly(40_000);
        assertThat(host.datagrams(40_000).takeTexts()).containsExactly(SERVER + ":53 question");
        assertThat(host.flushes()).isPositive();

        host.datagrams(40_000).receive(SERVER, 53, "answer");
        ParsedPacket seen = rig.station("a").takeOne();
        assertThat(seen.from()).isEqualTo(SERVER + ":53");
        assertThat(seen.to()).isEqualTo(IN + ":40000");
        assertThat(new String(seen.payload(), java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("answer");
    }

    @Test
    void rfc4787_req1_all_peers_of_an_endpoint_share_one_socket_and_guests_never_do() {
        send("a", IN, 40_000, SERVER, 53, "1");
        send("a", IN, 40_000, OTHER_SERVER, 54, "2");
        assertThat(host.onlyDatagrams().takeTexts()).containsExactly(SERVER + ":53 1", OTHER_SERVER + ":54 2");
        send("b", IN2, 40_000, SERVER, 53, "3");
        send("same", SHARED, 40_000, SERVER, 53, "4");
        assertThat(host.datagrams()).hasSize(3);
        assertThat(host.datagrams(40_000).take()).isEmpty();
        host.datagrams()
                .forEach((port, socket) -> socket.take().forEach(datagram -> {
                    socket.receive(SERVER, 53, "to " + datagram.text());
                    String guest = datagram.text().equals("3") ? "b" : "same";
                    assertThat(rig.station(guest).takeOne().payload())
                            .asString()
                            .isEqualTo("to " + datagram.text());
                }));
        assertThat(rig.station("a").take()).isEmpty();
    }

    @Test
    void a_port_that_a_program_of_the_host_has_is_not_given() {
        MemoryHost busy = new MemoryHost().withBusyPorts(40_000);
        try (GatewayRig other = new GatewayRig().sockets(busy).guest("a", "52:54:00:00:00:01", IN)) {
            other.station("a")
                    .send(PacketBuilder.udp().from(IN, 40_000).to(SERVER, 53).payload("x"));
            assertThat(busy.onlyDatagrams().localPort())
                    .isNotEqualTo(40_000)
                    .isEven()
                    .isBetween(1024, 65_535);
        }
    }

    @Test
    void rfc5508_req8_when_the_host_spares_no_port_the_guest_is_told() {
        MemoryHost busy = new MemoryHost();
        Integer[] all =
                java.util.stream.IntStream.rangeClosed(1, 65_535).boxed().toArray(Integer[]::new);
        busy.withBusyPorts(all);
        try (GatewayRig other = new GatewayRig().sockets(busy).guest("a", "52:54:00:00:00:01", IN)) {
            other.station("a")
                    .send(PacketBuilder.udp().from(IN, 40_000).to(SERVER, 53).payload("x"));
            ParsedPacket error = other.station("a").takeOne();
            assertThat(error.icmpType()).isEqualTo(3);
            assertThat(error.icmpCode()).isEqualTo(13);
            assertThat(other.drops(DropReason.LIMIT_PORTS)).isEqualTo(1);
            assertThat(other.stats().flows()).isZero();
        }
    }

    @Test
    void rfc4787_req5_the_socket_is_closed_when_the_mapping_ends() {
        send("x");
        rig.advance(Duration.ofSeconds(299));
        assertThat(host.datagrams()).hasSize(1);
        rig.advance(Duration.ofSeconds(2));
        assertThat(host.datagrams()).isEmpty();
    }

    @Test
    void rfc4787_req8_what_a_socket_hears_from_strangers_is_filtered_as_set() {
        send("x");
        host.onlyDatagrams().receive(OTHER_SERVER, 53, "stranger");
        assertThat(rig.station("a").take()).isEmpty();
        assertThat(rig.drops(DropReason.FILTERED_BY_MAPPING)).isEqualTo(1);
        host.onlyDatagrams().receive(SERVER, 9999, "same machine");
        assertThat(rig.station("a").takeOne().from()).isEqualTo(SERVER + ":9999");

        MemoryHost open = new MemoryHost();
        try (GatewayRig other = new GatewayRig()
                .sockets(open)
                .with(b -> b.udp(ProtocolBehavior.udp().withFiltering(FilteringBehavior.ENDPOINT_INDEPENDENT)))
                .guest("a", "52:54:00:00:00:01", IN)) {
            other.station("a")
                    .send(PacketBuilder.udp().from(IN, 40_000).to(SERVER, 53).payload("x"));
            open.onlyDatagrams().receive(OTHER_SERVER, 1, "anybody");
            assertThat(other.station("a").takeOne().from()).isEqualTo(OTHER_SERVER + ":1");
        }
    }

    @Test
    void rfc4787_req14_a_datagram_of_65507_octets_reaches_the_socket_whole_and_the_guest_in_fragments() {
        byte[] payload = new byte[65_507];
        new Random(7).nextBytes(payload);
        byte[] frame = PacketBuilder.udp()
                .macs(rig.station("a").mac(), GatewayRig.ROUTER_MAC)
                .from(IN, 40_000)
                .to(SERVER, 53)
                .fragment(0)
                .payload(payload)
                .build();
        for (byte[] fragment : Fragmenter.cut(frame, 1480)) {
            rig.station("a").sendRaw(fragment);
        }
        List<MemoryHost.Datagram> sent = host.onlyDatagrams().take();
        assertThat(sent).hasSize(1);
        assertThat(sent.get(0).payload()).isEqualTo(payload);

        host.onlyDatagrams().receive(SERVER, 53, payload);
        List<byte[]> fragments = rig.station("a").takeRaw();
        assertThat(fragments).hasSizeGreaterThan(44).allMatch(f -> f.length <= 1514);
        byte[] whole = new byte[65_515];
        for (byte[] fragment : fragments) {
            int offset = (io.sharedip.packet.Octets.u16(fragment, 20) & 0x1fff) * 8;
            System.arraycopy(fragment, 34, whole, offset, fragment.length - 34);
        }
        assertThat(Arrays.copyOfRange(whole, 8, whole.length)).isEqualTo(payload);
    }

    @Test
    void rfc5508_req4_an_icmp_error_that_the_host_has_got_is_told_to_the_guest_whose_datagram_it_is_about() {
        send("x");
        host.onlyDatagrams().unreachable(SERVER, 53, IcmpView.DESTINATION_UNREACHABLE, 3, 0);
        ParsedPacket error = rig.station("a").takeOne();
        assertThat(error.source()).isEqualTo(SERVER);
        assertThat(error.icmpType()).isEqualTo(3);
        assertThat(error.icmpCode()).isEqualTo(3);
        assertThat(error.inner().from()).isEqualTo(IN + ":40000");
        assertThat(error.inner().to()).isEqualTo(SERVER + ":53");

        host.onlyDatagrams().unreachable(SERVER, 53, IcmpView.DESTINATION_UNREACHABLE, 4, 1400);
        error = rig.station("a").takeOne();
        assertThat(error.source()).isEqualTo(ALIAS);
        assertThat(error.icmpRest()).isEqualTo(1400);
        host.onlyDatagrams().unreachable(OTHER_SERVER, 53, IcmpView.DESTINATION_UNREACHABLE, 3, 0);
        assertThat(rig.station("a").take()).isEmpty();
    }

    @Test
    void a_full_socket_costs_the_datagram_and_is_counted() {
        send("x");
        host.onlyDatagrams().take();
        host.onlyDatagrams().full(true);
        send("y");
        assertThat(host.onlyDatagrams().take()).isEmpty();
        assertThat(rig.drops(DropReason.SOCKET_FULL)).isEqualTo(1);
    }

    @Test
    void a_forward_listens_on_a_socket_and_the_guest_sees_the_true_client() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("udp 5353 -> a:53")));
        host.datagrams(5353).receive(SERVER, 6000, "call");
        ParsedPacket seen = rig.station("a").takeOne();
        assertThat(seen.from()).isEqualTo(SERVER + ":6000");
        assertThat(seen.to()).isEqualTo(IN + ":53");
        send("a", IN, 53, SERVER, 6000, "answer");
        assertThat(host.datagrams(5353).takeTexts()).containsExactly(SERVER + ":6000 answer");

        rig.await(rig.gateway().removeForward(ForwardSelector.parse("udp 5353")));
        assertThat(host.datagrams()).isEmpty();
        assertThat(rig.stats().flows()).isZero();
    }

    @Test
    void a_client_on_the_host_itself_is_shown_as_the_alias_and_gets_its_answers() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("udp 5353 -> same:53")));
        host.datagrams(5353).receive("127.0.0.1", 6000, "one");
        assertThat(rig.station("same").takeOne().from()).isEqualTo(ALIAS + ":6000");
        host.datagrams(5353).receive("203.0.113.200", 6000, "two");
        ParsedPacket second = rig.station("same").takeOne();
        assertThat(second.source()).isEqualTo(ALIAS);
        assertThat(second.sourcePort()).isNotEqualTo(6000);
        send("same", SHARED, 53, ALIAS, 6000, "to one");
        send("same", SHARED, 53, ALIAS, second.sourcePort(), "to two");
        assertThat(host.datagrams(5353).takeTexts())
                .containsExactly("127.0.0.1:6000 to one", "203.0.113.200:6000 to two");
    }

    @Test
    void all_clients_are_shown_as_the_alias_if_so_set() throws Exception {
        MemoryHost hidden = new MemoryHost();
        try (GatewayRig other = new GatewayRig()
                .sockets(hidden)
                .with(b -> b.showClients(false).forward("udp 5353 -> a:53"))
                .guest("a", "52:54:00:00:00:01", IN)) {
            hidden = other.host();
            hidden.datagrams(5353).receive(SERVER, 6000, "call");
            hidden.datagrams(5353).receive(OTHER_SERVER, 6000, "call");
            List<ParsedPacket> seen = other.station("a").take();
            assertThat(seen).extracting(ParsedPacket::source).containsExactly(ALIAS, ALIAS);
            for (ParsedPacket call : seen) {
                other.station("a")
                        .send(PacketBuilder.udp()
                                .from(IN, 53)
                                .to(ALIAS, call.sourcePort())
                                .payload("answer"));
            }
            assertThat(hidden.datagrams(5353).takeTexts())
                    .containsExactly(SERVER + ":6000 answer", OTHER_SERVER + ":6000 answer");
        }
    }

    @Test
    void a_forward_whose_port_the_host_has_is_refused_with_the_owners_cure_and_a_range_is_held_whole_or_not_at_all() {
        MemoryHost busy = new MemoryHost().withBusyPorts(5003);
        try (GatewayRig other = new GatewayRig().sockets(busy).guest("a", "52:54:00:00:00:01", IN)) {
            assertThatThrownBy(() ->
                            other.await(other.gateway().addForward(PortForward.parse("udp 5000-5005 -> a:5000-5005"))))
                    .hasCauseInstanceOf(PortClaimException.class)
                    .hasMessageContaining("5003")
                    .hasMessageContaining("another port");
            assertThat(busy.datagrams()).isEmpty();
        }
    }

    @Test
    void a_forward_takes_over_the_socket_of_a_mapping_that_has_its_port() throws Exception {
        send("x");
        rig.await(rig.gateway().addForward(PortForward.parse("udp 40000 -> b:53")));
        assertThat(host.datagrams().keySet()).containsExactly(40_000);
        host.datagrams(40_000).receive(SERVER, 53, "call");
        assertThat(rig.station("b").takeOne().to()).isEqualTo(IN2 + ":53");
        assertThat(rig.station("a").take()).isEmpty();
        send("again");
        assertThat(host.datagrams()).hasSize(2);
    }

    @Test
    void a_forward_may_listen_on_one_address_of_the_host_only() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("udp 203.0.113.200:5353 -> a:53")));
        assertThat(host.datagrams(5353).address()).isEqualTo("203.0.113.200");
        assertThatThrownBy(() -> rig.await(rig.gateway().addForward(PortForward.parse("udp 5353 -> b:53"))))
                .hasMessageContaining("listens on another address");
    }

    @Test
    void rfc4787_req9_two_guests_meet_through_the_gateway_without_a_socket_between_them() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("udp 5353 -> b:53")));
        send("a", IN, 40_000, SHARED, 5353, "hello");
        ParsedPacket seen = rig.station("b").takeOne();
        assertThat(seen.from()).isEqualTo(SHARED + ":40000");
        assertThat(host.datagrams(5353).take()).isEmpty();
    }

    @Test
    void a_guest_that_is_removed_takes_its_sockets_with_it() throws Exception {
        send("x");
        rig.await(rig.gateway().addForward(PortForward.parse("udp 5353 -> a:53")));
        rig.await(rig.gateway().removeGuest(GuestId.of("a")));
        assertThat(host.datagrams()).isEmpty();
    }

    @Test
    void sockets_stay_when_the_shared_address_changes_and_flows_are_kept() throws Exception {
        send("x");
        rig.await(rig.gateway()
                .changeAddress(UplinkAddress.of("198.18.0.10", "198.18.0.0/24", "198.18.0.1"), FlowPolicy.KEEP));
        host.onlyDatagrams().receive(SERVER, 53, "answer");
        assertThat(rig.station("a").takeOne().from()).isEqualTo(SERVER + ":53");
        rig.await(rig.gateway()
                .changeAddress(UplinkAddress.of(SHARED, "192.0.2.0/24", GatewayRig.ROUTER), FlowPolicy.FLUSH));
        assertThat(host.datagrams()).isEmpty();
    }

    @Test
    void rfc5508_req1_pings_leave_through_sockets_of_their_own_and_replies_reach_who_asked() {
        rig.station("a")
                .send(PacketBuilder.icmp()
                        .from(IN, 0)
                        .to(SERVER, 0)
                        .echo(8, 77, 1)
                        .payload("ping a"));
        rig.station("b")
                .send(PacketBuilder.icmp()
                        .from(IN2, 0)
                        .to(SERVER, 0)
                        .echo(8, 77, 1)
                        .payload("ping b"));
        assertThat(host.echoes()).hasSize(2);
        MemoryHost.Datagram asked = host.echoes().get(0).take().get(0);
        assertThat(asked.peer()).isEqualTo(SERVER + ":1");
        assertThat(asked.text()).isEqualTo("ping a");
        host.echoes().get(1).reply(SERVER, 1, "ping b".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        ParsedPacket reply = rig.station("b").takeOne();
        assertThat(reply.icmpType()).isZero();
        assertThat(reply.sourcePort()).isEqualTo(77);
        assertThat(rig.station("a").take()).isEmpty();
        host.echoes().get(0).unreachable(SERVER, 1, 3, 1);
        ParsedPacket error = rig.station("a").takeOne();
        assertThat(error.icmpCode()).isEqualTo(1);
        assertThat(error.inner().sourcePort()).isEqualTo(77);
        rig.advance(Duration.ofMinutes(10));
        assertThat(host.echoes()).isEmpty();
    }

    @Test
    void where_the_system_allows_no_pings_the_guest_is_told_and_the_gateway_itself_still_answers() {
        MemoryHost deaf = new MemoryHost().withoutEcho("the system does not allow it");
        try (GatewayRig other = new GatewayRig().sockets(deaf).guest("a", "52:54:00:00:00:01", IN)) {
            GatewayRig.Station a = other.station("a");
            a.send(PacketBuilder.icmp().from(IN, 0).to(SERVER, 0).echo(8, 77, 1));
            assertThat(a.takeOne().icmpCode()).isEqualTo(13);
            assertThat(other.drops(DropReason.SOCKET_UNSUPPORTED)).isEqualTo(1);
            for (String name : List.of(ALIAS, GatewayRig.ROUTER, SHARED)) {
                a.send(PacketBuilder.icmp().from(IN, 0).to(name, 0).echo(8, 77, 1));
                assertThat(a.takeOne().icmpType()).as(name).isZero();
            }
        }
    }
}
