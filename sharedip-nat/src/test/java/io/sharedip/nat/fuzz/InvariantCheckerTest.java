package io.sharedip.nat.fuzz;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.nat.fuzz.InvariantChecker.Cause;
import io.sharedip.nat.fuzz.InvariantChecker.Machine;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.stats.TrackedState;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The positive control: what the checker is there to find, it finds. */
class InvariantCheckerTest {

    private static final String P = "10.0.0.2";
    private static final MacAddress P_MAC = MacAddress.parse("52:54:00:00:00:01");
    private static final Machine MACHINE = new Machine("p", P_MAC, Set.of(P));
    private final InvariantChecker checker = new InvariantChecker(P);

    private static FlowStatus flow(String guest, int outsidePort, String peer, int peerPort) {
        return new FlowStatus(
                GuestId.of(guest),
                IpProtocol.UDP,
                new Endpoint(Ipv4Address.parse(P), 4000),
                new Endpoint(Ipv4Address.parse(GatewayRig.SHARED), outsidePort),
                new Endpoint(Ipv4Address.parse(peer), peerPort),
                TrackedState.values()[0],
                1,
                28,
                0,
                0,
                Duration.ofSeconds(300));
    }

    private static byte[] leaving(PacketBuilder packet) {
        return packet.macs(GatewayRig.UPLINK_MAC, GatewayRig.NEXT_HOP_MAC).build();
    }

    private static byte[] datagram(int sourcePort) {
        return leaving(PacketBuilder.udp().from(GatewayRig.SHARED, sourcePort).to(GatewayRig.SERVER, 53));
    }

    private static Cause from(String guest) {
        return new Cause(guest, new byte[0]);
    }

    @Test
    void a_frame_of_a_live_flow_of_its_sender_passes() {
        assertThatCode(() -> checker.checkUplink(
                        datagram(61_000), from("p"), List.of(flow("p", 61_000, GatewayRig.SERVER, 53))))
                .doesNotThrowAnyException();
    }

