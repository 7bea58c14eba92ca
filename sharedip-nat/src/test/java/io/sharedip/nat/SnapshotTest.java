package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sharedip.FlowPolicy;
import io.sharedip.GuestId;
import io.sharedip.SnapshotException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.event.SharedIpEvent.FlowOpened;
import io.sharedip.event.SharedIpEvent.MappingCreated;
import io.sharedip.event.SharedIpEvent.SnapshotRestored;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreOptions.OtherAddress;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.snapshot.RestoreReport.Skipped;
import io.sharedip.snapshot.SnapshotReport;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.TrackedState;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String ALIAS = GatewayRig.ALIAS;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER_SERVER = GatewayRig.OTHER_SERVER;
    private static final String P = "10.0.0.2";
    private static final RestoreOptions AT_ONCE = RestoreOptions.defaults().withDowntime(Duration.ZERO);

    /** A guest with a private address, and two that share the gateway's. */
    private static GatewayRig rig(Consumer<NatGatewayBuilder> setting) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("s", "52:54:00:00:00:02", SHARED)
                .guest("t", "52:54:00:00:00:03", SHARED)
                .with(setting);
    }

    private static GatewayRig rig() {
        return rig(builder -> {});
    }

    private static byte[] snapshot(GatewayRig rig) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SnapshotReport report = rig.await(rig.gateway().snapshot(out));
        assertThat(report.octets()).isEqualTo(out.size());
        return out.toByteArray();
    }

    private static RestoreReport restore(GatewayRig rig, byte[] snapshot, RestoreOptions options) throws Exception {
        return rig.await(rig.gateway().restore(new ByteArrayInputStream(snapshot), options));
    }

    private static RestoreReport restore(GatewayRig rig, byte[] snapshot) throws Exception {
        return restore(rig, snapshot, AT_ONCE);
    }

    private static void nothingSkipped(RestoreReport report) {
        assertThat(report.skipped())
                .allSatisfy(
                        (reason, count) -> assertThat(count).as(reason.name()).isZero());
    }

    @Test
    void an_established_connection_goes_on_through_another_gateway_in_both_directions() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation first =
                    Conversation.tcp(before, "p", P, 40000, SERVER, 443).handshake();
            first.out();
            first.in();

            RestoreReport report = restore(after, snapshot(before));

            nothingSkipped(report);
            assertThat(report.flows()).isEqualTo(1);
            assertThat(report.mappings()).isEqualTo(1);
            assertThat(after.flows()).usingRecursiveComparison().isEqualTo(before.flows());
            Conversation then = first.through(after);
            assertThat(then.in()).isNotNull();
            ParsedPacket out = then.out();
            assertThat(out).isNotNull();
            assertThat(out.sourcePort()).isEqualTo(first.outsidePort());
            then.out(ACK | FIN);
            assertThat(then.in(ACK | FIN)).isNotNull();
            assertThat(after.flows()).extracting(FlowStatus::state).containsExactly(TrackedState.CLOSED);
        }
    }

    /** Windows of 512 octets scaled by 2^7: without the scale nothing would fit, without the windows everything. */
    @Test
    void windows_with_their_scales_are_checked_as_before() throws Exception {
        byte[] scale = {1, 3, 3, 7};
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            before.station("p").send(guestSegment(SYN, 1000, 0, 0).tcpOptions(scale));
            assertThat(before.outside().takeOne().flags()).isEqualTo(SYN);
            before.outside().send(serverSegment(SYN | ACK, 5000, 1001, 0).tcpOptions(scale));
            assertThat(before.station("p").take()).hasSize(1);
            before.station("p").send(guestSegment(ACK, 1001, 5001, 0));
            before.outside().send(serverSegment(ACK, 5001, 1001, 0));
            byte[] file = snapshot(before);

            nothingSkipped(restore(after, file));

            assertThat(after.flows()).usingRecursiveComparison().isEqualTo(before.flows());
            for (GatewayRig rig : List.of(before, after)) {
                rig.outside().take();
                rig.station("p").take();
                // beyond the window
                rig.outside().send(serverSegment(ACK, 5001 + 512 * 128 + 1000, 1001, 10));
                rig.station("p").send(guestSegment(ACK, 1001 + 512 * 128 + 1000, 5001, 10));
                assertThat(rig.station("p").take()).isEmpty();
                assertThat(rig.outside().take()).isEmpty();
                // at its end
                rig.outside().send(serverSegment(ACK, 5001 + 512 * 128 - 10, 1001, 10));
                assertThat(rig.station("p").take()).hasSize(1);
                rig.station("p").send(guestSegment(ACK, 1001 + 512 * 128 - 10, 5001, 10));
                assertThat(rig.outside().take()).hasSize(1);
                assertThat(rig.drops(DropReason.TCP_WINDOW)).isEqualTo(2);
            }
        }
    }

    private static PacketBuilder guestSegment(int flags, long seq, long ack, int octets) {
        return PacketBuilder.tcp()
                .from(P, 61234)
                .to(SERVER, 443)
                .flags(flags)
                .sequence(seq, ack)
                .window(512)
                .payload(new byte[octets]);
    }

    private static PacketBuilder serverSegment(int flags, long seq, long ack, int octets) {
        return PacketBuilder.tcp()
                .from(SERVER, 443)
                .to(SHARED, 61234)
                .flags(flags)
                .sequence(seq, ack)
                .window(512)
                .payload(new byte[octets]);
    }

    @Test
    void guests_with_one_address_get_their_own_flows_back() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation ofS = Conversation.udp(before, "s", SHARED, 5000, SERVER, 53);
            Conversation ofT = Conversation.udp(before, "t", SHARED, 5000, SERVER, 53);
            ofS.out();
            ofT.out();
            assertThat(ofS.outsidePort()).isNotEqualTo(ofT.outsidePort());

            nothingSkipped(restore(after, snapshot(before)));

            assertThat(ofS.through(after).in()).isNotNull();
            assertThat(ofT.through(after).in()).isNotNull();
            assertThat(after.station("p").take()).isEmpty();
        }
    }

    @Test
    void guests_are_known_by_name_whatever_their_number_is() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = new GatewayRig()
                        .guest("t", "52:54:00:00:00:03", SHARED)
                        .guest("other", "52:54:00:00:00:09", SHARED)
                        .guest("s", "52:54:00:00:00:02", SHARED)) {
            Conversation ofS = Conversation.udp(before, "s", SHARED, 5000, SERVER, 53);
            Conversation ofP = Conversation.udp(before, "p", P, 5000, SERVER, 53);
            ofS.out();
            ofP.out();

            RestoreReport report = restore(after, snapshot(before));

            assertThat(ofS.through(after).in()).isNotNull();
            assertThat(report.skipped(Skipped.GUEST_UNKNOWN)).isEqualTo(1);
            assertThat(report.skipped(Skipped.BINDING_REFUSED)).isEqualTo(1);
            assertThat(report.skipped(Skipped.FLOW_OF_NOBODY)).isEqualTo(1);
            assertThat(report.flows()).isEqualTo(1);
        }
    }

    @Test
    void a_mapping_keeps_its_port_and_whom_it_lets_in() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation ofP = Conversation.udp(before, "p", P, 62000, SERVER, 53);
            ofP.out();
            restore(after, snapshot(before));

            // the same peer from another port: endpoint-independent mapping, address-dependent filtering
            after.outside().send(PacketBuilder.udp().from(SERVER, 54).to(SHARED, ofP.outsidePort()));
            assertThat(after.station("p").takeOne().to()).isEqualTo(P + ":62000");
            after.outside().send(PacketBuilder.udp().from(OTHER_SERVER, 53).to(SHARED, ofP.outsidePort()));
            assertThat(after.station("p").take()).isEmpty();
            after.station("p").send(PacketBuilder.udp().from(P, 62000).to(OTHER_SERVER, 53));
            assertThat(after.outside().takeOne().sourcePort()).isEqualTo(ofP.outsidePort());
            // nobody else gets the port
            after.station("s").send(PacketBuilder.udp().from(SHARED, 62000).to(SERVER, 53));
            assertThat(after.outside().takeOne().sourcePort()).isNotEqualTo(ofP.outsidePort());
        }
    }

    @Test
    void pings_forwards_and_hairpins_go_on() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            before.await(before.gateway().addForward(PortForward.parse("tcp 8080 -> t:80")));
            before.station("p")
                    .send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 77, 1));
            int id = before.outside().takeOne().icmpRest() >>> 16;
            Conversation called = Conversation.tcp(before, "t", SHARED, 80, SERVER, 3333)
                    .outsidePort(8080)
                    .handshakeFromOutside();
            before.station("s")
                    .send(PacketBuilder.tcp()
                            .from(SHARED, 40000)
                            .to(ALIAS, 8080)
                            .flags(SYN));
            ParsedPacket hairpin = before.station("t").takeOne();

            RestoreReport report = restore(after, snapshot(before));

            nothingSkipped(report);
            assertThat(report.forwards()).isEqualTo(1);
            assertThat(report.flows()).isEqualTo(4);
            after.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, id, 1));
            assertThat(after.station("p").takeOne().icmpRest() >>> 16).isEqualTo(77);
            assertThat(called.through(after).in()).isNotNull();
            assertThat(called.through(after).out()).isNotNull();
            after.station("t")
                    .send(PacketBuilder.tcp()
                            .from(SHARED, 80)
                            .to(hairpin.source(), hairpin.sourcePort())
                            .flags(SYN | ACK)
                            .sequence(9000, hairpin.sequence() + 1 + hairpin.payload().length));
            ParsedPacket back = after.station("s").takeOne();
            assertThat(back.from()).isEqualTo(ALIAS + ":8080");
            assertThat(back.to()).isEqualTo(SHARED + ":40000");
            assertThat(after.gateway().stats().flows()).isEqualTo(4);

            after.await(after.gateway()
                    .removeForward(PortForward.parse("tcp 8080 -> t:80").selector()));
            assertThat(after.flows()).extracting(flow -> flow.guest().name()).containsExactlyInAnyOrder("p", "s");
        }
    }

    @Test
    void what_is_translated_by_address_alone_or_not_at_all_goes_on() throws Exception {
        Consumer<NatGatewayBuilder> setting =
                builder -> builder.protocols(new IpProtocol(47)).exempt(IpPrefix.parse("198.51.100.0/24"));
        try (GatewayRig before = rig(setting);
                GatewayRig after = rig(setting);
                GatewayRig changed = rig()) {
            before.station("p").send(PacketBuilder.protocol(47).from(P, 0).to(OTHER_SERVER, 0));
            assertThat(before.outside().takeOne().source()).isEqualTo(SHARED);
            before.station("p").send(PacketBuilder.udp().from(P, 5000).to(SERVER, 53));
            assertThat(before.outside().takeOne().source()).isEqualTo(P);
            byte[] file = snapshot(before);

            nothingSkipped(restore(after, file));
            after.outside()
                    .send(PacketBuilder.protocol(47).from(OTHER_SERVER, 0).to(SHARED, 0));
            assertThat(after.station("p").takeOne().destination()).isEqualTo(P);
            after.outside().send(PacketBuilder.udp().from(SERVER, 53).to(P, 5000));
            assertThat(after.station("p").takeOne().destination()).isEqualTo(P);

            RestoreReport report = restore(changed, file);
            assertThat(report.flows()).isZero();
            assertThat(report.skipped(Skipped.FLOW_UNLIKE_SETTINGS)).isEqualTo(2);
        }
    }

    @Test
    void timers_go_on_where_they_stood_to_the_millisecond() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation ofP = Conversation.udp(before, "p", P, 5000, SERVER, 53);
            ofP.out();
            before.advance(Duration.ofMillis(100_250));
            byte[] file = snapshot(before);
            after.advance(Duration.ofHours(7));

            restore(after, file);

            assertThat(after.flows()).extracting(FlowStatus::expiresIn).containsExactly(Duration.ofMillis(199_750));
            after.advance(Duration.ofMillis(199_749));
            assertThat(ofP.through(after).in()).isNotNull();
            after.advance(Duration.ofMillis(1));
            assertThat(ofP.through(after).in()).isNull();
            assertThat(after.flows()).isEmpty();
        }
    }

    @Test
    void downtime_counts_and_what_ended_meanwhile_is_left_out() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation udp = Conversation.udp(before, "p", P, 5000, SERVER, 53);
            udp.out();
            Conversation tcp =
                    Conversation.tcp(before, "p", P, 40000, SERVER, 443).handshake();

            RestoreReport report =
                    restore(after, snapshot(before), RestoreOptions.defaults().withDowntime(Duration.ofSeconds(300)));

            assertThat(report.skipped(Skipped.FLOW_EXPIRED)).isEqualTo(1);
            assertThat(report.downtime()).isEqualTo(Duration.ofSeconds(300));
            assertThat(after.flows()).extracting(FlowStatus::expiresIn).containsExactly(Duration.ofSeconds(7440 - 300));
            assertThat(tcp.through(after).in()).isNotNull();
            assertThat(udp.through(after).in()).isNull();
        }
    }

    @Test
    void downtime_is_what_the_wall_clock_says_unless_told_otherwise() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Instant begun = Instant.now();
            byte[] file = snapshot(before);

            RestoreReport report = restore(after, file, RestoreOptions.defaults());

            assertThat(report.taken()).isBetween(begun.minusMillis(1), Instant.now());
            assertThat(report.downtime())
                    .isBetween(Duration.ZERO, Duration.between(begun.minusMillis(1), Instant.now()));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {9_300_000_000L, Long.MAX_VALUE})
    void no_flow_outlives_a_downtime_too_long_to_count(long seconds) throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation.tcp(before, "p", P, 40000, SERVER, 443).handshake();

            RestoreReport report = restore(
                    after, snapshot(before), RestoreOptions.defaults().withDowntime(Duration.ofSeconds(seconds)));

            assertThat(report.skipped(Skipped.FLOW_EXPIRED)).isEqualTo(1);
            assertThat(after.flows()).isEmpty();
        }
    }

    @Test
    void where_a_live_flow_clashes_it_stays() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            Conversation old = Conversation.udp(before, "p", P, 62000, SERVER, 53);
            old.out();
            Conversation.udp(before, "s", SHARED, 62001, SERVER, 53).out();
            Conversation.udp(before, "t", SHARED, 62002, SERVER, 53).out();
            // the same tuple; the port of another's mapping
            Conversation live = Conversation.udp(after, "p", P, 62000, SERVER, 53);
            live.out();
            Conversation rival = Conversation.udp(after, "t", SHARED, 62001, OTHER_SERVER, 99);
            rival.out();
            assertThat(rival.outsidePort()).isEqualTo(62001);
            byte[] file = snapshot(before);

            RestoreReport report = restore(after, file);

            assertThat(report.flows()).isEqualTo(1);
            assertThat(report.skipped(Skipped.FLOW_CLASHES)).isEqualTo(2);
            assertThat(live.in()).isNotNull();
            assertThat(rival.in()).isNotNull();
            assertThat(after.flows()).hasSize(3);

            RestoreReport again = restore(after, file);

            assertThat(again.flows()).isZero();
            assertThat(again.flowsSkipped()).isEqualTo(3);
            assertThat(after.flows()).hasSize(3);
        }
    }

    @Test
    void packets_of_restored_flows_make_mappings_end_like_any() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            for (int port = 62000; port < 62100; port++) {
                Conversation.udp(before, "p", P, port, SERVER, 53).out();
            }
            restore(after, snapshot(before));
            assertThat(after.stats().mappings()).isEqualTo(100);

            after.advance(Duration.ofSeconds(301));

            assertThat(after.flows()).isEmpty();
            assertThat(after.stats().mappings()).isZero();
        }
    }

    @Test
    void established_flows_come_first_where_room_is_short() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig(builder -> builder.capacity(20).flowsPerGuest(10))) {
            for (int port = 40000; port < 40020; port++) {
                Conversation.tcp(before, "p", P, port, SERVER, 443).out(SYN);
            }
            for (int port = 41000; port < 41008; port++) {
                Conversation.tcp(before, "p", P, port, SERVER, 443).handshake();
            }

            RestoreReport report = restore(after, snapshot(before));

            assertThat(report.flows()).isEqualTo(10);
            assertThat(report.skipped(Skipped.FLOW_WITHOUT_ROOM)).isEqualTo(18);
            assertThat(after.flows())
                    .filteredOn(f -> f.state() == TrackedState.ESTABLISHED)
                    .hasSize(8);
            // half-open flows that were restored make room like others
            assertThat(Conversation.tcp(after, "p", P, 50000, SERVER, 443).out(SYN))
                    .isNotNull();
        }
    }

    @Test
    void a_port_that_is_not_the_pools_any_more_is_left_out() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig().ports(62000, 62999)) {
            Conversation.udp(before, "p", P, 61500, SERVER, 53).out();
            Conversation kept = Conversation.udp(before, "p", P, 62500, SERVER, 53);
            kept.out();

            RestoreReport report = restore(after, snapshot(before));

            assertThat(report.skipped(Skipped.FLOW_WITHOUT_PORT)).isEqualTo(1);
            assertThat(kept.through(after).in()).isNotNull();
        }
    }

    @Test
    void rules_are_not_restored_and_judge_what_is() throws Exception {
        FilterChain closed = FilterChain.parse("drop udp from any to any");
        try (GatewayRig before = rig();
                GatewayRig after = rig(builder -> builder.rules(closed))) {
            Conversation ofP = Conversation.udp(before, "p", P, 5000, SERVER, 53);
            ofP.out();

            nothingSkipped(restore(after, snapshot(before)));

            assertThat(ofP.through(after).in()).isNull();
            assertThat(ofP.through(after).out()).isNull();
        }
    }

    @Test
    void bindings_and_forwards_are_added_unless_there_is_something_else() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after =
                        rig(builder -> builder.forward("tcp 81 -> p:81").forward("tcp 82 -> s:82"))) {
            Binding more =
                    new Binding(GuestId.of("p"), MacAddress.parse("52:54:00:00:00:01"), Ipv4Address.parse("10.0.0.99"));
            before.await(before.gateway().bind(more));
            for (String forward : List.of("tcp 80 -> p:80", "tcp 81 -> p:81", "tcp 82 -> p:82")) {
                before.await(before.gateway().addForward(PortForward.parse(forward)));
            }
            Conversation.tcp(before, "p", P, 82, SERVER, 3333).outsidePort(82).handshakeFromOutside();
            Conversation of99 = Conversation.udp(before, "p", "10.0.0.99", 5000, SERVER, 53);
            of99.out();

            RestoreReport report = restore(after, snapshot(before));

            assertThat(report.bindings()).isEqualTo(1);
            assertThat(report.forwards()).isEqualTo(1);
            assertThat(report.skipped(Skipped.FORWARD_REFUSED)).isEqualTo(1);
            assertThat(report.skipped(Skipped.FLOW_WITHOUT_FORWARD)).isEqualTo(1);
            assertThat(of99.through(after).in()).isNotNull();
            assertThat(after.await(after.gateway().forwards()))
                    .extracting(f -> f.forward().toString())
                    .containsExactlyInAnyOrder("tcp 80 -> p:80", "tcp 81 -> p:81", "tcp 82 -> s:82");
        }
    }

    @Test
    void a_snapshot_of_another_address_is_refused_or_taken_over() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = new GatewayRig()
                        .guest("p", "52:54:00:00:00:01", P)
                        .with(builder -> builder.address("192.0.2.77"))) {
            Conversation ofP = Conversation.udp(before, "p", P, 62000, SERVER, 53);
            ofP.out();
            byte[] file = snapshot(before);

            assertThatThrownBy(() -> restore(after, file))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("is of a gateway with the address 192.0.2.10, and this one has 192.0.2.77");
            assertThat(after.flows()).isEmpty();

            RestoreReport report = restore(after, file, AT_ONCE.withOtherAddress(OtherAddress.TAKE_OVER));

            assertThat(report.flows()).isEqualTo(1);
            after.station("p").send(PacketBuilder.udp().from(P, 62000).to(SERVER, 53));
            assertThat(after.outside().takeOne().from()).isEqualTo("192.0.2.77:62000");
            after.outside().send(PacketBuilder.udp().from(SERVER, 53).to("192.0.2.77", 62000));
            assertThat(after.station("p").takeOne().to()).isEqualTo(P + ":62000");
        }
    }

    @Test
    void a_snapshot_that_is_cut_off_is_refused_whole() throws Exception {
        try (GatewayRig before = rig();
                GatewayRig after = rig()) {
            before.await(before.gateway().addForward(PortForward.parse("tcp 80 -> p:80")));
            Conversation.udp(before, "p", P, 5000, SERVER, 53).out();
            byte[] file = snapshot(before);

            for (int length = 0; length < file.length; length += 7) {
                byte[] cut = Arrays.copyOf(file, length);
                assertThatThrownBy(() -> restore(after, cut))
                        .cause()
                        .isInstanceOf(SnapshotException.class)
                        .hasMessageContaining("was not written or copied to its end");
            }
            assertThat(after.flows()).isEmpty();
            assertThat(after.await(after.gateway().forwards())).isEmpty();
        }
    }

    @Test
    void one_event_tells_of_a_restoration_and_one_of_each_mapping() throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig before = rig();
                GatewayRig after = rig(builder -> builder.listener(events))) {
            Conversation.udp(before, "p", P, 5000, SERVER, 53).out();

            RestoreReport report = restore(after, snapshot(before));

            assertThat(events.await(SnapshotRestored.class).report()).isEqualTo(report);
            assertThat(events.all(FlowOpened.class)).isEmpty();
            assertThat(events.all(MappingCreated.class))
                    .singleElement()
                    .satisfies(e -> assertThat(e.inside()).hasToString(P + ":5000"));
        }
    }

    @Test
    void packets_pass_while_a_snapshot_waits_for_its_stream() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation ofP = Conversation.udp(rig, "p", P, 5000, SERVER, 53);
            ofP.out();
            CountDownLatch go = new CountDownLatch(1);
            OutputStream stuck = new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] b, int off, int len) throws IOException {
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        throw new IOException(e);
                    }
                }
            };
            var writing = rig.gateway().snapshot(stuck).toCompletableFuture();

            assertThat(ofP.in()).isNotNull();
            rig.await(rig.gateway().addForward(PortForward.parse("tcp 80 -> p:80")));
            assertThat(writing).isNotDone();

            go.countDown();
            assertThat(rig.await(writing).flows()).isEqualTo(1);
        }
    }

    @Test
    void nothing_passes_a_gateway_that_hands_over_unless_that_fails() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation ofP = Conversation.udp(rig, "p", P, 5000, SERVER, 53);
            ofP.out();
            OutputStream full = new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    throw new IOException("no space left");
                }
            };
            assertThatThrownBy(() -> rig.await(rig.gateway().handOver(full)))
                    .cause()
                    .isInstanceOf(SnapshotException.class);
            assertThat(ofP.in()).isNotNull();

            ByteArrayOutputStream out = new ByteArrayOutputStream();
            assertThat(rig.await(rig.gateway().handOver(out)).flows()).isEqualTo(1);

            assertThat(ofP.in()).isNull();
            assertThat(ofP.out()).isNull();
            try (GatewayRig after = rig()) {
                nothingSkipped(restore(after, out.toByteArray()));
                assertThat(ofP.through(after).in()).isNotNull();
            }
        }
    }

    /** Waits in its first write, and then takes everything or fails. */
    private static final class HeldStream extends ByteArrayOutputStream {
        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch go = new CountDownLatch(1);
        private volatile boolean fails;

        @Override
        public synchronized void write(byte[] b, int off, int len) {
            reached.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (fails) {
                throw new IllegalStateException("no space left");
            }
            super.write(b, off, len);
        }

        void awaitReached(GatewayRig rig) {
            await().until(() -> {
                rig.poll();
                return reached.getCount() == 0;
            });
        }
    }

    @Test
    void two_gateways_that_take_over_at_once_keep_everything_waiting_until_both_have_failed() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation ofP = Conversation.udp(rig, "p", P, 5000, SERVER, 53);
            ofP.out();
            HeldStream first = new HeldStream();
            HeldStream second = new HeldStream();
            var one = rig.gateway().handOver(first).toCompletableFuture();
            var other = rig.gateway().handOver(second).toCompletableFuture();
            first.awaitReached(rig);
            second.awaitReached(rig);
            first.fails = true;
            first.go.countDown();
            assertThatThrownBy(() -> rig.await(one)).hasMessageContaining("no space left");
            assertThat(ofP.in()).isNull();
            assertThat(ofP.out()).isNull();

            second.fails = true;
            second.go.countDown();
            assertThatThrownBy(() -> rig.await(other)).hasMessageContaining("no space left");
            rig.poll();
            assertThat(rig.station("p").take()).hasSize(1);
            assertThat(rig.outside().take()).hasSize(1);
        }
    }

    private static GatewayRig rigOfPrivateGuests() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", P).guest("q", "52:54:00:00:00:02", "10.0.0.3");
    }

    @Test
    void a_snapshot_during_which_the_gateway_moves_is_of_the_old_address_and_loses_nothing() throws Exception {
        UplinkAddress place = UplinkAddress.of("192.0.2.11", "192.0.2.0/24", GatewayRig.ROUTER)
                .withAlias(ALIAS);
        try (GatewayRig before = rigOfPrivateGuests();
                GatewayRig after = rigOfPrivateGuests()) {
            before.await(before.gateway().addForward(PortForward.parse("tcp 8080 -> q:80")));
            Conversation ofP =
                    Conversation.tcp(before, "p", P, 40000, SERVER, 443).handshake();
            before.station("p")
                    .send(PacketBuilder.tcp().from(P, 40001).to(SHARED, 8080).flags(SYN));
            before.station("q").takeOne();
            HeldStream stream = new HeldStream();
            var writing = before.gateway().snapshot(stream).toCompletableFuture();
            stream.awaitReached(before);
            before.await(before.gateway().changeAddress(place, FlowPolicy.KEEP));
            // whoever has the old address now is another machine
            before.station("p").send(PacketBuilder.udp().from(P, 5000).to(SHARED, 53));
            assertThat(before.stats().flows()).isEqualTo(4);
            stream.go.countDown();
            assertThat(before.await(writing).flows()).isEqualTo(3);

            RestoreReport report = restore(after, stream.toByteArray());

            nothingSkipped(report);
            assertThat(report.flows()).isEqualTo(3);
            assertThat(ofP.through(after).in()).isNotNull();
            assertThat(ofP.through(after).out()).isNotNull();
            after.station("p")
                    .send(PacketBuilder.tcp().from(P, 40001).to(SHARED, 8080).flags(SYN));
            assertThat(after.station("q").takeOne().source()).isEqualTo(SHARED);
        }
    }

    /** Under endpoint-independent filtering anybody uses a mapping, though it is for the one whom the guest has called. */
    @ParameterizedTest
    @EnumSource(names = {"ADDRESS_DEPENDENT", "ADDRESS_AND_PORT_DEPENDENT"})
    void a_mapping_is_for_the_peer_that_it_was_made_for_even_if_only_a_strangers_flow_is_left(MappingBehavior mapping)
            throws Exception {
        Consumer<NatGatewayBuilder> setting = builder -> builder.udp(
                ProtocolBehavior.udp().withMapping(mapping).withFiltering(FilteringBehavior.ENDPOINT_INDEPENDENT));
        try (GatewayRig before = rig(setting);
                GatewayRig after = rig(setting)) {
            before.station("p").send(PacketBuilder.udp().from(P, 62000).to(SERVER, 53));
            int port = before.outside().takeOne().sourcePort();
            before.advance(Duration.ofSeconds(200));
            before.outside().send(PacketBuilder.udp().from(OTHER_SERVER, 99).to(SHARED, port));
            before.station("p").takeOne();
            before.station("p").send(PacketBuilder.udp().from(P, 62000).to(OTHER_SERVER, 99));
            assertThat(before.outside().takeOne().sourcePort()).isEqualTo(port);
            before.advance(Duration.ofSeconds(101));
            assertThat(before.flows())
                    .singleElement()
                    .satisfies(f -> assertThat(f.peer()).hasToString(OTHER_SERVER + ":99"));

            nothingSkipped(restore(after, snapshot(before)));

            for (GatewayRig rig : List.of(before, after)) {
                // the guest calls another port of the stranger, and then the peer that the mapping is for
                rig.station("p").send(PacketBuilder.udp().from(P, 62000).to(OTHER_SERVER, 98));
                assertThat(rig.outside().takeOne().sourcePort()).isNotEqualTo(port);
                rig.station("p").send(PacketBuilder.udp().from(P, 62000).to(SERVER, 53));
                assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(port);
            }
        }
    }

    @Test
    void a_strangers_flow_on_a_mapping_for_all_is_left_out_where_mappings_are_for_one_peer() throws Exception {
        ProtocolBehavior open = ProtocolBehavior.udp().withFiltering(FilteringBehavior.ENDPOINT_INDEPENDENT);
        try (GatewayRig before = rig(builder -> builder.udp(open));
                GatewayRig after = rig(builder -> builder.udp(open.withMapping(MappingBehavior.ADDRESS_DEPENDENT)))) {
            before.station("p").send(PacketBuilder.udp().from(P, 62000).to(SERVER, 53));
            before.advance(Duration.ofSeconds(200));
            before.outside().send(PacketBuilder.udp().from(OTHER_SERVER, 99).to(SHARED, 62000));
            before.station("p").send(PacketBuilder.udp().from(P, 62000).to(OTHER_SERVER, 99));
            before.advance(Duration.ofSeconds(101));

            RestoreReport report = restore(after, snapshot(before));

            assertThat(report.flows()).isZero();
            assertThat(report.skipped(Skipped.FLOW_UNLIKE_SETTINGS)).isEqualTo(1);
            assertThat(after.stats().mappings()).isZero();
        }
    }

    @Test
    void a_stream_that_fails_fails_the_stage_and_nothing_else() throws Exception {
        try (GatewayRig rig = rig()) {
            OutputStream full = new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    throw new IOException("no space left");
                }
            };
            InputStream broken = new InputStream() {
                @Override
                public int read() throws IOException {
                    throw new IOException("the disk is gone");
                }
            };

            assertThatThrownBy(() -> rig.await(rig.gateway().snapshot(full)))
                    .cause()
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("no space left");
            assertThatThrownBy(() -> rig.await(rig.gateway().restore(broken)))
                    .cause()
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("the disk is gone");
            assertThat(rig.gateway().failure()).isEqualTo(Optional.empty());
        }
    }

    /** Slices, growing tables, every port: written once, restored once, and every flow is there. */
    @Test
    void a_million_flows_are_carried_over() throws Exception {
        int ports = 4000;
        int peers = 250;
        Consumer<NatGatewayBuilder> big =
                builder -> builder.capacity(1_000_000).flowsPerGuest(1_000_000).verifyChecksums(false);
        byte[] file;
        try (GatewayRig before = rig(big)) {
            for (int port = 0; port < ports; port++) {
                for (int peer = 1; peer <= peers; peer++) {
                    before.station("p")
                            .sendWithoutWork(
                                    PacketBuilder.udp().from(P, 61000 + port).to("198.51.100." + peer, 53));
                }
                before.poll();
                before.outside().discard();
            }
            assertThat(before.stats().flows()).isEqualTo(ports * peers);
            file = snapshot(before);
        }
        try (GatewayRig after = rig(big)) {
            RestoreReport report = restore(after, file);

            nothingSkipped(report);
            assertThat(report.flows()).isEqualTo(ports * peers);
            assertThat(report.mappings()).isEqualTo(ports);
            assertThat(after.stats().mappings()).isEqualTo(ports);
            for (int i = 0; i < 100; i++) {
                after.outside()
                        .send(PacketBuilder.udp()
                                .from("198.51.100." + (1 + i * 2), 53)
                                .to(SHARED, 61000 + i * 39));
                assertThat(after.station("p").takeOne().to()).isEqualTo(P + ":" + (61000 + i * 39));
            }
        }
    }
}
