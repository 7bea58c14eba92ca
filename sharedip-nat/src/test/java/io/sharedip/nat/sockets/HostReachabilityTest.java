package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.ALIAS;
import static io.sharedip.testing.GatewayRig.ROUTER;
import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.NatGateway;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.ManualDriver;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The host itself is closed to guests, every part of it, unless a rule names what it opens. */
class HostReachabilityTest {

    private static final String IN = "10.0.0.2";
    private static final String HOST_OTHER = "10.99.0.7";

    private final MemoryHost host = new MemoryHost().withAddresses(SHARED, HOST_OTHER);
    private final GatewayRig rig = new GatewayRig()
            .sockets(host)
            .guest("a", "52:54:00:00:00:01", IN)
            .guest("same", "52:54:00:00:00:03", SHARED);

    @AfterEach
    void close() {
        rig.stats();
        rig.close();
    }

    private void rules(String... rules) throws Exception {
        rig.await(rig.gateway().replaceRules(FilterChain.parse(String.join("\n", rules))));
    }

    private void expectClosed(String address) {
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(address, 22));
        assertThat(rig.station("a").takeOne().flags()).isEqualTo(RST | ACK);
        rig.station("a")
                .send(PacketBuilder.udp().from(IN, 40_000).to(address, 53).payload("x"));
        ParsedPacket error = rig.station("a").takeOne();
        assertThat(error.icmpType()).isEqualTo(3);
        assertThat(error.icmpCode()).isEqualTo(13);
        assertThat(host.streams()).isEmpty();
        assertThat(host.datagrams()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {ALIAS, ROUTER, SHARED, HOST_OTHER, "169.254.169.254", "169.254.1.1"})
    void it_is_closed_by_default(String address) {
        expectClosed(address);
        assertThat(rig.drops(DropReason.HOST_DENIED)).isEqualTo(2);
    }

    @Test
    void loopback_is_no_address_that_a_guest_can_send_to_at_all() throws Exception {
        rules("accept from any to host", "accept from any to 127.0.0.0/8");
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to("127.0.0.1", 22));
        assertThat(rig.station("a").take()).isEmpty();
        assertThat(rig.drops(DropReason.IP_DESTINATION)).isEqualTo(1);
        assertThat(host.streams()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {ALIAS, ROUTER, SHARED, HOST_OTHER, "169.254.169.254"})
    void rules_that_accept_everybody_or_a_wide_prefix_or_the_outside_do_not_open_it(String address) throws Exception {
        rules(
                "accept from any to any",
                "accept from any to 0.0.0.0/0",
                "accept from any to 169.0.0.0/8",
                "accept from any to 10.0.0.0/8",
                "accept from any to 192.0.2.0/24",
                "accept from any to outside");
        expectClosed(address);
    }

    @ParameterizedTest
    @CsvSource({
        ALIAS + ", 127.0.0.1",
        ROUTER + ", 127.0.0.1",
        SHARED + ", 127.0.0.1",
        HOST_OTHER + "," + HOST_OTHER,
        "169.254.169.254, 169.254.169.254"
    })
    void a_rule_that_names_the_host_opens_it(String address, String reached) throws Exception {
        rules("accept tcp from guest a to host port 22", "accept udp from any to host");
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(address, 22));
        assertThat(host.stream().peer()).isEqualTo(reached + ":22");
        host.stream().establish();
        rig.poll();
        ParsedPacket answer = rig.station("a").takeOne();
        assertThat(answer.from()).isEqualTo(address + ":22");
        assertThat(answer.flags()).isEqualTo(SYN | ACK);

