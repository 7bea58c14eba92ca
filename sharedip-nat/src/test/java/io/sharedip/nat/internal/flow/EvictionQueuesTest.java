package io.sharedip.nat.internal.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The eviction queues against deques. */
class EvictionQueuesTest {

    private static final int[] PROTOCOLS = {6, 17, 1};

    private record Queue(int guest, int protocol, int evictionClass) {}

    @Test
    void the_oldest_of_each_queue_agrees_with_a_deque_whatever_joins_and_leaves() {
        Random random = new Random(5);
        FlowTable table = new FlowTable(300, new KeyedHash(random));
        EvictionQueues queues = new EvictionQueues(table);
        Map<Queue, Deque<Integer>> model = new HashMap<>();
        Map<Integer, Queue> on = new HashMap<>();
        int key = 0;
        for (int step = 0; step < 20_000; step++) {
            if (!table.isFull() && random.nextInt(100) < 55) {
                Queue queue = new Queue(1 + random.nextInt(40), PROTOCOLS[random.nextInt(3)], random.nextInt(2));
                int flow = table.add(
                        key,
                        FlowKey.insidePorts(queue.guest, queue.protocol, 1, 1),
                        key++,
                        FlowKey.outsidePorts(queue.protocol, 1, 1));
                queues.add(flow, queue.evictionClass);
                model.computeIfAbsent(queue, q -> new ArrayDeque<>()).add(flow);
                on.put(flow, queue);
            } else if (!on.isEmpty()) {
                List<Integer> flows = new ArrayList<>(on.keySet());
                int flow = flows.get(random.nextInt(flows.size()));
                Queue queue = on.remove(flow);
                queues.remove(flow, queue.evictionClass);
                model.get(queue).remove(flow);
                table.remove(flow);
            }
            Queue asked = new Queue(1 + random.nextInt(50), PROTOCOLS[random.nextInt(3)], random.nextInt(2));
            Integer oldest = model.getOrDefault(asked, new ArrayDeque<>()).peek();
            assertThat(queues.oldest(asked.guest, asked.protocol, asked.evictionClass))
                    .isEqualTo(oldest == null ? -1 : oldest);
        }
    }

    @Test
    void of_a_guest_a_tcp_flow_is_spared_least_then_udp_then_pings() {
        FlowTable table = new FlowTable(10, new KeyedHash(new Random(1)));
        EvictionQueues queues = new EvictionQueues(table);
        int[] flows = new int[3];
        for (int i = 2; i >= 0; i--) {
            flows[i] = table.add(
                    i, FlowKey.insidePorts(7, PROTOCOLS[i], 1, 1), i, FlowKey.outsidePorts(PROTOCOLS[i], 1, 1));
            queues.add(flows[i], EvictionQueues.UNANSWERED);
        }
        for (int flow : flows) {
            assertThat(queues.oldest(7, EvictionQueues.UNANSWERED)).isEqualTo(flow);
            queues.remove(flow, EvictionQueues.UNANSWERED);
        }
        assertThat(queues.oldest(7, EvictionQueues.UNANSWERED)).isEqualTo(-1);
        assertThat(queues.oldest(7, EvictionQueues.CLOSED)).isEqualTo(-1);
    }
}
