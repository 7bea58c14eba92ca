package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.conformance.Setting;
import io.sharedip.packet.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The neighbour table alone: what a flood of addresses does to it. */
@Setting("the neighbour table by itself")
class NeighbourTableTest {

    private static final long SECOND = 1_000_000_000L;

    private static final class Recorder implements NeighbourTable.Owner {
        private final List<Integer> asked = new ArrayList<>();
        private int released;
        private int givenUp;
        private int displaced;

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

        @Override
        public void displace(int fragmentation) {
            displaced++;
        }
    }

    private static final int A = 1;
    private static final int B = 2;

    private static final Attachment[] GUESTS = new Attachment[10];

    static {
        for (int i = 0; i < GUESTS.length; i++) {
            GUESTS[i] = new Attachment(
                    new Nobody(), InProcessLink.named("g" + i), i, GuestId.of("g" + i), i, new int[] {i});
        }
    }

    private final Recorder owner = new Recorder();
    private final NeighbourTable table = new NeighbourTable(owner, 0);
    private final Frame frame = Frame.of(new byte[100]);
    private final Frame large = Frame.of(new byte[65_549]);

    @Test
    void hostile22_a_flood_of_addresses_fills_1024_entries_and_256_frames_and_no_more_and_passes() {
        int pending = 0;
        int held = 0;
        for (int address = 1; address <= 5000; address++) {
            if (table.resolve(address, A, 0) == NeighbourTable.PENDING) {
                pending++;
                held += hold(address, A, frame) ? 1 : 0;
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
        assertThat(table.resolve(9999, A, 7 * SECOND)).isEqualTo(NeighbourTable.PENDING);
        assertThat(table.learn(9999, 42, true, 7 * SECOND)).isTrue();
        assertThat(table.resolve(9999, A, 7 * SECOND)).isEqualTo(42);
    }

    @Test
    void a_neighbour_in_use_keeps_its_place_through_a_flood() {
        table.resolve(1, A, 0);
        table.learn(1, 42, true, 0);
        for (int second = 1; second < 25; second++) {
            assertThat(table.resolve(1, A, second * SECOND)).isEqualTo(42);
            for (int i = 0; i < 2000; i++) {
                table.resolve(second * 10_000 + i, A, second * SECOND);
            }
            table.tick(second * SECOND);
        }
        assertThat(table.resolve(1, A, 25 * SECOND)).isEqualTo(42);
    }

    private boolean hold(int address, int guest, Frame kept) {
        return table.hold(address, kept, GUESTS[guest], Fragmentation.WHOLE);
    }

    /** Asks for addresses, with a frame for each that is pending. @return how many were taken */
    private int ask(int guest, int first, int count) {
        int taken = 0;
        for (int address = first; address < first + count; address++) {
            if (table.resolve(address, guest, 0) == NeighbourTable.PENDING && hold(address, guest, frame)) {
                taken++;
            }
        }
        return taken;
    }

    @Test
    void hostile20_who_floods_makes_room_for_others() {
        assertThat(ask(A, 10_000, 5_000)).isEqualTo(256);
        assertThat(ask(B, 20_000, 60)).isEqualTo(60);
        assertThat(owner.displaced).isEqualTo(60);
        assertThat(ask(A, 30_000, 5_000)).isZero();
        for (int address = 20_000; address < 20_060; address++) {
            assertThat(table.learn(address, 42, true, 0)).isTrue();
        }
        assertThat(owner.released).isEqualTo(60);
        assertThat(owner.givenUp).isZero();
    }

    @Test
    void hostile20_two_who_flood_have_equal_shares() {
        ask(A, 10_000, 5_000);
        int pending = 0;
        for (int i = 0; i < 5_000; i++) {
            pending += table.resolve(20_000 + i, B, 0) == NeighbourTable.PENDING ? 1 : 0;
            pending += table.resolve(30_000 + i, A, 0) == NeighbourTable.PENDING ? 1 : 0;
        }
        assertThat(pending).isEqualTo(512);
    }

    @Test
    void hostile20_what_another_waits_for_too_does_not_make_room_with_the_rest_of_a_flood() {
        ask(A, 10_000, 5_000);
        assertThat(ask(B, 10_000, 1)).isEqualTo(1);
        ask(3, 20_000, 300);
        assertThat(table.learn(10_000, 42, true, 0)).isTrue();
        assertThat(owner.released).isPositive();
    }

    @Test
    void hostile20_neighbours_that_answer_a_scan_make_room_too_those_that_do_not_first() {
        ask(A, 10_000, 1_024);
        for (int address = 10_000; address < 11_000; address++) {
            table.learn(address, 42, true, 0);
        }
        for (int i = 0; i < 100; i++) {
            assertThat(table.resolve(20_000 + i, B, 0)).isEqualTo(NeighbourTable.PENDING);
            assertThat(table.resolve(10_100, A, 0)).isEqualTo(42);
        }
        assertThat(table.resolve(10_075, B, 0)).isEqualTo(NeighbourTable.PENDING);
        assertThat(table.resolve(10_077, B, 0)).isEqualTo(42);
    }

    @Test
    void hostile20_the_router_makes_room_for_nobody() {
        int router = 7;
        table.forget(router);
        table.resolve(router, A, 0);
        table.learn(router, 42, true, 0);
        ask(A, 10_000, 1_100);
        for (int i = 0; i < 1_100; i++) {
            table.learn(10_000 + i, 43, true, 0);
        }
        assertThat(ask(B, 20_000, 600)).isPositive();
        assertThat(table.resolve(router, B, 0)).isEqualTo(42);
    }

    @Test
    void hostile20_a_few_large_frames_weigh_as_much_as_many_small_ones() {
        for (int i = 0; i < 16; i++) {
            table.resolve(10_000 + i, A, 0);
            assertThat(hold(10_000 + i, A, large)).isEqualTo(i < 15);
        }
        assertThat(ask(B, 20_000, 60)).isEqualTo(60);
        assertThat(owner.displaced).isEqualTo(4);
    }

    @Test
    void only_an_answer_to_a_question_is_learned() {
        assertThat(table.learn(1, 42, true, 0)).isFalse();
        table.resolve(1, A, 0);
        assertThat(table.learn(1, 42, false, 0)).isFalse();
        assertThat(table.resolve(1, A, 0)).isEqualTo(NeighbourTable.PENDING);
        assertThat(table.learn(1, 42, true, 0)).isTrue();
        assertThat(table.learn(1, 43, true, 0)).isFalse();
        assertThat(table.resolve(1, A, 0)).isEqualTo(42);
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
                    int guest = random.nextInt(10) * random.nextInt(10) / 10;
                    Frame of = random.nextInt(5) == 0 ? large : frame;
                    if (table.resolve(address, guest, now) == NeighbourTable.PENDING && hold(address, guest, of)) {
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
                    .isEqualTo(held - owner.released - owner.givenUp - owner.displaced)
                    .isBetween(0, 256);
        }
        assertThat(owner.displaced).isPositive();
        assertThat(owner.released).isPositive();
        assertThat(owner.givenUp).isPositive();
    }
}
