package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.Guest;
import io.sharedip.LinkException;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.address.UplinkAddress;
import io.sharedip.event.SharedIpEvent.AddressChanged;
import io.sharedip.event.SharedIpEvent.ForwardConflict;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.conformance.Setting;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.testing.RecordingLink;
import io.sharedip.uplink.PacketUplink;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Outside ports that are shared with the host: no port is used before it is claimed. */
@Timeout(30)
@Setting("claims on ports of the host")
class PortClaimsTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final MacAddress MAC = MacAddress.parse("52:54:00:00:00:01");

    private final FakeClaims claims = new FakeClaims();
    private final RecordingLink up = new RecordingLink("up", GatewayRig.UPLINK_MAC.toString());
    private final RecordingLink guest = new RecordingLink("p", null);
    private final EventRecorder events = new EventRecorder();

    private NatGatewayBuilder builder(int first, int last) {
        return NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .routerMac(GatewayRig.ROUTER_MAC)
                .listener(events)
                .guest(Guest.of("p", MAC.toString(), P, guest))
                .uplink(PacketUplink.on(up).withPorts(PortRange.of(first, last)).withClaims(claims));
    }

    private void resolve(NatGateway gateway) {
        gateway.poll();
        for (Frame frame : up.take()) {
            if (frame.u16(12) == 0x0806) {
                up.bring(Frame.of(GatewayRig.arpReply(frame.toByteArray(), GatewayRig.NEXT_HOP_MAC)));
            }
        }
        gateway.poll();
    }

    private static <T> T drive(NatGateway gateway, CompletionStage<T> stage) throws Exception {
        var future = stage.toCompletableFuture();
        await().until(() -> {
            gateway.poll();
            return future.isDone();
        });
        return future.get(1, TimeUnit.SECONDS);
    }

    private int send(NatGateway gateway, int port) {
        guest.bring(Frame.of(PacketBuilder.udp()
                .from(P, port)
                .to(SERVER, 53)
                .macs(MAC, GatewayRig.ROUTER_MAC)
                .build()));
        gateway.poll();
        List<Frame> frames = up.take().stream().filter(f -> f.u16(12) == 0x0800).toList();
        return frames.isEmpty()
                ? -1
                : ParsedPacket.of(frames.get(0).toByteArray()).sourcePort();
    }

    @Test
    void every_port_that_shows_is_claimed_and_blocks_are_claimed_ahead_of_need() {
        try (NatGateway gateway =
                builder(61000, 63047).capacity(5000).flowsPerGuest(5000).build()) {
            resolve(gateway);
            int before = claims.count(IpProtocol.UDP);
            assertThat(before).isBetween(256, 1024);
            Set<Integer> seen = new HashSet<>();
            for (int i = 0; i < 2048; i++) {
                int wanted = 1024 + i;
                int[] port = {send(gateway, wanted)};
                if (port[0] < 0) {
                    await().until(() -> {
                        gateway.tick(System.nanoTime());
                        port[0] = send(gateway, wanted);
                        return port[0] > 0;
                    });
                }
                assertThat(claims.holds(IpProtocol.UDP, port[0])).isTrue();
                // answered, so that it does not give way
                up.bring(Frame.of(PacketBuilder.udp()
                        .from(SERVER, 53)
                        .to(SHARED, port[0])
                        .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                        .build()));
                gateway.poll();
                guest.take();
                seen.add(port[0]);
                if (i % 64 == 0) {
                    gateway.tick(System.nanoTime());
                    Thread.onSpinWait();
                }
            }
            assertThat(seen).hasSizeGreaterThan(2000);
            assertThat(claims.claimer.getName()).isEqualTo("sharedip-control");
        }
        assertThat(claims.closed).isEqualTo(1);
    }

    @Test
    void ports_that_restored_flows_need_are_claimed_and_those_of_the_host_are_left_to_it() throws Exception {
        ByteArrayOutputStream snapshot = new ByteArrayOutputStream();
        try (GatewayRig before = new GatewayRig().guest("p", MAC.toString(), P)) {
            for (int port = 61100; port < 65535; port += 100) {
                before.station("p").send(PacketBuilder.udp().from(P, port).to(SERVER, 53));
            }
            before.await(before.gateway().snapshot(snapshot));
        }
        claims.heldByHost.set(63500);
        try (NatGateway gateway = builder(61000, 65535).build()) {
            assertThat(claims.count(IpProtocol.UDP)).isLessThan(2000);

            RestoreReport report = drive(gateway, gateway.restore(new ByteArrayInputStream(snapshot.toByteArray())));

            assertThat(report.flows()).isEqualTo(44);
            assertThat(report.skipped(RestoreReport.Skipped.FLOW_WITHOUT_PORT)).isEqualTo(1);
            for (int port = 61100; port < 65535; port += 100) {
                assertThat(claims.holds(IpProtocol.UDP, port))
                        .as("port %d", port)
                        .isEqualTo(port != 63500);
            }
            assertThat(claims.claimer.getName()).isEqualTo("sharedip-control");
            resolve(gateway);
            assertThat(send(gateway, 61100)).isEqualTo(61100);
        }
    }

    @Test
    void ports_of_the_host_are_left_to_it_and_told() {
        claims.heldByHost.set(61000, 61100);
        try (NatGateway gateway = builder(61000, 61255).build()) {
            resolve(gateway);
            for (int i = 0; i < 100; i++) {
                assertThat(send(gateway, 2000 + i)).isBetween(61100, 61255);
            }
            ForwardConflict told = events.await(ForwardConflict.class);
            assertThat(told.port()).isEqualTo(61000);
            // what comes for them is the host's business
            up.bring(Frame.of(PacketBuilder.tcp()
                    .from(SERVER, 53)
                    .to(SHARED, 61001)
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .build()));
            gateway.poll();
            gateway.tick(System.nanoTime());
            assertThat(gateway.stats().leftToHost()).isEqualTo(1);
            assertThat(gateway.stats().dropped()).isZero();
        }
    }

    @Test
    void a_host_that_holds_the_whole_pool_prevents_the_start() {
        claims.heldByHost.set(61000, 61256);
        assertThatThrownBy(() -> builder(61000, 61255).build())
                .isInstanceOfSatisfying(
                        PortClaimException.class, e -> assertThat(e.cure()).isPresent());
        assertThat(claims.closed).isPositive();
        assertThat(up.closed()).isEqualTo(1);
        assertThat(guest.closed()).isEqualTo(1);
    }

    @Test
    void case03_claims_move_with_the_address_and_what_cannot_be_claimed_there_ends() throws Exception {
        claims.heldElsewhere.set(61_000, 61_128);
        claims.heldElsewhere.set(8080);
        try (NatGateway gateway = builder(61000, 61255)
                .forward("udp 8080 -> p:80")
                .forward("udp 8081 -> p:81")
                .protocols(new IpProtocol(47))
                .build()) {
            resolve(gateway);
            for (int i = 0; i < 256; i++) {
                assertThat(send(gateway, 61_000 + i)).isEqualTo(61_000 + i);
            }
            UplinkAddress place = UplinkAddress.of("192.0.2.11", "192.0.2.0/24", "192.0.2.1");
            drive(gateway, gateway.changeAddress(place, FlowPolicy.KEEP));
            resolve(gateway);
            assertThat(claims.address).hasToString("192.0.2.11");
            assertThat(claims.whole).containsExactly(47);
            assertThat(claims.holds(IpProtocol.UDP, 61_127)).isFalse();
            assertThat(claims.holds(IpProtocol.UDP, 61_128)).isTrue();
            assertThat(claims.holds(IpProtocol.UDP, 8081)).isTrue();
            assertThat(drive(gateway, gateway.forwards()))
                    .singleElement()
                    .satisfies(f -> assertThat(f.forward()).hasToString("udp 8081 -> p:81"));
            assertThat(drive(gateway, gateway.flows()))
                    .hasSize(128)
                    .allMatch(f -> f.outside().port() >= 61_128
                            && f.outside().address().toString().equals("192.0.2.11"));
            assertThat(events.await(AddressChanged.class).flowsKept()).isEqualTo(128);
            assertThat(events.await(
                                    ForwardConflict.class,
                                    e -> e.description().contains("'udp 8080 -> p:80' was removed"))
                            .port())
                    .isEqualTo(8080);
            // a port that was given up is not used again
            for (int i = 0; i < 200; i++) {
                int port = send(gateway, 2000 + i);
                assertThat(port == -1 || port >= 61_128).isTrue();
            }
        }
    }

    @Test
    void case03_a_host_without_the_new_address_keeps_the_old_one() throws Exception {
        claims.absent.add("192.0.2.11");
        try (NatGateway gateway = builder(61000, 61255).build()) {
            resolve(gateway);
            assertThat(send(gateway, 61_000)).isEqualTo(61_000);
            UplinkAddress place = UplinkAddress.of("192.0.2.11", "192.0.2.0/24", "192.0.2.1");
            assertThatThrownBy(() -> drive(gateway, gateway.changeAddress(place, FlowPolicy.FLUSH)))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(PortClaimException.class);
            assertThat(claims.address).hasToString(SHARED);
            assertThat(claims.count(IpProtocol.UDP)).isEqualTo(256);
            assertThat(gateway.address()).hasToString(SHARED);
            assertThat(send(gateway, 61_000)).isEqualTo(61_000);
        }
    }

    @Test
    void case03_what_the_host_has_taken_while_a_move_failed_ends() throws Exception {
        claims.absent.add("192.0.2.11");
        claims.takenMeanwhile.set(61_000, 61_128);
        claims.takenMeanwhile.set(8080);
        try (NatGateway gateway = builder(61000, 61255)
                .forward("udp 8080 -> p:80")
                .forward("udp 8081 -> p:81")
                .build()) {
            resolve(gateway);
            for (int i = 0; i < 256; i++) {
                assertThat(send(gateway, 61_000 + i)).isEqualTo(61_000 + i);
            }
            UplinkAddress place = UplinkAddress.of("192.0.2.11", "192.0.2.0/24", "192.0.2.1");
            assertThatThrownBy(() -> drive(gateway, gateway.changeAddress(place, FlowPolicy.KEEP)))
                    .hasCauseInstanceOf(PortClaimException.class);
            assertThat(gateway.address()).hasToString(SHARED);
            assertThat(drive(gateway, gateway.flows()))
                    .hasSize(128)
                    .allMatch(f -> f.outside().port() >= 61_128);
            assertThat(drive(gateway, gateway.forwards()))
                    .singleElement()
                    .satisfies(f -> assertThat(f.forward()).hasToString("udp 8081 -> p:81"));
            assertThat(events.await(
                                    ForwardConflict.class,
                                    e -> e.description().contains("'udp 8080 -> p:80' was removed"))
                            .port())
                    .isEqualTo(8080);
            for (int i = 0; i < 200; i++) {
                int port = send(gateway, 2000 + i);
                assertThat(port == -1 || port >= 61_128).isTrue();
            }
        }
    }

    @Test
    @Setting("claims on ports and protocols of the host; protocols: set")
    void case19_protocols_without_ports_are_claimed_before_they_pass() {
        try (NatGateway gateway = builder(61000, 61255)
                .protocols(new IpProtocol(47), new IpProtocol(50))
                .build()) {
            resolve(gateway);
            assertThat(claims.whole).containsExactlyInAnyOrder(47, 50);
            // what belongs to no flow is the host's, and so is what is not enabled
            for (int protocol : new int[] {47, 132}) {
                up.bring(Frame.of(PacketBuilder.protocol(protocol)
                        .from(SERVER, 0)
                        .to(SHARED, 0)
                        .payload("12345678")
                        .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                        .build()));
            }
            gateway.poll();
            gateway.tick(System.nanoTime());
            assertThat(gateway.stats().leftToHost()).isEqualTo(2);
        }
        assertThat(claims.closed).isPositive();
    }

    @Test
    @Setting("claims on ports and protocols of the host; protocols: set")
    void case19_a_protocol_that_cannot_be_claimed_prevents_the_start() {
        claims.unclaimable = 47;
        assertThatThrownBy(() ->
                        builder(61000, 61255).protocols(new IpProtocol(47)).build())
                .isInstanceOf(PortClaimException.class)
                .hasMessageContaining("protocol 47");
        assertThat(claims.closed).isPositive();
        assertThat(up.closed()).isEqualTo(1);
    }

    @Test
    void claims_that_cannot_be_made_prevent_the_start() {
        claims.refusing = true;
        assertThatThrownBy(() -> builder(61000, 61255).build()).isInstanceOf(PortClaimException.class);
        assertThat(up.closed()).isEqualTo(1);
    }

    @Test
    void a_start_that_fails_later_gives_the_claims_back() {
        guest.failingToOpen(new LinkException("p", "is not there", "plug it in", null));
        assertThatThrownBy(() -> builder(61000, 61255).build()).isInstanceOf(LinkException.class);
        assertThat(claims.closed).isEqualTo(1);
    }

    @Test
    void the_port_of_a_forward_is_claimed_and_given_back() throws Exception {
        try (NatGateway gateway =
                builder(61000, 61255).forward("tcp 8080 -> p:80").build()) {
            assertThat(claims.holds(IpProtocol.TCP, 8080)).isTrue();
            drive(gateway, gateway.addForward(PortForward.parse("tcp 8081-8083 -> p:81-83")));
            assertThat(claims.holds(IpProtocol.TCP, 8083)).isTrue();
            // still needed by another forward
            drive(gateway, gateway.addForward(PortForward.parse("tcp 8082 from 198.51.100.0/24 -> p:99")));
            drive(gateway, gateway.removeForward(ForwardSelector.parse("tcp 8081-8083")));
            assertThat(claims.holds(IpProtocol.TCP, 8081)).isFalse();
            assertThat(claims.holds(IpProtocol.TCP, 8082)).isTrue();
            assertThat(claims.holds(IpProtocol.TCP, 8083)).isFalse();
            drive(gateway, gateway.removeGuest(io.sharedip.GuestId.of("p")));
            assertThat(claims.holds(IpProtocol.TCP, 8080)).isFalse();
            assertThat(claims.holds(IpProtocol.TCP, 8082)).isFalse();
        }
    }

    @Test
    void a_forward_on_a_port_of_the_host_is_refused_told_and_changes_nothing() throws Exception {
        claims.heldByHost.set(8081);
        try (NatGateway gateway = builder(61000, 61255).build()) {
            assertThatThrownBy(() -> drive(gateway, gateway.addForward(PortForward.parse("tcp 8080-8082 -> p:80-82"))))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(PortClaimException.class);
            assertThat(drive(gateway, gateway.forwards())).isEmpty();
            assertThat(claims.holds(IpProtocol.TCP, 8080)).isFalse();
            assertThat(events.await(ForwardConflict.class).port()).isEqualTo(8080);
        }
    }

    @Test
    void a_refused_forward_that_reaches_into_the_pool_does_not_lose_the_pools_claims() throws Exception {
        claims.heldByHost.set(60999);
        try (NatGateway gateway = builder(61000, 61255).build()) {
            assertThatThrownBy(() ->
                            drive(gateway, gateway.addForward(PortForward.parse("udp 60990-61010 -> p:60990-61010"))))
                    .cause()
                    .isInstanceOf(PortClaimException.class);
            resolve(gateway);
            assertThat(claims.holds(IpProtocol.UDP, 60990)).isFalse();
            assertThat(claims.holds(IpProtocol.UDP, 61005)).isTrue();
            assertThat(send(gateway, 61005)).isEqualTo(61005);
        }
    }

    @Test
    void of_two_forwards_that_are_added_at_once_with_one_selector_one_holds_and_keeps_its_claims() throws Exception {
        try (NatGateway gateway = builder(61000, 61255).build()) {
            List<CompletionStage<Void>> changes = List.of(
                    gateway.addForward(PortForward.parse("tcp 8080 -> p:80")),
                    gateway.addForward(PortForward.parse("tcp 8080 -> p:81")));
            int succeeded = 0;
            for (CompletionStage<Void> change : changes) {
                try {
                    drive(gateway, change);
                    succeeded++;
                } catch (ExecutionException e) {
                    assertThat(e).cause().isInstanceOf(ConfigurationException.class);
                }
            }
            assertThat(succeeded).isEqualTo(1);
            assertThat(claims.holds(IpProtocol.TCP, 8080)).isTrue();
            assertThat(drive(gateway, gateway.forwards())).hasSize(1);
        }
    }

    // -------------------------------------------------------------------------------------------- the host's own

    private void outside(NatGateway gateway, byte[] frame) {
        up.bring(Frame.of(frame));
        gateway.poll();
        gateway.tick(System.nanoTime());
    }

    private static PacketBuilder fromOutside(PacketBuilder packet) {
        return packet.macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC);
    }

    @Test
    void what_is_none_of_the_gateways_business_is_left_to_the_host_and_not_answered() {
        try (NatGateway gateway = builder(61000, 61255).build()) {
            resolve(gateway);
            long before = gateway.stats().leftToHost();
            List<byte[]> hosts = List.of(
                    fromOutside(PacketBuilder.tcp().from(SERVER, 80).to(SHARED, 22))
                            .build(),
                    fromOutside(PacketBuilder.udp().from(SERVER, 80).to(SHARED, 40000))
                            .build(),
                    fromOutside(PacketBuilder.icmp()
                                    .from(SERVER, 0)
                                    .to(SHARED, 0)
                                    .echo(8, 1, 1))
                            .build(),
                    fromOutside(PacketBuilder.icmp()
                                    .from(SERVER, 0)
                                    .to(SHARED, 0)
                                    .echo(0, 1, 1))
                            .build(),
                    fromOutside(PacketBuilder.protocol(47).from(SERVER, 0).to(SHARED, 0))
                            .build(),
                    fromOutside(PacketBuilder.udp().from(SERVER, 80).to("192.0.2.20", 53))
                            .build(),
                    fromOutside(PacketBuilder.udp().from(SERVER, 80).to("192.0.2.255", 53))
                            .build(),
                    fromOutside(PacketBuilder.udp()
                                    .from(SERVER, 80)
                                    .to(SHARED, 53)
                                    .fragment(0x2000))
                            .build(),
                    GatewayRig.arp(1, GatewayRig.NEXT_HOP_MAC, "192.0.2.1", SHARED),
                    GatewayRig.arp(2, MacAddress.parse("02:00:00:00:00:77"), "192.0.2.77", SHARED));
            hosts.forEach(frame -> outside(gateway, frame));
            assertThat(gateway.stats().leftToHost() - before).isEqualTo(hosts.size());
            assertThat(gateway.stats().dropped()).isZero();
            assertThat(up.take()).isEmpty();
            assertThat(gateway.stats().balances()).isTrue();
        }
    }

    @Test
    void an_error_about_a_packet_of_the_host_is_the_hosts() {
        try (NatGateway gateway = builder(61000, 61255).build()) {
            resolve(gateway);
            byte[] hosts =
                    PacketBuilder.udp().from(SHARED, 40000).to(SERVER, 53).build();
            long before = gateway.stats().leftToHost();
            outside(
                    gateway,
                    fromOutside(PacketBuilder.icmp()
                                    .from("192.0.2.1", 0)
                                    .to(SHARED, 0)
                                    .error(3, 3, 0, hosts, 64))
                            .build());
            assertThat(gateway.stats().leftToHost() - before).isEqualTo(1);
            assertThat(gateway.stats().drops(DropReason.ICMP_NO_FLOW)).isZero();
        }
    }

    @Test
    void what_the_host_itself_sends_on_the_card_is_left_alone() {
        try (NatGateway gateway = builder(61000, 61255).build()) {
            resolve(gateway);
            long before = gateway.stats().leftToHost();
            outside(
                    gateway,
                    PacketBuilder.udp()
                            .from(SHARED, 40000)
                            .to(SERVER, 53)
                            .macs(GatewayRig.UPLINK_MAC, GatewayRig.NEXT_HOP_MAC)
                            .build());
            byte[] question = GatewayRig.arp(1, GatewayRig.UPLINK_MAC, SHARED, "192.0.2.1");
            assertThat(Octets.u16(question, 20)).isEqualTo(1);
            outside(gateway, question);
            assertThat(gateway.stats().leftToHost() - before).isEqualTo(2);
            assertThat(gateway.stats().dropped()).isZero();
        }
    }
}
