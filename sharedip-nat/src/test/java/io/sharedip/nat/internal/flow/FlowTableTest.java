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

/** The flow table against a map, by random operations. */
class FlowTableTest {

    private record Key(long addresses, long ports) {}

    private static final int CAPACITY = 200;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void random_additions_and_removals_agree_with_a_map(long seed) {
        Random random = new Random(seed);
        FlowTable table = new FlowTable(CAPACITY, new KeyedHash(random));
        Map<Key, Integer> model = new HashMap<>();
        List<Key[]> flows = new ArrayList<>();
        Map<Integer, Key[]> byNumber = new HashMap<>();
        for (int step = 0; step < 20_000; step++) {
            boolean grow = flows.size() < CAPACITY && (flows.isEmpty() || random.nextInt(100) < 55);
            if (grow) {
                Key inside = new Key(
                        FlowKey.addresses(random.nextInt(4), random.nextInt(50)),
                        FlowKey.insidePorts(1 + random.nextInt(3), 6, random.nextInt(10), random.nextInt(10)));
                Key outside = new Key(
                        FlowKey.addresses(7, random.nextInt(50)),
                        FlowKey.outsidePorts(6, random.nextInt(100), random.nextInt(10)));
                if (model.containsKey(inside) || model.containsKey(outside)) {
                    continue;
                }
                int flow = table.add(inside.addresses, inside.ports, outside.addresses, outside.ports);
                assertThat(byNumber).doesNotContainKey(flow);
                assertThat(table.isLive(flow)).isTrue();
                assertThat(table.packetsIn(flow) + table.bytesOut(flow) + table.mapping(flow) + table.epoch(flow))
                        .isZero();
                for (boolean out : new boolean[] {true, false}) {
                    assertThat(table.tcpEnd(flow, out)
                                    | table.tcpMaxEnd(flow, out)
                                    | table.tcpMaxWindow(flow, out)
                                    | table.tcpMaxAck(flow, out)
                                    | table.tcpBits(flow))
                            .isZero();
                }
                table.tcpSent(flow, true, -1, -1);
                table.tcpSent(flow, false, -1, -1);
                table.tcpMaxWindows(flow, -1, -1);
                table.tcpMaxAck(flow, true, -1);
                table.tcpMaxAck(flow, false, -1);
                table.tcpBits(flow, -1);
                assertThat(table.epoch(flow) | table.peerGuest(flow) | table.forward(flow))
                        .isZero();
                table.countIn(flow, 7);
                table.epoch(flow, 9);
                table.mapping(flow, 3, 0xffff, 0xfffe);
                model.put(inside, flow);
                model.put(outside, flow);
                Key[] keys = {inside, outside};
                byNumber.put(flow, keys);
                flows.add(keys);
            } else {
                Key[] keys = flows.remove(random.nextInt(flows.size()));
                int flow = model.get(keys[0]);
                table.remove(flow);
                assertThat(table.isLive(flow)).isFalse();
                model.remove(keys[0]);
                model.remove(keys[1]);
                byNumber.remove(flow);
            }
            assertThat(table.size()).isEqualTo(flows.size());
            assertThat(table.isFull()).isEqualTo(flows.size() == CAPACITY);
            if (step % 50 == 0) {
                model.forEach((key, flow) ->
                        assertThat(table.find(key.addresses, key.ports)).isEqualTo(flow));
                for (int i = 0; i < 50; i++) {
                    Key stranger = new Key(
                            FlowKey.addresses(random.nextInt(4), random.nextInt(50)),
                            FlowKey.insidePorts(1 + random.nextInt(3), 6, random.nextInt(10), random.nextInt(10)));
                    assertThat(table.find(stranger.addresses, stranger.ports))
                            .isEqualTo(model.getOrDefault(stranger, -1));
                }
            }
        }
        assertThat(table.bound()).isLessThanOrEqualTo(CAPACITY);
    }

