package io.sharedip.nat.internal.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mappings and addressed peers against maps, by random operations. */
class MappingTableTest {

    private static final int CAPACITY = 150;
    private static final int[] PROTOCOLS = {6, 17, 1};

    private record Inside(int guest, int protocol, int address, int port) {}

    private record Outside(int protocol, int port) {}

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void random_additions_and_removals_agree_with_maps(long seed) {
        Random random = new Random(seed);
        MappingTable table = new MappingTable(CAPACITY, false, new KeyedHash(random));
        Map<Inside, Integer> inside = new HashMap<>();
        Map<Outside, Integer> outside = new HashMap<>();
        List<Inside> order = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            if (order.size() < CAPACITY && (order.isEmpty() || random.nextInt(100) < 55)) {
                Inside key = new Inside(
                        1 + random.nextInt(4), PROTOCOLS[random.nextInt(3)], random.nextInt(3), random.nextInt(20));
                Outside port = new Outside(key.protocol, 61_000 + random.nextInt(300));
                if (inside.containsKey(key) || outside.containsKey(port)) {
                    continue;
                }
                int mapping =
                        table.add(key.guest, key.protocol, key.address, key.port, 0, 0, port.port, 0, false, step);
                assertThat(inside.values()).doesNotContain(mapping);
                assertThat(table.guest(mapping)).isEqualTo(key.guest);
                assertThat(table.protocol(mapping)).isEqualTo(key.protocol);
                assertThat(table.insideAddress(mapping)).isEqualTo(key.address);
                assertThat(table.insidePort(mapping)).isEqualTo(key.port);
                assertThat(table.outsidePort(mapping)).isEqualTo(port.port);
                assertThat(table.forward(mapping)).isZero();
                table.retain(mapping);
                inside.put(key, mapping);
                outside.put(port, mapping);
                order.add(key);
            } else {
                Inside key = order.remove(random.nextInt(order.size()));
                int mapping = inside.remove(key);
                outside.remove(new Outside(key.protocol, table.outsidePort(mapping)));
                assertThat(table.release(mapping)).isTrue();
                table.remove(mapping);
            }
            assertThat(table.size()).isEqualTo(order.size());
            assertThat(table.isFull()).isEqualTo(order.size() == CAPACITY);
            if (step % 100 == 0) {
                for (int guest = 1; guest < 5; guest++) {
                    for (int protocol : PROTOCOLS) {
                        for (int port = 0; port < 20; port++) {
                            assertThat(table.findInside(guest, protocol, 1, port, 0, 0))
                                    .isEqualTo(inside.getOrDefault(new Inside(guest, protocol, 1, port), -1));
                        }
                    }
                }
                for (int port = 61_000; port < 61_300; port++) {
                    assertThat(table.findOutside(17, port)).isEqualTo(outside.getOrDefault(new Outside(17, port), -1));
                }
            }
        }
    }

    @Test
    void a_mapping_may_be_for_one_peer_address_or_one_peer_endpoint() {
        MappingTable table = new MappingTable(4, true, new KeyedHash(new Random(1)));
        int forAll = table.add(1, 6, 2, 3, 0, 0, 61_000, 0, false, 0);
        int forAddress = table.add(1, 6, 2, 3, -5, 0, 61_001, 0, false, 0);
        int forEndpoint = table.add(0xffff, 6, 2, 3, -5, 0xffff, 61_002, 0, true, 0);
        int another = table.add(0xffff, 6, 2, 3, -6, 0xffff, 61_002, 0, true, 0);
        assertThat(table.findInside(1, 6, 2, 3, 0, 0)).isEqualTo(forAll);
        assertThat(table.findInside(1, 6, 2, 3, -5, 0)).isEqualTo(forAddress);
        assertThat(table.findInside(1, 6, 2, 3, -5, 1)).isEqualTo(-1);
        assertThat(table.findInside(0xffff, 6, 2, 3, -5, 0xffff)).isEqualTo(forEndpoint);
        assertThat(table.guest(forEndpoint)).isEqualTo(0xffff);
        assertThat(table.protocol(forEndpoint)).isEqualTo(6);
        assertThat(table.insidePort(forEndpoint)).isEqualTo(3);
        // shared ports are not found from outside
        assertThat(table.findOutside(6, 61_002)).isEqualTo(-1);
        assertThat(table.findOutside(6, 61_001)).isEqualTo(forAddress);
        table.remove(forEndpoint);
        assertThat(table.findInside(0xffff, 6, 2, 3, -6, 0xffff)).isEqualTo(another);
    }

    @Test
    void a_mapping_knows_its_flows_and_may_be_evicted_as_the_least_evictable_of_them() {
        MappingTable table = new MappingTable(8, false, new KeyedHash(new Random(1)));
        int mapping = table.add(1, 6, 2, 3, 0, 0, 61_000, 0, false, 0);
        assertThat(table.evictionClass(mapping)).isEqualTo(EvictionQueues.NEVER);
        table.attach(mapping, 4, EvictionQueues.UNANSWERED);
        table.attach(mapping, 7, EvictionQueues.FROM_OUTSIDE);
        assertThat(table.evictionClass(mapping)).isEqualTo(EvictionQueues.UNANSWERED);
        table.attach(mapping, 2, EvictionQueues.NEVER);
        assertThat(table.evictionClass(mapping)).isEqualTo(EvictionQueues.NEVER);
        List<Integer> flows = new ArrayList<>();
        for (int flow = table.firstFlow(mapping); flow >= 0; flow = table.nextFlow(flow)) {
            flows.add(flow);
        }
        assertThat(flows).containsExactlyInAnyOrder(2, 4, 7);
        table.reclassify(mapping, EvictionQueues.NEVER, EvictionQueues.CLOSED);
        table.detach(mapping, 7, EvictionQueues.FROM_OUTSIDE);
        table.detach(mapping, 4, EvictionQueues.UNANSWERED);
        assertThat(table.evictionClass(mapping)).isEqualTo(EvictionQueues.CLOSED);
        assertThat(table.firstFlow(mapping)).isEqualTo(2);
        assertThat(table.nextFlow(2)).isEqualTo(-1);
        assertThat(table.release(mapping)).isFalse();
        assertThat(table.release(mapping)).isFalse();
        assertThat(table.release(mapping)).isTrue();
    }

    @Test
    void a_mapping_ends_with_its_last_flow() {
        MappingTable table = new MappingTable(4, false, new KeyedHash(new Random(1)));
        int mapping = table.add(1, 6, 2, 3, 0, 0, 61_000, 0, false, 0);
        table.retain(mapping);
        table.retain(mapping);
        assertThat(table.release(mapping)).isFalse();
        assertThat(table.release(mapping)).isTrue();
    }

    @Test
    void a_mapping_of_a_forward_is_found_from_inside_only_and_the_first_one_counts() {
        MappingTable table = new MappingTable(4, false, new KeyedHash(new Random(1)));
        int first = table.add(1, 6, 2, 80, 0, 0, 8080, 5, false, 0);
        int second = table.add(1, 6, 2, 80, 0, 0, 8081, 6, false, 0);
        assertThat(table.findInside(1, 6, 2, 80, 0, 0)).isEqualTo(first);
        assertThat(table.findOutside(6, 8080)).isEqualTo(-1);
        table.remove(second);
        assertThat(table.findInside(1, 6, 2, 80, 0, 0)).isEqualTo(first);
        table.remove(first);
        assertThat(table.findInside(1, 6, 2, 80, 0, 0)).isEqualTo(-1);
        assertThat(table.size()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void the_peers_agree_with_a_map_of_counts(long seed) {
        Random random = new Random(seed);
        PeerTable table = new PeerTable(CAPACITY, new KeyedHash(random));
        Map<List<Integer>, Integer> model = new HashMap<>();
        List<List<Integer>> retained = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            if (retained.size() < CAPACITY && (retained.isEmpty() || random.nextInt(100) < 55)) {
                List<Integer> pair = List.of(random.nextInt(10), random.nextInt(12) - 6);
                table.retain(pair.get(0), pair.get(1));
                model.merge(pair, 1, Integer::sum);
                retained.add(pair);
            } else {
                List<Integer> pair = retained.remove(random.nextInt(retained.size()));
                table.release(pair.get(0), pair.get(1));
                model.computeIfPresent(pair, (p, count) -> count == 1 ? null : count - 1);
            }
            if (step % 20 == 0) {
                for (int mapping = 0; mapping < 10; mapping++) {
                    for (int peer = -6; peer < 6; peer++) {
                        assertThat(table.contains(mapping, peer)).isEqualTo(model.containsKey(List.of(mapping, peer)));
                    }
                }
            }
        }
    }
}
