package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The neighbour table alone: what a flood of addresses does to it. */
class NeighbourTableTest {

    private static final long SECOND = 1_000_000_000L;

    private static final class Recorder implements NeighbourTable.Owner {
        private final List<Integer> asked = new ArrayList<>();
        private int released;
        private int givenUp;

        @Override
        public void askFor(int address, long mac) {
            asked.add(address);
        }

        @Override
        public void release(Frame frame, Attachment origin, long mac, int fragmentation) {
            released++;
        }

        @Override
        public void giveUp(Frame frame, Attachment origin, int fragmentation) {
            givenUp++;
        }
    }

    private final Recorder owner = new Recorder();
    private final NeighbourTable table = new NeighbourTable(owner, 0);
    private final Frame frame = Frame.of(new byte[100]);

    @Test
    void hostile22_a_flood_of_addresses_fills_1024_entries_and_256_frames_and_no_more_and_passes() {
        int pending = 0;
        int held = 0;
        for (int address = 1; address <= 5000; address++) {
            if (table.resolve(address, 0) == NeighbourTable.PENDING) {
                pending++;
                held += table.hold(address, frame, null, Fragmentation.WHOLE) ? 1 : 0;
            }
        }
        assertThat(pending).isEqualTo(1024);
        assertThat(held).isEqualTo(256);
        assertThat(table.held()).isEqualTo(256);
        for (int second = 1; second <= 3; second++) {
            table.tick(second * SECOND);
        }
        assertThat(table.held()).isZero();
        assertThat(owner.givenUp).isEqualTo(256);
        assertThat(owner.asked).hasSize(3 * 1024);
        // when the failed entries have rested, their places are free
        assertThat(table.resolve(9999, 7 * SECOND)).isEqualTo(NeighbourTable.PENDING);
        assertThat(table.learn(9999, 42, true, 7 * SECOND)).isTrue();
        assertThat(table.resolve(9999, 7 * SECOND)).isEqualTo(42);
    }

    @Test
    void a_neighbour_in_use_keeps_its_place_through_a_flood() {
        table.resolve(1, 0);
        table.learn(1, 42, true, 0);
        for (int second = 1; second < 25; second++) {
            assertThat(table.resolve(1, second * SECOND)).isEqualTo(42);
            for (int i = 0; i < 2000; i++) {
                table.resolve(second * 10_000 + i, second * SECOND);
            }
            table.tick(second * SECOND);
        }
        assertThat(table.resolve(1, 25 * SECOND)).isEqualTo(42);
    }

    @Test
    void only_an_answer_to_a_question_is_learned() {
        assertThat(table.learn(1, 42, true, 0)).isFalse();
        table.resolve(1, 0);
        assertThat(table.learn(1, 42, false, 0)).isFalse();
        assertThat(table.resolve(1, 0)).isEqualTo(NeighbourTable.PENDING);
        assertThat(table.learn(1, 42, true, 0)).isTrue();
        assertThat(table.learn(1, 43, true, 0)).isFalse();
        assertThat(table.resolve(1, 0)).isEqualTo(42);
    }

    @Test
    void random_traffic_never_loses_count_of_the_frames() {
        Random random = new Random(11);
        long now = Long.MAX_VALUE - 100 * SECOND;
        int held = 0;
        for (int step = 0; step < 100_000; step++) {
            int address = 1 + random.nextInt(1500);
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    if (table.resolve(address, now) == NeighbourTable.PENDING
                            && table.hold(address, frame, null, Fragmentation.WHOLE)) {
                        held++;
                    }
                }
                case 2 -> table.learn(address, 1 + random.nextInt(3), random.nextBoolean(), now);
                default -> {
                    if (random.nextInt(50) == 0) {
                        now += random.nextInt(2_000_000_000);
                        table.tick(now);
                    }
                }
            }
            assertThat(table.held())
                    .isEqualTo(held - owner.released - owner.givenUp)
                    .isBetween(0, 256);
        }
        assertThat(owner.released).isPositive();
        assertThat(owner.givenUp).isPositive();
    }
}
