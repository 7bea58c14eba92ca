package io.sharedip.nat.internal.tcp;

import static io.sharedip.nat.internal.tcp.Script.MSS_ONLY;
import static io.sharedip.nat.internal.tcp.Script.NO_OPTIONS;
import static io.sharedip.nat.internal.tcp.Script.SECOND;
import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.SYN;
import static io.sharedip.packet.TcpView.URG;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import org.junit.jupiter.api.Test;

/** Segments that a stranger may have made (RFC 5961, RFC 7323 section 5, RFC 1337), and some that only look so. */
class HostileSegmentTest {

    private static final byte[] TIMESTAMPS = timestamps(1_000, 0);

    @Test
    void timestamps_go_on_when_the_clock_changes_its_sign() {
        Script s = Script.open(TIMESTAMPS);
        int before = 0;
        for (int i = 0; i < 20; i++) {
            s.now += Script.SECOND;
            s.give(ACK, Script.guest(i), Script.gateway(0), timestamps(1_000 + i, 0), Script.octets(i, 1));
            int stamp = s.one().timestamp();
            if (i > 0) {
                assertThat(stamp - before).isBetween(900, 1_000);
            }
            before = stamp;
        }
    }

    private static byte[] timestamps(int value, int echo) {
        byte[] options = new byte[12];
        Octets.put32(options, 0, 0x0101_080a);
        Octets.put32(options, 4, value);
        Octets.put32(options, 8, echo);
        return options;
    }

    @Test
    void rst_at_the_next_number_ends_the_connection_both_ways() {
        Script s = Script.open(MSS_ONLY);
        s.data(0, 10, 0);
        s.rst(10);
        assertThat(s.side.end).isEqualTo(TcpEnd.RESET_BY_GUEST);
        assertThat(s.stream.reset).isTrue();
        s.silence();
    }

    @Test
    void rst_elsewhere_in_the_window_is_challenged() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.rst(1);
        s.expectAck(0, 0);
        s.rst(90_000_000);
        s.silence();
        s.rst(-1);
        s.silence();
        assertThat(s.side.end).isNull();
    }

    @Test
    void syn_in_an_open_connection_is_challenged() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.give(SYN, Script.guest(400), 0, MSS_ONLY, NO_OPTIONS);
        s.expectAck(0, 0);
        s.give(SYN, 12, 0, MSS_ONLY, NO_OPTIONS);
        s.expectAck(0, 0);
        assertThat(s.state()).isEqualTo(TcpState.ESTABLISHED);
    }

    @Test
    void acknowledgments_of_what_was_never_sent_or_long_ago_are_challenged_and_dropped() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.data(0, 10, 1);
        s.expectAck(0, 0);
        s.data(0, 10, -70_000);
        s.expectAck(0, 0);
        assertThat(s.stream.heard()).isZero();
        s.data(0, 10, 0);
        s.expectAck(10, 0);
    }

    @Test
    void challenges_are_ten_in_a_second_at_the_most() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        for (int second = 0; second < 2; second++) {
            int answers = 0;
            for (int i = 0; i < 50; i++) {
                s.rst(1);
                answers += s.all().size();
            }
            assertThat(answers).isEqualTo(10);
            s.now += SECOND;
        }
    }

    @Test
    void a_segment_without_ack_is_dropped() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.give(0, Script.guest(0), 0, NO_OPTIONS, Script.octets(0, 10));
        s.silence();
        assertThat(s.stream.heard()).isZero();
    }

    @Test
    void an_old_timestamp_is_acknowledged_and_dropped() {
        Script s = Script.open(TIMESTAMPS);
        s.all();
        s.give(ACK, Script.guest(0), Script.gateway(0), timestamps(1_005, 0), Script.octets(0, 10));
        assertThat(s.one().timestampEcho()).isEqualTo(1_005);
        s.give(ACK, Script.guest(10), Script.gateway(0), timestamps(1_004, 0), Script.octets(10, 10));
        Segment answer = s.one();
        assertThat(answer.acknowledgment()).isEqualTo(Script.guest(10));
        assertThat(answer.timestampEcho()).isEqualTo(1_005);
        s.give(ACK, Script.guest(10), Script.gateway(0), timestamps(1_006, 0), Script.octets(10, 10));
        assertThat(s.one().acknowledgment()).isEqualTo(Script.guest(20));
    }

    @Test
    void a_timestamp_that_is_older_than_24_days_is_no_reason() {
        Script s = Script.open(TIMESTAMPS);
        s.all();
        s.now += 25L * 24 * 3600 * SECOND;
        s.give(ACK, Script.guest(0), Script.gateway(0), timestamps(-1_000_000_000, 0), Script.octets(0, 10));
        Segment answer = s.one();
        assertThat(answer.acknowledgment()).isEqualTo(Script.guest(10));
        assertThat(answer.timestampEcho()).isEqualTo(-1_000_000_000);
    }

    @Test
    void keep_alive_probes_are_answered_with_and_without_an_octet() {
        Script s = Script.open(MSS_ONLY);
        s.data(0, 10, 0);
        s.all();
        s.ack(9, 0);
        s.expectAck(10, 0);
        s.data(9, 1, 0);
        s.expectAck(10, 0);
        assertThat(s.stream.heard()).isEqualTo(10);
    }

    @Test
    void urgent_data_comes_in_line() {
        Script s = Script.open(MSS_ONLY);
        Segment urgent = Segment.of(
                s.ports, ACK | URG, Script.guest(0), Script.gateway(0), s.window, NO_OPTIONS, Script.octets(0, 10));
        Octets.put16(urgent.octets, 18, 5);
        s.side.take(urgent, s.now);
        assertThat(s.stream.heard()).isEqualTo(10);
    }

    @Test
    void icmp_too_big_lowers_the_segment_size_if_it_is_about_something_in_flight() {
        Script s = Script.open(MSS_ONLY);
        s.say(2_000);
        assertThat(s.all()).hasSize(2);
        s.side.endpoint.onTooBig(700, Script.gateway(2_000));
        s.silence();
        s.side.endpoint.onTooBig(700, Script.gateway(1_000));
        assertThat(s.all()).extracting(Segment::length).containsExactly(660, 660, 660, 20);
        s.side.endpoint.onTooBig(68, Script.gateway(0));
        assertThat(s.all().get(0).length()).isEqualTo(512);
    }
}
