package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Who may come in through a mapping: address-dependent filtering (RFC 4787 section 5). */
class FilteringTest {

    private static final String SERVER = GatewayRig.SERVER;
    private static final String OTHER = GatewayRig.OTHER_SERVER;
    private static final String PRIVATE = "10.0.0.2";

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE);
    }

    private static Conversation udp(GatewayRig rig, String server, int port) {
        return Conversation.udp(rig, "p", PRIVATE, 40000, server, port);
    }

    @Test
    void rfc4787_req8_another_port_of_an_addressed_machine_passes_and_another_machine_does_not() {
        try (GatewayRig rig = rig()) {
            Conversation talk = udp(rig, SERVER, 53);
            talk.out();
            int port = talk.outsidePort();
            assertThat(udp(rig, SERVER, 9999).outsidePort(port).in()).isNotNull();
            assertThat(udp(rig, OTHER, 53).outsidePort(port).in()).isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.FILTERED_BY_MAPPING);
        }
    }

    @Test
    void rfc4787_req8_a_machine_passes_as_soon_as_the_guest_has_addressed_it() {
        try (GatewayRig rig = rig()) {
            Conversation first = udp(rig, SERVER, 53);
            first.out();
            Conversation second = udp(rig, OTHER, 53).outsidePort(first.outsidePort());
            assertThat(second.in()).isNull();
            second.out();
            assertThat(second.outsidePort()).isEqualTo(first.outsidePort());
            assertThat(second.in()).isNotNull();
            assertThat(udp(rig, OTHER, 1234).outsidePort(first.outsidePort()).in())
                    .isNotNull();
        }
    }

    @Test
    void rfc5382_req3_the_same_holds_for_tcp() {
        try (GatewayRig rig = rig()) {
            Conversation talk =
                    Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 80).handshake();
            int port = talk.outsidePort();
            assertThat(Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 81)
                            .outsidePort(port)
                            .in(SYN))
                    .isNotNull();
            assertThat(Conversation.tcp(rig, "p", PRIVATE, 40000, OTHER, 80)
                            .outsidePort(port)
                            .in(SYN))
                    .isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.FILTERED_BY_MAPPING);
        }
    }

    @Test
    void a_port_of_the_pool_without_a_mapping_lets_nobody_in_and_says_nothing() {
        try (GatewayRig rig = rig()) {
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 80).to(GatewayRig.SHARED, 61000));
            rig.outside().send(PacketBuilder.udp().from(SERVER, 80).to(GatewayRig.SHARED, 61000));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
            assertThat(rig.outside().take()).isEmpty();
        }
    }

    @Test
    void what_came_in_through_a_mapping_does_not_outlive_it() {
        try (GatewayRig rig = rig()) {
            Conversation talk = udp(rig, SERVER, 53);
            talk.out();
            int port = talk.outsidePort();
            Conversation stranger = udp(rig, SERVER, 9999).outsidePort(port);
            for (int i = 0; i < 2; i++) {
                rig.advance(Duration.ofSeconds(149));
                assertThat(stranger.in()).isNotNull();
            }
            rig.advance(Duration.ofSeconds(2));
            assertThat(stranger.in()).isNull();
            rig.advance(Duration.ofSeconds(1));
            assertThat(rig.stats().flows()).isZero();
            assertThat(rig.stats().mappings()).isZero();
        }
    }

    @Test
    void a_stranger_whom_the_guest_answers_lives_on() {
        try (GatewayRig rig = rig()) {
            Conversation talk = udp(rig, SERVER, 53);
            talk.out();
            Conversation stranger = udp(rig, SERVER, 9999).outsidePort(talk.outsidePort());
            assertThat(stranger.in()).isNotNull();
            rig.advance(Duration.ofSeconds(200));
            assertThat(stranger.out()).isNotNull();
            assertThat(stranger.outsidePort()).isEqualTo(talk.outsidePort());
            rig.advance(Duration.ofSeconds(200));
            assertThat(stranger.in()).isNotNull();
        }
    }

    @Test
    void a_stranger_keeps_no_tcp_mapping_alive_by_repeating_its_syn() {
        try (GatewayRig rig = rig()) {
            Conversation talk = Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 80);
            talk.out(SYN);
            Conversation stranger =
                    Conversation.tcp(rig, "p", PRIVATE, 40000, SERVER, 81).outsidePort(talk.outsidePort());
            for (int i = 0; i < 2; i++) {
                rig.advance(Duration.ofSeconds(59));
                assertThat(stranger.in(SYN)).isNotNull();
            }
            for (int i = 0; i < 4; i++) {
                rig.advance(Duration.ofSeconds(59));
                stranger.in(SYN);
            }
            assertThat(stranger.in(SYN)).isNull();
            assertThat(rig.stats().mappings()).isZero();
        }
    }

    @Test
    void a_packet_that_the_filter_refuses_leaves_no_trace() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk = udp(rig, SERVER, 53);
            talk.out();
            for (int port = 1; port < 50; port++) {
                udp(rig, OTHER, port).outsidePort(talk.outsidePort()).in();
            }
            assertThat(rig.flows()).hasSize(1);
            assertThat(rig.flows().get(0).packetsIn()).isZero();
        }
    }
}
