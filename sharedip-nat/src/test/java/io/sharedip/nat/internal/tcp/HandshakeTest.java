package io.sharedip.nat.internal.tcp;

import static io.sharedip.nat.internal.tcp.Script.GATEWAY_ISS;
import static io.sharedip.nat.internal.tcp.Script.GUEST_ISS;
import static io.sharedip.nat.internal.tcp.Script.NO_OPTIONS;
import static io.sharedip.nat.internal.tcp.Script.SECOND;
import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.uplink.HostStream.Failure;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** How a connection begins, or does not (RFC 9293 sections 3.5 and 3.10.7). */
class HandshakeTest {

    private static final byte[] LINUX = {2, 4, 5, (byte) 180, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 3, 7};

    @Test
    void a_syn_is_not_answered_before_the_stream_is_connected() {
        Script s = Script.passive(1 << 20);
        s.syn(LINUX);
        assertThat(s.state()).isEqualTo(TcpState.SYN_HELD);
        s.silence();
        s.now += 2 * SECOND;
        s.syn(LINUX);
        s.silence();
        s.side.endpoint.connected(5);
        assertThat(s.side.changes).isEqualTo(1);
        Segment answer = s.one();
        assertThat(answer.flags()).isEqualTo(SYN | ACK);
        assertThat(answer.sequence()).isEqualTo(GATEWAY_ISS);
        assertThat(answer.acknowledgment()).isEqualTo(GUEST_ISS + 1);
        assertThat(answer.mss()).isEqualTo(1_460);
        assertThat(answer.permitsSack()).isTrue();
        assertThat(answer.scale()).isEqualTo(5);
        assertThat(answer.timestampEcho()).isEqualTo(256);
        assertThat(answer.window()).isEqualTo(65_535);
        assertThat(answer.sourcePort()).isEqualTo(4000);
        assertThat(answer.destinationPort()).isEqualTo(80);
    }

    @Test
    void only_what_the_guest_offers_is_agreed_to() {
        Script s = Script.passive(1 << 20);
        s.syn(NO_OPTIONS);
        s.side.endpoint.connected(5);
        Segment answer = s.one();
        assertThat(answer.header()).isEqualTo(24);
        assertThat(answer.mss()).isEqualTo(1_460);
    }

    @Test
    void a_guest_without_mss_gets_536_octets_at_a_time() {
        Script s = Script.open(NO_OPTIONS);
        s.say(1_000);
        assertThat(s.all().get(0).length()).isEqualTo(536);
    }

    @Test
    void a_refusal_is_told_by_rst() {
        Script s = Script.passive(1_000);
        s.syn(LINUX);
        s.stream.breakDown(Failure.REFUSED);
        assertThat(s.side.connectFailure).isEqualTo(Failure.REFUSED);
        s.silence();
        s.side.endpoint.refuse();
        Segment answer = s.one();
        assertThat(answer.flags()).isEqualTo(RST | ACK);
        assertThat(answer.sequence()).isZero();
        assertThat(answer.acknowledgment()).isEqualTo(GUEST_ISS + 1);
        assertThat(s.side.end).isEqualTo(TcpEnd.RESET_BY_GATEWAY);
    }

    @Test
    void a_guest_that_gives_up_before_it_is_answered_ends_the_connection() {
        Script s = Script.passive(1_000);
        s.syn(LINUX);
        s.rst(0);
        assertThat(s.side.end).isEqualTo(TcpEnd.RESET_BY_GUEST);
        assertThat(s.stream.reset).isTrue();
    }

    @Test
    void a_repeated_syn_is_answered_again() {
        Script s = Script.passive(1_000);
        s.syn(LINUX);
        s.side.endpoint.connected(5);
        s.one();
        s.syn(LINUX);
        assertThat(s.one().flags()).isEqualTo(SYN | ACK);
    }

    @Test
    void an_unanswered_syn_is_sent_six_times_more_at_doubled_intervals() {
        Script s = Script.active();
        assertThat(s.one().flags()).isEqualTo(SYN);
        for (int i = 0; i < 6; i++) {
            assertThat(s.awaitDeadline(true)).isEqualTo(SECOND << i);
            Segment again = s.one();
            assertThat(again.flags()).isEqualTo(SYN);
            assertThat(again.sequence()).isEqualTo(GATEWAY_ISS);
        }
        s.awaitDeadline(true);
        assertThat(s.side.end).isEqualTo(TcpEnd.TIMED_OUT);
        assertThat(s.stream.reset).isTrue();
        assertThat(s.side.endpoint.hasDeadline()).isFalse();
    }

    @Test
    void a_syn_that_the_guest_refuses_resets_the_stream() {
        Script s = Script.active();
        s.one();
        s.give(RST | ACK, 0, GATEWAY_ISS, NO_OPTIONS, NO_OPTIONS);
        assertThat(s.side.end).isNull();
        s.give(RST, 0, 0, NO_OPTIONS, NO_OPTIONS);
        assertThat(s.side.end).isNull();
        s.give(RST | ACK, 0, GATEWAY_ISS + 1, NO_OPTIONS, NO_OPTIONS);
        assertThat(s.side.end).isEqualTo(TcpEnd.RESET_BY_GUEST);
        assertThat(s.stream.reset).isTrue();
    }

