package io.sharedip.nat.internal.tcp;

import static io.sharedip.nat.internal.tcp.Script.MSS_ONLY;
import static io.sharedip.nat.internal.tcp.Script.NO_OPTIONS;
import static io.sharedip.nat.internal.tcp.Script.SECOND;
import static io.sharedip.packet.TcpView.ACK;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Windows both ways, and the memory behind them (RFC 9293 section 3.8.6). */
class WindowTest {

    private static final byte[] MSS_AND_SCALE = {2, 4, Script.MSS >> 8, (byte) Script.MSS, 1, 3, 3, 0};

    private static int windowNow(Script s) {
        s.data(-1, 1, 0);
        return s.one().window();
    }

    @Test
    void the_window_is_what_the_stream_has_room_for() {
        Script s = Script.open(MSS_ONLY, 10_000);
        s.data(0, 1_000, 0);
        assertThat(s.one().window()).isEqualTo(9_000);
        s.data(1_000, 9_000, 0);
        assertThat(s.one().window()).isZero();
        s.data(10_000, 1, 0);
        s.expectAck(10_000, 0);
        assertThat(s.stream.heard()).isEqualTo(10_000);
    }

    @Test
    void a_window_that_opens_is_told_once_it_is_worth_it() {
        Script s = Script.open(MSS_ONLY, 10_000);
        s.data(0, 10_000, 0);
        s.all();
        s.stream.read(300);
        s.silence();
        assertThat(windowNow(s)).isZero();
        s.stream.read(4_700);
        assertThat(s.one().window()).isEqualTo(5_000);
        s.stream.read(5_000);
        s.silence();
        assertThat(windowNow(s)).isEqualTo(10_000);
    }

    @Test
    void early_octets_are_kept_within_the_window_and_no_more() {
        Script s = Script.open(MSS_ONLY, 10_000);
        s.data(5_000, 20_000, 0);
        s.expectAck(0, 0);
        s.data(0, 5_000, 0);
        s.expectAck(10_000, 0);
        assertThat(s.stream.heard()).isEqualTo(10_000);
        assertThat(s.side.endpoint.memory()).isZero();
    }

    @Test
    void an_early_octet_at_the_end_of_the_largest_window_is_kept() {
        Script s = Script.open(MSS_AND_SCALE, 1 << 26, new TcpShared(1 << 16, 1 << 27));
        s.data(0, 10, 0);
        int window = s.one().window() << 11;
        s.data(10 + window - 1, 1, 0);
        s.expectAck(10, 0);
        assertThat(s.side.endpoint.memory()).isEqualTo(1 << 26);
    }

