package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.filter.FilterChain;
import io.sharedip.link.InProcessLink;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.TrackedState;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What sequence numbers a TCP segment may bear, and what it may do to a connection. The guest's SYN has 1000, the server's 5000. */
class TcpTrackingTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String GUEST = "10.0.0.2";
    private static final long GUEST_DATA = 1001;
    private static final long SERVER_DATA = 5001;
    private static final byte NOP = 1;

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", GUEST);
    }

    private static GatewayRig rig(TcpTracking tracking) {
        return rig().with(b -> b.tcpTracking(tracking));
    }

    private static PacketBuilder fromGuest(int flags, long seq, long ack) {
        return PacketBuilder.tcp()
                .from(GUEST, 40_000)
                .to(SERVER, 80)
                .flags(flags)
                .sequence(seq, ack);
    }

    private static PacketBuilder fromServer(int flags, long seq, long ack) {
        return PacketBuilder.tcp()
                .from(SERVER, 80)
                .to(SHARED, PORT)
                .flags(flags)
                .sequence(seq, ack);
    }

    /** The outside port: the only one there is. */
    private static final int PORT = 61_000;

    private static @Nullable ParsedPacket out(GatewayRig rig, PacketBuilder packet) {
        rig.outside().take();
        rig.station("p").send(packet);
        List<ParsedPacket> seen = rig.outside().take();
        assertThat(seen).hasSizeLessThan(2);
        return seen.isEmpty() ? null : seen.get(0);
    }

    private static @Nullable ParsedPacket out(GatewayRig rig, int flags, long seq, long ack) {
        return out(rig, fromGuest(flags, seq, ack));
    }

    private static @Nullable ParsedPacket in(GatewayRig rig, PacketBuilder packet) {
        rig.station("p").take();
        rig.outside().send(packet);
        List<ParsedPacket> seen = rig.station("p").take();
        assertThat(seen).hasSizeLessThan(2);
        return seen.isEmpty() ? null : seen.get(0);
    }

    private static @Nullable ParsedPacket in(GatewayRig rig, int flags, long seq, long ack) {
        return in(rig, fromServer(flags, seq, ack));
    }

    private static GatewayRig established(GatewayRig rig) {
        rig.ports(PORT, PORT);
        assertThat(out(rig, SYN, 1000, 0)).isNotNull();
        assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
        assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
        return rig;
    }

    private static TrackedState state(GatewayRig rig) throws Exception {
        assertThat(rig.flows()).hasSize(1);
        return rig.flows().get(0).state();
    }

    private static void advance(GatewayRig rig, long seconds) {
        rig.advance(Duration.ofSeconds(seconds));
    }

    // ------------------------------------------------------------------------------------------------ windows and
    // resets

    @Test
    void rfc5961_and_hostile09_a_reset_out_of_window_does_not_close_what_is_half_open_by_acknowledging_the_syn()
            throws Exception {
        try (GatewayRig rig = rig()) {
            rig.ports(PORT, PORT);
            assertThat(out(rig, SYN, 1000, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
            assertThat(in(rig, RST | ACK, SERVER_DATA + 1_000_000, GUEST_DATA)).isNull();
            assertThat(rig.drops(DropReason.TCP_RST_WINDOW)).isEqualTo(1);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            // one that has forgotten its SYN-ACK refuses the SYN with number 0
            assertThat(in(rig, RST | ACK, 0, GUEST_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
        }
    }

    @Test
    void rfc5961_four_bad_resets_change_nothing_and_the_exact_one_closes() throws Exception {
        try (GatewayRig rig = established(rig())) {
            // behind what the guest has acknowledged, far ahead, half the number space away, acknowledging what was
            // never sent
            assertThat(in(rig, RST, SERVER_DATA - 1, 0)).isNull();
            assertThat(in(rig, RST, SERVER_DATA + 65_536, 0)).isNull();
            assertThat(in(rig, RST, SERVER_DATA + (1L << 31), 0)).isNull();
            assertThat(in(rig, RST | ACK, SERVER_DATA, GUEST_DATA + 1)).isNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TCP_RST_WINDOW);
            assertThat(rig.drops(DropReason.TCP_RST_WINDOW)).isEqualTo(4);
            // in window, but not exact: the guest's to challenge
            assertThat(in(rig, RST, SERVER_DATA + 100, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(in(rig, RST, SERVER_DATA, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
        }
    }

    @Test
    void rfc5961_a_reset_right_behind_data_closes_though_the_data_are_not_acknowledged_yet() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA).payload("0123456789")))
                    .isNotNull();
            assertThat(in(rig, RST, SERVER_DATA + 10, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
        }
    }

    /** What closed programs' kernels say to data that were sent before the FIN was seen, and some instead of a RST of the next number. */
    @Test
    void rfc5961_a_reset_with_the_number_of_its_senders_fin_closes_also_when_the_fin_is_acknowledged()
            throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(out(rig, FIN | ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA + 1)).isNotNull();
            assertThat(out(rig, RST, GUEST_DATA - 1, 0)).isNull();
            assertThat(out(rig, RST | ACK, GUEST_DATA, SERVER_DATA + 1)).isNull();
            assertThat(rig.drops(DropReason.TCP_RST_WINDOW)).isEqualTo(2);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);

            assertThat(out(rig, RST, GUEST_DATA, 0)).isNotNull();

            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            assertThat(out(rig, RST, GUEST_DATA, 0)).as("again").isNotNull();
            assertThat(out(rig, RST, GUEST_DATA + 1, 0)).as("the next number").isNotNull();
        }
    }

    @Test
    void rfc5961_a_reset_with_the_number_of_an_acknowledged_fin_passes_after_both_sides_have_closed() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(in(rig, fromServer(FIN | ACK, SERVER_DATA, GUEST_DATA).payload("0123456789")))
                    .isNotNull();
            assertThat(out(rig, FIN | ACK, GUEST_DATA, SERVER_DATA + 11)).isNotNull();
            assertThat(in(rig, RST, SERVER_DATA + 9, 0)).isNull();

            assertThat(in(rig, RST, SERVER_DATA + 10, 0)).isNotNull();

            assertThat(state(rig)).isEqualTo(TrackedState.CLOSED);
        }
    }

    @Test
    void hostile09_data_out_of_window_are_dropped_and_the_connection_goes_on() throws Exception {
        try (GatewayRig rig = established(rig())) {
            for (int flags : new int[] {ACK, FIN | ACK}) {
                assertThat(in(
                                rig,
                                fromServer(flags, SERVER_DATA + 65_536, GUEST_DATA)
                                        .payload("x")))
                        .isNull();
                assertThat(in(
                                rig,
                                fromServer(flags, SERVER_DATA - 65_540, GUEST_DATA)
                                        .payload("x")))
                        .isNull();
            }
            assertThat(rig.drops(DropReason.TCP_WINDOW)).isEqualTo(4);
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA + 1).payload("x")))
                    .isNull();
            assertThat(in(rig, fromServer(FIN | ACK, SERVER_DATA, GUEST_DATA - 66_001)))
                    .isNull();
            assertThat(rig.drops(DropReason.TCP_ACKNOWLEDGMENT)).isEqualTo(2);
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA).payload("x")))
                    .isNotNull();
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA + 1)).isNotNull();
        }
    }

    @Test
    void hostile09_a_keep_alive_a_probe_of_a_closed_window_and_a_repetition_pass() {
        try (GatewayRig rig = established(rig())) {
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).window(0)))
                    .isNotNull();
            assertThat(in(rig, ACK, SERVER_DATA - 1, GUEST_DATA)).isNotNull();
            assertThat(in(rig, fromServer(ACK, SERVER_DATA - 1, GUEST_DATA).payload("k")))
                    .isNotNull();
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA).payload("p")))
                    .isNotNull();
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA).payload("p")))
                    .isNotNull();
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @Test
    void hostile09_numbers_may_wrap_around() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            long guest = 0xfffffff0L;
            long server = 0xffffffffL;
            assertThat(out(rig, SYN, guest, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, server, guest + 1)).isNotNull();
            assertThat(out(rig, ACK, guest + 1, 0)).isNotNull();
            for (int i = 0; i < 100; i++) {
                assertThat(out(rig, fromGuest(ACK, guest + 1 + i * 4, 0).payload("data")))
                        .isNotNull();
                assertThat(in(rig, ACK, 0, guest + 5 + i * 4)).isNotNull();
            }
            assertThat(in(rig, RST, 0, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // what each SYN offers (-1: nothing), the window that the guest announces, how far the server may then send
        "7, 7, 1000, 128000",
        "7, -1, 1000, 65535",
        "-1, 7, 1000, 65535",
        "15, 0, 1000, 16384000"
    })
    void hostile09_windows_are_scaled_if_both_offer_it_and_by_14_at_most(
            int guest, int server, int window, long allowed) {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            assertThat(out(rig, scaled(fromGuest(SYN, 1000, 0), guest))).isNotNull();
            assertThat(in(rig, scaled(fromServer(SYN | ACK, 5000, GUEST_DATA), server)))
                    .isNotNull();
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).window(window)))
                    .isNotNull();
            assertThat(in(rig, ACK, SERVER_DATA + allowed + 1, GUEST_DATA)).isNull();
            assertThat(in(rig, ACK, SERVER_DATA + allowed, GUEST_DATA)).isNotNull();
        }
    }

    private static PacketBuilder scaled(PacketBuilder syn, int scale) {
        return scale < 0 ? syn : syn.tcpOptions(NOP, (byte) 3, (byte) 3, (byte) scale);
    }

    /** The guest acknowledges a repeated SYN before the server's SYN-ACK comes, which crossed its own. */
    @Test
    void rfc5382_req2_a_syn_ack_that_crosses_another_tells_its_window_though_the_other_side_has_acknowledged_before()
            throws Exception {
        try (GatewayRig rig = rig()) {
            rig.ports(PORT, PORT);
            assertThat(out(rig, SYN, 1000, 0)).isNotNull();
            assertThat(in(rig, SYN, 5000, 0)).isNotNull();
            assertThat(out(rig, SYN | ACK, 1000, SERVER_DATA)).isNotNull();
            assertThat(in(rig, SYN, 5000, 0)).isNotNull();
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).payload("0123456789")))
                    .isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(out(rig, FIN | ACK, GUEST_DATA + 10, SERVER_DATA)).isNotNull();
            assertThat(rig.nonZeroDrops()).isEmpty();
        }
    }

    @Test
    void case09_an_acknowledgment_that_was_overtaken_passes() {
        try (GatewayRig rig = established(rig())) {
            for (int i = 0; i < 5; i++) {
                assertThat(out(
                                rig,
                                fromGuest(ACK, GUEST_DATA + i * 1000, SERVER_DATA)
                                        .payload(new byte[1000])))
                        .isNotNull();
            }
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA + 5000)).isNotNull();
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA + 1000)).isNotNull();
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA + 3000)).isNotNull();
        }
    }

    @Test
    void without_window_checks_numbers_do_not_count() throws Exception {
        try (GatewayRig rig = established(rig(TcpTracking.defaults().withWindowChecks(false)))) {
            assertThat(in(rig, ACK, 77, 99)).isNotNull();
            assertThat(out(rig, FIN | ACK, 1L << 31, 5)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);
            assertThat(in(rig, RST, 1L << 31, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    // ------------------------------------------------------------------------------------------------ handshakes

    @Test
    void hostile08_a_syn_in_an_established_connection_is_forwarded_and_the_challenge_to_it_answered() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(out(rig, SYN, 777_777, 0)).isNotNull();
            assertThat(in(rig, SYN, 888_888, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            // the server still knows the old connection and challenges (RFC 5961 section 4); the guest does not and
            // resets it
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA)).isNotNull();
            assertThat(out(rig, RST, GUEST_DATA, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            assertThat(out(rig, SYN, 777_777, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 333, 777_778)).isNotNull();
            assertThat(out(rig, ACK, 777_778, 334)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    /** The guest has restarted, and so has the server, which refuses what it knows nothing of. */
    @Test
    void rfc5961_and_hostile08_a_guest_that_begins_anew_hears_that_its_server_has_forgotten() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(in(rig, RST | ACK, 0, 777_778)).isNull();
            assertThat(out(rig, SYN, 777_777, 0)).isNotNull();
            // refusals of no SYN, or of another one
            assertThat(in(rig, RST | ACK, 0, 777_777)).isNull();
            assertThat(in(rig, RST | ACK, 0, 777_779)).isNull();
            assertThat(in(rig, RST | ACK, 1, 777_778)).isNull();
            assertThat(in(rig, RST, 0, 777_778)).isNull();
            assertThat(rig.drops(DropReason.TCP_RST_WINDOW)).isEqualTo(5);
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);

            assertThat(in(rig, RST | ACK, 0, 777_778)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            assertThat(out(rig, SYN, 888_888, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 333, 888_889)).isNotNull();
            assertThat(out(rig, ACK, 888_889, 334)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void hostile08_syns_do_not_keep_a_connection_alive() {
        try (GatewayRig rig = established(rig())) {
            advance(rig, 7000);
            assertThat(in(rig, SYN, 9, 0)).isNotNull();
            assertThat(out(rig, SYN, 9, 0)).isNotNull();
            advance(rig, 440);
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA)).isNull();
        }
    }

    @Test
    void hostile07_what_no_side_sends_before_the_handshake_is_complete_is_dropped() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNull();
            assertThat(in(rig, FIN | ACK, 5000, GUEST_DATA)).isNull();
            assertThat(in(rig, fromServer(FIN | ACK, 5000, GUEST_DATA).payload("x")))
                    .isNull();
            assertThat(rig.drops(DropReason.TCP_STATE)).isEqualTo(3);
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA + 1)).isNull();
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA - 1)).isNull();
            assertThat(rig.drops(DropReason.TCP_ACKNOWLEDGMENT)).isEqualTo(2);
            assertThat(in(rig, RST, 0, 0)).isNull();
            assertThat(in(rig, RST | ACK, 0, GUEST_DATA + 1)).isNull();
            assertThat(rig.drops(DropReason.TCP_RST_WINDOW)).isEqualTo(2);
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
        }
    }

    @Test
    void rfc5961_a_refusal_that_acknowledges_the_syn_resets_a_half_open_connection() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(in(rig, RST | ACK, 0, GUEST_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            assertThat(out(rig, SYN, 3000, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
        }
    }

    @Test
    void half_open_connections_learn_of_older_ones_by_a_challenge_and_reset_those() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(in(rig, ACK, 900, 800)).isNotNull();
            assertThat(out(rig, RST, 801, 0)).isNull();
            assertThat(out(rig, RST, 800, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(out(rig, SYN, 1000, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void rfc5382_req2_data_of_an_older_connection_reach_who_begins_anew_so_that_it_can_reset_that_one()
            throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(in(rig, fromServer(ACK, 900, 800).payload("old"))).isNotNull();
            assertThat(out(rig, RST, 800, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
        }
    }

    @Test
    void rfc5961_of_two_syn_acks_the_one_counts_that_the_guest_acknowledges() throws Exception {
        for (long right : new long[] {5000, 900_000_000}) {
            long wrong = 900_005_000 - right;
            try (GatewayRig rig = rig().ports(PORT, PORT)) {
                out(rig, SYN, 1000, 0);
                assertThat(in(rig, SYN | ACK, wrong, GUEST_DATA)).isNotNull();
                assertThat(in(rig, SYN | ACK, right, GUEST_DATA)).isNotNull();
                assertThat(out(rig, ACK, GUEST_DATA, right + 500)).isNull();
                assertThat(out(rig, ACK, GUEST_DATA, right + 1)).isNotNull();
                assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
                assertThat(in(rig, fromServer(ACK, right + 1, GUEST_DATA).payload("data")))
                        .isNotNull();
                assertThat(in(rig, fromServer(ACK, wrong + 1, GUEST_DATA).payload("data")))
                        .isNull();
                assertThat(out(rig, ACK, GUEST_DATA, right + 5)).isNotNull();
            }
        }
    }

    @Test
    void rfc5961_of_two_syn_acks_the_first_counts_if_the_guest_acknowledges_that() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
            assertThat(in(rig, SYN | ACK, 900_000_000, GUEST_DATA)).isNotNull();
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA).payload("data")))
                    .isNotNull();
        }
    }

    @Test
    void rfc5961_a_forged_syn_does_not_keep_the_answer_to_the_true_one_back() throws Exception {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> p:80"))) {
            PacketBuilder from = PacketBuilder.tcp().from(SERVER, 5555).to(SHARED, 8080);
            PacketBuilder back = PacketBuilder.tcp().from(GUEST, 80).to(SERVER, 5555);
            assertThat(in(rig, from.flags(SYN).sequence(7000, 0))).isNotNull();
            assertThat(in(rig, from.flags(SYN).sequence(600_000_000, 0))).isNotNull();
            assertThat(in(rig, from.flags(SYN).sequence(77, 0))).isNotNull();
            assertThat(out(rig, back.flags(SYN | ACK).sequence(100, 7001))).isNotNull();
            assertThat(in(rig, from.flags(ACK).sequence(7001, 101))).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void rfc5382_req2_who_tries_again_with_another_number_is_answered() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(out(rig, SYN, 3_000_000_000L, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 5000, 3_000_000_002L)).isNull();
            // perhaps forged
            assertThat(in(rig, SYN, 42, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 5000, 3_000_000_001L)).isNotNull();
            assertThat(out(rig, ACK, 3_000_000_001L, SERVER_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void rfc5382_req2_both_sides_may_have_forgotten_a_connection_and_begin_anew() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(out(rig, SYN, 777_777, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, SYN | ACK, 3_333_333_333L, 777_778)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).payload("old")))
                    .isNull();
            assertThat(out(rig, ACK, 777_778, 3_333_333_334L)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, fromServer(ACK, 3_333_333_334L, 777_778).payload("new")))
                    .isNotNull();
        }
    }

    @Test
    void hostile08_a_late_syn_and_its_late_answer_change_nothing() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).payload("abc")))
                    .isNotNull();
            assertThat(out(rig, SYN, 1000, 0)).isNotNull();
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA + 3).payload("x")))
                    .isNotNull();
        }
    }

    @Test
    void hostile08_a_syn_ack_of_the_called_side_is_forwarded_whatever_its_number_and_one_of_the_other_dropped()
            throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(in(rig, SYN | ACK, 3_333_333_333L, 777_778)).isNotNull();
            assertThat(out(rig, SYN | ACK, GUEST_DATA, SERVER_DATA)).isNull();
            assertThat(rig.drops(DropReason.TCP_STATE)).isEqualTo(1);
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, fromServer(ACK, SERVER_DATA, GUEST_DATA).payload("x")))
                    .isNotNull();
        }
    }

    @Test
    void hostile07_between_two_syns_and_the_first_syn_ack_who_began_sends_no_data() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            assertThat(in(rig, SYN, 9000, 0)).isNotNull();
            assertThat(out(rig, ACK, GUEST_DATA, 9001)).isNull();
            assertThat(rig.drops(DropReason.TCP_STATE)).isEqualTo(1);
            // that SYN may be forged, and the true server knows an older connection
            assertThat(in(rig, fromServer(ACK, 900, 800).payload("old"))).isNotNull();
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNotNull();
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void half_open_connections_are_not_kept_by_forged_segments() {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            for (int i = 0; i < 11; i++) {
                advance(rig, 10);
                in(rig, ACK, 900, 800);
                in(rig, RST, 900, 800);
            }
            advance(rig, 10);
            assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA)).isNull();
        }
    }

    @Test
    void rfc5382_req2_data_in_the_syn_may_be_acknowledged_or_not() {
        for (long acknowledged : new long[] {GUEST_DATA, GUEST_DATA + 3}) {
            try (GatewayRig rig = rig().ports(PORT, PORT)) {
                assertThat(out(rig, fromGuest(SYN, 1000, 0).payload("abc"))).isNotNull();
                assertThat(in(rig, SYN | ACK, 5000, GUEST_DATA + 4)).isNull();
                assertThat(in(rig, SYN | ACK, 5000, acknowledged)).isNotNull();
                assertThat(out(rig, fromGuest(ACK, acknowledged, SERVER_DATA).payload("abc")))
                        .isNotNull();
            }
        }
    }

    @Test
    void rfc5382_req2_who_is_called_may_send_data_before_the_handshake_is_complete() {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            assertThat(out(rig, fromGuest(SYN, 1000, 0).payload("GET"))).isNotNull();
            assertThat(in(rig, fromServer(SYN | ACK, 5000, GUEST_DATA + 3).payload(new byte[1000])))
                    .isNotNull();
            for (int i = 1; i < 10; i++) {
                assertThat(in(
                                rig,
                                fromServer(ACK, SERVER_DATA + i * 1000, GUEST_DATA + 3)
                                        .payload(new byte[1000])))
                        .isNotNull();
            }
            assertThat(out(rig, ACK, GUEST_DATA + 3, SERVER_DATA + 10_000)).isNotNull();
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    // ------------------------------------------------------------------------------------------------ ends

    @Test
    void rfc7857_eim_an_outbound_reset_refreshes_nothing() {
        try (GatewayRig rig = established(rig())) {
            advance(rig, 7000);
            // in window but not exact: forwarded, and no sign that the connection is in use
            assertThat(out(rig, RST, GUEST_DATA + 5, 0)).isNotNull();
            advance(rig, 440);
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA)).isNull();
        }
        try (GatewayRig rig = established(rig())) {
            advance(rig, 7430);
            // exact: the timer of a reset connection would end later than the connection's own
            assertThat(out(rig, RST, GUEST_DATA, 0)).isNotNull();
            advance(rig, 10);
            assertThat(in(rig, ACK, SERVER_DATA, GUEST_DATA)).isNull();
        }
    }

    @Test
    void case17_data_pass_within_the_reset_timer_and_not_after_and_a_syn_opens_again() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(in(rig, RST, SERVER_DATA, 0)).isNotNull();
            advance(rig, 239);
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).payload("x")))
                    .isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
            advance(rig, 1);
            assertThat(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).payload("x")))
                    .isNull();
            assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(1);
            assertThat(out(rig, SYN, 1000, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
        }
    }

    @Test
    void case17_the_peer_opens_again_only_if_the_rules_let_it_call() throws Exception {
        for (String chain : List.of("accept tcp from guest p to outside;default drop", "accept tcp from any to any")) {
            try (GatewayRig rig = established(rig().with(b -> b.rules(FilterChain.parse(chain.replace(';', '\n')))))) {
                out(rig, RST, GUEST_DATA, 0);
                boolean mayCall = !chain.contains("drop");
                assertThat(in(rig, SYN, 9000, 0) != null).isEqualTo(mayCall);
                assertThat(state(rig)).isEqualTo(mayCall ? TrackedState.HALF_OPEN : TrackedState.RESET);
                if (mayCall) {
                    assertThat(out(rig, SYN | ACK, 100, 9001)).isNotNull();
                    assertThat(in(rig, ACK, 9001, 101)).isNotNull();
                    assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
                }
            }
        }
    }

    @Test
    void case18_both_fins_lead_to_the_transitory_timer_and_to_the_end() throws Exception {
        try (GatewayRig rig = established(rig())) {
            assertThat(out(rig, FIN | ACK, GUEST_DATA, SERVER_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);
            assertThat(in(rig, FIN | ACK, SERVER_DATA, GUEST_DATA + 1)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.CLOSED);
            assertThat(out(rig, ACK, GUEST_DATA + 1, SERVER_DATA + 1)).isNotNull();
            advance(rig, 239);
            assertThat(in(rig, FIN | ACK, SERVER_DATA, GUEST_DATA + 1)).isNotNull();
            advance(rig, 1);
            assertThat(in(rig, FIN | ACK, SERVER_DATA, GUEST_DATA + 1)).isNull();
        }
    }

    @Test
    void case18_a_fin_before_the_handshake_is_complete_counts_once_it_is() throws Exception {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            out(rig, SYN, 1000, 0);
            in(rig, SYN | ACK, 5000, GUEST_DATA);
            assertThat(in(rig, FIN | ACK, SERVER_DATA, GUEST_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(out(rig, ACK, GUEST_DATA, SERVER_DATA + 1)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_CLOSED);
        }
    }

    @Test
    void case21_a_reflected_connection_outlives_the_transitory_timer() throws Exception {
        try (GatewayRig rig =
                rig().guest("q", "52:54:00:00:00:02", "10.0.0.3").with(b -> b.forward("tcp 8080 -> q:80"))) {
            rig.station("p").send(PacketBuilder.tcp().from(GUEST, 40_000).to(SHARED, 8080));
            int port = rig.station("q").takeOne().sourcePort();
            rig.station("q")
                    .send(PacketBuilder.tcp()
                            .from("10.0.0.3", 80)
                            .to(SHARED, port)
                            .flags(SYN | ACK));
            assertThat(rig.station("p").take()).hasSize(1);
            PacketBuilder data =
                    PacketBuilder.tcp().from(GUEST, 40_000).to(SHARED, 8080).flags(ACK);
            rig.station("p").send(data);
            advance(rig, 7439);
            rig.station("p").send(data.payload("still here"));
            assertThat(rig.station("q").take()).hasSize(2);
            assertThat(rig.flows()).allMatch(flow -> flow.state() == TrackedState.ESTABLISHED);
            rig.station("p")
                    .send(PacketBuilder.tcp()
                            .from(GUEST, 40_000)
                            .to(SHARED, 8080)
                            .flags(RST)
                            .sequence(1, 0));
            assertThat(rig.station("q").take()).isEmpty();
            assertThat(rig.drops(DropReason.TCP_RST_WINDOW)).isEqualTo(1);
        }
    }

    // ------------------------------------------------------------------------------------------------ mid-stream

    @Test
    void a_connection_is_picked_up_in_mid_stream_only_if_it_is_set_so() throws Exception {
        try (GatewayRig rig = rig()) {
            assertThat(out(rig, ACK, 70_000, 90_000)).isNull();
            assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(1);
        }
        TcpTracking tracking = TcpTracking.defaults().withMidStreamPickup(true);
        try (GatewayRig rig = rig(tracking).ports(PORT, PORT)) {
            for (int flags : new int[] {FIN | ACK, RST, RST | ACK, SYN | ACK}) {
                assertThat(out(rig, flags, 70_000, 90_000)).isNull();
            }
            assertThat(out(rig, fromGuest(ACK, 70_000, 90_000).payload("abc"))).isNotNull();
            assertThat(out(rig, fromGuest(ACK, 70_003, 90_000).payload("abc"))).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(in(rig, fromServer(ACK, 90_000, 70_006).payload(new byte[1000])))
                    .isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            // more than is known may have been sent before
            assertThat(in(rig, ACK, 91_000, 80_000)).isNotNull();
            assertThat(in(rig, RST, 80_000, 0)).isNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(in(rig, RST, 91_000, 0)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.RESET);
        }
    }

    @Test
    void nothing_from_outside_is_picked_up_in_mid_stream() {
        TcpTracking tracking = TcpTracking.defaults().withMidStreamPickup(true);
        try (GatewayRig rig = rig(tracking).with(b -> b.forward("tcp 8080 -> p:80"))) {
            rig.outside()
                    .send(PacketBuilder.tcp().from(SERVER, 1).to(SHARED, 8080).flags(ACK));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(rig.drops(DropReason.TCP_NO_FLOW)).isEqualTo(1);
        }
    }

    // ------------------------------------------------------------------------------------------------ unsolicited SYNs

    private static GatewayRig answering() {
        return rig(TcpTracking.defaults().withAnswerUnsolicitedSyn(true)).ports(PORT, PORT);
    }

    private static void waitMillis(GatewayRig rig, long millis) {
        rig.clock().advance(Duration.ofMillis(millis));
        rig.poll();
    }

    @Test
    void rfc5382_req4_an_unsolicited_syn_is_answered_after_6_s_and_not_before() {
        try (GatewayRig rig = answering()) {
            rig.outside().send(fromServer(SYN, 4711, 0));
            assertThat(rig.drops(DropReason.NO_MAPPING)).isEqualTo(1);
            waitMillis(rig, 3000);
            rig.outside().send(fromServer(SYN, 4711, 0));
            waitMillis(rig, 2999);
            assertThat(rig.outside().take()).isEmpty();
            waitMillis(rig, 1);
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.icmpType()).isEqualTo(3);
            assertThat(error.icmpCode()).isEqualTo(3);
            assertThat(error.source()).isEqualTo(SHARED);
            assertThat(error.destination()).isEqualTo(SERVER);
            assertThat(error.inner().to()).isEqualTo(SHARED + ":" + PORT);
            assertThat(error.inner().from()).isEqualTo(SERVER + ":80");
            assertThat(error.inner().sequence()).isEqualTo(4711);
            waitMillis(rig, 60_000);
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.stats().dropped()).isEqualTo(2);
        }
    }

    @Test
    void rfc5382_req4_a_syn_of_the_guest_meanwhile_wins() throws Exception {
        try (GatewayRig rig = answering()) {
            rig.outside().send(fromServer(SYN, 4711, 0));
            waitMillis(rig, 5000);
            assertThat(out(rig, SYN, 1000, 0)).isNotNull();
            waitMillis(rig, 5000);
            assertThat(rig.outside().take()).isEmpty();
            assertThat(in(rig, SYN, 4711, 0)).isNotNull();
            assertThat(out(rig, SYN | ACK, 1000, 4712)).isNotNull();
            assertThat(in(rig, SYN | ACK, 4711, GUEST_DATA)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.HALF_OPEN);
            assertThat(out(rig, ACK, GUEST_DATA, 4712)).isNotNull();
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
        }
    }

    @Test
    void rfc5382_req4_silence_is_the_default() {
        try (GatewayRig rig = rig().ports(PORT, PORT)) {
            rig.outside().send(fromServer(SYN, 4711, 0));
            waitMillis(rig, 60_000);
            assertThat(rig.outside().take()).isEmpty();
        }
    }

    @Test
    void rfc5382_req4_a_flood_of_unsolicited_syns_is_answered_within_bounds() {
        try (GatewayRig rig = answering()) {
            for (int i = 0; i < 5000; i++) {
                rig.outside()
                        .send(PacketBuilder.tcp()
                                .from("198.51.100." + (1 + i % 200), 1000 + i)
                                .to(SHARED, PORT));
            }
            waitMillis(rig, 6000);
            assertThat(rig.outside().take()).hasSizeBetween(1, 1024);
            waitMillis(rig, 6000);
            rig.outside().take();
            // and there is room again
            rig.outside().send(fromServer(SYN, 4711, 0));
            waitMillis(rig, 6000);
            assertThat(rig.outside().take()).hasSize(1);
        }
    }

    // ------------------------------------------------------------------------------------------------ MSS

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void case14_the_mss_is_lowered_only_where_it_is_larger(boolean odd) {
        try (GatewayRig rig = rig(TcpTracking.defaults().withMssClamp(1300)).ports(PORT, PORT)) {
            assertThat(mss(out(rig, fromGuest(SYN, 1000, 0).tcpOptions(mss(1460, odd))), odd))
                    .isEqualTo(1300);
            assertThat(mss(in(rig, fromServer(SYN | ACK, 5000, GUEST_DATA).tcpOptions(mss(1301, odd))), odd))
                    .isEqualTo(1300);
        }
        try (GatewayRig rig = rig(TcpTracking.defaults().withMssClamp(1300)).ports(PORT, PORT)) {
            assertThat(mss(out(rig, fromGuest(SYN, 1000, 0).tcpOptions(mss(1300, odd))), odd))
                    .isEqualTo(1300);
            assertThat(mss(in(rig, fromServer(SYN | ACK, 5000, GUEST_DATA).tcpOptions(mss(536, odd))), odd))
                    .isEqualTo(536);
            assertThat(mss(out(rig, fromGuest(ACK, GUEST_DATA, SERVER_DATA).tcpOptions(mss(1460, odd))), odd))
                    .isEqualTo(1460);
        }
    }

    @Test
    void case14_the_mss_of_the_link_is_what_fits_into_the_smaller_mtu() {
        TcpTracking tracking = TcpTracking.defaults().withMssClamp(TcpTracking.MSS_OF_LINK);
        try (GatewayRig rig = rig(tracking).ports(PORT, PORT).uplinkMtu(1400)) {
            assertThat(mss(out(rig, fromGuest(SYN, 1000, 0).tcpOptions(mss(1460, false))), false))
                    .isEqualTo(1360);
            assertThat(mss(in(rig, fromServer(SYN | ACK, 5000, GUEST_DATA).tcpOptions(mss(8960, false))), false))
                    .isEqualTo(1360);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // no MSS, an MSS behind the end, of the wrong length, cut off, behind an option of no or too great
                // length
                "01010101",
                "00020405",
                "02030506",
                "01010204",
                "010102ff",
                "0300020405b40000",
                "031e020405b40000",
                "02"
            })
    void case14_options_that_make_no_sense_are_left_alone(String hex) {
        byte[] options = new byte[(hex.length() / 2 + 3) / 4 * 4];
        for (int i = 0; i < hex.length() / 2; i++) {
            options[options.length - hex.length() / 2 + i] =
                    (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        if (hex.equals("02")) {
            options[0] = NOP;
            options[1] = NOP;
            options[2] = NOP;
        }
        try (GatewayRig rig = rig(TcpTracking.defaults().withMssClamp(88)).ports(PORT, PORT)) {
            byte[] payload = {(byte) 4, 5, 6, 7};
            ParsedPacket seen =
                    out(rig, fromGuest(SYN, 1000, 0).tcpOptions(options).payload(payload));
            assertThat(seen).isNotNull();
            byte[] frame = seen.frame();
            assertThat(Arrays.copyOfRange(frame, 54, 54 + options.length)).isEqualTo(options);
            assertThat(seen.payload()).isEqualTo(payload);
        }
    }

    @Test
    void case14_and_case13_an_error_quotes_the_mss_that_the_guest_has_announced() {
        TcpTracking tracking = TcpTracking.defaults().withMssClamp(TcpTracking.MSS_OF_LINK);
        try (GatewayRig rig = rig(tracking).ports(PORT, PORT).uplinkMtu(1400)) {
            rig.station("p").send(large(fromGuest(SYN, 1000, 0)));
            assertQuotesMss(rig.station("p").takeOne());
        }
    }

    @Test
    void case14_a_hairpinned_syn_that_is_too_big_is_quoted_as_it_was_sent() {
        TcpTracking tracking = TcpTracking.defaults().withMssClamp(TcpTracking.MSS_OF_LINK);
        InProcessLink small = InProcessLink.named("q").withMtu(1400);
        try (GatewayRig rig = rig(tracking)
                .guest("q", "52:54:00:00:00:02", "10.0.0.3", small)
                .with(b -> b.forward("tcp 8080 -> q:80"))) {
            rig.station("p").send(large(fromGuest(SYN, 1000, 0).to(SHARED, 8080)));
            assertQuotesMss(rig.station("p").takeOne());
            // the smaller of the two guests' links counts, not the uplink
            rig.station("p").send(fromGuest(SYN, 1000, 0).to(SHARED, 8080).tcpOptions(mss(1460, false)));
            byte[] seen = small.receive();
            assertThat(seen).isNotNull();
            assertThat(Octets.u16(seen, 56)).isEqualTo(1360);
        }
    }

    private static PacketBuilder large(PacketBuilder syn) {
        return syn.tcpOptions(mss(1460, false)).payload(new byte[1400]);
    }

    private static void assertQuotesMss(ParsedPacket error) {
        assertThat(error.icmpType()).isEqualTo(3);
        assertThat(error.icmpCode()).isEqualTo(4);
        assertThat(Octets.u16(error.payload(), 42)).isEqualTo(1460);
    }

    private static byte[] mss(int value, boolean odd) {
        byte high = (byte) (value >>> 8);
        byte low = (byte) value;
        return odd ? new byte[] {NOP, 2, 4, high, low, NOP, NOP, NOP} : new byte[] {2, 4, high, low};
    }

    private static int mss(@Nullable ParsedPacket seen, boolean odd) {
        assertThat(seen).isNotNull();
        byte[] frame = seen.frame();
        int at = 54 + (odd ? 3 : 2);
        return (frame[at] & 0xff) << 8 | (frame[at + 1] & 0xff);
    }

    @Test
    void rfc5382_req9_and_rfc5382_req10_an_unreachable_error_never_closes_a_connection() throws Exception {
        try (GatewayRig rig = rig()) {
            Conversation talk =
                    Conversation.tcp(rig, "p", GUEST, 40_000, SERVER, 80).handshake();
            ParsedPacket sent = talk.out();
            assertThat(sent).isNotNull();
            for (int code : new int[] {0, 1, 2, 3, 13}) {
                rig.outside()
                        .send(PacketBuilder.icmp().from(SERVER, 0).to(SHARED, 0).error(3, code, 0, sent.frame(), 28));
                assertThat(rig.station("p").take()).hasSize(1);
            }
            assertThat(state(rig)).isEqualTo(TrackedState.ESTABLISHED);
            assertThat(talk.in()).isNotNull();
            assertThat(talk.out()).isNotNull();
        }
    }
}
