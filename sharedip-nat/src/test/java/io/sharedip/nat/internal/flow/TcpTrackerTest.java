package io.sharedip.nat.internal.flow;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.Setting;
import io.sharedip.stats.TrackedState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TCP flags and the edges of the state machine. */
@Setting("the TCP tracker by itself")
class TcpTrackerTest {

    private static int flags(String text) {
        int flags = 0;
        for (char c : text.toCharArray()) {
            flags |= switch (c) {
                case 'S' -> SYN;
                case 'A' -> ACK;
                case 'F' -> FIN;
                case 'R' -> RST;
                case 'P' -> 8;
                case 'U' -> 32;
                default -> 0;
            };
        }
        return flags;
    }

    @ParameterizedTest
    @CsvSource({
        "S, true",
        "SA, true",
        "A, true",
        "PA, true",
        "FA, true",
        "R, true",
        "RA, true",
        "UA, true",
        "FPA, true",
        "-, false",
        "F, false",
        "P, false",
        "U, false",
        "FPU, false",
        "SF, false",
        "SR, false",
        "SFA, false",
        "FR, false",
        "FRA, false",
        "SFRPAU, false",
        "SUA, false",
        "SU, true",
        "RU, false",
        "FP, false"
    })
    void hostile07_nonsense_flags_are_told_from_sense(String text, boolean sensible) {
        assertThat(TcpTracker.sensible(flags(text))).isEqualTo(sensible);
    }

    @Test
    void only_a_syn_without_ack_begins() {
        for (int flags = 0; flags < 64; flags++) {
            assertThat(TcpTracker.begins(flags)).isEqualTo((flags & (SYN | ACK | FIN | RST)) == SYN);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // what is sent, < from the peer, > from the guest; the state at the end
        ">S, HALF_OPEN",
        ">S <A, HALF_OPEN",
        ">S <SA, HALF_OPEN",
        ">S <SA >A, ESTABLISHED",
        ">S <S >SA <SA >A, ESTABLISHED",
        "<S >SA <A, ESTABLISHED",
        ">S <SA >A >FA, HALF_CLOSED",
        ">S <SA >A >FA >FA, HALF_CLOSED",
        ">S <SA >A <FA >FA, CLOSED",
        ">S <SA >FA, HALF_CLOSED",
        ">S <RA, RESET",
        ">S <SA >A <R, RESET",
        ">S <SA >A >S, ESTABLISHED",
        ">S <SA >A <SA, ESTABLISHED",
        ">S <SA >A >FA >S, HALF_CLOSED",
        ">S <SA >A <FA >FA >A, CLOSED",
        ">S <SA >A <FA >FA >S, HALF_OPEN",
        ">S <SA >A <FA >FA >SA, CLOSED",
        ">S <SA >A <R >S, HALF_OPEN",
        ">S <SA >A <R >S <SA >A, ESTABLISHED",
        ">S <SA >A <R >A <FA, RESET",
        ">S <SA >A <FA >FA <R, RESET"
    })
    void rfc7857_req2_each_edge(String segments, TrackedState end) {
        int state = FlowTable.LIVE | FlowTable.BY_GUEST | TcpTracker.HALF_OPEN;
        for (String segment : segments.split(" ")) {
            state = TcpTracker.next(state, flags(segment.substring(1)), segment.charAt(0) == '>');
        }
        assertThat(TrackedState.values()[state & FlowTable.TRACKED_MASK]).isEqualTo(end);
        assertThat(state & (FlowTable.LIVE | FlowTable.BY_GUEST)).isEqualTo(FlowTable.LIVE | FlowTable.BY_GUEST);
    }
}
