package io.sharedip.nat.internal.tcp;

import static io.sharedip.nat.internal.tcp.Script.MSS_ONLY;
import static io.sharedip.nat.internal.tcp.Script.SECOND;
import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sharedip.packet.Octets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** RFC 6298 with numbers worked out by hand, the estimator alone and as a connection uses it. */
class RetransmissionTimeoutTest {

    private static final long MILLISECOND = 1_000_000L;
    private static final long MICROSECOND = 1_000L;

    private static RetransmissionTimeout measured(long... milliseconds) {
        RetransmissionTimeout timeout = new RetransmissionTimeout();
        for (long each : milliseconds) {
            timeout.measured(each * MILLISECOND);
        }
        return timeout;
    }

    // ------------------------------------------------------------------------------------------------ the estimator

    @Test
    void rfc6298_2_1_before_any_measurement_it_is_a_second() {
        assertThat(measured().nanos()).isEqualTo(SECOND);
    }

    @Test
    void rfc6298_2_2_the_first_measurement_counts_three_times() {
        // SRTT 400, RTTVAR 200
        assertThat(measured(400).nanos()).isEqualTo(1_200 * MILLISECOND);
    }

    @Test
    void rfc6298_2_3_further_measurements_weigh_an_eighth_and_their_deviation_a_quarter() {
        // RTTVAR 200 - 200/4 = 150
        assertThat(measured(400, 400).nanos()).isEqualTo(1_000 * MILLISECOND);
        // RTTVAR 150 + (400 - 150)/4 = 212.5 with the SRTT before, SRTT 400 + 400/8 = 450
        assertThat(measured(400, 400, 800).nanos()).isEqualTo(1_300 * MILLISECOND);
        // RTTVAR 212.5 + (350 - 212.5)/4 = 246.875, SRTT 450 - 350/8 = 406.25
        assertThat(measured(400, 400, 800, 100).nanos()).isEqualTo(1_393_750 * MICROSECOND);
    }

    @Test
    void rfc6298_2_4_the_part_for_variance_is_never_less_than_200_ms() {
        assertThat(measured(10).nanos()).isEqualTo(210 * MILLISECOND);
        assertThat(measured(0).nanos()).isBetween(200 * MILLISECOND, 200 * MILLISECOND + 1);
        long[] steady = new long[100];
        Arrays.fill(steady, 400);
        assertThat(measured(steady).nanos()).isEqualTo(600 * MILLISECOND);
        // SRTT 100, RTTVAR 50: the floor and the variance are the same
        assertThat(measured(100).nanos()).isEqualTo(300 * MILLISECOND);
        assertThat(measured(101).nanos()).isEqualTo(303 * MILLISECOND);
    }

    @Test
    void rfc6298_2_5_it_is_never_more_than_two_minutes() {
        assertThat(measured(39_000).nanos()).isEqualTo(117 * SECOND);
        assertThat(measured(41_000).nanos()).isEqualTo(120 * SECOND);
        assertThat(measured(Long.MAX_VALUE / MILLISECOND).nanos()).isEqualTo(120 * SECOND);
        RetransmissionTimeout timeout = measured(400);
        for (int i = 0; i < 20; i++) {
            timeout.backOff();
        }
        assertThat(timeout.nanos()).isEqualTo(120 * SECOND);
    }

    @Test
    void a_measurement_of_less_than_nothing_counts_as_nothing() {
        assertThat(measured(-5).nanos()).isEqualTo(measured(0).nanos());
    }

    @Test
    void rfc6298_5_5_each_expiry_doubles_it() {
        RetransmissionTimeout timeout = measured(400);
        for (int i = 1; i <= 6; i++) {
            timeout.backOff();
            assertThat(timeout.nanos()).isEqualTo((1_200 << i) * MILLISECOND);
        }
    }

    @Test
    void rfc6298_3_karn_what_measures_nothing_changes_no_estimate_and_takes_back_one_doubling() {
        RetransmissionTimeout timeout = measured(400);
        timeout.progressed();
        assertThat(timeout.nanos()).isEqualTo(1_200 * MILLISECOND);
        timeout.backOff();
        timeout.backOff();
        assertThat(timeout.nanos()).isEqualTo(4_800 * MILLISECOND);
        timeout.progressed();
        assertThat(timeout.nanos()).isEqualTo(2_400 * MILLISECOND);
        timeout.progressed();
        timeout.progressed();
        assertThat(timeout.nanos()).isEqualTo(1_200 * MILLISECOND);
    }

