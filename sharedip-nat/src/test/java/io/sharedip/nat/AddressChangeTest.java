package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.GuestId;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.event.SharedIpEvent.AddressChanged;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.event.SharedIpEvent.FlowClosed;
import io.sharedip.event.SharedIpEvent.MappingDeleted;
import io.sharedip.filter.FilterChain;
import io.sharedip.packet.Octets;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.snapshot.RestoreReport.Skipped;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.LeakChecker;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The shared address changes while the gateway runs. */
class AddressChangeTest {

    private static final String OLD = GatewayRig.SHARED;
    private static final String NEW = "192.0.2.11";
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final UplinkAddress PLACE =
            UplinkAddress.of(NEW, "192.0.2.0/24", GatewayRig.ROUTER).withAlias(GatewayRig.ALIAS);

    private static final UplinkAddress PLACE_12 =
            UplinkAddress.of("192.0.2.12", "192.0.2.0/24", GatewayRig.ROUTER).withAlias(GatewayRig.ALIAS);

    private final EventRecorder events = new EventRecorder();

    private GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .guest("s", "52:54:00:00:00:03", OLD)
                .with(b -> b.forward("tcp 8080 -> q:80")
                        .protocols(new IpProtocol(47))
                        .rules(FilterChain.parse("drop tcp from any to any port 25\naccept from any to any"))
                        .listener(events));
    }

    /** Changes the address, lets the router answer, and returns what the gateway has sent. */
    private static List<byte[]> change(GatewayRig rig, UplinkAddress place, FlowPolicy flows) throws Exception {
        rig.outside().takeRaw();
        rig.await(rig.gateway().changeAddress(place, flows));
        List<byte[]> sent = rig.outside().takeRaw();
        for (byte[] frame : sent) {
            if (Octets.i32(frame, 28) != Octets.i32(frame, 38)) {
                rig.outside().sendRaw(GatewayRig.arpReply(frame, GatewayRig.NEXT_HOP_MAC));
            }
        }
        return sent;
    }

    @Test
    void case03_flows_are_flushed_and_new_ones_use_the_new_address() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation old = Conversation.tcp(rig, "p", P, 62_000, SERVER, 80).handshake();
            assertThat(rig.stats().flows()).isEqualTo(1);
            change(rig, PLACE, FlowPolicy.FLUSH);
            assertThat(rig.gateway().address()).hasToString(NEW);
            assertThat(rig.stats().flows()).isZero();
            assertThat(rig.stats().mappings()).isZero();
            FlowClosed closed = events.await(FlowClosed.class);
            assertThat(closed.reason()).isEqualTo(CloseReason.ADDRESS_CHANGED);
            assertThat(closed.outside()).hasToString(OLD + ":" + old.outsidePort());
            AddressChanged changed = events.await(AddressChanged.class);
            assertThat(changed.before()).hasToString(OLD);
            assertThat(changed.after()).hasToString(NEW);
            assertThat(changed.flowsKept()).isZero();

            rig.station("p").send(PacketBuilder.udp().from(P, 62_000).to(SERVER, 53));
            assertThat(rig.outside().takeOne().from()).isEqualTo(NEW + ":62000");
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(NEW, 62_000));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OLD, 62_000));
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void case03_rules_forwards_and_guests_stay(FlowPolicy policy) throws Exception {
        try (GatewayRig rig = rig()) {
            change(rig, PLACE, policy);
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(NEW, 8080));
            assertThat(rig.station("q").takeOne().to()).isEqualTo(Q + ":80");
            rig.station("q")
                    .send(PacketBuilder.tcp().from(Q, 80).to(SERVER, 6000).flags(SYN | ACK));
            assertThat(rig.outside().takeOne().from()).isEqualTo(NEW + ":8080");
            rig.station("p").send(PacketBuilder.tcp().from(P, 5000).to(SERVER, 25));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.drops(DropReason.RULE_DROPPED)).isEqualTo(1);
            // a guest whose own address is the old one is a guest with an address of its own now
            rig.station("s").send(PacketBuilder.udp().from(OLD, 62_001).to(SERVER, 53));
            assertThat(rig.outside().takeOne().from()).isEqualTo(NEW + ":62001");
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(NEW, 62_001));
            assertThat(rig.station("s").takeOne().to()).isEqualTo(OLD + ":62001");
            // and calls a forward by the new address
            rig.station("s").send(PacketBuilder.tcp().from(OLD, 62_002).to(NEW, 8080));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(NEW + ":62002");
        }
    }

    @Test
    void case03_flows_that_are_kept_go_on_with_their_ports_under_the_new_address() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation.tcp(rig, "p", P, 4000, SERVER, 80).handshake();
            rig.station("p").send(PacketBuilder.udp().from(P, 4001).to(SERVER, 53));
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 5, 1));
            rig.station("p")
                    .send(PacketBuilder.protocol(47).from(P, 0).to(SERVER, 0).payload("12345678"));
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(OLD, 8080));
            rig.station("p").take();
            rig.station("q").take();
            List<ParsedPacket> before = rig.outside().take();
            int udp = before.get(before.size() - 3).sourcePort();
            int ping = before.get(before.size() - 2).sourcePort();
            long mappings = rig.stats().mappings();

            change(rig, PLACE, FlowPolicy.KEEP);
            assertThat(events.await(AddressChanged.class).flowsKept()).isEqualTo(5);
            assertThat(rig.stats().flows()).isEqualTo(5);
            assertThat(rig.stats().mappings()).isEqualTo(mappings);
            assertThat(events.all(FlowClosed.class)).isEmpty();
            assertThat(rig.flows())
                    .allMatch(f -> f.outside().address().toString().equals(NEW));

            rig.station("p").send(PacketBuilder.udp().from(P, 4001).to(SERVER, 53));
            assertThat(rig.outside().takeOne().from()).isEqualTo(NEW + ":" + udp);
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(NEW, udp).payload("x"));
            assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":4001");
            rig.outside().send(PacketBuilder.icmp().from(SERVER, 0).to(NEW, 0).echo(0, ping, 1));
            assertThat(rig.station("p").takeOne().icmpRest()).isEqualTo(5 << 16 | 1);
            rig.outside()
                    .send(PacketBuilder.protocol(47).from(SERVER, 0).to(NEW, 0).payload("12345678"));
            assertThat(rig.station("p").takeOne().destination()).isEqualTo(P);
            rig.station("q")
                    .send(PacketBuilder.tcp().from(Q, 80).to(SERVER, 6000).flags(SYN | ACK));
            assertThat(rig.outside().takeOne().from()).isEqualTo(NEW + ":8080");
            // the mapping lets those in whom the guest has addressed, and nobody under the old address
            rig.outside().send(PacketBuilder.udp().from(SERVER, 54).to(NEW, udp));
            assertThat(rig.station("p").take()).hasSize(1);
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(OLD, udp));
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @Test
    void case03_hairpins_that_are_kept_go_on() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 62_000).to(OLD, 8080));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(OLD + ":62000");
            change(rig, PLACE, FlowPolicy.KEEP);
            assertThat(rig.stats().flows()).isEqualTo(2);
            rig.station("q")
                    .send(PacketBuilder.tcp().from(Q, 80).to(OLD, 62_000).flags(SYN | ACK));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(OLD + ":8080");
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 62_000).to(OLD, 8080).flags(ACK));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(OLD + ":62000");
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.stats().dropped()).isZero();
            // new ones call the new address
            rig.station("p").send(PacketBuilder.tcp().from(P, 62_003).to(NEW, 8080));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(NEW + ":62003");
        }
    }

    private static byte[] snapshot(GatewayRig rig) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        rig.await(rig.gateway().snapshot(out));
        return out.toByteArray();
    }

    private static RestoreReport restore(GatewayRig rig, byte[] snapshot) throws Exception {
        return rig.await(rig.gateway()
                .restore(
                        new ByteArrayInputStream(snapshot),
                        RestoreOptions.defaults().withDowntime(Duration.ZERO)));
    }

    @ParameterizedTest
    @ValueSource(strings = {NEW, OLD})
    void case03_hairpins_that_are_kept_go_on_through_another_gateway(String address) throws Exception {
        try (GatewayRig rig = rig();
                GatewayRig next = rig().with(b -> b.address(address))) {
            rig.station("p").send(PacketBuilder.tcp().from(P, 62_000).to(OLD, 8080));
            rig.station("q").take();
            change(rig, PLACE, FlowPolicy.KEEP);
            byte[] file = snapshot(rig);
            RestoreReport report = next.await(next.gateway()
                    .restore(
                            new ByteArrayInputStream(file),
                            RestoreOptions.defaults()
                                    .withDowntime(Duration.ZERO)
                                    .withOtherAddress(RestoreOptions.OtherAddress.TAKE_OVER)));
            assertThat(report.flows()).isEqualTo(2);
            next.station("q")
                    .send(PacketBuilder.tcp().from(Q, 80).to(OLD, 62_000).flags(SYN | ACK));
            assertThat(next.station("p").takeOne().from()).isEqualTo(OLD + ":8080");
            next.station("p")
                    .send(PacketBuilder.tcp().from(P, 62_000).to(OLD, 8080).flags(ACK));
            assertThat(next.station("q").takeOne().from()).isEqualTo(OLD + ":62000");
            assertThat(next.outside().take()).isEmpty();
            assertThat(next.stats().dropped()).isZero();
            // and through a third
            try (GatewayRig last = rig().with(b -> b.address(address))) {
                assertThat(restore(last, snapshot(next)).flows()).isEqualTo(2);
            }
        }
    }

    @Test
    void a_name_that_has_come_to_mean_another_is_not_restored() throws Exception {
        try (GatewayRig rig = rig();
                GatewayRig mapped = rig().with(b -> b.address(NEW).oneToOne("192.0.2.12", "q"));
                GatewayRig owned = rig().with(b -> b.address(NEW))) {
            change(rig, PLACE_12, FlowPolicy.FLUSH);
            rig.station("p").send(PacketBuilder.tcp().from(P, 62_000).to("192.0.2.12", 8080));
            rig.station("q").take();
            change(rig, PLACE, FlowPolicy.KEEP);
            byte[] file = snapshot(rig);
            assertThat(restore(mapped, file).flows()).isZero();
            // p cannot mean anybody else by an address of its own
            owned.await(owned.gateway()
                    .bind(new Binding(
                            GuestId.of("p"), MacAddress.parse("52:54:00:00:00:01"), Ipv4Address.parse("192.0.2.12"))));
            RestoreReport report = restore(owned, file);
            assertThat(report.flows()).isEqualTo(1);
            assertThat(report.skipped(Skipped.FLOW_UNLIKE_SETTINGS)).isEqualTo(1);
        }
    }

    @Test
    void rfc8158_a_mapping_that_is_kept_is_told_of_at_its_end_as_at_its_beginning() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 62_000).to(SERVER, 53));
            rig.station("q").send(PacketBuilder.udp().from(Q, 62_001).to(NEW, 53));
            change(rig, PLACE, FlowPolicy.KEEP);
            rig.station("p").send(PacketBuilder.udp().from(P, 62_002).to(SERVER, 53));
            MappingDeleted ended = events.await(MappingDeleted.class);
            assertThat(ended.reason()).isEqualTo(CloseReason.ADDRESS_CHANGED);
            assertThat(ended.outside()).hasToString(OLD + ":62001");
            rig.advance(Duration.ofMinutes(10));
            MappingDeleted kept =
                    events.await(MappingDeleted.class, e -> e.inside().port() == 62_000);
            assertThat(kept.outside()).hasToString(OLD + ":62000");
            MappingDeleted fresh =
                    events.await(MappingDeleted.class, e -> e.inside().port() == 62_002);
            assertThat(fresh.outside()).hasToString(NEW + ":62002");
            // a flow is told of as it showed last
            FlowClosed flow = events.await(FlowClosed.class, e -> e.inside().port() == 62_000);
            assertThat(flow.outside()).hasToString(NEW + ":62000");
        }
    }

    @Test
    void a_flow_with_who_had_the_new_address_before_ends() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(NEW, 53));
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53));
            change(rig, PLACE, FlowPolicy.KEEP);
            assertThat(rig.flows())
                    .singleElement()
                    .satisfies(f -> assertThat(f.peer()).hasToString(SERVER + ":53"));
        }
    }

    @Test
    void the_new_address_is_announced_and_answered_for_and_the_old_one_no_more() throws Exception {
        try (GatewayRig rig = rig()) {
            List<byte[]> sent = change(rig, PLACE, FlowPolicy.FLUSH);
            assertThat(sent).anySatisfy(frame -> {
                assertThat(Octets.u16(frame, 12)).isEqualTo(0x0806);
                assertThat(Octets.i32(frame, 28)).isEqualTo(0xc000020b);
                assertThat(Octets.i32(frame, 38)).isEqualTo(0xc000020b);
            });
            rig.outside().takeRaw();
            rig.outside().sendRaw(GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, GatewayRig.ROUTER, OLD));
            assertThat(rig.outside().takeRaw()).isEmpty();
            rig.outside().sendRaw(GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, GatewayRig.ROUTER, NEW));
            assertThat(rig.outside().takeRaw()).hasSize(1);
        }
    }

    @Test
    void segment_router_and_alias_change_with_it() throws Exception {
        try (GatewayRig rig = rig()) {
            UplinkAddress elsewhere = UplinkAddress.of("203.0.113.10", "203.0.113.0/28", "203.0.113.1")
                    .withAlias("203.0.113.14");
            List<byte[]> sent = change(rig, elsewhere, FlowPolicy.FLUSH);
            // the new router is looked up in the new address's name
            assertThat(sent).anySatisfy(frame -> {
                assertThat(Octets.i32(frame, 28)).isEqualTo(0xcb00710a);
                assertThat(Octets.i32(frame, 38)).isEqualTo(0xcb007101);
            });
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53));
            assertThat(rig.outside().takeOne().source()).isEqualTo("203.0.113.10");
            rig.station("p")
                    .send(PacketBuilder.icmp().from(P, 0).to("203.0.113.14", 0).echo(8, 1, 1));
            assertThat(rig.station("p").takeOne().source()).isEqualTo("203.0.113.14");
            // guests are answered for the new segment's addresses
            rig.station("p").sendRaw(GatewayRig.arp(1, rig.station("p").mac(), P, "203.0.113.1"));
            assertThat(rig.station("p").takeRaw()).hasSize(1);
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to("203.0.113.15", 53));
            assertThat(rig.drops(DropReason.IP_MULTICAST)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void nothing_leaves_under_the_old_address_not_even_what_waited(FlowPolicy policy) throws Exception {
        LeakChecker checker = new LeakChecker(GatewayRig.UPLINK_MAC, NEW, (protocol, port) -> true, P, Q, OLD);
        try (GatewayRig rig = rig().silentRouter()) {
            rig.outside().takeRaw();
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53));
            assertThat(rig.outside().take()).isEmpty();
            rig.await(rig.gateway().changeAddress(PLACE, policy));
            List<byte[]> sent = rig.outside().takeRaw();
            for (byte[] frame : sent) {
                rig.outside().sendRaw(GatewayRig.arpReply(frame, GatewayRig.NEXT_HOP_MAC));
            }
            assertThat(rig.outside().takeRaw()).isEmpty();
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 53));
            sent.addAll(rig.outside().takeRaw());
            assertThat(sent).hasSizeGreaterThan(1);
            checker.check(sent);
            byte[] stale = sent.get(sent.size() - 1).clone();
            Octets.put32(stale, 26, 0xc000020a);
            assertThatThrownBy(() -> checker.check(stale)).hasMessageContaining("leak");
            assertThat(rig.stats().balances()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.20, 192.0.2.0/24, 192.0.2.1, address",
        "192.0.2.11, 192.0.2.0/24, 192.0.2.20, router",
        "198.51.100.2, 198.51.100.0/24, 198.51.100.1, one-to-one",
        "192.0.2.11, 192.0.2.0/24, 192.0.2.77, router",
        "192.0.2.12, 192.0.2.0/24, 192.0.2.1, forward"
    })
    void a_change_that_clashes_is_refused_and_changes_nothing(
            String address, String prefix, String router, String setting) throws Exception {
        try (GatewayRig rig = rig().guest("t", "52:54:00:00:00:05", "192.0.2.77")
                .with(b -> b.oneToOne("192.0.2.20", "q")
                        .forward(setting.equals("forward") ? "udp " + OLD + ":53 -> q:53" : "udp 53 -> q:53"))) {
            rig.station("p").send(PacketBuilder.udp().from(P, 62_000).to(SERVER, 53));
            rig.outside().takeRaw();
            assertThatThrownBy(() -> rig.await(
                            rig.gateway().changeAddress(UplinkAddress.of(address, prefix, router), FlowPolicy.FLUSH)))
                    .hasCauseInstanceOf(ConfigurationException.class)
                    .hasMessageContaining(setting);
            rig.station("p").send(PacketBuilder.udp().from(P, 62_000).to(SERVER, 53));
            assertThat(rig.outside().takeOne().from()).isEqualTo(OLD + ":62000");
            assertThat(rig.gateway().address()).hasToString(OLD);
            assertThat(events.all(AddressChanged.class)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void nobody_is_told_later_of_a_syn_to_the_old_address(FlowPolicy policy) throws Exception {
        try (GatewayRig rig =
                rig().with(b -> b.tcpTracking(TcpTracking.defaults().withAnswerUnsolicitedSyn(true)))) {
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6000).to(OLD, 62_000));
            change(rig, PLACE, policy);
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 6001).to(NEW, 62_000));
            rig.outside().takeRaw();
            rig.clock().advance(Duration.ofSeconds(6));
            rig.poll();
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.source()).isEqualTo(NEW);
            assertThat(error.inner().from()).isEqualTo(SERVER + ":6001");
        }
    }

    @Test
    void one_to_one_addresses_and_their_flows_do_not_change() throws Exception {
        try (GatewayRig rig = rig().with(b -> b.oneToOne("192.0.2.20", "q"))) {
            rig.station("q").send(PacketBuilder.udp().from(Q, 4000).to(SERVER, 53));
            change(rig, PLACE, FlowPolicy.KEEP);
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to("192.0.2.20", 4000));
            assertThat(rig.station("q").take()).hasSize(1);
            rig.station("q").send(PacketBuilder.udp().from(Q, 4001).to(SERVER, 53));
            assertThat(rig.outside().takeOne().from()).isEqualTo("192.0.2.20:4001");
        }
    }
}
