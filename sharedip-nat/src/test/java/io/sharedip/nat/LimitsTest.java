package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.sharedip.GuestId;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.event.SharedIpEvent.Limit;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What gives way when flows or ports run out, and who is refused. */
class LimitsTest {

    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";

    private static GatewayRig rig(int capacity, int perGuest) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .with(builder -> builder.capacity(capacity).flowsPerGuest(perGuest));
    }

    private static Conversation p(GatewayRig rig, int port) {
        return Conversation.tcp(rig, "p", P, port, SERVER, 80);
    }

    private static Conversation q(GatewayRig rig, int port) {
        return Conversation.tcp(rig, "q", Q, port, SERVER, 80);
    }

    private static void close(Conversation talk) {
        talk.out(FIN | ACK);
        talk.in(FIN | ACK);
    }

    private static boolean lives(Conversation talk) {
        return talk.in() != null;
    }

    @Test
    void rfc6888_req4_at_its_limit_a_guest_loses_its_closed_flows_first() {
        try (GatewayRig rig = rig(100, 4)) {
            Conversation open1 = p(rig, 1001).handshake();
            Conversation closed = p(rig, 1002).handshake();
            close(closed);
            Conversation half = p(rig, 1003);
            half.out(SYN);
            Conversation open2 = p(rig, 1004).handshake();
            assertThat(p(rig, 1005).out(SYN)).isNotNull();
            assertThat(lives(closed)).isFalse();
            assertThat(half.in(SYN | ACK)).isNotNull();
            assertThat(lives(open1)).isTrue();
            assertThat(lives(open2)).isTrue();
        }
    }

    @Test
    void hostile20_then_the_oldest_of_those_that_nobody_has_answered() {
        try (GatewayRig rig = rig(100, 4)) {
            Conversation open = p(rig, 1001).handshake();
            List<Conversation> half = new ArrayList<>();
            for (int port = 1002; port < 1005; port++) {
                Conversation talk = p(rig, port);
                talk.out(SYN);
                half.add(talk);
            }
            assertThat(p(rig, 1010).out(SYN)).isNotNull();
            assertThat(half.get(0).in(SYN | ACK)).isNull();
            assertThat(half.get(1).in(SYN | ACK)).isNotNull();
            assertThat(lives(open)).isTrue();
        }
    }

    @Test
    void hostile20_then_the_new_one_is_refused_with_3_13_and_established_flows_stay() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig(100, 3).with(b -> b.listener(events))) {
            List<Conversation> open = new ArrayList<>();
            for (int port = 1001; port < 1004; port++) {
                open.add(p(rig, port).handshake());
            }
            rig.station("p").take();
            assertThat(p(rig, 1010).out(SYN)).isNull();
            ParsedPacket told = rig.station("p").takeOne();
            assertThat(told.icmpType()).isEqualTo(3);
            assertThat(told.icmpCode()).isEqualTo(13);
            assertThat(told.inner().from()).isEqualTo(P + ":1010");
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_GUEST_FLOWS);
            assertThat(open).allMatch(LimitsTest::lives);
            SharedIpEvent.TableFull full = events.await(SharedIpEvent.TableFull.class);
            assertThat(full.guest()).isEqualTo(GuestId.of("p"));
            assertThat(full.limit()).isEqualTo(Limit.FLOWS_PER_GUEST);
            // the other guest has its own share
            assertThat(q(rig, 1001).handshake().in()).isNotNull();
        }
    }

    @Test
    void refusals_are_told_at_most_once_a_second_and_guest() {
        EventRecorder events = new EventRecorder();
        GatewayRig rig = rig(100, 1).with(b -> b.listener(events));
        try (rig) {
            p(rig, 1000).handshake();
            q(rig, 1000).handshake();
            for (int second = 0; second < 3; second++) {
                for (int port = 2000; port < 2050; port++) {
                    p(rig, port).out(SYN);
                    q(rig, port).out(SYN);
                }
                rig.advance(Duration.ofSeconds(1));
            }
            assertThat(rig.drops(DropReason.LIMIT_GUEST_FLOWS)).isEqualTo(300);
        }
        assertThat(events.all(SharedIpEvent.TableFull.class)).hasSize(6);
    }

    @Test
    void a_full_table_takes_closed_flows_of_anybody_first() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig(4, 4).with(b -> b.listener(events))) {
            Conversation closedOfQ = q(rig, 1001).handshake();
            close(closedOfQ);
            Conversation halfOfP = p(rig, 1001);
            halfOfP.out(SYN);
            p(rig, 1002).handshake();
            p(rig, 1003).handshake();
            assertThat(q(rig, 1009).out(SYN)).isNotNull();
            assertThat(lives(closedOfQ)).isFalse();
            assertThat(halfOfP.in(SYN | ACK)).isNotNull();
            SharedIpEvent.FlowClosed closed = events.await(SharedIpEvent.FlowClosed.class);
            assertThat(closed.reason()).isEqualTo(CloseReason.EVICTED);
            assertThat(closed.guest()).isEqualTo(GuestId.of("q"));
        }
    }

    @Test
    void a_full_table_then_takes_the_callers_own_unanswered_flows_before_those_of_others() {
        try (GatewayRig rig = rig(4, 4)) {
            Conversation halfOfQ = q(rig, 1001);
            halfOfQ.out(SYN);
            Conversation halfOfP = p(rig, 1001);
            halfOfP.out(SYN);
            p(rig, 1002).handshake();
            p(rig, 1003).handshake();
            assertThat(p(rig, 1009).out(SYN)).isNotNull();
            assertThat(halfOfP.in(SYN | ACK)).isNull();
            assertThat(halfOfQ.in(SYN | ACK)).isNotNull();
        }
    }

    @Test
    void hostile20_a_full_table_of_established_flows_refuses_with_3_13() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig(4, 4).with(b -> b.listener(events))) {
            for (int port = 1001; port < 1005; port++) {
                p(rig, port).handshake();
            }
            assertThat(q(rig, 1001).out(SYN)).isNull();
            assertThat(rig.station("q").takeOne().icmpCode()).isEqualTo(13);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_FLOWS);
            assertThat(events.await(SharedIpEvent.TableFull.class).limit()).isEqualTo(Limit.FLOWS);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rfc6888_req4_a_flood_of_one_guest_leaves_the_established_flows_of_others_alone(boolean answered) {
        try (GatewayRig rig = rig(500, 400)) {
            List<Conversation> good = new ArrayList<>();
            for (int port = 1001; port < 1051; port++) {
                good.add(q(rig, port).handshake());
            }
            for (int i = 0; i < 5000; i++) {
                List<Conversation> flood = new ArrayList<>(List.of(p(rig, 2000 + i)));
                if (i % 2 == 0) {
                    flood.add(Conversation.udp(rig, "p", P, 2000 + i, SERVER, 80));
                }
                for (Conversation talk : flood) {
                    if (talk.out(SYN) != null && answered) {
                        assertThat(talk.in(SYN | ACK)).isNotNull();
                        assertThat(talk.out(ACK)).isNotNull();
                    }
                }
            }
            assertThat(good).allMatch(LimitsTest::lives);
            assertThat(rig.stats().flows()).isEqualTo(450);
            assertThat(q(rig, 3000).handshake().in()).isNotNull();
        }
    }

    private static List<String> noticesAtStart(GatewayRig rig) {
        EventRecorder events = new EventRecorder();
        try (rig) {
            rig.with(b -> b.listener(events)).gateway();
        }
        return events.all(SharedIpEvent.LinkNotice.class).stream()
                .map(SharedIpEvent.LinkNotice::message)
                .toList();
    }

    @Test
    void a_quota_of_flows_that_lets_one_guest_shut_all_others_out_is_told_at_the_start() {
        assertThat(noticesAtStart(new GatewayRig())).isEmpty();
        assertThat(noticesAtStart(rig(100, 99))).isEmpty();
        assertThat(noticesAtStart(rig(100, 100)))
                .singleElement(STRING)
                .contains("capacity.flows-per-guest: '100'", "use less than");
    }

    @Test
    void a_quota_of_ports_that_lets_one_guest_shut_all_others_out_is_told_at_the_start() {
        assertThat(noticesAtStart(rig(5000, 999).ports(62000, 62999))).isEmpty();
        assertThat(noticesAtStart(rig(5000, 1000).ports(62000, 62999)))
                .satisfiesExactly(
                        told -> assertThat(told)
                                .contains(
                                        "tcp.ports-per-guest: '0'",
                                        "all 1000",
                                        "flows-per-guest is 1000",
                                        "use 1 to 999"),
                        told -> assertThat(told).contains("udp.ports-per-guest: '0'"));
        assertThat(noticesAtStart(rig(5000, 1000)
                        .ports(62000, 62999)
                        .with(b -> b.tcp(ProtocolBehavior.tcp().withPortsPerGuest(999))
                                .udp(ProtocolBehavior.udp().withPortsPerGuest(1000)))))
                .singleElement(STRING)
                .contains("udp.ports-per-guest: '1000'");
        assertThat(noticesAtStart(rig(5000, 1000)
                        .ports(62000, 62999)
                        .with(b -> b.tcp(ProtocolBehavior.tcp().withPortOverloading())
                                .udp(ProtocolBehavior.udp().withPortOverloading()))))
                .isEmpty();
    }

    @Test
    void a_flood_from_outside_through_a_forward_leaves_the_guests_established_flows_alone() {
        try (GatewayRig rig = rig(200, 100).with(b -> b.forward("tcp 8080 -> p:80"))) {
            Conversation good = Conversation.tcp(rig, "p", P, 80, SERVER, 4444)
                    .outsidePort(8080)
                    .handshakeFromOutside();
            for (int i = 0; i < 2000; i++) {
                rig.outside()
                        .send(PacketBuilder.tcp()
                                .from("203.0." + i / 250 + '.' + (1 + i % 250), 5555)
                                .to(GatewayRig.SHARED, 8080));
            }
            assertThat(rig.station("p").take()).hasSizeGreaterThan(1000);
            assertThat(lives(good)).isTrue();
            assertThat(rig.stats().flows()).isLessThanOrEqualTo(100);
        }
    }

    @Test
    void rfc6888_req13_ports_are_used_to_the_last_and_never_twice() {
        try (GatewayRig rig = rig(5000, 5000).ports(62000, 62999)) {
            Set<Integer> ports = new HashSet<>();
            for (int i = 0; i < 1000; i++) {
                rig.station("p").send(PacketBuilder.udp().from(P, 2000 + i).to(SERVER, 53));
                // answered, so that it does not give way
                int port = rig.outside().takeOne().sourcePort();
                rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(GatewayRig.SHARED, port));
                ports.add(port);
            }
            assertThat(ports).hasSize(1000);
            rig.station("p").take();
            rig.station("p").send(PacketBuilder.udp().from(P, 9999).to(SERVER, 53));
            assertThat(rig.station("p").takeOne().icmpCode()).isEqualTo(13);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_PORTS);
        }
    }

    @Test
    void exhausted_ports_are_told_and_recover_after_expiry() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig(100, 100).ports(62000, 62001).with(b -> b.listener(events))) {
            p(rig, 1001).handshake();
            p(rig, 1002).handshake();
            assertThat(p(rig, 1003).out(SYN)).isNull();
            assertThat(events.await(SharedIpEvent.TableFull.class).limit()).isEqualTo(Limit.PORTS);
            // an endpoint that has its port already may go on to further peers
            assertThat(Conversation.tcp(rig, "p", P, 1001, SERVER, 443).out(SYN))
                    .isNotNull();
            rig.advance(Duration.ofSeconds(7441));
            assertThat(p(rig, 1003).out(SYN)).isNotNull();
        }
    }

    @Test
    void a_port_of_a_closed_then_of_an_unanswered_flow_is_reused_before_refusal() {
        try (GatewayRig rig = rig(100, 100).ports(62000, 62002)) {
            Conversation open = p(rig, 1001).handshake();
            Conversation half = p(rig, 1002);
            half.out(SYN);
            Conversation reset = p(rig, 1003).handshake();
            reset.in(RST);
            Conversation first = q(rig, 1001);
            assertThat(first.out(SYN)).isNotNull();
            assertThat(first.outsidePort()).isEqualTo(reset.outsidePort());
            first.in(SYN | ACK);
            first.out(ACK);
            Conversation second = q(rig, 1002);
            assertThat(second.out(SYN)).isNotNull();
            assertThat(second.outsidePort()).isEqualTo(half.outsidePort());
            second.in(SYN | ACK);
            second.out(ACK);
            assertThat(q(rig, 1003).out(SYN)).isNull();
            assertThat(lives(open)).isTrue();
        }
    }

    @Test
    void tcp_running_out_of_ports_does_not_hurt_udp() {
        try (GatewayRig rig = rig(100, 100).ports(62000, 62000)) {
            p(rig, 1001).handshake();
            assertThat(p(rig, 1002).out(SYN)).isNull();
            assertThat(Conversation.udp(rig, "p", P, 1002, SERVER, 53).out()).isNotNull();
        }
    }

    @Test
    void a_refused_flow_leaves_nothing_behind() {
        try (GatewayRig rig = rig(100, 100).ports(62000, 62000)) {
            p(rig, 1001).handshake();
            for (int port = 2000; port < 2500; port++) {
                p(rig, port).out(SYN);
            }
            assertThat(rig.stats().flows()).isEqualTo(1);
            assertThat(rig.stats().mappings()).isEqualTo(1);
        }
    }

    @Test
    void hostile20_errors_told_to_a_guest_are_rate_limited() {
        try (GatewayRig rig = rig(100, 1)) {
            p(rig, 1001).handshake();
            rig.station("p").take();
            for (int port = 2000; port < 3000; port++) {
                rig.station("p").send(PacketBuilder.tcp().from(P, port).to(SERVER, 80));
            }
            assertThat(rig.station("p").take()).hasSize(100);
            rig.advance(Duration.ofMillis(100));
            for (int port = 2000; port < 2500; port++) {
                rig.station("p").send(PacketBuilder.tcp().from(P, port).to(SERVER, 80));
            }
            assertThat(rig.station("p").take()).hasSize(20);
        }
    }
}
