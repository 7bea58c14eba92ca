package io.sharedip.nat.internal.ports;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

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
}