        rig.station("a")
                .send(PacketBuilder.udp().from(IN, 40_000).to(address, 53).payload("question"));
        assertThat(host.onlyDatagrams().takeTexts()).containsExactly(reached + ":53 question");
        host.onlyDatagrams().receive(reached, 53, "answer");
        assertThat(rig.station("a").takeOne().from()).isEqualTo(address + ":53");

        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_001).to(address, 23));
        assertThat(rig.station("a").takeOne().flags()).isEqualTo(RST | ACK);
    }

    @Test
    void a_rule_that_names_one_address_opens_that_one() throws Exception {
        rules("accept from any to " + HOST_OTHER + "/32", "accept from any to 169.254.0.0/16");
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(HOST_OTHER, 22));
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_001).to("169.254.169.254", 80));
        assertThat(host.streams())
                .extracting(MemoryHost.Stream::peer)
                .containsExactly(HOST_OTHER + ":22", "169.254.169.254:80");
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_002).to(ALIAS, 22));
        assertThat(host.streams()).hasSize(2);
    }

    @Test
    void a_rule_before_that_drops_or_rejects_stands() throws Exception {
        rules("drop tcp from any to host port 22", "accept from any to host");
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(ALIAS, 22));
        assertThat(rig.station("a").take()).isEmpty();
        assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(1);
    }

    @Test
    void a_guest_that_owns_the_shared_address_reaches_the_host_by_the_alias() throws Exception {
        rules("accept from any to host");
        rig.station("same").send(PacketBuilder.tcp().from(SHARED, 40_000).to(ALIAS, 22));
        assertThat(host.stream().peer()).isEqualTo("127.0.0.1:22");
    }

    @Test
    void when_the_rule_goes_the_connection_ends() throws Exception {
        rules("accept from any to host");
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(ALIAS, 22));
        host.stream().establish();
        rig.poll();
        rig.station("a").take();
        rules();
        assertThat(rig.station("a").takeOne().flags() & RST).isEqualTo(RST);
        assertThat(host.stream().end()).isEqualTo(MemoryHost.End.RESET);
    }

    @Test
    void a_client_on_the_host_that_the_guest_has_turned_away_is_not_to_be_called_back() throws Exception {
        rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> a:80")));
        MemoryHost.Stream client = host.listener(8080).connect("127.0.0.1", 5_555);
        rig.poll();
        byte[] syn = rig.station("a").takeRaw().get(0);
        assertThat(ParsedPacket.of(syn).from()).isEqualTo(ALIAS + ":5555");
        rig.station("a").send(PacketBuilder.icmp().from(IN, 0).to(ALIAS, 0).error(3, 1, 0, syn, 28));
        assertThat(client.end()).isEqualTo(MemoryHost.End.RESET);

        rig.station("a").send(PacketBuilder.tcp().from(IN, 80).to(ALIAS, 5_555));
        assertThat(host.streams()).containsExactly(client);
        assertThat(rig.station("a").takeOne().flags()).isEqualTo(RST | ACK);
        assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(1);
    }

    @Test
    void the_rest_of_the_world_needs_no_rule() {
        rig.station("a").send(PacketBuilder.tcp().from(IN, 40_000).to(SERVER, 22));
        assertThat(host.stream().peer()).isEqualTo(SERVER + ":22");
    }

    @Test
    void prefix_router_and_alias_have_defaults_with_sockets() {
        MemoryHost own = new MemoryHost();
        try (NatGateway gateway =
                NatGateway.builder().address("10.0.2.15").uplink(own).start()) {
            assertThat(gateway.address()).hasToString("10.0.2.15");
            ((ManualDriver) own.driver()).turns();
            assertThat(gateway.stats().balances()).isTrue();
        }
    }

    @Test
    void the_router_is_the_alias_unless_that_is_set() {
        MemoryHost own = new MemoryHost();
        try (GatewayRig other = new GatewayRig()
                .sockets(own)
                .withoutAlias()
                .with(b -> b.forward("tcp 8080 -> same:80"))
                .guest("same", "52:54:00:00:00:03", SHARED)) {
            other.host().listener(8080).connect("127.0.0.1", 5_555);
            other.poll();
            assertThat(other.station("same").takeOne().source()).isEqualTo(ROUTER);
            other.station("same")
                    .send(PacketBuilder.icmp().from(SHARED, 0).to(ROUTER, 0).echo(8, 1, 1));
            assertThat(List.of(other.station("same").takeOne().icmpType())).containsExactly(0);
        }
    }
}