    @Test
    void a_record_keeps_its_fields_apart() {
        FlowTable table = new FlowTable(4, new KeyedHash(new Random(1)));
        int flow = table.add(
                FlowKey.addresses(0xc000020a, 0xffffffff),
                FlowKey.insidePorts(65_535, 17, 65_535, 1),
                FlowKey.addresses(0x80000001, 0xfffffffe),
                FlowKey.outsidePorts(17, 61_000, 1));
        table.state(flow, FlowTable.LIVE | FlowTable.FIN_IN | 3);
        table.scheduled(flow, -1);
        table.deadline(flow, Long.MIN_VALUE);
        table.mapping(flow, Integer.MAX_VALUE, 0xffff, 0x8000);
        table.epoch(flow, -5);
        table.peerGuest(flow, 65_535);
        table.forward(flow, 77);
        table.tcpSent(flow, true, 0x80000001, 0xfffffff1);
        table.tcpSent(flow, false, 0x80000002, 0xfffffff2);
        table.tcpMaxWindows(flow, 1 << 30, 0x80000003);
        table.tcpMaxAck(flow, true, 0xfffffff4);
        table.tcpMaxAck(flow, false, 0xfffffff5);
        table.tcpBits(flow, 0xa5c3);
        table.countOut(flow, 1500);
        assertThat(table.insideAddress(flow)).isEqualTo(0xc000020a);
        assertThat(table.peerAddress(flow)).isEqualTo(-1);
        assertThat(table.guest(flow)).isEqualTo(65_535);
        assertThat(table.protocol(flow)).isEqualTo(17);
        assertThat(table.insidePort(flow)).isEqualTo(65_535);
        assertThat(table.peerPort(flow)).isEqualTo(1);
        assertThat(table.outsideAddress(flow)).isEqualTo(0x80000001);
        assertThat(table.peerOutsideAddress(flow)).isEqualTo(-2);
        assertThat(table.outsidePort(flow)).isEqualTo(61_000);
        assertThat(table.state(flow)).isEqualTo(FlowTable.LIVE | FlowTable.FIN_IN | 3);
        assertThat(table.scheduled(flow)).isEqualTo(-1);
        assertThat(table.isLive(flow)).isTrue();
        assertThat(table.mapping(flow)).isEqualTo(Integer.MAX_VALUE);
        assertThat(table.addressDelta(flow)).isEqualTo(0xffff);
        assertThat(table.tupleDelta(flow)).isEqualTo(0x8000);
        assertThat(table.epoch(flow)).isEqualTo(-5);
        assertThat(table.peerGuest(flow)).isEqualTo(65_535);
        assertThat(table.forward(flow)).isEqualTo(77);
        assertThat(table.tcpEnd(flow, true)).isEqualTo(0x80000001);
        assertThat(table.tcpMaxEnd(flow, true)).isEqualTo(0xfffffff1);
        assertThat(table.tcpEnd(flow, false)).isEqualTo(0x80000002);
        assertThat(table.tcpMaxEnd(flow, false)).isEqualTo(0xfffffff2);
        assertThat(table.tcpMaxWindow(flow, true)).isEqualTo(1 << 30);
        assertThat(table.tcpMaxWindow(flow, false)).isEqualTo(0x80000003);
        assertThat(table.tcpMaxAck(flow, true)).isEqualTo(0xfffffff4);
        assertThat(table.tcpMaxAck(flow, false)).isEqualTo(0xfffffff5);
        assertThat(table.tcpBits(flow)).isEqualTo(0xa5c3);
        assertThat(table.packetsOut(flow)).isEqualTo(1);
        assertThat(table.bytesOut(flow)).isEqualTo(1500);
        assertThat(table.packetsIn(flow)).isZero();
    }

    @Test
    void a_table_of_one_flow_works() {
        FlowTable table = new FlowTable(1, new KeyedHash(new Random(1)));
        for (int i = 0; i < 1000; i++) {
            int flow = table.add(i, FlowKey.insidePorts(1, 6, 1, 2), i, FlowKey.outsidePorts(6, 1, 2));
            assertThat(table.isFull()).isTrue();
            assertThat(table.find(i, FlowKey.insidePorts(1, 6, 1, 2))).isEqualTo(flow);
            table.remove(flow);
            assertThat(table.find(i, FlowKey.insidePorts(1, 6, 1, 2))).isEqualTo(-1);
        }
    }

    @Test
    void the_keyed_hash_spreads_neighbouring_tuples_and_depends_on_its_key() {
        KeyedHash a = new KeyedHash(new Random(1));
        KeyedHash b = new KeyedHash(new Random(2));
        int[] buckets = new int[256];
        int same = 0;
        for (int i = 0; i < 25_600; i++) {
            buckets[a.hash(FlowKey.addresses(0xc000020a, i), FlowKey.outsidePorts(6, 80, i & 3)) & 255]++;
            same += a.hash(i, i) == b.hash(i, i) ? 1 : 0;
        }
        assertThat(same).isLessThan(3);
        for (int count : buckets) {
            assertThat(count).isBetween(50, 160);
        }
    }
}
