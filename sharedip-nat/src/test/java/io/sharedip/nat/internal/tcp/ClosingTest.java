package io.sharedip.nat.internal.tcp;

import static io.sharedip.nat.internal.tcp.Script.MSS_ONLY;
import static io.sharedip.nat.internal.tcp.Script.NO_OPTIONS;
import static io.sharedip.nat.internal.tcp.Script.SECOND;
import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.PSH;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.uplink.HostStream.Failure;
import org.junit.jupiter.api.Test;

/** FIN and RST, each way and both (RFC 9293 sections 3.6 and 3.10.4 ff.). */
class ClosingTest {

    private static Script inTimeWait() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.stream.sayFin();
        assertThat(s.one().flags()).isEqualTo(FIN | ACK | PSH);
        s.ack(0, 1);
        assertThat(s.state()).isEqualTo(TcpState.FIN_WAIT_2);
        s.fin(0, 1);
        s.expectAck(1, 1);
        assertThat(s.state()).isEqualTo(TcpState.TIME_WAIT);
        return s;
    }

    @Test
    void a_guest_that_has_finished_still_hears() {
        Script s = Script.open(MSS_ONLY);
        s.data(0, 10, 0);
        s.fin(10, 0);
        assertThat(s.one().acknowledgment()).isEqualTo(Script.guest(11));
        assertThat(s.stream.finHeard).isTrue();
        assertThat(s.stream.closed).isFalse();
        s.say(1_500);
        assertThat(s.all()).hasSize(2);
        s.stream.sayFin();
        assertThat(s.stream.closed).isTrue();
        Segment fin = s.one();
        assertThat(fin.sequence()).isEqualTo(Script.gateway(1_500));
        assertThat(s.state()).isEqualTo(TcpState.LAST_ACK);
        s.ack(11, 1_501);
        assertThat(s.side.end).isEqualTo(TcpEnd.FINISHED);
        assertThat(s.shared.memory()).isZero();
    }

    @Test
    void a_stream_that_has_finished_still_hears() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.say(100);
        s.stream.sayFin();
        assertThat(s.one().flags() & FIN).isEqualTo(FIN);
        s.data(0, 10, 101);
        s.expectAck(10, 101);
        assertThat(s.state()).isEqualTo(TcpState.FIN_WAIT_2);
        assertThat(s.stream.heard()).isEqualTo(10);
        assertThat(s.stream.closed).isFalse();
        s.fin(10, 101);
        assertThat(s.stream.closed).isTrue();
        s.expectAck(11, 101);
    }

    @Test
    void fins_that_cross_end_in_time_wait() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.stream.sayFin();
        s.one();
        s.fin(0, 0);
        assertThat(s.state()).isEqualTo(TcpState.CLOSING);
        s.expectAck(1, 1);
        s.ack(1, 1);
        assertThat(s.state()).isEqualTo(TcpState.TIME_WAIT);
    }

    @Test
    void a_lost_fin_goes_again() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.say(10);
        s.all();
        s.stream.sayFin();
        s.one();
        s.ack(0, 10);
        s.awaitDeadline(true);
        Segment again = s.one();
        assertThat(again.flags() & FIN).isEqualTo(FIN);
        assertThat(again.sequence()).isEqualTo(Script.gateway(10));
        assertThat(again.length()).isZero();
    }

    @Test
    void time_wait_takes_a_minute_and_answers_a_repeated_fin() {
        Script s = inTimeWait();
        s.now += 50 * SECOND;
        s.fin(0, 1);
        s.expectAck(1, 1);
        s.rst(1);
        assertThat(s.side.end).isNull();
        assertThat(s.awaitDeadline(true)).isEqualTo(60 * SECOND);
        assertThat(s.side.end).isEqualTo(TcpEnd.FINISHED);
        assertThat(s.stream.reset).isFalse();
    }

    @Test
    void time_wait_gives_way_to_a_newer_syn_only() {
        Script s = inTimeWait();
        byte[] newer = Segment.of(s.ports, SYN, Script.guest(5), 0, 100, NO_OPTIONS, NO_OPTIONS).octets;
        byte[] older = Segment.of(s.ports, SYN, Script.guest(0), 0, 100, NO_OPTIONS, NO_OPTIONS).octets;
        byte[] notSyn = Segment.of(s.ports, ACK, Script.guest(5), 0, 100, NO_OPTIONS, NO_OPTIONS).octets;
        assertThat(s.side.endpoint.givesWayTo(newer, 0)).isTrue();
        assertThat(s.side.endpoint.givesWayTo(older, 0)).isFalse();
        assertThat(s.side.endpoint.givesWayTo(notSyn, 0)).isFalse();
        assertThat(s.side.endpoint.nextSequence()).isEqualTo(Script.gateway(1));
        Script open = Script.open(MSS_ONLY);
        assertThat(open.side.endpoint.givesWayTo(newer, 0)).isFalse();
    }

    @Test
    void a_stream_that_breaks_resets_the_guest() {
        Script s = Script.open(MSS_ONLY);
        s.data(0, 10, 0);
        s.all();
        s.say(500);
        s.all();
        s.stream.breakDown(Failure.RESET);
        Segment rst = s.one();
        assertThat(rst.flags()).isEqualTo(RST | ACK);
        assertThat(rst.sequence()).isEqualTo(Script.gateway(500));
        assertThat(rst.acknowledgment()).isEqualTo(Script.guest(10));
        assertThat(s.side.end).isEqualTo(TcpEnd.RESET_BY_GATEWAY);
        assertThat(s.shared.memory()).isZero();
    }

    @Test
    void an_aborted_connection_is_reset_both_ways_and_a_discarded_one_leaves_the_guest_alone() {
        Script aborted = Script.open(MSS_ONLY);
        aborted.all();
        aborted.side.endpoint.abort();
        assertThat(aborted.stream.reset).isTrue();
        assertThat(aborted.one().flags()).isEqualTo(RST | ACK);
        assertThat(aborted.side.end).isEqualTo(TcpEnd.RESET_BY_GATEWAY);
        Script discarded = Script.open(MSS_ONLY);
        discarded.all();
        discarded.side.endpoint.discard();
        assertThat(discarded.stream.reset).isTrue();
        discarded.silence();
        assertThat(discarded.side.end).isEqualTo(TcpEnd.DISCARDED);
    }

    @Test
    void fin_that_came_early_counts_when_all_before_it_has_come() {
        Script s = Script.open(MSS_ONLY);
        s.all();
        s.fin(1_000, 0);
        s.expectAck(0, 0);
        assertThat(s.stream.finHeard).isFalse();
        s.data(0, 1_000, 0);
        s.expectAck(1_001, 0);
        assertThat(s.stream.finHeard).isTrue();
    }
}
