package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.event.SharedIpEvent.FlowClosed;
import io.sharedip.event.SharedIpEvent.MappingCreated;
import io.sharedip.event.SharedIpEvent.MappingDeleted;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The port-forward mapper. */
class ForwardsTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "10.0.0.3";

    private static GatewayRig rig(String... forwards) {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .guest("s", "52:54:00:00:00:03", SHARED)
                .with(builder -> List.of(forwards).forEach(builder::forward));
    }

    private static PacketBuilder call(boolean tcp, String from, int port) {
        return (tcp ? PacketBuilder.tcp() : PacketBuilder.udp())
                .from(from, 5555)
                .to(SHARED, port);
    }

    /** Who gets a call to a port, as {@code guest address:port}. */
    private static String answering(GatewayRig rig, boolean tcp, String from, int port) {
        rig.outside().send(call(tcp, from, port));
        StringBuilder s = new StringBuilder();
        for (String guest : List.of("p", "q", "s")) {
            for (ParsedPacket packet : rig.station(guest).take()) {
                s.append(guest).append(' ').append(packet.to());
            }
        }
        return s.toString();
    }

    /** The second forward's flows, and those of a third one to another guest's peer, each hang on one mapping of that forward. */
    @Test
    void forwards_that_lead_to_one_endpoint_have_one_mapping_each() throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig("udp 8080 -> p:80", "udp 8081 -> p:80", "udp 8081 from " + OTHER + " -> p:80")
                .with(b -> b.listener(events))) {
            for (int i = 0; i < 5; i++) {
                for (int port : new int[] {8080, 8081}) {
                    int from = 1000 * (port - 8080) + i + 1;
                    rig.outside().send(PacketBuilder.udp().from(SERVER, from).to(SHARED, port));
                    assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":80");
                }
                rig.outside().send(PacketBuilder.udp().from(OTHER, 2000 + i).to(SHARED, 8081));
                assertThat(rig.station("p").takeOne().from()).isEqualTo(OTHER + ":" + (2000 + i));
            }
            assertThat(rig.stats().flows()).isEqualTo(15);
            assertThat(rig.stats().mappings()).isEqualTo(3);
            // what the guest begins bears the first one's port
            rig.station("p").send(PacketBuilder.udp().from(P, 80).to(SERVER, 9999));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(8080);
            assertThat(rig.stats().mappings()).isEqualTo(3);

            rig.await(rig.gateway().removeForward(ForwardSelector.parse("udp 8081")));
            assertThat(rig.stats().flows()).isEqualTo(11);
            assertThat(rig.stats().mappings()).isEqualTo(2);
            rig.await(rig.gateway().removeForward(ForwardSelector.parse("udp 8080")));
            assertThat(rig.stats().mappings()).isEqualTo(1);
            rig.advance(Duration.ofSeconds(301));
            assertThat(rig.stats().mappings()).isZero();
            await().until(() -> events.all(MappingDeleted.class).size() == 3);
            assertThat(events.all(MappingCreated.class)).hasSize(3);
        }
    }

    /** The first one's mapping has ended, the second one's has not; and what the guest has begun itself is in the way. */
    @Test
    void a_forwards_mapping_is_found_again_whatever_else_the_endpoint_has() throws Exception {
        try (GatewayRig rig = rig("udp 8081 -> p:80")) {
            rig.station("p").send(PacketBuilder.udp().from(P, 81).to(SERVER, 53));
            int pool = rig.outside().takeOne().sourcePort();
            rig.await(rig.gateway().addForward(PortForward.parse("udp 8082 -> p:81")));
            for (int i = 1; i <= 3; i++) {
                rig.outside().send(PacketBuilder.udp().from(OTHER, i).to(SHARED, 8082));
                rig.station("p").takeOne();
            }
            assertThat(rig.stats().mappings()).isEqualTo(2);
            rig.station("p").send(PacketBuilder.udp().from(P, 81).to(SERVER, 54));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(pool);
            // a minute before the guest's own mapping ends, the visitors come again
            rig.advance(Duration.ofSeconds(240));
            for (int i = 1; i <= 3; i++) {
                rig.outside().send(PacketBuilder.udp().from(OTHER, i).to(SHARED, 8082));
                rig.station("p").takeOne();
            }
            rig.advance(Duration.ofSeconds(61));
            assertThat(rig.stats().mappings()).isEqualTo(1);
            rig.station("p").send(PacketBuilder.udp().from(P, 81).to(SERVER, 53));
            assertThat(rig.outside().takeOne().sourcePort()).isEqualTo(8082);
            assertThat(rig.stats().mappings()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void case11_a_single_port_leads_to_the_guest_and_replies_bear_the_outside_port(boolean tcp) throws Exception {
        try (GatewayRig rig = rig((tcp ? "tcp" : "udp") + " 8080 -> p:80")) {
            rig.outside().send(call(tcp, SERVER, 8080));
            ParsedPacket in = rig.station("p").takeOne();
            assertThat(in.from()).isEqualTo(SERVER + ":5555");
            assertThat(in.to()).isEqualTo(P + ":80");
            rig.station("p")
                    .send((tcp ? PacketBuilder.tcp() : PacketBuilder.udp())
                            .from(P, 80)
                            .to(SERVER, 5555)
                            .flags(SYN | ACK));
            ParsedPacket out = rig.outside().takeOne();
            assertThat(out.from()).isEqualTo(SHARED + ":8080");
            assertThat(out.to()).isEqualTo(SERVER + ":5555");
            assertThat(hits(rig)).containsExactly(1L);
            // the other protocol stays shut
            assertThat(answering(rig, !tcp, SERVER, 8080)).isEmpty();
        }
    }

    private static List<Long> hits(GatewayRig rig) throws Exception {
        return rig.await(rig.gateway().forwards()).stream()
                .map(ForwardStatus::hits)
                .toList();
    }

    @Test
    void a_forward_to_a_guest_with_the_shared_address_works_the_same() {
        try (GatewayRig rig = rig("tcp 8080 -> s:80")) {
            Conversation talk =
                    Conversation.tcp(rig, "s", SHARED, 80, SERVER, 5555).outsidePort(8080);
            talk.handshakeFromOutside();
            assertThat(talk.outsidePort()).isEqualTo(8080);
            assertThat(talk.in().to()).isEqualTo(SHARED + ":80");
        }
    }

    @Test
    void a_range_leads_port_by_port() {
        try (GatewayRig rig = rig("udp 5000-5009 -> p:6000-6009")) {
            for (int i = 0; i < 10; i++) {
                assertThat(answering(rig, false, SERVER, 5000 + i)).isEqualTo("p " + P + ":" + (6000 + i));
            }
            assertThat(answering(rig, false, SERVER, 4999)).isEmpty();
            assertThat(answering(rig, false, SERVER, 5010)).isEmpty();
        }
    }

    @Test
    void from_a_prefix_only_its_machines_come_through() {
        try (GatewayRig rig = rig("tcp 22 from 198.51.100.0/24 -> p")) {
            assertThat(answering(rig, true, SERVER, 22)).isEqualTo("p " + P + ":22");
            assertThat(answering(rig, true, OTHER, 22)).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "tcp 8000-8999 -> p:8000-8999, tcp 8080 -> q:80, q 10.0.0.3:80",
        "tcp 8080 -> p:80, tcp 8080 from 198.51.100.0/24 -> q:80, q 10.0.0.3:80",
        "tcp 8080 from 198.51.0.0/16 -> p:80, tcp 8080 from 198.51.100.7 -> q:80, q 10.0.0.3:80",
        "tcp 8080 -> p:80, tcp 192.0.2.10:8080 -> q:80, q 10.0.0.3:80",
        "tcp 8000-8999 -> p:8000-8999, tcp 8070-8090 -> q:70-90, q 10.0.0.3:80"
    })
    void case07_the_most_specific_forward_wins_whatever_the_order(String general, String special, String winner) {
        for (String[] order : new String[][] {{general, special}, {special, general}}) {
            try (GatewayRig rig = rig(order)) {
                assertThat(answering(rig, true, SERVER, 8080)).isEqualTo(winner);
            }
        }
    }

    @Test
    void a_forward_is_added_while_packets_flow() throws Exception {
        try (GatewayRig rig = rig()) {
            assertThat(answering(rig, true, SERVER, 8080)).isEmpty();
            rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 -> p:80")));
            assertThat(answering(rig, true, SERVER, 8080)).isEqualTo("p " + P + ":80");
        }
    }

    @Test
    void case07_its_removal_cuts_its_flows_and_no_others() throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig("tcp 8080 -> p:80", "tcp 8081 -> p:81").with(b -> b.listener(events))) {
            Conversation cut = Conversation.tcp(rig, "p", P, 80, SERVER, 5555).outsidePort(8080);
            cut.handshakeFromOutside();
            Conversation other = Conversation.tcp(rig, "p", P, 81, SERVER, 5555).outsidePort(8081);
            other.handshakeFromOutside();
            Conversation own = Conversation.tcp(rig, "p", P, 40000, SERVER, 80).handshake();
            // begun by the guest, but bearing the forwarded port
            Conversation borrowed = Conversation.tcp(rig, "p", P, 80, OTHER, 80).handshake();
            assertThat(borrowed.outsidePort()).isEqualTo(8080);
            PortForward removed = rig.await(rig.gateway().removeForward(ForwardSelector.parse("tcp 8080")));
            assertThat(removed).isEqualTo(PortForward.parse("tcp 8080 -> p:80"));
            assertThat(cut.in()).isNull();
            assertThat(cut.out()).isNull();
            assertThat(borrowed.in()).isNull();
            assertThat(other.in()).isNotNull();
            assertThat(own.in()).isNotNull();
            assertThat(events.await(FlowClosed.class).reason()).isEqualTo(CloseReason.FORWARD_REMOVED);
            assertThat(answering(rig, true, OTHER, 8080)).isEmpty();
            assertThat(rig.await(rig.gateway().forwards())).hasSize(1);
        }
    }

    @Test
    void a_wrong_forward_is_refused_and_changes_nothing() throws Exception {
        try (GatewayRig rig = rig("tcp 8080 -> p:80")) {
            for (String wrong : List.of("tcp 8080 -> q:80", "tcp 9090 -> nobody:80", "tcp 192.0.2.11:9090 -> p:80")) {
                assertThatThrownBy(() -> rig.await(rig.gateway().addForward(PortForward.parse(wrong))))
                        .isInstanceOf(ExecutionException.class)
                        .cause()
                        .isInstanceOfSatisfying(ConfigurationException.class, e -> {
                            assertThat(e.setting()).isPresent();
                            assertThat(e.cure()).isPresent();
                        });
            }
            assertThatThrownBy(() -> rig.await(rig.gateway().removeForward(ForwardSelector.parse("tcp 9090"))))
                    .cause()
                    .isInstanceOf(ConfigurationException.class);
            assertThat(rig.await(rig.gateway().forwards())).hasSize(1);
            assertThat(answering(rig, true, SERVER, 8080)).isEqualTo("p " + P + ":80");
        }
    }

    @Test
    void what_the_guest_begins_from_a_forwarded_endpoint_bears_the_forwarded_port() {
        try (GatewayRig rig = rig("udp 5060 -> p:5060", "tcp 2200-2209 -> p:22-31")) {
            Conversation talk = Conversation.udp(rig, "p", P, 5060, SERVER, 5060);
            talk.out();
            assertThat(talk.outsidePort()).isEqualTo(5060);
            assertThat(talk.in()).isNotNull();
            Conversation ranged = Conversation.tcp(rig, "p", P, 25, SERVER, 80).handshake();
            assertThat(ranged.outsidePort()).isEqualTo(2203);
            // anybody may call there, filtering or not
            assertThat(Conversation.udp(rig, "p", P, 5060, OTHER, 1)
                            .outsidePort(5060)
                            .in())
                    .isNotNull();
        }
    }

    @Test
    void a_guest_does_not_bear_a_forwarded_port_that_a_more_specific_forward_gives_to_another() {
        try (GatewayRig rig = rig("tcp 8000-8999 -> q:8000-8999", "tcp 8080 -> p:80")) {
            Conversation ofQ = Conversation.tcp(rig, "q", Q, 8080, SERVER, 80).handshake();
            assertThat(ofQ.outsidePort()).isNotEqualTo(8080);
            Conversation ofP = Conversation.tcp(rig, "p", P, 80, SERVER, 80).handshake();
            assertThat(ofP.outsidePort()).isEqualTo(8080);
            assertThat(ofQ.in()).isNotNull();
            assertThat(ofP.in()).isNotNull();
        }
    }

    @Test
    void a_forward_on_a_port_of_the_pool_takes_it_out_of_the_pool_and_gives_it_back() throws Exception {
        try (GatewayRig rig = rig().ports(62000, 62001)) {
            Conversation before = Conversation.udp(rig, "q", Q, 62000, SERVER, 53);
            before.out();
            assertThat(before.outsidePort()).isEqualTo(62000);
            rig.await(rig.gateway().addForward(PortForward.parse("udp 62000 -> p:53")));
            // who had the port has lost it
            assertThat(answering(rig, false, SERVER, 62000)).isEqualTo("p " + P + ":53");
            before.out();
            assertThat(before.outsidePort()).isEqualTo(62001);
            Conversation refused = Conversation.udp(rig, "q", Q, 777, SERVER, 53);
            before.in();
            assertThat(refused.out()).isNull();
            rig.await(rig.gateway().removeForward(ForwardSelector.parse("udp 62000")));
            assertThat(refused.out()).isNull();
            rig.advance(Duration.ofMinutes(2));
            assertThat(refused.out()).isNotNull();
            assertThat(refused.outsidePort()).isEqualTo(62000);
        }
    }

    @Test
    void forwards_that_overlap_in_the_pool_give_a_port_back_when_the_last_of_them_has_gone() throws Exception {
        try (GatewayRig rig =
                rig("udp 62000-62003 -> p:1000-1003", "udp 62001 -> q:53").ports(62000, 62003)) {
            Conversation talk = Conversation.udp(rig, "q", Q, 62001, SERVER, 53);
            assertThat(talk.out()).isNull();
            rig.await(rig.gateway().removeForward(ForwardSelector.parse("udp 62000-62003")));
            rig.advance(Duration.ofMinutes(2));
            assertThat(talk.out()).isNotNull();
            assertThat(talk.outsidePort()).isIn(62000, 62002, 62003);
            rig.await(rig.gateway().removeForward(ForwardSelector.parse("udp 62001")));
            rig.advance(Duration.ofMinutes(2));
            assertThat(Conversation.udp(rig, "p", P, 62001, SERVER, 53).out().sourcePort())
                    .isEqualTo(62001);
        }
    }

    @Test
    void two_forwards_to_one_endpoint_keep_their_conversations_apart() {
        try (GatewayRig rig = rig("tcp 8080 -> p:80", "tcp 8081 -> p:80")) {
            Conversation first = Conversation.tcp(rig, "p", P, 80, SERVER, 5555).outsidePort(8080);
            first.handshakeFromOutside();
            Conversation second =
                    Conversation.tcp(rig, "p", P, 80, SERVER, 5556).outsidePort(8081);
            second.handshakeFromOutside();
            assertThat(first.out().sourcePort()).isEqualTo(8080);
            assertThat(second.out().sourcePort()).isEqualTo(8081);
            // the same peer port through the other forward would be the same tuple for the guest
            assertThat(Conversation.tcp(rig, "p", P, 80, SERVER, 5555)
                            .outsidePort(8081)
                            .in(SYN))
                    .isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TUPLE_IN_USE);
            assertThat(first.in()).isNotNull();
        }
    }

    @Test
    void only_a_syn_comes_through_a_forward() {
        try (GatewayRig rig = rig("tcp 8080 -> p:80")) {
            for (int flags : new int[] {ACK, SYN | ACK, PacketBuilder.RST, PacketBuilder.FIN | ACK}) {
                rig.outside().send(call(true, SERVER, 8080).flags(flags));
            }
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(4);
        }
    }

    @Test
    void removing_a_guest_removes_its_forwards_and_flows() throws Exception {
        try (GatewayRig rig = rig("tcp 8080 -> p:80", "tcp 8081 -> q:81")) {
            Conversation.tcp(rig, "p", P, 80, SERVER, 5555).outsidePort(8080).handshakeFromOutside();
            rig.await(rig.gateway().removeGuest(io.sharedip.GuestId.of("p")));
            assertThat(rig.await(rig.gateway().forwards())).hasSize(1);
            assertThat(rig.stats().flows()).isZero();
            rig.outside().send(call(true, SERVER, 8080));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
            assertThat(answering(rig, true, SERVER, 8081)).isEqualTo("q " + Q + ":81");
        }
    }

    @Test
    void a_more_specific_forward_gets_the_caller_whose_connection_to_the_other_guest_has_ended() throws Exception {
        try (GatewayRig rig = rig("tcp 8080 -> p:80")) {
            rig.station("p")
                    .send(PacketBuilder.tcp().from(P, 80).to(SERVER, 5555).sequence(99, 0));
            assertThat(rig.outside().takeOne().from()).isEqualTo(SHARED + ":8080");
            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 5555)
                            .to(SHARED, 8080)
                            .flags(RST | ACK)
                            .sequence(0, 100));
            assertThat(rig.station("p").takeOne().to()).isEqualTo(P + ":80");
            rig.await(rig.gateway().addForward(PortForward.parse("tcp 8080 from 198.51.100.0/24 -> q:80")));

            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 5555)
                            .to(SHARED, 8080)
                            .flags(SYN)
                            .sequence(1000, 0));
            assertThat(rig.station("q").takeOne().to()).isEqualTo(Q + ":80");
            rig.station("q")
                    .send(PacketBuilder.tcp()
                            .from(Q, 80)
                            .to(SERVER, 5555)
                            .flags(SYN | ACK)
                            .sequence(2000, 1001));
            assertThat(rig.outside().takeOne().from()).isEqualTo(SHARED + ":8080");
            rig.outside()
                    .send(PacketBuilder.tcp()
                            .from(SERVER, 5555)
                            .to(SHARED, 8080)
                            .flags(ACK)
                            .sequence(1001, 2001));

            assertThat(rig.station("q").takeOne().to()).isEqualTo(Q + ":80");
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.flows()).hasSize(1);
        }
    }
}
