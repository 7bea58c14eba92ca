package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Oracle.Judgement;
import io.sharedip.pcap.oracle.Oracle.Verdict;
import io.sharedip.time.NanoClock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class OracleTest {

    private static final int PEER = 0xc6120001;

    /** A translator that lets frames through as they are, but for one of some plays. */
    private static final class Scripted implements Nat {

        private final int swallowed;
        private final List<Integer> faulty;
        private int play;
        private int frame;

        Scripted(int swallowed, Integer... faultyPlays) {
            this.swallowed = swallowed;
            this.faulty = List.of(faultyPlays);
        }

        @Override
        public void reset() {
            play++;
            frame = 0;
        }

        @Override
        public List<Emission> exchange(int link, byte[] octets) {
            boolean lost = faulty.contains(play) && frame == swallowed;
            frame++;
            return lost ? List.of() : List.of(new Emission(Net.UPLINK, octets.clone()));
        }

        @Override
        public void close() {}
    }

    private static NanoClock ticking(Duration each) {
        long[] now = {0};
        return () -> now[0] += each.toNanos();
    }

    private static final byte[] DATAGRAM =
            Wire.frame(1, Net.guestAddress(1), PEER, Wire.UDP, 7, Wire.udp(61000, 53, new byte[24]));

    private static final List<Step> WHOLE = List.of(step(DATAGRAM));
    private static final List<Step> FRAGMENTS = List.of(step(piece(0, 16, true)), step(piece(16, 16, false)));

    private static Step step(byte[] frame) {
        return new Step(1, 0, -1, 61000, frame, "test");
    }

    private static byte[] piece(int at, int size, boolean more) {
        byte[] f = Arrays.copyOf(DATAGRAM, 34 + size);
        System.arraycopy(DATAGRAM, 34 + at, f, 34, size);
        Octets.put16(f, 16, 20 + size);
        Octets.put16(f, 20, (more ? 0x2000 : 0) | at / 8);
        Wire.fixIp(f, 14);
        return f;
    }

    private static Judgement judged(List<Step> steps, Nat kernel, Nat engine, Duration each) {
        return new Oracle(kernel, engine, ticking(each)).judge(steps);
    }

    @Test
    void what_differs_once_and_not_again_is_a_divergence_however_long_it_took() {
        Judgement judged = judged(WHOLE, new Scripted(-1), new Scripted(0, 1), Duration.ofSeconds(2));
        assertThat(judged.verdict()).isEqualTo(Verdict.DIFFER);
        assertThat(judged.again()).isFalse();
    }

    @Test
    void a_fragment_that_came_at_once_after_the_first_is_not_forgiven() {
        Judgement judged = judged(FRAGMENTS, new Scripted(1, 1), new Scripted(-1), Duration.ofMillis(1));
        assertThat(judged.verdict()).isEqualTo(Verdict.DIFFER);
    }

    @Test
    void a_fragment_that_came_when_the_kernel_may_have_forgotten_the_first_is_forgiven_if_it_does_not_differ_again() {
        Judgement judged = judged(FRAGMENTS, new Scripted(1, 1), new Scripted(-1), Duration.ofMillis(600));
        assertThat(judged.verdict()).isEqualTo(Verdict.FORGIVEN);
    }

    @Test
    void what_comes_back_in_one_of_three_more_plays_is_a_divergence() {
        Judgement judged = judged(WHOLE, new Scripted(-1), new Scripted(0, 1, 4), Duration.ofMillis(1));
        assertThat(judged.verdict()).isEqualTo(Verdict.DIFFER);
        assertThat(judged.again()).isTrue();
    }

    @Test
    void what_never_differs_agrees() {
        Judgement judged = judged(FRAGMENTS, new Scripted(-1), new Scripted(-1), Duration.ofSeconds(2));
        assertThat(judged.verdict()).isEqualTo(Verdict.AGREE);
    }
}
