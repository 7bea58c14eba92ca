package io.sharedip.nat.internal.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.PortRange;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Blocks of ports that wait to be claimed. */
class PoolBlocksTest {

    private static final long SECOND = 1_000_000_000L;
    private static final PortRange A = PortRange.of(1000, 1255);
    private static final PortRange B = PortRange.of(1256, 1511);
    private static final PortRange C = PortRange.of(1512, 1600);

    private final PoolBlocks blocks = new PoolBlocks(List.of(A, B, C));

    @Test
    void a_block_whose_claim_failed_comes_after_the_others() {
        assertThat(blocks.take()).isEqualTo(A);
        assertThat(blocks.failed(A, 0)).isTrue();
        assertThat(blocks.take()).isEqualTo(B);
        assertThat(blocks.take()).isEqualTo(C);
        assertThat(blocks.take()).isEqualTo(A);
        assertThat(blocks.take()).isNull();
        assertThat(blocks.isDue(SECOND)).isFalse();
    }

    @Test
    void pauses_double_up_to_eight_seconds_and_end_with_a_success() {
        long now = Long.MAX_VALUE - 10 * SECOND; // and across the wrap-around of the clock's sign
        assertThat(blocks.isDue(now)).isTrue();
        long pause = SECOND / 8;
        for (int i = 0; i < 10; i++) {
            PortRange block = blocks.take();
            assertThat(block).isNotNull();
            assertThat(blocks.failed(block, now)).isEqualTo(i == 0);
            assertThat(blocks.areComing()).isFalse();
            assertThat(blocks.isDue(now + pause - 1)).isFalse();
            now += pause;
            assertThat(blocks.isDue(now)).isTrue();
            pause = Math.min(2 * pause, 8 * SECOND);
        }
        blocks.take();
        blocks.succeeded();
        assertThat(blocks.areComing()).isTrue();
        assertThat(blocks.isDue(now - SECOND)).isTrue();
    }

    @Test
    void what_was_wanted_and_could_not_be_claimed_delays_nothing() {
        BitSet wanted = new BitSet();
        wanted.set(1255);
        wanted.set(1600);
        assertThat(blocks.takeAround(wanted)).containsExactly(A, C);
        blocks.putBack(C);
        assertThat(blocks.isDue(0)).isTrue();
        assertThat(blocks.take()).isEqualTo(B);
        assertThat(blocks.take()).isEqualTo(C);
    }

    @Test
    void blocks_with_a_port_that_is_not_claimed_wait_again() {
        PortRange first = blocks.take();
        assertThat(first).isEqualTo(A);
        blocks.failed(A, 0);
        BitSet claimed = new BitSet();
        claimed.set(1000, 1511);
        blocks.awaitAllBut(claimed);
        assertThat(blocks.areComing()).isTrue();
        assertThat(blocks.take()).isEqualTo(B);
        assertThat(blocks.take()).isEqualTo(C);
        assertThat(blocks.take()).isNull();
    }
}