    @Test
    void icmp_ends_a_connection_that_is_not_open_and_no_other() {
        Script s = Script.active();
        s.one();
        s.side.endpoint.onUnreachable(77);
        assertThat(s.side.end).isNull();
        s.side.endpoint.onUnreachable(GATEWAY_ISS);
        assertThat(s.side.end).isEqualTo(TcpEnd.UNREACHABLE);
        Script open = Script.open(LINUX);
        open.side.endpoint.onUnreachable(GATEWAY_ISS);
        assertThat(open.side.end).isNull();
    }

    @Test
    void an_acknowledgment_of_nothing_is_answered_by_rst_while_the_syn_is_out() {
        Script s = Script.active();
        s.one();
        s.give(ACK, 1, 4_711, NO_OPTIONS, NO_OPTIONS);
        Segment answer = s.one();
        assertThat(answer.flags()).isEqualTo(RST);
        assertThat(answer.sequence()).isEqualTo(4_711);
        assertThat(s.state()).isEqualTo(TcpState.SYN_SENT);
        s.give(SYN | ACK, GUEST_ISS, GATEWAY_ISS + 1, LINUX, NO_OPTIONS);
        s.expectAck(0, 0);
        assertThat(s.state()).isEqualTo(TcpState.ESTABLISHED);
    }

    @Test
    void both_may_begin_at_once() {
        Script s = Script.active();
        s.one();
        s.syn(LINUX);
        Segment answer = s.one();
        assertThat(answer.flags()).isEqualTo(SYN | ACK);
        assertThat(answer.sequence()).isEqualTo(GATEWAY_ISS);
        assertThat(answer.acknowledgment()).isEqualTo(GUEST_ISS + 1);
        s.give(SYN | ACK, GUEST_ISS, GATEWAY_ISS + 1, LINUX, NO_OPTIONS);
        assertThat(s.state()).isEqualTo(TcpState.ESTABLISHED);
    }

    @Test
    void a_wrong_acknowledgment_of_the_syn_is_answered_by_rst() {
        Script s = Script.passive(1_000);
        s.syn(LINUX);
        s.side.endpoint.connected(5);
        s.one();
        s.ack(0, 7);
        Segment answer = s.one();
        assertThat(answer.flags()).isEqualTo(RST);
        assertThat(answer.sequence()).isEqualTo(Script.gateway(7));
        s.ack(0, 0);
        assertThat(s.state()).isEqualTo(TcpState.ESTABLISHED);
    }

    @Test
    void a_segment_of_no_connection_is_answered_by_rst_but_rst_itself() {
        byte[] out = new byte[20];
        Segment syn = Segment.of(80 << 16 | 90, SYN, 99, 0, 0, NO_OPTIONS, new byte[3]);
        assertThat(TcpReset.answer(syn.octets, 0, syn.octets.length, out, 0)).isEqualTo(20);
        Segment answer = new Segment(out);
        assertThat(answer.flags()).isEqualTo(RST | ACK);
        assertThat(answer.acknowledgment()).isEqualTo(103);
        assertThat(answer.sequence()).isZero();
        assertThat(answer.sourcePort()).isEqualTo(90);
        assertThat(answer.destinationPort()).isEqualTo(80);
        Segment ack = Segment.of(80 << 16 | 90, ACK, 99, 5, 0, NO_OPTIONS, NO_OPTIONS);
        TcpReset.answer(ack.octets, 0, ack.octets.length, out, 0);
        assertThat(answer.flags()).isEqualTo(RST);
        assertThat(answer.sequence()).isEqualTo(5);
        Segment rst = Segment.of(80 << 16 | 90, RST, 99, 5, 0, NO_OPTIONS, NO_OPTIONS);
        assertThat(TcpReset.answer(rst.octets, 0, rst.octets.length, out, 0)).isZero();
    }

    /** Key and message of the reference implementation's vector for 16 octets. */
    @Test
    void initial_sequence_numbers_are_a_keyed_hash_and_a_clock() {
        long[] words = {0x0706050403020100L, 0x0f0e0d0c0b0a0908L};
        InitialSequence numbers = new InitialSequence(new Random() {
            private static final long serialVersionUID = 1L;
            private int at;

            @Override
            public long nextLong() {
                return words[at++];
            }
        });
        assertThat(numbers.sequence(words[0], words[1], 0)).isEqualTo(0x57c29bdb);
        assertThat(numbers.timestampOffset(words[0], words[1])).isEqualTo(0x3f2acc7f);
        assertThat(numbers.sequence(words[0], words[1], 4_096_000)).isEqualTo(0x57c29bdb + 1_000);
    }
}