    @Test
    void early_octets_of_many_connections_take_no_more_than_the_budget_beyond_what_each_may_have() {
        TcpShared shared = new TcpShared(1 << 16, 1 << 20);
        List<Script> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Script s = Script.open(MSS_AND_SCALE, 1 << 18, shared);
            all.add(s);
            // the SYN-ACK's window is not scaled
            s.data(0, 10, 0);
            s.all();
            s.data(200_000, 1, 0);
            s.data(1_000, 1, 0);
        }
        assertThat(shared.memory()).isLessThanOrEqualTo((1 << 20) + 20 * (1 << 16));
        assertThat(all.get(0).side.endpoint.memory()).isEqualTo(1 << 18);
        assertThat(all.get(19).side.endpoint.memory()).isEqualTo(1 << 14);
        // whoever finds no room is asked for it again
        Script poor = all.get(19);
        poor.data(10, 990, 0);
        poor.all();
        for (int at = 1_001; at < 200_001; at += 10_000) {
            poor.data(at, 10_000, 0);
        }
        poor.expectAck(201_001, 0);
        poor.stream.read(201_001);
        poor.all();
        // and what is no longer needed is there for others
        all.get(0).side.endpoint.discard();
        poor.data(300_000, 1, 0);
        assertThat(poor.side.endpoint.memory()).isEqualTo(1 << 17);
        all.forEach(s -> s.side.endpoint.discard());
        assertThat(shared.memory()).isZero();
    }

    @Test
    void each_early_segment_gets_a_duplicate_acknowledgment() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        for (int i = 1; i <= 3; i++) {
            s.data(1_000 * i, 1_000, 0);
        }
        assertThat(s.all()).hasSize(3).allMatch(a -> a.acknowledgment() == Script.guest(0) && a.length() == 0);
        s.data(0, 1_000, 0);
        s.expectAck(4_000, 0);
    }

    @Test
    void selective_acknowledgments_begin_with_what_came_last() {
        Script s = Script.open(Script.MSS_AND_SACK);
        s.all();
        s.data(1_000, 1_000, 0);
        s.data(5_000, 1_000, 0);
        s.data(3_000, 1_000, 0);
        List<int[]> blocks = s.one().sacks();
        assertThat(blocks).containsExactly(block(3_000, 4_000), block(5_000, 6_000), block(1_000, 2_000));
        s.data(2_000, 1_000, 0);
        assertThat(s.one().sacks()).containsExactly(block(1_000, 4_000), block(5_000, 6_000));
        // what came twice is told first, RFC 2883
        s.data(5_000, 500, 0);
        assertThat(s.one().sacks()).containsExactly(block(5_000, 5_500), block(1_000, 4_000), block(5_000, 6_000));
    }

    private static int[] block(int from, int to) {
        return new int[] {Script.guest(from), Script.guest(to)};
    }

    @Test
    void no_more_is_sent_than_the_guest_has_room_for() {
        Script s = Script.open(MSS_ONLY);
        s.window = 2_500;
        s.ack(0, 0);
        s.say(10_000);
        List<Segment> out = s.all();
        assertThat(out).extracting(Segment::length).containsExactly(1_000, 1_000);
        // the rest of the window is too little, RFC 9293 section 3.8.6.2.1
        s.window = 500;
        s.ack(0, 2_000);
        s.silence();
    }

    @Test
    void a_closed_window_is_probed_for_as_long_as_the_guest_answers() {
        Script s = Script.open(MSS_ONLY);
        s.window = 0;
        s.ack(0, 0);
        s.say(5_000);
        s.silence();
        long last = 0;
        for (int i = 0; i < 40; i++) {
            long wait = s.awaitDeadline(true);
            assertThat(wait).isBetween(last, 120 * SECOND);
            last = wait;
            s.expectAck(0, -1);
            s.ack(0, 0);
            s.silence();
        }
        s.window = 3_000;
        s.ack(0, 0);
        assertThat(s.all()).hasSize(3);
        assertThat(s.side.endpoint.deadline() - s.now).isEqualTo(SECOND);
    }

    @Test
    void a_guest_that_does_not_answer_probes_is_given_up() {
        Script s = Script.open(MSS_ONLY);
        s.window = 0;
        s.ack(0, 0);
        s.say(5_000);
        s.silence();
        for (int i = 0; i < 15; i++) {
            s.awaitDeadline(true);
            s.one();
        }
        s.awaitDeadline(true);
        assertThat(s.side.end).isEqualTo(TcpEnd.TIMED_OUT);
        assertThat(s.stream.reset).isTrue();
        assertThat(s.shared.memory()).isZero();
    }

    @Test
    void a_window_that_stays_small_is_used_when_the_persist_timer_comes() {
        Script s = Script.open(MSS_ONLY);
        s.window = 100;
        s.ack(0, 0);
        s.say(5_000);
        s.silence();
        s.awaitDeadline(true);
        s.expectData(s.one(), 0, 100);
    }

    @Test
    void a_slow_guest_holds_no_more_than_the_first_ring() {
        Script s = Script.open(MSS_ONLY);
        s.window = 0;
        s.ack(0, 0);
        s.stream.say(1 << 30);
        for (int i = 0; i < 100; i++) {
            s.stream.speak();
            s.silence();
        }
        assertThat(s.side.endpoint.memory()).isEqualTo(1 << 16);
        assertThat(s.stream.said()).isEqualTo(1 << 16);
    }

    @Test
    void the_ring_grows_for_a_fast_guest_and_goes_when_nothing_is_sent() {
        Script s = Script.open(new byte[] {2, 4, 3, (byte) 232, 3, 3, 7, 0});
        s.window = 65_535;
        s.ack(0, 0);
        s.stream.say(20 << 20);
        int largest = 0;
        while (true) {
            s.stream.speak();
            List<Segment> out = s.all();
            if (out.isEmpty()) {
                break;
            }
            largest = Math.max(largest, s.side.endpoint.memory());
            Segment last = out.get(out.size() - 1);
            s.give(ACK, Script.guest(0), last.end(), NO_OPTIONS, NO_OPTIONS);
        }
        assertThat(s.stream.hasSaidAll()).isTrue();
        assertThat(largest).isEqualTo(1 << 20);
        s.awaitDeadline(true);
        assertThat(s.side.endpoint.memory()).isZero();
        assertThat(s.side.endpoint.hasDeadline()).isFalse();
        assertThat(s.shared.memory()).isZero();
        // and everything works on
        s.say(500);
        assertThat(s.one().length()).isEqualTo(500);
    }

    @Test
    void nothing_waits_for_an_acknowledgment() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        for (int i = 0; i < 5; i++) {
            s.say(1);
            s.expectData(s.one(), i, 1);
        }
    }
}
