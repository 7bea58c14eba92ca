package io.sharedip.nat.internal.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The timer wheel against a plain list of deadlines. */
class FlowTimersTest {

    private static final long SECOND = 1_000_000_000L;
    private static final int CAPACITY = 500;

    private static int add(FlowTable table, int key) {
        return table.add(key, FlowKey.insidePorts(1, 6, 1, 1), key, FlowKey.outsidePorts(6, 1, 1));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, Long.MAX_VALUE - 50_000_000_000L, Long.MIN_VALUE})
    void each_flow_expires_never_early_and_at_most_one_tick_late(long start) {
        Random random = new Random(start ^ 7);
        FlowTable table = new FlowTable(CAPACITY, new KeyedHash(random));
        FlowTimers timers = new FlowTimers(table, start);
        Map<Integer, Long> model = new HashMap<>();
        long now = start;
        int key = 0;
        for (int step = 0; step < 30_000; step++) {
            switch (random.nextInt(6)) {
                case 0, 1 -> {
                    if (!table.isFull()) {
                        int flow = add(table, key++);
                        table.deadline(flow, now + deadline(random));
                        timers.schedule(flow);
                        model.put(flow, table.deadline(flow));
                    }
                }
                case 2 -> {
                    if (!model.isEmpty()) {
                        int flow = any(model, random);
                        // a packet puts the deadline off, or brings it nearer
                        long deadline = now + deadline(random);
                        boolean nearer = deadline - table.deadline(flow) < 0;
                        table.deadline(flow, deadline);
                        model.put(flow, deadline);
                        if (nearer) {
                            timers.reschedule(flow);
                        }
                    }
                }
                case 3 -> {
                    if (!model.isEmpty() && random.nextInt(4) == 0) {
                        int flow = any(model, random);
                        timers.cancel(flow);
                        table.remove(flow);
                        model.remove(flow);
                    }
                }
                default -> {
                    now += random.nextInt(100) == 0
                            ? (long) (random.nextDouble() * 4000 * SECOND)
                            : random.nextInt(500_000_000);
                    Set<Integer> expired = new HashSet<>();
                    timers.advance(now, Integer.MAX_VALUE, expired::add);
                    for (int flow : expired) {
                        assertThat(model.get(flow) - now).isLessThanOrEqualTo(0);
                        model.remove(flow);
                        table.remove(flow);
                    }
                    for (long deadline : model.values()) {
                        assertThat(now - deadline).isLessThanOrEqualTo(FlowTimers.TICK_NANOS);
                    }
                }
            }
        }
        assertThat(table.size()).isEqualTo(model.size());
    }

    private static int any(Map<Integer, Long> model, Random random) {
        return new ArrayList<>(model.keySet()).get(random.nextInt(model.size()));
    }

    private static long deadline(Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> 1 + random.nextInt(1_000_000_000);
            case 1 -> (1 + random.nextInt(300)) * SECOND;
            // beyond one turn of the wheel
            default -> (1 + random.nextInt(7440)) * SECOND;
        };
    }

    @Test
    void a_limit_leaves_the_rest_to_the_next_call_and_loses_none() {
        FlowTable table = new FlowTable(CAPACITY, new KeyedHash(new Random(1)));
        FlowTimers timers = new FlowTimers(table, 0);
        for (int i = 0; i < CAPACITY; i++) {
            int flow = add(table, i);
            table.deadline(flow, SECOND);
            timers.schedule(flow);
        }
        List<Integer> expired = new ArrayList<>();
        int calls = 0;
        while (expired.size() < CAPACITY) {
            int before = expired.size();
            int looked = timers.advance(10 * SECOND, 64, expired::add);
            assertThat(looked).isLessThanOrEqualTo(64);
            assertThat(expired.size() - before).isLessThanOrEqualTo(64);
            assertThat(++calls).isLessThan(20);
        }
        assertThat(expired).doesNotHaveDuplicates();
        assertThat(timers.advance(20 * SECOND, 64, expired::add)).isZero();
    }

    @Test
    void a_jump_over_many_turns_of_the_wheel_finds_everything() {
        FlowTable table = new FlowTable(CAPACITY, new KeyedHash(new Random(1)));
        FlowTimers timers = new FlowTimers(table, 0);
        for (int i = 0; i < CAPACITY; i++) {
            int flow = add(table, i);
            table.deadline(flow, i * 20L * SECOND);
            timers.schedule(flow);
        }
        List<Integer> expired = new ArrayList<>();
        timers.advance(86_400L * 365 * SECOND, Integer.MAX_VALUE, expired::add);
        assertThat(expired).hasSize(CAPACITY);
    }
}
