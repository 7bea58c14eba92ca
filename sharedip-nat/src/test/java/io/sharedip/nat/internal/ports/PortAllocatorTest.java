package io.sharedip.nat.internal.ports;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.Setting;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

@Setting("the port allocator by itself")
class PortAllocatorTest {

    private static PortAllocator pool(long seed, int first, int last) {
        PortAllocator ports = new PortAllocator(new Random(seed), 0);
        for (int port = first; port <= last; port++) {
            ports.add(port);
        }
        return ports;
    }

    @Test
    void rfc6888_req13_all_64512_ports_are_used_and_none_twice() {
        PortAllocator ports = pool(1, 1024, 65_535);
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < 64_512; i++) {
            taken.add(ports.takeLike(1024 + i, 0));
        }
        assertThat(taken).hasSize(64_512).doesNotContain(-1);
        assertThat(ports.takeLike(5000, 0)).isEqualTo(-1);
        assertThat(ports.available(0)).isZero();
        ports.release(40_000);
        assertThat(ports.takeLike(1, 0)).isEqualTo(40_000);
    }

    @Test
    void rfc4787_req4_parity_is_kept_while_it_lasts_and_given_up_then() {
        PortAllocator ports = pool(1, 61_000, 61_009);
        for (int i = 0; i < 5; i++) {
            assertThat(ports.takeLike(3001, 0) & 1).isEqualTo(1);
        }
        assertThat(ports.takeLike(3001, 0) & 1).isZero();
    }

    @Test
    void rfc4787_req3a_the_class_is_kept_and_a_low_port_may_rise_but_a_high_one_never_falls() {
        PortAllocator ports = pool(1, 1020, 1027);
        assertThat(ports.takeLike(80, 0)).isBetween(1020, 1023);
        for (int i = 0; i < 4; i++) {
            assertThat(ports.takeLike(8080, 0)).isBetween(1024, 1027);
        }
        assertThat(ports.takeLike(8080, 0)).isEqualTo(-1);
        PortAllocator high = pool(1, 61_000, 61_003);
        assertThat(high.takeLike(80, 0)).isBetween(61_000, 61_003);
    }

    @Test
    void a_port_is_taken_once_and_only_if_it_belongs_to_the_pool() {
        PortAllocator ports = pool(1, 61_000, 61_003);
        assertThat(ports.take(61_001, 0)).isTrue();
        assertThat(ports.take(61_001, 0)).isFalse();
        assertThat(ports.take(60_999, 0)).isFalse();
        assertThat(ports.owns(61_001)).isTrue();
        assertThat(ports.owns(60_999)).isFalse();
        ports.release(61_001);
        ports.release(61_001);
        ports.release(60_999);
        assertThat(ports.available(0)).isEqualTo(4);
    }

    @Test
    void a_withdrawn_port_is_gone_until_it_is_added_again() {
        PortAllocator ports = pool(1, 61_000, 61_001);
        assertThat(ports.withdraw(61_000)).isTrue();
        assertThat(ports.withdraw(61_000)).isTrue();
        assertThat(ports.size()).isEqualTo(1);
        ports.release(61_000);
        assertThat(ports.take(61_000, 0)).isFalse();
        assertThat(ports.take(61_001, 0)).isTrue();
        assertThat(ports.withdraw(61_001)).isFalse();
        ports.add(61_000);
        ports.add(61_000);
        assertThat(ports.available(0)).isEqualTo(1);
        assertThat(ports.takeLike(2, 0)).isEqualTo(61_000);
    }

    @Test
    void rfc6056_draws_spread_over_the_whole_pool_and_differ_by_seed() {
        int[] tenths = new int[10];
        int same = 0;
        for (int seed = 0; seed < 2000; seed++) {
            int port = pool(seed * 7919L, 62_000, 62_099).takeLike(4000, 0);
            tenths[(port - 62_000) / 10]++;
            same += port == 62_000 ? 1 : 0;
        }
        for (int count : tenths) {
            assertThat(count).isBetween(130, 280);
        }
        assertThat(same).isLessThan(80);
    }

    @Test
    void random_operations_agree_with_a_set() {
        Random random = new Random(3);
        PortAllocator ports = new PortAllocator(random, 0);
        Set<Integer> owned = new HashSet<>();
        Set<Integer> free = new HashSet<>();
        for (int step = 0; step < 50_000; step++) {
            int port = 1000 + random.nextInt(60);
            switch (random.nextInt(5)) {
                case 0 -> {
                    if (owned.add(port)) {
                        free.add(port);
                    }
                    ports.add(port);
                }
                case 1 -> assertThat(ports.take(port, 0)).isEqualTo(free.remove(port));
                case 2 -> {
                    int taken = ports.takeLike(port, 0);
                    if (taken < 0) {
                        assertThat(free).noneMatch(p -> port < 1024 || p >= 1024);
                    } else {
                        assertThat(free.remove(taken)).isTrue();
                    }
                }
                case 3 -> {
                    ports.release(port);
                    if (owned.contains(port)) {
                        free.add(port);
                    }
                }
                default -> {
                    boolean gone = ports.withdraw(port);
                    assertThat(gone).isEqualTo(!owned.contains(port) || free.contains(port));
                    if (gone) {
                        owned.remove(port);
                        free.remove(port);
                    }
                }
            }
            assertThat(ports.available(0)).isEqualTo(free.size());
            assertThat(ports.size()).isEqualTo(owned.size());
        }
    }

    private static final long SECOND = 1_000_000_000L;

    @Test
    void rfc6888_req8_a_port_rests_as_long_as_set_and_to_the_nanosecond() {
        // across the wrap-around of the clock's sign
        long now = Long.MAX_VALUE - 60 * SECOND;
        PortAllocator ports = new PortAllocator(new Random(1), 120 * SECOND);
        ports.add(61_000);
        assertThat(ports.take(61_000, now)).isTrue();
        ports.rest(61_000, now);
        assertThat(ports.available(now)).isZero();
        assertThat(ports.owns(61_000)).isTrue();
        assertThat(ports.take(61_000, now + 120 * SECOND - 1)).isFalse();
        assertThat(ports.takeLike(61_000, now + 119 * SECOND)).isEqualTo(PortAllocator.NONE);
        assertThat(ports.takeLike(61_000, now + 120 * SECOND)).isEqualTo(61_000);
    }

    @Test
    void rfc6888_req8_a_resting_port_that_is_withdrawn_rests_on_whether_it_is_added_again_before_or_after() {
        PortAllocator ports = new PortAllocator(new Random(1), SECOND);
        for (int port = 61_000; port < 61_004; port++) {
            ports.add(port);
            assertThat(ports.take(port, 0)).isTrue();
            ports.rest(port, port - 61_000);
        }
        for (int port = 61_001; port < 61_004; port++) {
            assertThat(ports.withdraw(port)).isTrue();
            assertThat(ports.owns(port)).isFalse();
        }
        assertThat(ports.available(SECOND)).isEqualTo(1);
        ports.add(61_001);
        assertThat(ports.take(61_001, SECOND)).isFalse();
        assertThat(ports.take(61_001, SECOND + 1)).isTrue();
        assertThat(ports.take(61_002, SECOND + 2)).isFalse();
        ports.add(61_002);
        assertThat(ports.take(61_002, SECOND + 2)).isTrue();
        // somebody else has used it meanwhile
        ports.addUsed(61_003, SECOND + 2);
        assertThat(ports.take(61_003, 2 * SECOND + 1)).isFalse();
        assertThat(ports.take(61_003, 2 * SECOND + 2)).isTrue();
        assertThat(ports.size()).isEqualTo(4);
    }

    @Test
    void rfc6888_req8_all_rests_can_be_ended_and_what_was_withdrawn_stays_out() {
        for (long rest : new long[] {0, SECOND}) {
            PortAllocator ports = new PortAllocator(new Random(1), rest);
            for (int port = 61_000; port < 61_002; port++) {
                ports.add(port);
                assertThat(ports.take(port, 0)).isTrue();
                ports.rest(port, 0);
            }
            ports.withdraw(61_001);
            ports.endRests();
            assertThat(ports.available(0)).isEqualTo(1);
            assertThat(ports.take(61_000, 0)).isTrue();
            ports.add(61_001);
            assertThat(ports.take(61_001, 0)).isTrue();
        }
    }

    @Test
    void rfc6888_req8_resting_ports_agree_with_a_map_of_times() {
        Random random = new Random(9);
        PortAllocator ports = new PortAllocator(random, 50);
        Map<Integer, Long> restingUntil = new HashMap<>();
        Set<Integer> free = new HashSet<>();
        Set<Integer> used = new HashSet<>();
        Set<Integer> gone = new HashSet<>();
        for (int port = 61_000; port < 61_040; port++) {
            ports.add(port);
            free.add(port);
        }
        for (long now = 0; now < 100_000; now += random.nextInt(4)) {
            long time = now;
            restingUntil
                    .entrySet()
                    .removeIf(e -> e.getValue() <= time && (gone.contains(e.getKey()) || free.add(e.getKey())));
            assertThat(ports.available(now)).isEqualTo(free.size());
            int port = 61_000 + random.nextInt(40);
            switch (random.nextInt(9)) {
                case 0, 1, 2 -> {
                    boolean taken = ports.take(port, now);
                    assertThat(taken).isEqualTo(free.remove(port));
                    if (taken) {
                        used.add(port);
                    }
                }
                case 3, 4 -> {
                    ports.rest(port, now);
                    if (used.remove(port)) {
                        restingUntil.put(port, now + 50);
                    }
                }
                case 5 -> {
                    ports.release(port);
                    if (used.remove(port)) {
                        free.add(port);
                    }
                }
                case 6 -> {
                    assertThat(ports.withdraw(port)).isEqualTo(!used.contains(port));
                    if (!used.contains(port)) {
                        free.remove(port);
                        gone.add(port);
                    }
                }
                case 7 -> {
                    ports.add(port);
                    if (gone.remove(port) && !restingUntil.containsKey(port)) {
                        free.add(port);
                    }
                }
                default -> {
                    ports.addUsed(port, now);
                    if (gone.remove(port)) {
                        restingUntil.put(port, now + 50);
                    }
                }
            }
            assertThat(ports.size()).isEqualTo(40 - gone.size());
        }
    }

    @Test
    void rfc6888_req15_and_rfc7857_eim_each_port_is_drawn_as_often_as_any_other() {
        int draws = 200_000;
        PortAllocator ports = pool(77, 62_000, 62_199);
        int[] seen = new int[200];
        int[] pairs = new int[100];
        int last = 0;
        for (int i = 0; i < draws; i++) {
            int port = ports.takeLike(4000, 0);
            seen[port - 62_000]++;
            pairs[Math.floorMod(port - last, 200) / 2]++;
            last = port;
            ports.release(port);
        }
        double expected = draws / 100.0;
        double chiSquare = 0;
        double ofSteps = 0;
        for (int i = 0; i < 100; i++) {
            chiSquare += Math.pow(seen[2 * i] - expected, 2) / expected;
            ofSteps += Math.pow(pairs[i] - expected, 2) / expected;
            assertThat(seen[2 * i + 1]).isZero();
        }
        // 99 degrees of freedom: mean 99, deviation 14
        assertThat(chiSquare).isBetween(40.0, 175.0);
        assertThat(ofSteps).isBetween(40.0, 175.0);
    }
}