    @Test
    void rfc6298_5_a_measurement_takes_back_all_doublings() {
        RetransmissionTimeout timeout = measured(400);
        timeout.backOff();
        timeout.backOff();
        timeout.measured(400 * MILLISECOND);
        assertThat(timeout.nanos()).isEqualTo(1_000 * MILLISECOND);
    }

    @Test
    void rfc6298_5_7_after_a_lost_syn_it_is_three_seconds_until_something_is_measured() {
        RetransmissionTimeout timeout = measured();
        timeout.backOff();
        timeout.backOff();
        timeout.synWasRetransmitted();
        assertThat(timeout.nanos()).isEqualTo(3 * SECOND);
        timeout.measured(400 * MILLISECOND);
        assertThat(timeout.nanos()).isEqualTo(1_200 * MILLISECOND);
        RetransmissionTimeout longer = measured(2_000);
        longer.synWasRetransmitted();
        assertThat(longer.nanos()).isEqualTo(6 * SECOND);
    }

    // ------------------------------------------------------------------------------------------------ in a connection

    private static long timeout(Script s) {
        return s.side.endpoint.deadline() - s.now;
    }

    @Test
    void rfc6298_a_connection_measures_from_when_a_segment_was_sent_to_when_it_was_acknowledged() {
        Script s = Script.open(MSS_ONLY);
        s.say(1_000);
        s.one();
        long[] measured = {400, 400, 800, 100};
        long[] expected = {1_200_000, 1_000_000, 1_300_000, 1_393_750};
        for (int i = 0; i < measured.length; i++) {
            s.now += measured[i] * MILLISECOND;
            s.ack(0, 1_000 * (i + 1));
            s.say(1_000);
            s.one();
            assertThat(timeout(s)).isEqualTo(expected[i] * MICROSECOND);
        }
    }

    @Test
    void rfc6298_3_karn_without_timestamps_a_segment_that_was_sent_twice_is_not_measured() {
        Script s = Script.open(MSS_ONLY);
        s.say(1_000);
        s.one();
        s.now += 400 * MILLISECOND;
        s.ack(0, 1_000);
        s.say(1_000);
        s.one();
        assertThat(s.awaitDeadline(true)).isEqualTo(1_200 * MILLISECOND);
        s.one();
        s.now += 2_000 * MILLISECOND;
        s.ack(0, 2_000);
        s.say(1_000);
        s.one();
        assertThat(timeout(s)).isEqualTo(1_200 * MILLISECOND);
    }

    @Test
    void rfc6298_3_karn_without_timestamps_a_segment_that_duplicates_made_go_again_is_not_measured() {
        Script s = Script.open(MSS_ONLY);
        s.say(5_000);
        assertThat(s.all()).hasSize(5);
        for (int i = 0; i < 3; i++) {
            s.ack(0, 0);
        }
        assertThat(s.one().sequence()).isEqualTo(Script.gateway(0));
        s.now += 400 * MILLISECOND;
        s.ack(0, 5_000);
        s.say(1_000);
        s.one();
        assertThat(timeout(s)).isEqualTo(SECOND);
    }

    private static byte[] timestamps(int value, int echo) {
        byte[] options = {2, 4, Script.MSS >> 8, (byte) Script.MSS, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0};
        Octets.put32(options, 8, value);
        Octets.put32(options, 12, echo);
        return options;
    }

    @Test
    void rfc6298_3_karn_with_timestamps_a_segment_that_was_sent_twice_is_measured_by_the_one_that_arrived() {
        Script s = Script.open(timestamps(1_000, 0));
        s.say(900);
        s.one();
        assertThat(s.awaitDeadline(true)).isEqualTo(SECOND);
        Segment again = s.one();
        s.now += 400 * MILLISECOND;
        s.give(ACK, Script.guest(0), Script.gateway(900), timestamps(1_001, again.timestamp()), Script.NO_OPTIONS);
        s.say(900);
        s.one();
        // three times a measurement in ticks of 2^20 ns
        assertThat(timeout(s)).isCloseTo(1_200 * MILLISECOND, within(3L << 20));
    }

    @Test
    void rfc6298_5_7_the_first_flight_after_a_lost_syn_ack_waits_three_seconds() {
        Script s = Script.passive(100_000);
        s.syn(MSS_ONLY);
        s.side.endpoint.connected(1);
        assertThat(s.one().flags()).isEqualTo(SYN | ACK);
        assertThat(s.awaitDeadline(true)).isEqualTo(SECOND);
        assertThat(s.one().flags()).isEqualTo(SYN | ACK);
        s.ack(0, 0);
        s.say(1_000);
        s.one();
        assertThat(timeout(s)).isEqualTo(3 * SECOND);
    }
}
