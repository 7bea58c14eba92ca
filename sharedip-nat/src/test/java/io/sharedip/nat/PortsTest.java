package io.sharedip.nat;

import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.FlowPolicy;
import io.sharedip.GuestId;
import io.sharedip.address.UplinkAddress;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpEvent.Limit;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.conformance.Setting;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which outside port a mapping gets, how long it rests afterwards, and how many a guest may have. */
class PortsTest {

    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", P).guest("q", "52:54:00:00:00:02", Q);
    }

    private static GatewayRig udp(GatewayRig rig, UnaryOperator<ProtocolBehavior> setting) {
        return rig.with(b -> b.udp(setting.apply(ProtocolBehavior.udp())));
    }

    private static Conversation p(GatewayRig rig, int port) {
        return Conversation.udp(rig, "p", P, port, SERVER, 53);
    }

    private static Conversation q(GatewayRig rig, int port) {
        return Conversation.udp(rig, "q", Q, port, SERVER, 53);
    }

    private static Conversation answered(Conversation talk) {
        assertThat(talk.out()).isNotNull();
        assertThat(talk.in()).isNotNull();
        return talk;
    }

    // ------------------------------------------------------------------------------------------------ clashes

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void case01_and_case02_a_free_port_is_kept_and_of_two_equal_ones_each_gets_its_own_replies(boolean tcp) {
        try (GatewayRig rig = rig()) {
            for (int destination = 80; destination < 82; destination++) {
                Conversation first = tcp
                        ? Conversation.tcp(rig, "p", P, 62000 + destination, SERVER, destination)
                        : Conversation.udp(rig, "p", P, 62000 + destination, SERVER, destination);
                Conversation second = tcp
                        ? Conversation.tcp(rig, "q", Q, 62000 + destination, OTHER, destination)
                        : Conversation.udp(rig, "q", Q, 62000 + destination, OTHER, destination);
                first.out(SYN);
                second.out(SYN);
                assertThat(first.outsidePort()).isEqualTo(62000 + destination);
                assertThat(second.outsidePort()).isNotEqualTo(first.outsidePort());
                ParsedPacket toP = first.in(SYN | ACK);
                ParsedPacket toQ = second.in(SYN | ACK);
                assertThat(toP).isNotNull();
                assertThat(toP.to()).isEqualTo(P + ":" + (62000 + destination));
                assertThat(toQ).isNotNull();
                assertThat(toQ.to()).isEqualTo(Q + ":" + (62000 + destination));
            }
        }
    }

    @Test
    void case24_and_rfc4787_req3a_and_rfc4787_req4_a_clash_stays_in_its_class_and_parity() {
        try (GatewayRig rig = rig().ports(1, 65535)) {
            for (int port : new int[] {123, 500, 1023, 1024, 5060, 40001}) {
                Conversation first = p(rig, port);
                Conversation second = q(rig, port);
                first.out();
                second.out();
                assertThat(first.outsidePort()).isEqualTo(port);
                assertThat(second.outsidePort()).isNotEqualTo(port);
                assertThat(second.outsidePort() < 1024).isEqualTo(port < 1024);
                assertThat(second.outsidePort() & 1).isEqualTo(port & 1);
            }
        }
    }

    @Test
    void case25_and_rfc5508_req1_two_guests_may_use_one_identifier() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 62345, 1));
            int first = rig.outside().takeOne().icmpRest() >>> 16;
            rig.station("q").send(PacketBuilder.icmp().from(Q, 0).to(SERVER, 0).echo(8, 62345, 1));
            int second = rig.outside().takeOne().icmpRest() >>> 16;
            assertThat(first).isEqualTo(62345);
            assertThat(second).isNotEqualTo(first);
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, second, 1));
            rig.outside()
                    .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).echo(0, first, 1));
            assertThat(rig.station("q").takeOne().icmpRest() >>> 16).isEqualTo(62345);
            assertThat(rig.station("p").takeOne().icmpRest() >>> 16).isEqualTo(62345);
        }
    }

    /** What leaves when guests contend for few ports and few flows. */
    private static List<String> contention(long seed) {
        List<String> seen = new ArrayList<>();
        Random random = new Random(seed);
        try (GatewayRig rig =
                rig().ports(62000, 62063).with(b -> b.capacity(100).flowsPerGuest(70))) {
            for (int i = 0; i < 3000; i++) {
                boolean ofP = random.nextBoolean();
                int port = 61990 + random.nextInt(90);
                PacketBuilder packet = random.nextBoolean() ? PacketBuilder.tcp() : PacketBuilder.udp();
                packet.from(ofP ? P : Q, port).to(random.nextInt(4) == 0 ? OTHER : SERVER, 80 + random.nextInt(2));
                rig.station(ofP ? "p" : "q").send(packet);
                for (ParsedPacket out : rig.outside().take()) {
                    seen.add(out.from() + ">" + out.to());
                    if (out.protocol() == 17 && random.nextInt(3) == 0) {
                        rig.outside()
                                .send(PacketBuilder.udp()
                                        .from(out.destination(), out.destinationPort())
                                        .to(SHARED, out.sourcePort()));
                    }
                }
                rig.station("p").take().forEach(in -> seen.add("p " + in));
                rig.station("q").take().forEach(in -> seen.add("q " + in));
                rig.advance(Duration.ofMillis(random.nextInt(2000)));
            }
            seen.add(rig.nonZeroDrops().toString());
        }
        return seen;
    }

    @Test
    void the_same_packets_get_the_same_ports_and_verdicts_under_contention() {
        List<String> once = contention(7);
        assertThat(once).isEqualTo(contention(7));
        String drops = once.get(once.size() - 1);
        assertThat(drops).contains("LIMIT_");
    }

    // ------------------------------------------------------------------------------------------------ to the last

    @Test
    void rfc6888_req13_and_rfc6888_req11_and_rfc5508_req8_64512_ports_are_used_to_the_last() {
        try (GatewayRig rig =
                rig().ports(1024, 65535).with(b -> b.capacity(70_000).flowsPerGuest(70_000))) {
            rig.gateway();
            BitSet seen = new BitSet();
            for (int first = 0; first < 64_512; first += 504) {
                String guest = first < 60_000 ? "p" : "q";
                String address = first < 60_000 ? P : Q;
                for (int i = first; i < first + 504; i++) {
                    rig.station(guest)
                            .offer(PacketBuilder.udp()
                                    .from(address, 1024 + i)
                                    .to(SERVER, 53)
                                    .macs(rig.station(guest).mac(), GatewayRig.ROUTER_MAC)
                                    .build());
                }
                rig.poll();
                List<ParsedPacket> out = rig.outside().take();
                assertThat(out).hasSize(504);
                for (ParsedPacket packet : out) {
                    assertThat(seen.get(packet.sourcePort())).isFalse();
                    seen.set(packet.sourcePort());
                    // answered, so that it does not give way
                    rig.outside()
                            .offer(PacketBuilder.udp()
                                    .from(SERVER, 53)
                                    .to(SHARED, packet.sourcePort())
                                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                                    .build());
                }
                rig.poll();
                assertThat(rig.station(guest).take()).hasSize(504);
            }
            assertThat(seen.cardinality()).isEqualTo(64_512);
            for (int i = 0; i < 300; i++) {
                rig.station("q").send(PacketBuilder.udp().from(Q, 10_000 + i).to(SERVER, 53));
            }
            assertThat(rig.outside().take()).isEmpty();
            List<ParsedPacket> told = rig.station("q").take();
            assertThat(told).hasSize(100).allMatch(t -> t.icmpType() == 3 && t.icmpCode() == 13);
            assertThat(rig.drops(DropReason.LIMIT_PORTS)).isEqualTo(300);
            for (int i = 0; i < 300; i++) {
                rig.advance(Duration.ofSeconds(2));
            }
            assertThat(rig.stats().flows()).isZero();
            rig.station("q").send(PacketBuilder.udp().from(Q, 10_000).to(SERVER, 53));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(10_000);
        }
    }

    @Test
    void case04_with_two_ports_the_third_flow_fails_and_recovers_after_expiry() {
        try (GatewayRig rig = udp(rig().ports(62000, 62001), b -> b.withPortReuseDelay(Duration.ZERO))) {
            answered(p(rig, 1001));
            rig.advance(Duration.ofSeconds(10));
            answered(p(rig, 1002));
            assertThat(p(rig, 1003).out()).isNull();
            rig.advance(Duration.ofSeconds(291));
            answered(p(rig, 1003));
            assertThat(p(rig, 1004).out()).isNull();
        }
    }

    // ------------------------------------------------------------------------------------------------ rest

    @Test
    void rfc6888_req8_the_port_of_an_expired_mapping_rests_for_120_seconds() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig().ports(62000, 62000).with(b -> b.listener(events))) {
            answered(p(rig, 1001));
            rig.advance(Duration.ofSeconds(301));
            assertThat(rig.stats().mappings()).isZero();
            rig.advance(Duration.ofSeconds(119));
            assertThat(q(rig, 1001).out()).isNull();
            assertThat(p(rig, 1001).out()).isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_PORTS);
            assertThat(events.await(SharedIpEvent.TableFull.class).limit()).isEqualTo(Limit.PORTS);
            rig.advance(Duration.ofSeconds(1));
            assertThat(q(rig, 1001).out()).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 30, 3600})
    void rfc6888_req8_the_rest_is_a_setting(int seconds) {
        try (GatewayRig rig = udp(rig().ports(62000, 62000), b -> b.withPortReuseDelay(Duration.ofSeconds(seconds)))) {
            answered(p(rig, 1001));
            rig.advance(Duration.ofSeconds(301));
            if (seconds > 0) {
                rig.advance(Duration.ofSeconds(seconds - 1));
                assertThat(q(rig, 1001).out()).isNull();
                rig.advance(Duration.ofSeconds(1));
            }
            assertThat(q(rig, 1001).out()).isNotNull();
        }
    }

    @Test
    void rfc6888_req8_tracked_tcp_ports_and_ports_of_evicted_mappings_do_not_rest() {
        try (GatewayRig rig = rig().ports(62000, 62000)) {
            Conversation.tcp(rig, "p", P, 1001, SERVER, 80).out(SYN);
            rig.advance(Duration.ofSeconds(121));
            assertThat(Conversation.tcp(rig, "q", Q, 1001, SERVER, 80).out(SYN)).isNotNull();
            // nobody has answered it, so it gives way
            assertThat(p(rig, 1001).out()).isNotNull();
            Conversation second = p(rig, 1002);
            assertThat(second.out()).isNotNull();
            assertThat(second.outsidePort()).isEqualTo(62000);
        }
    }

    @Test
    void rfc6888_req8_a_resting_port_may_be_forwarded_and_comes_back_to_the_pool() throws Exception {
        try (GatewayRig rig = rig().ports(62000, 62000)) {
            answered(p(rig, 1001));
            rig.advance(Duration.ofSeconds(301));
            PortForward forward = PortForward.parse("udp 62000 -> q:80");
            rig.await(rig.gateway().addForward(forward));
            assertThat(p(rig, 1001).out()).isNull();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 1).to(SHARED, 62000));
            assertThat(rig.station("q").takeOne().to()).isEqualTo(Q + ":80");
            rig.await(rig.gateway().removeForward(forward.selector()));
            rig.advance(Duration.ofSeconds(119));
            assertThat(p(rig, 1001).out()).isNull();
            rig.advance(Duration.ofSeconds(1));
            assertThat(p(rig, 1001).out()).isNotNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    @Setting("reuse delay 120 s, every filtering")
    void rfc6888_req8_the_port_of_a_guest_that_was_removed_rests_for_120_seconds(FilteringBehavior filtering)
            throws Exception {
        try (GatewayRig rig = udp(rig().ports(62000, 62000), b -> b.withFiltering(filtering))) {
            answered(p(rig, 1001));
            rig.await(rig.gateway().removeGuest(GuestId.of("p")));
            assertThat(rig.stats().mappings()).isZero();
            assertThat(q(rig, 1001).out()).isNull();
            rig.advance(Duration.ofSeconds(119));
            assertThat(q(rig, 1001).out()).isNull();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 53).to(SHARED, 62000));
            assertThat(rig.station("q").take()).noneMatch(packet -> packet.protocol() == 17);
            rig.advance(Duration.ofSeconds(1));
            assertThat(q(rig, 1001).out()).isNotNull();
        }
    }

    @Test
    void rfc6888_req8_ports_of_flushed_flows_rest_where_the_address_stays_and_are_fresh_at_another() throws Exception {
        try (GatewayRig rig = rig().ports(62000, 62000)) {
            answered(p(rig, 1001));
            UplinkAddress same = UplinkAddress.of(SHARED, "192.0.2.0/25", GatewayRig.ROUTER);
            rig.await(rig.gateway().changeAddress(same, FlowPolicy.FLUSH));
            rig.advance(Duration.ofSeconds(119));
            assertThat(q(rig, 1001).out()).isNull();
            UplinkAddress other = UplinkAddress.of("192.0.2.11", "192.0.2.0/24", GatewayRig.ROUTER);
            rig.await(rig.gateway().changeAddress(other, FlowPolicy.FLUSH));
            rig.advance(Duration.ZERO);
            assertThat(q(rig, 1001).out()).isNotNull();
        }
    }

    // ------------------------------------------------------------------------------------------------ quotas

    @Test
    void rfc6888_req4_and_rfc6888_req5_a_guest_holds_only_as_many_ports_as_it_may() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = udp(rig().with(b -> b.listener(events)), b -> b.withPortsPerGuest(3))) {
            List<Conversation> old = new ArrayList<>();
            for (int port = 1001; port < 1004; port++) {
                old.add(answered(p(rig, port)));
            }
            rig.station("p").take();
            assertThat(p(rig, 1004).out()).isNull();
            ParsedPacket told = rig.station("p").takeOne();
            assertThat(told.icmpType()).isEqualTo(3);
            assertThat(told.icmpCode()).isEqualTo(13);
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_GUEST_PORTS);
            SharedIpEvent.TableFull full = events.await(SharedIpEvent.TableFull.class);
            assertThat(full.limit()).isEqualTo(Limit.PORTS_PER_GUEST);
            assertThat(full.guest()).isEqualTo(GuestId.of("p"));
            // an endpoint that has its port already may go on to further peers, and other protocols and guests are free
            assertThat(Conversation.udp(rig, "p", P, 1001, OTHER, 53).out()).isNotNull();
            assertThat(Conversation.tcp(rig, "p", P, 1004, SERVER, 80).out(SYN)).isNotNull();
            for (int port = 1001; port < 1004; port++) {
                answered(q(rig, port));
            }
            assertThat(old).allMatch(talk -> talk.in() != null);
            // 3/13 is told at a limited rate
            for (int port = 2000; port < 2300; port++) {
                rig.station("p").send(PacketBuilder.udp().from(P, port).to(SERVER, 53));
            }
            assertThat(rig.station("p").take()).hasSizeBetween(90, 100);
            rig.advance(Duration.ofSeconds(301));
            assertThat(p(rig, 1004).out()).isNotNull();
        }
    }

    @Test
    void rfc6888_req4_at_its_limit_of_ports_a_guest_gives_up_its_closed_then_its_unanswered_ones() {
        try (GatewayRig rig = rig().with(b -> b.tcp(ProtocolBehavior.tcp().withPortsPerGuest(3)))) {
            Conversation half = Conversation.tcp(rig, "p", P, 1001, SERVER, 80);
            half.out(SYN);
            Conversation open = Conversation.tcp(rig, "p", P, 1002, SERVER, 80).handshake();
            Conversation closed =
                    Conversation.tcp(rig, "p", P, 1003, SERVER, 80).handshake();
            closed.out(FIN | ACK);
            closed.in(FIN | ACK);
            Conversation halfOfQ = Conversation.tcp(rig, "q", Q, 1001, SERVER, 80);
            halfOfQ.out(SYN);
            Conversation.tcp(rig, "p", P, 1004, SERVER, 80).handshake();
            assertThat(closed.in()).isNull();
            Conversation.tcp(rig, "p", P, 1005, SERVER, 80).handshake();
            assertThat(half.in(SYN | ACK)).isNull();
            assertThat(Conversation.tcp(rig, "p", P, 1006, SERVER, 80).out(SYN)).isNull();
            assertThat(open.in()).isNotNull();
            assertThat(halfOfQ.in(SYN | ACK)).isNotNull();
            assertThat(rig.drops(DropReason.LIMIT_GUEST_PORTS)).isEqualTo(1);
        }
    }

    @Test
    void a_port_is_given_up_with_all_of_its_flows_or_not_at_all() {
        try (GatewayRig rig = rig().ports(62000, 62001)) {
            // thousands of unanswered flows on one mapping hide the one that can give its port up
            Conversation established = answered(p(rig, 1001));
            for (int port = 1; port < 1500; port++) {
                rig.station("p").send(PacketBuilder.udp().from(P, 1001).to(OTHER, port));
            }
            Conversation spare = p(rig, 1002);
            spare.out();
            Conversation wanted = q(rig, 5);
            assertThat(wanted.out()).isNotNull();
            assertThat(wanted.outsidePort()).isEqualTo(spare.outsidePort());
            assertThat(established.in()).isNotNull();
            // neither p's busy mapping nor anything of it gives way now that q's is answered
            assertThat(wanted.in()).isNotNull();
            long flows = rig.stats().flows();
            assertThat(q(rig, 7).out()).isNull();
            assertThat(rig.stats().flows()).isEqualTo(flows);
        }
    }

    @Test
    void a_flow_that_gets_no_port_costs_nobody_a_flow() {
        try (GatewayRig rig = rig().ports(62000, 62000).with(b -> b.capacity(4).flowsPerGuest(3))) {
            answered(p(rig, 1001));
            Conversation ping = Conversation.udp(rig, "p", P, 1001, OTHER, 53);
            ping.out();
            Conversation tcp = Conversation.tcp(rig, "p", P, 1001, SERVER, 80);
            tcp.out(SYN);
            // p is at its limit of flows and would evict one of its own, but there is no port to be had
            assertThat(p(rig, 1002).out()).isNull();
            assertThat(rig.drops(DropReason.LIMIT_PORTS)).isEqualTo(1);
            assertThat(rig.stats().flows()).isEqualTo(3);
            assertThat(tcp.in(SYN | ACK)).isNotNull();
            assertThat(ping.in()).isNotNull();
        }
    }

    @Test
    void rfc7857_eim_ports_that_are_not_kept_cannot_be_guessed() {
        Set<Integer> first = new HashSet<>();
        for (long seed = 0; seed < 40; seed++) {
            long of = seed;
            try (GatewayRig rig = rig().with(b -> b.random(new Random(of * 7919)))) {
                Conversation talk = p(rig, 4000);
                talk.out();
                first.add(talk.outsidePort());
            }
        }
        // 40 draws of 2,268 even ports are nearly all different
        assertThat(first).hasSizeGreaterThan(35);
    }
}
