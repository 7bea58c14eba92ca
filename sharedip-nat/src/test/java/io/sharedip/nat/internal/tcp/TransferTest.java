package io.sharedip.nat.internal.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Two endpoints, joined by a link that loses, delays, overtakes and repeats; many seeds. What one stream says the other must hear. */
class TransferTest {

    private static final int[] MTUS = {576, 1_500, 1_500, 9_000, 65_520};
    private static final int[] CAPACITIES = {1, 700, 4_096, 65_535, 65_536, 262_144, 1_000_000};
    private static final long[] AMOUNTS = {0, 1, 1_000, 40_000, 300_000};

    /** A run with everything drawn from its seed. */
    private static final class Run {

        final Random random;
        final TcpShared shared = new TcpShared(1 << 18, 1 << 20);
        final Side active;
        final Side passive;
        final LossyPath there;
        final LossyPath back;
        final boolean fussyLinks;
        final int slowness;
        long now;

        Run(long seed, boolean bad) {
            random = new Random(seed);
            now = random.nextLong();
            int mtu = MTUS[random.nextInt(MTUS.length)];
            double loss = bad ? random.nextInt(8) / 100.0 : 0;
            double duplicates = bad ? random.nextInt(4) / 100.0 : 0;
            double reordering = bad ? random.nextInt(11) / 100.0 : 0;
            long delay = 1_000L * random.nextInt(30_000);
            there = new LossyPath(random, loss, duplicates, reordering, delay);
            back = new LossyPath(random, loss, duplicates, reordering, delay);
            active = new Side(true, shared, mtu, iss(), new MemoryStream(capacity(), 1, 2), 1);
            passive = new Side(false, shared, mtu, iss(), new MemoryStream(capacity(), 2, 1), 2);
            int stripped = random.nextInt(3) == 0 ? random.nextInt(16) : 0;
            active.stripped = stripped;
            passive.stripped = stripped;
            active.stream.say(amount(active, passive));
            passive.stream.say(amount(passive, active));
            fussyLinks = random.nextInt(4) == 0;
            slowness = random.nextInt(3);
            active.endpoint.open();
        }

        private int iss() {
            return random.nextBoolean() ? -random.nextInt(100_000) : random.nextInt();
        }

        private int capacity() {
            return CAPACITIES[random.nextInt(CAPACITIES.length)];
        }

        private long amount(Side from, Side to) {
            // a window of a few octets takes a turn of the clock for each of them
            long most = to.stream.capacity() < 1_000 ? 3L * to.stream.capacity() : Long.MAX_VALUE;
            return Math.min(most, AMOUNTS[random.nextInt(AMOUNTS.length)]);
        }

        void pump(Side from, LossyPath path) {
            int most = fussyLinks ? random.nextInt(4) : Integer.MAX_VALUE;
            for (Segment s : from.pull(most, now)) {
                path.send(s, now);
            }
        }

        void deliver(Side to, LossyPath path) {
            for (Segment s = path.arrival(now); s != null; s = path.arrival(now)) {
                if (to.isOver()) {
                    continue;
                }
                to.take(s, now);
            }
            if (to.endpoint.state() == TcpState.SYN_HELD) {
                to.endpoint.connected(80);
            }
        }

        void programs(Side side) {
            side.stream.speak();
            if (side.stream.hasSaidAll()) {
                side.stream.sayFin();
            }
            int capacity = side.stream.capacity();
            side.stream.read(
                    slowness == 0 ? capacity : 1 + random.nextInt(slowness == 1 ? capacity : capacity / 8 + 1));
        }

        private long next() {
            long next = Math.min(there.delay(now), back.delay(now));
            for (Side side : new Side[] {active, passive}) {
                if (side.endpoint.hasDeadline()) {
                    next = Math.min(next, side.endpoint.deadline() - now);
                }
                if (side.stream.waiting() > 0 || side.endpoint.hasOutput()) {
                    next = Math.min(next, 1_000_000);
                }
            }
            return next;
        }

        boolean isDone() {
            return active.isOver() && passive.isOver();
        }

        void run() {
            for (int turn = 0; !isDone(); turn++) {
                assertThat(turn).isLessThan(400_000);
                programs(active);
                programs(passive);
                pump(active, there);
                pump(passive, back);
                if (isDone()) {
                    return;
                }
                now += Math.max(0, next());
                deliver(passive, there);
                deliver(active, back);
                active.endpoint.onTimer(now, true);
                passive.endpoint.onTimer(now, true);
                for (Side side : new Side[] {active, passive}) {
                    assertThat(side.endpoint.memory()).isLessThanOrEqualTo(2 * (1 << 18) + (1 << 20));
                    assertThat(side.stream.mostRequested).isLessThanOrEqualTo(1 << 16);
                }
            }
        }

        void assertAllIsWell() {
            assertThat(active.end).isEqualTo(TcpEnd.FINISHED);
            assertThat(passive.end).isEqualTo(TcpEnd.FINISHED);
            assertThat(passive.stream.heard()).isEqualTo(active.stream.said());
            assertThat(active.stream.heard()).isEqualTo(passive.stream.said());
            assertThat(active.stream.closed).isTrue();
            assertThat(passive.stream.closed).isTrue();
            assertThat(shared.memory()).isZero();
        }
    }

    private static void run(long seed, boolean bad) {
        Run run = new Run(seed, bad);
        try {
            run.run();
            run.assertAllIsWell();
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    "seed " + seed + ", active " + run.active.endpoint.state() + " " + run.active.end + " heard "
                            + run.active.stream.heard() + " of " + run.passive.stream.said() + ", passive "
                            + run.passive.endpoint.state() + " " + run.passive.end + " heard "
                            + run.passive.stream.heard() + " of "
                            + run.active.stream.said(),
                    e);
        }
    }

    @Test
    void on_a_clean_link_all_is_heard_and_nothing_sent_twice() {
        for (long seed = 1; seed <= 200; seed++) {
            run(seed, false);
        }
    }

    @Test
    void on_a_bad_link_all_is_heard() {
        for (long seed = 1_000; seed < 1_600; seed++) {
            run(seed, true);
        }
    }
}