    @Test
    void an_inside_address_passes_in_arp_only_to_a_neighbour_that_has_asked_in_its_name() {
        byte[] request = GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, P, GatewayRig.SHARED);
        byte[] reply = GatewayRig.arpReply(request, GatewayRig.UPLINK_MAC);
        assertThatCode(() -> checker.checkUplink(reply, new Cause(null, request), List.of()))
                .doesNotThrowAnyException();
        for (Cause other : List.of(
                from("p"),
                new Cause("p", request),
                new Cause(null, GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, GatewayRig.SERVER, GatewayRig.SHARED)))) {
            assertThatThrownBy(() -> checker.checkUplink(reply, other, List.of()))
                    .hasMessageContaining("inside address");
        }
        byte[] asks = GatewayRig.arp(1, GatewayRig.UPLINK_MAC, GatewayRig.SHARED, P);
        assertThatThrownBy(() -> checker.checkUplink(asks, new Cause(null, request), List.of()))
                .hasMessageContaining("inside address");
    }

    @Test
    void a_tuple_that_no_flow_has_is_condemned() {
        for (FlowStatus other : List.of(
                flow("p", 61_001, GatewayRig.SERVER, 53),
                flow("p", 61_000, GatewayRig.OTHER_SERVER, 53),
                flow("p", 61_000, GatewayRig.SERVER, 54),
                flow("q", 61_000, GatewayRig.SERVER, 53))) {
            assertThatThrownBy(() -> checker.checkUplink(datagram(61_000), from("p"), List.of(other)))
                    .hasMessageContaining("leak");
        }
    }

    @Test
    void an_inside_address_is_condemned_even_with_a_flow() {
        byte[] frame = leaving(PacketBuilder.udp().from(P, 61_000).to(GatewayRig.SERVER, 53));
        assertThatThrownBy(
                        () -> checker.checkUplink(frame, from("p"), List.of(flow("p", 61_000, GatewayRig.SERVER, 53))))
                .hasMessageContaining("leak");
    }

    @Test
    void only_the_exact_mirror_of_what_came_in_passes_as_the_gateways_own_answer() {
        byte[] call = PacketBuilder.tcp()
                .from(GatewayRig.SERVER, 5555)
                .to(GatewayRig.SHARED, 8080)
                .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                .build();
        byte[] reset = leaving(PacketBuilder.tcp().from(GatewayRig.SHARED, 8080).to(GatewayRig.SERVER, 5555));
        byte[] other = leaving(PacketBuilder.tcp().from(GatewayRig.SHARED, 8080).to(GatewayRig.SERVER, 5556));
        assertThatCode(() -> checker.checkUplink(reset, new Cause(null, call), List.of()))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> checker.checkUplink(other, new Cause(null, call), List.of()))
                .hasMessageContaining("leak");
        assertThatThrownBy(() -> checker.checkUplink(reset, null, List.of())).hasMessageContaining("leak");
    }

    @Test
    void a_frame_for_another_machine_on_a_guests_link_is_condemned() {
        PacketBuilder answer = PacketBuilder.udp().from(GatewayRig.SERVER, 53).to(P, 4000);
        assertThatCode(() -> checker.checkGuest(
                        answer.macs(GatewayRig.ROUTER_MAC, P_MAC).build(), MACHINE))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> checker.checkGuest(
                        answer.macs(GatewayRig.ROUTER_MAC, GatewayRig.UPLINK_MAC)
                                .build(),
                        MACHINE))
                .hasMessageContaining("MAC");
        assertThatThrownBy(() -> checker.checkGuest(
                        answer.macs(GatewayRig.NEXT_HOP_MAC, P_MAC).build(), MACHINE))
                .hasMessageContaining("MAC");
        assertThatThrownBy(() -> checker.checkGuest(
                        answer.to("10.0.0.3", 4000)
                                .macs(GatewayRig.ROUTER_MAC, P_MAC)
                                .build(),
                        MACHINE))
                .hasMessageContaining("address");
    }

    @Test
    void the_outside_address_of_another_flow_is_condemned_and_an_address_that_is_not_the_gateways_more_so() {
        String own = "192.0.2.20";
        byte[] frame = leaving(PacketBuilder.udp().from(own, 61_000).to(GatewayRig.SERVER, 53));
        List<FlowStatus> flows = List.of(flow("p", 61_000, GatewayRig.SERVER, 53));
        InvariantChecker oneToOne = new InvariantChecker(P).oneToOne(own);
        assertThatThrownBy(() -> oneToOne.checkUplink(frame, from("p"), flows)).hasMessageContaining("leak");
        assertThatThrownBy(() -> checker.checkUplink(frame, from("p"), flows))
                .hasMessageContaining("not the shared address");
        byte[] moved = datagram(61_000);
        assertThatThrownBy(() -> InvariantChecker.at("192.0.2.11", P).checkUplink(moved, from("p"), flows))
                .hasMessageContaining("not the shared address");
    }

    @Test
    void a_protocol_without_ports_passes_only_where_it_is_set_and_with_a_flow() {
        byte[] frame = leaving(PacketBuilder.protocol(47)
                .payload(new byte[8])
                .from(GatewayRig.SHARED, 0)
                .to(GatewayRig.SERVER, 0));
        assertThatThrownBy(() -> checker.checkUplink(frame, from("p"), List.of()))
                .hasMessageContaining("protocol is not translated");
        InvariantChecker set = new InvariantChecker(P).protocols(47);
        assertThatThrownBy(() -> set.checkUplink(frame, from("p"), List.of())).hasMessageContaining("no flow");
    }

    @Test
    void books_that_do_not_balance_and_tables_that_overflow_are_condemned() {
        assertThatCode(() -> checker.checkBooks(stats(12, 5))).doesNotThrowAnyException();
        assertThatThrownBy(() -> checker.checkBooks(stats(13, 5))).hasMessageContaining("bounds");
        assertThatThrownBy(() -> checker.checkBooks(stats(12, 6))).hasMessageContaining("balance");
        assertThatThrownBy(() -> checker.checkBooks(new SharedIpStats(11, 12, 12, 5, 3, 1, 0, 0, 1, 0, 0, Map.of())))
                .hasMessageContaining("bounds");
    }

    private static SharedIpStats stats(long flows, long framesIn) {
        return new SharedIpStats(flows, flows, 12, framesIn, 3, 1, 0, 0, 1, 0, 0, Map.of());
    }
}
