package io.sharedip.nat.internal.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The eviction queues against deques. */
class EvictionQueuesTest {

    private static final int ITEMS = 300;
    private static final int GUESTS = 40;

    private record Queue(int guest, int evictionClass) {}

    private final Map<Queue, Deque<Integer>> model = new HashMap<>();
    private final Map<Integer, Integer> held = new TreeMap<>();

    private Set<Integer> guestsWith(int first, int last) {
        return model.entrySet().stream()
                .filter(e -> !e.getValue().isEmpty()
                        && e.getKey().evictionClass >= first
                        && e.getKey().evictionClass <= last)
                .map(e -> e.getKey().guest)
                .collect(Collectors.toSet());
    }

    private int oldest(int guest, int evictionClass) {
        Integer oldest = model.getOrDefault(new Queue(guest, evictionClass), new ArrayDeque<>())
                .peek();
        return oldest == null ? -1 : oldest;
    }

    private int most(Collection<Integer> guests) {
        return guests.stream().mapToInt(g -> held.getOrDefault(g, 0)).max().orElse(-1);
    }

    @ParameterizedTest
    @ValueSource(longs = {5, 6, 7})
    void what_gives_way_agrees_with_deques_whatever_joins_and_leaves(long seed) {
        Random random = new Random(seed);
        EvictionQueues queues = new EvictionQueues(new long[ITEMS]);
        Map<Integer, Queue> on = new HashMap<>();
        Deque<Integer> unused = new ArrayDeque<>();
        for (int item = 0; item < ITEMS; item++) {
            unused.add(item);
        }
        for (int step = 0; step < 30_000; step++) {
            if (!unused.isEmpty() && random.nextInt(100) < (step / 3000 % 2 == 0 ? 60 : 40)) {
                Queue queue = new Queue(1 + random.nextInt(GUESTS), random.nextInt(3));
                int item = unused.remove();
                queues.add(item, queue.guest, queue.evictionClass);
                queues.count(queue.guest, 1);
                model.computeIfAbsent(queue, q -> new ArrayDeque<>()).add(item);
                held.merge(queue.guest, 1, Integer::sum);
                on.put(item, queue);
            } else if (!on.isEmpty()) {
                List<Integer> items = new ArrayList<>(on.keySet());
                int item = items.get(random.nextInt(items.size()));
                Queue queue = on.remove(item);
                queues.remove(item, queue.guest, queue.evictionClass);
                queues.count(queue.guest, -1);
                model.get(queue).remove(item);
                held.merge(queue.guest, -1, Integer::sum);
                unused.add(item);
            }
            int guest = 1 + random.nextInt(GUESTS + 10);
            if (random.nextInt(10) == 0) {
                // something that must not be evicted
                queues.count(guest, 1);
                held.merge(guest, 1, Integer::sum);
            }
            int evictionClass = random.nextInt(3);
            assertThat(queues.oldest(guest, evictionClass)).isEqualTo(oldest(guest, evictionClass));
            int unanswered = oldest(guest, EvictionQueues.FROM_OUTSIDE);
            assertThat(queues.oldestUnanswered(guest))
                    .isEqualTo(unanswered < 0 ? oldest(guest, EvictionQueues.UNANSWERED) : unanswered);
            assertThat(queues.held(guest)).isEqualTo(held.getOrDefault(guest, 0));
            Set<Integer> competing = guestsWith(EvictionQueues.FROM_OUTSIDE, EvictionQueues.UNANSWERED);
            int greedier = queues.greedierThan(guest);
            int most = most(competing);
            if (most <= held.getOrDefault(guest, 0)) {
                assertThat(greedier).isEqualTo(-1);
            } else {
                assertThat(competing).contains(greedier);
                assertThat(held.get(greedier)).isEqualTo(most);
            }
            Set<Integer> closed = guestsWith(EvictionQueues.CLOSED, EvictionQueues.CLOSED);
            assertThat(queues.anyClosed()).isEqualTo(!closed.isEmpty());
            int next = queues.oldestClosed();
            if (closed.isEmpty()) {
                assertThat(next).isEqualTo(-1);
            } else {
                assertThat(on.get(next).evictionClass).isEqualTo(EvictionQueues.CLOSED);
                assertThat(next).isEqualTo(oldest(on.get(next).guest, EvictionQueues.CLOSED));
            }
        }
    }

    @Test
    void guests_with_closed_items_take_turns() {
        EvictionQueues queues = new EvictionQueues(new long[10]);
        for (int item = 0; item < 10; item++) {
            queues.add(item, 1 + item / 2, EvictionQueues.CLOSED);
        }
        Set<Integer> guests = new HashSet<>();
        for (int i = 0; i < 5; i++) {
            guests.add(1 + queues.oldestClosed() / 2);
        }
        assertThat(guests).hasSize(5);
    }
}
