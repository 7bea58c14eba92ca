package io.sharedip.nat;

import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mapping and filtering as they are set, for each protocol by itself, with three machines outside. */
class MappingAndFilteringTest {

    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";
    private static final String ONE = "198.51.100.7";
    private static final String TWO = "203.0.113.9";
    private static final String THREE = "198.18.0.5";
    /** The guest's port where others want it too: the first one of the pool. */
    private static final int WANTED = 62001;

    private static final int POOL = 32;

    private static GatewayRig rig(UnaryOperator<ProtocolBehavior> tcp, UnaryOperator<ProtocolBehavior> udp) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .with(b -> b.tcp(tcp.apply(ProtocolBehavior.tcp())).udp(udp.apply(ProtocolBehavior.udp())));
    }

    private static GatewayRig rig(MappingBehavior mapping, FilteringBehavior filtering) {
        UnaryOperator<ProtocolBehavior> both = b -> b.withMapping(mapping).withFiltering(filtering);
        return rig(both, both);
    }

    private static Conversation talk(GatewayRig rig, boolean tcp, int port, String server, int serverPort) {
        return tcp
                ? Conversation.tcp(rig, "p", P, port, server, serverPort)
                : Conversation.udp(rig, "p", P, port, server, serverPort);
    }

    private static int open(GatewayRig rig, boolean tcp, int port, String server, int serverPort) {
        Conversation talk = talk(rig, tcp, port, server, serverPort);
        if (tcp) {
            talk.handshake();
        } else {
            talk.out();
        }
        return talk.outsidePort();
    }

    /** Whether a packet of an outside endpoint that begins something reaches the guest's endpoint. */
    private static boolean passes(GatewayRig rig, boolean tcp, String from, int port, int outsidePort, String to) {
        rig.station("p").take();
        PacketBuilder packet = tcp ? PacketBuilder.tcp() : PacketBuilder.udp();
        rig.outside().send(packet.from(from, port).to(SHARED, outsidePort).payload("hello"));
        List<ParsedPacket> seen = rig.station("p").take();
        if (seen.isEmpty()) {
            return false;
        }
        assertThat(seen).hasSize(1);
        assertThat(seen.get(0).from()).isEqualTo(from + ":" + port);
        assertThat(seen.get(0).to()).isEqualTo(to);
        return true;
    }

    static List<Arguments> cells() {
        List<Arguments> cells = new ArrayList<>();
        for (MappingBehavior mapping : MappingBehavior.values()) {
            for (FilteringBehavior filtering : FilteringBehavior.values()) {
                cells.add(Arguments.of(mapping, filtering, true));
                cells.add(Arguments.of(mapping, filtering, false));
            }
        }
        return cells;
    }

    private static void cell(GatewayRig rig, MappingBehavior mapping, FilteringBehavior filtering, boolean tcp) {
        int toOne = open(rig, tcp, WANTED, ONE, 80);
        int toOnesOtherPort = open(rig, tcp, WANTED, ONE, 81);
        int toTwo = open(rig, tcp, WANTED, TWO, 80);
        assertThat(toOnesOtherPort == toOne).isEqualTo(mapping != MappingBehavior.ADDRESS_AND_PORT_DEPENDENT);
        assertThat(toTwo == toOne).isEqualTo(mapping == MappingBehavior.ENDPOINT_INDEPENDENT);
        assertThat(toTwo == toOnesOtherPort).isEqualTo(mapping == MappingBehavior.ENDPOINT_INDEPENDENT);

        boolean everybody = filtering == FilteringBehavior.ENDPOINT_INDEPENDENT;
        boolean addressed = filtering != FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT;
        String inside = P + ":" + WANTED;
        // whom the guest has addressed passes, whatever is set
        assertThat(talk(rig, tcp, WANTED, ONE, 80).outsidePort(toOne).in(ACK)).isNotNull();
        assertThat(passes(rig, tcp, ONE, 999, toOne, inside)).isEqualTo(addressed);
        boolean mappingKnowsTwo = mapping == MappingBehavior.ENDPOINT_INDEPENDENT;
        assertThat(passes(rig, tcp, TWO, 999, toOne, inside)).isEqualTo(everybody || addressed && mappingKnowsTwo);
        assertThat(passes(rig, tcp, THREE, 80, toOne, inside)).isEqualTo(everybody);
        if (!everybody) {
            assertThat(rig.drops(DropReason.FILTERED_BY_MAPPING)).isPositive();
        }
        // filtering does not touch the mapping: the guest's further flows bear the same ports
        assertThat(open(rig, tcp, WANTED, THREE, 81) == toOne)
                .isEqualTo(mapping == MappingBehavior.ENDPOINT_INDEPENDENT);
        assertThat(talk(rig, tcp, WANTED, ONE, 81).outsidePort(toOnesOtherPort).in(ACK))
                .isNotNull();
    }

    @ParameterizedTest
    @MethodSource("cells")
    void rfc4787_req8_and_rfc5382_req3_and_case06_each_cell_of_mapping_and_filtering(
            MappingBehavior mapping, FilteringBehavior filtering, boolean tcp) {
        try (GatewayRig rig = rig(mapping, filtering)) {
            cell(rig, mapping, filtering, tcp);
        }
    }

    private static void onePortForAll(GatewayRig rig, boolean tcp) {
        Set<Integer> ports = new HashSet<>();
        for (String server : List.of(ONE, TWO)) {
            for (int port : new int[] {80, 443}) {
                ports.add(open(rig, tcp, WANTED, server, port));
            }
        }
        assertThat(ports).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rfc4787_req1_and_rfc5382_req1_one_endpoint_shows_as_one_port_whatever_the_destination(boolean tcp) {
        try (GatewayRig rig = rig(UnaryOperator.identity(), UnaryOperator.identity())) {
            onePortForAll(rig, tcp);
            assertThat(rig.stats().flows()).isEqualTo(4);
            assertThat(rig.stats().mappings()).isEqualTo(1);
        }
    }

    /**
     * Does the same once more where another guest's established flows hold the wanted port and every other one of the pool but as
     * many as were needed, and every place in the table but as many as were needed.
     */
    private static void onceMoreInACrowd(Supplier<GatewayRig> rigs, boolean tcp, Consumer<GatewayRig> test) {
        int flows;
        int ports;
        try (GatewayRig alone = rigs.get()) {
            test.accept(alone);
            flows = (int) alone.stats().flows();
            ports = (int) alone.stats().mappings();
        }
        int crowd = POOL - ports;
        try (GatewayRig rig = rigs.get().ports(WANTED, WANTED + POOL - 1).with(b -> b.capacity(crowd + flows))) {
            List<Conversation> ofQ = new ArrayList<>();
            for (int port = WANTED; port < WANTED + crowd; port++) {
                Conversation talk = tcp
                        ? Conversation.tcp(rig, "q", Q, port, ONE, 80)
                        : Conversation.udp(rig, "q", Q, port, ONE, 80);
                talk.out(SYN);
                talk.in(SYN | ACK);
                talk.out(ACK);
                assertThat(talk.outsidePort()).isEqualTo(port);
                ofQ.add(talk);
            }
            test.accept(rig);
            assertThat(rig.stats().flows()).isEqualTo(crowd + flows);
            assertThat(Conversation.tcp(rig, "q", Q, WANTED, THREE, 443).out(SYN))
                    .isNull();
            assertThat(ofQ).allMatch(talk -> talk.out() != null && talk.in() != null);
        }
    }

    @ParameterizedTest
    @MethodSource("cells")
    void rfc4787_req11_each_cell_is_the_same_where_ports_clash_and_the_table_is_full(
            MappingBehavior mapping, FilteringBehavior filtering, boolean tcp) {
        onceMoreInACrowd(() -> rig(mapping, filtering), tcp, rig -> cell(rig, mapping, filtering, tcp));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rfc4787_req11_one_endpoint_shows_as_one_port_where_ports_clash_and_the_table_is_full(boolean tcp) {
        onceMoreInACrowd(
                () -> rig(UnaryOperator.identity(), UnaryOperator.identity()), tcp, rig -> onePortForAll(rig, tcp));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rfc4787_req8_a_stranger_who_is_let_in_is_answered_under_the_same_port(boolean tcp) {
        try (GatewayRig rig = rig(MappingBehavior.ENDPOINT_INDEPENDENT, FilteringBehavior.ENDPOINT_INDEPENDENT)) {
            int port = open(rig, tcp, 4001, ONE, 80);
            assertThat(passes(rig, tcp, THREE, 7777, port, P + ":4001")).isTrue();
            rig.outside().take();
            PacketBuilder answer = tcp ? PacketBuilder.tcp().flags(SYN | ACK) : PacketBuilder.udp();
            rig.station("p").send(answer.from(P, 4001).to(THREE, 7777));
            ParsedPacket seen = rig.outside().takeOne();
            assertThat(seen.from()).isEqualTo(SHARED + ":" + port);
            assertThat(seen.to()).isEqualTo(THREE + ":7777");
        }
    }

    @Test
    void rfc7857_eim_and_filtering_are_set_for_each_protocol_by_itself() {
        try (GatewayRig rig = rig(
                b -> b.withMapping(MappingBehavior.ADDRESS_AND_PORT_DEPENDENT)
                        .withFiltering(FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT),
                b -> b.withFiltering(FilteringBehavior.ENDPOINT_INDEPENDENT))) {
            int tcp = open(rig, true, 4001, ONE, 80);
            assertThat(open(rig, true, 4001, TWO, 80)).isNotEqualTo(tcp);
            assertThat(passes(rig, true, ONE, 81, tcp, P + ":4001")).isFalse();
            int udp = open(rig, false, 4001, ONE, 80);
            assertThat(open(rig, false, 4001, TWO, 80)).isEqualTo(udp);
            assertThat(passes(rig, false, THREE, 81, udp, P + ":4001")).isTrue();
        }
        try (GatewayRig rig = rig(
                b -> b.withFiltering(FilteringBehavior.ENDPOINT_INDEPENDENT),
                b -> b.withMapping(MappingBehavior.ADDRESS_DEPENDENT))) {
            int tcp = open(rig, true, 4001, ONE, 80);
            assertThat(open(rig, true, 4001, TWO, 80)).isEqualTo(tcp);
            assertThat(passes(rig, true, THREE, 81, tcp, P + ":4001")).isTrue();
            int udp = open(rig, false, 4001, ONE, 80);
            assertThat(open(rig, false, 4001, TWO, 80)).isNotEqualTo(udp);
            assertThat(passes(rig, false, THREE, 81, udp, P + ":4001")).isFalse();
        }
    }

    @Test
    void rfc4787_req8_an_endpoint_is_not_let_in_any_more_once_the_flow_to_it_has_ended() {
        try (GatewayRig rig = rig(MappingBehavior.ENDPOINT_INDEPENDENT, FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT)) {
            int port = open(rig, false, 4001, ONE, 80);
            rig.advance(Duration.ofSeconds(200));
            assertThat(open(rig, false, 4001, TWO, 80)).isEqualTo(port);
            assertThat(passes(rig, false, ONE, 80, port, P + ":4001")).isTrue();
            rig.advance(Duration.ofSeconds(101));
            assertThat(passes(rig, false, ONE, 80, port, P + ":4001")).isFalse();
            assertThat(rig.drops(DropReason.FILTERED_BY_MAPPING)).isEqualTo(1);
            assertThat(passes(rig, false, TWO, 80, port, P + ":4001")).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(MappingBehavior.class)
    void a_forwarded_endpoint_bears_the_forwarded_port_whatever_is_set(MappingBehavior mapping) {
        UnaryOperator<ProtocolBehavior> both = b -> b.withMapping(mapping);
        try (GatewayRig rig = rig(both, both).with(b -> b.forward("udp 5060 -> p:5061"))) {
            assertThat(open(rig, false, 5061, ONE, 80)).isEqualTo(5060);
            assertThat(open(rig, false, 5061, TWO, 81)).isEqualTo(5060);
            assertThat(passes(rig, false, THREE, 999, 5060, P + ":5061")).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(FilteringBehavior.class)
    void rfc4787_req9_two_guests_behind_one_address_meet_at_one_anothers_mappings(FilteringBehavior filtering) {
        try (GatewayRig rig = rig(MappingBehavior.ENDPOINT_INDEPENDENT, filtering)) {
            int portOfP = open(rig, false, 62001, ONE, 80);
            Conversation ofQ = Conversation.udp(rig, "q", Q, 62002, ONE, 80);
            ofQ.out();
            boolean firstPasses = filtering == FilteringBehavior.ENDPOINT_INDEPENDENT;
            rig.station("p").send(PacketBuilder.udp().from(P, 62001).to(SHARED, ofQ.outsidePort()));
            assertThat(rig.station("q").take()).hasSize(firstPasses ? 1 : 0);
            rig.station("q").send(PacketBuilder.udp().from(Q, 62002).to(SHARED, portOfP));
            assertThat(rig.station("p").takeOne().from()).isEqualTo(SHARED + ":" + ofQ.outsidePort());
            rig.station("p").send(PacketBuilder.udp().from(P, 62001).to(SHARED, ofQ.outsidePort()));
            assertThat(rig.station("q").takeOne().from()).isEqualTo(SHARED + ":" + portOfP);
        }
    }

    @Test
    void rfc4787_req6_a_flood_of_strangers_keeps_no_mapping_alive() {
        try (GatewayRig rig = rig(MappingBehavior.ENDPOINT_INDEPENDENT, FilteringBehavior.ENDPOINT_INDEPENDENT)) {
            int port = open(rig, false, 4001, ONE, 80);
            for (int second = 0; second < 299; second++) {
                rig.advance(Duration.ofSeconds(1));
                assertThat(passes(rig, false, THREE, 1000 + second % 10, port, P + ":4001"))
                        .isTrue();
            }
            rig.advance(Duration.ofSeconds(2));
            assertThat(passes(rig, false, THREE, 1000, port, P + ":4001")).isFalse();
            assertThat(rig.stats().mappings()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void hostile20_a_flood_of_strangers_costs_the_guest_and_others_nothing(boolean tcp) {
        try (GatewayRig rig = rig(MappingBehavior.ENDPOINT_INDEPENDENT, FilteringBehavior.ENDPOINT_INDEPENDENT)
                .with(b -> b.capacity(60).flowsPerGuest(50))) {
            List<Conversation> old = new ArrayList<>();
            List<Conversation> unanswered = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                Conversation talk = talk(rig, tcp, 4000 + i, ONE, 80);
                talk.out(SYN);
                talk.in(SYN | ACK);
                talk.out(ACK);
                old.add(talk);
                Conversation waiting = talk(rig, tcp, 4100 + i, ONE, 80);
                waiting.out(SYN);
                unanswered.add(waiting);
                Conversation ofQ = Conversation.tcp(rig, "q", Q, 4000 + i, ONE, 80);
                ofQ.handshake();
                old.add(ofQ);
                Conversation waitingOfQ = Conversation.tcp(rig, "q", Q, 4100 + i, ONE, 80);
                waitingOfQ.out(SYN);
                unanswered.add(waitingOfQ);
            }
            int port = old.get(0).outsidePort();
            for (int i = 0; i < 5000; i++) {
                passes(rig, tcp, "198.18." + i / 250 + '.' + (1 + i % 250), 999, port, P + ":4000");
                if (i % 1000 == 999) {
                    // new flows of both go on all through
                    assertThat(talk(rig, tcp, 4200 + i, TWO, 80).out(SYN)).isNotNull();
                    assertThat(Conversation.tcp(rig, "q", Q, 4200 + i, TWO, 80).out(SYN))
                            .isNotNull();
                }
            }
            assertThat(rig.stats().flows()).isLessThanOrEqualTo(60);
            assertThat(unanswered).allMatch(talk -> talk.in(SYN | ACK) != null);
            assertThat(old).allMatch(talk -> talk.in() != null);
        }
    }

    @Test
    void rfc5382_req1_and_case05_a_reset_flow_does_not_end_the_mapping_of_the_others() {
        try (GatewayRig rig = rig(UnaryOperator.identity(), UnaryOperator.identity())) {
            Conversation first = Conversation.tcp(rig, "p", P, 4001, ONE, 80).handshake();
            Conversation second = Conversation.tcp(rig, "p", P, 4001, TWO, 80).handshake();
            first.in(RST | ACK);
            rig.advance(Duration.ofSeconds(500));
            assertThat(second.in()).isNotNull();
            assertThat(open(rig, true, 4001, THREE, 80)).isEqualTo(second.outsidePort());
        }
    }
}
