package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.Setting;
import io.sharedip.nat.internal.engine.Reassembly.Party;
import io.sharedip.nat.internal.engine.Reassembly.Result;
import io.sharedip.nat.internal.flow.AddressOnlyProtocols;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.PacketBuilder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Setting("the reassembly by itself")
class ReassemblyTest {

    private static final long TIMEOUT = 1_000;

    private final Map<DropReason, Integer> givenUp = new EnumMap<>(DropReason.class);
    private final PacketContext context = new PacketContext(new AddressOnlyProtocols(Set.of()));
    private final byte[] room = new byte[14 + 65_535];
    private final Frame frame = new Frame();
    private long now = Long.MAX_VALUE - 500;

    private Reassembly table(int pages, int pagesEach) {
        return new Reassembly(this::count, pages, pagesEach, TIMEOUT, new Random(1));
    }

    private void count(Reassembly table, int datagram, @Nullable DropReason why) {
        if (why != null) {
            givenUp.merge(why, table.frames(datagram), Integer::sum);
        }
    }

    private Result collect(Reassembly table, int holder, byte[] fragment) {
        context.wrap(Frame.of(fragment.clone()), -1);
        assertThat(context.parseIp()).isNull();
        return table.collect(holder, holder, Party.GATEWAY, context, now);
    }

    private static byte[] datagram(int identification, int length) {
        return PacketBuilder.udp()
                .from("10.0.0.1", 1)
                .to("198.51.100.1", 2)
                .fragment(0)
                .identification(identification)
                .payload(new byte[length])
                .build();
    }

    private static byte[] first(int identification) {
        return Fragmenter.piece(datagram(identification, 2_000), 0, 8);
    }

    @Test
    void who_exceeds_its_share_loses_its_oldest_datagram_and_nobody_else_loses_any() {
        Reassembly table = table(200, 40);
        for (int i = 0; i < 30; i++) {
            assertThat(collect(table, 1, first(i))).isEqualTo(Result.HELD);
        }
        for (int i = 0; i < 100; i++) {
            assertThat(collect(table, 2, first(i))).isEqualTo(Result.HELD);
        }
        assertThat(givenUp).containsExactly(Map.entry(DropReason.FRAGMENT_LIMIT, 60));
        assertThat(table.held()).isEqualTo(70);
        // the newest forty are still there: the same fragment again is a duplicate
        assertThat(collect(table, 2, first(60))).isEqualTo(Result.REFUSED);
        assertThat(table.reason()).isEqualTo(DropReason.FRAGMENT_DUPLICATE);
        assertThat(collect(table, 1, first(0))).isEqualTo(Result.REFUSED);
        assertThat(collect(table, 2, first(59))).isEqualTo(Result.HELD);
    }

    @Test
    void where_the_room_is_short_whoever_has_most_gives_way() {
        Reassembly table = table(100, 100);
        for (int i = 0; i < 60; i++) {
            collect(table, 1, first(i));
        }
        for (int i = 0; i < 40; i++) {
            collect(table, 2, first(i));
        }
        for (int i = 0; i < 30; i++) {
            collect(table, 3, first(i));
        }
        assertThat(givenUp).containsExactly(Map.entry(DropReason.FRAGMENT_LIMIT, 30));
        // the first gave twenty, until it had as many as the second; then each gave five
        table.forget(3);
        assertThat(givenUp).containsEntry(DropReason.FRAGMENT_TIMEOUT, 30);
        table.forget(2);
        assertThat(givenUp).containsEntry(DropReason.FRAGMENT_TIMEOUT, 65);
        assertThat(collect(table, 1, first(25))).isEqualTo(Result.REFUSED);
        assertThat(collect(table, 1, first(24))).isEqualTo(Result.HELD);
    }

    @Test
    void among_many_modest_ones_the_oldest_gives_way_so_that_a_large_datagram_can_arrive() {
        Reassembly table = table(128, 128);
        List<byte[]> large = Fragmenter.cut(datagram(7, 65_000), 1480);
        for (int i = 0; i < large.size() - 1; i++) {
            assertThat(collect(table, 1, large.get(i))).isEqualTo(Result.HELD);
            collect(table, 100 + i, first(1));
            collect(table, 200 + i, first(1));
        }
        assertThat(collect(table, 1, large.get(large.size() - 1))).isEqualTo(Result.WHOLE);
        int fragmentation = table.take(room, frame);
        assertThat(Fragmentation.frames(fragmentation)).isEqualTo(large.size());
        assertThat(Fragmentation.largest(fragmentation)).isEqualTo(1500);
    }

    @Test
    void time_runs_from_the_first_fragment_and_is_exact_across_the_wrap_around_of_the_clock() {
        Reassembly table = table(64, 64);
        byte[] whole = datagram(1, 100);
        collect(table, 1, Fragmenter.piece(whole, 0, 8));
        now += TIMEOUT - 1;
        collect(table, 1, Fragmenter.piece(whole, 8, 8));
        table.expire(now, 10);
        assertThat(table.held()).isEqualTo(2);
        now++;
        assertThat(collect(table, 1, Fragmenter.piece(whole, 16, 8))).isEqualTo(Result.HELD);
        assertThat(givenUp).containsExactly(Map.entry(DropReason.FRAGMENT_TIMEOUT, 2));
        assertThat(table.held()).isEqualTo(1);
        now += TIMEOUT;
        table.expire(now, 10);
        assertThat(table.held()).isZero();
    }

    /** Against a plain model: what is there of each datagram, octet by octet, as long as nothing is given up for want of room. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void hostile10_and_hostile11_every_fragment_is_judged_as_a_plain_model_judges_it(long seed) {
        Random random = new Random(seed);
        Reassembly table = table(4_096, 4_096);
        Map<Integer, Model> models = new HashMap<>();
        int whole = 0;
        for (int i = 0; i < 60_000; i++) {
            int identification = random.nextInt(50);
            // mostly a piece of a datagram of three or four, else anything
            int total = 40 + identification % 20;
            int offset = 16 * random.nextInt((total + 15) / 16);
            int length = Math.min(16, total - offset);
            boolean more = offset + length < total;
            if (random.nextInt(20) == 0) {
                offset = random.nextInt(random.nextBoolean() ? 8 : 700) * 8;
                length = random.nextInt(3) == 0 ? random.nextInt(40) : 8 * (1 + random.nextInt(30));
                more = random.nextInt(5) != 0;
            }
            if (offset == 0 && !more) {
                continue;
            }
            byte[] fragment = Fragmenter.piece(datagram(identification, 8_000), offset, length);
            Octets.put16(fragment, 20, offset / 8 | (more ? 0x2000 : 0));
            if (length > 0 && random.nextInt(50) == 0) {
                fragment[34 + random.nextInt(length)] ^= 1;
            }
            Fragmenter.fixHeader(fragment);
            Model model = models.computeIfAbsent(identification, key -> new Model());
            byte[] payload = Arrays.copyOfRange(fragment, 34, fragment.length);
            DropReason expected = model.judge(offset, payload, more);
            Result result = collect(table, 1, fragment);
            if (expected != null) {
                assertThat(result).as("seed %d, fragment %d", seed, i).isEqualTo(Result.REFUSED);
                assertThat(table.reason()).as("seed %d, fragment %d", seed, i).isEqualTo(expected);
            } else if (model.isWhole()) {
                assertThat(result).as("seed %d, fragment %d", seed, i).isEqualTo(Result.WHOLE);
                table.take(room, frame);
                assertThat(Arrays.copyOfRange(frame.toByteArray(), 34, frame.length()))
                        .isEqualTo(model.octets());
                models.remove(identification);
                whole++;
            } else {
                assertThat(result).as("seed %d, fragment %d", seed, i).isEqualTo(Result.HELD);
            }
            if (i % 2_000 == 1_999) {
                now += TIMEOUT;
                table.expire(now, Integer.MAX_VALUE);
                models.clear();
                assertThat(table.held()).isZero();
            }
        }
        assertThat(whole).isGreaterThan(1_000);
    }

    private static final class Model {
        private final TreeMap<Integer, byte[]> pieces = new TreeMap<>();
        private final Map<Integer, Boolean> mores = new HashMap<>();
        private int total = -1;
        private @Nullable DropReason spoilt;

        @Nullable
        DropReason judge(int offset, byte[] payload, boolean more) {
            if (spoilt != null) {
                return spoilt;
            }
            int end = offset + payload.length;
            int highest =
                    pieces.isEmpty() ? 0 : pieces.lastKey() + pieces.lastEntry().getValue().length;
            boolean odd = payload.length == 0 || (more && payload.length % 8 != 0);
            boolean contradicts = total < 0 ? !more && highest >= end : more ? end >= total : end != total;
            if (odd || contradicts) {
                return spoil(DropReason.FRAGMENT_INVALID);
            }
            byte[] there = pieces.get(offset);
            if (there != null && Arrays.equals(there, payload)) {
                return DropReason.FRAGMENT_DUPLICATE;
            }
            boolean overlaps = pieces.entrySet().stream()
                    .anyMatch(piece -> piece.getKey() < end && offset < piece.getKey() + piece.getValue().length);
            if (overlaps) {
                return spoil(DropReason.FRAGMENT_OVERLAP);
            }
            pieces.put(offset, payload);
            mores.put(offset, more);
            if (!more) {
                total = end;
            }
            return null;
        }

        private DropReason spoil(DropReason why) {
            spoilt = why;
            return why;
        }

        boolean isWhole() {
            return total >= 0
                    && pieces.values().stream().mapToInt(piece -> piece.length).sum() == total;
        }

        byte[] octets() {
            byte[] octets = new byte[total];
            pieces.forEach((offset, piece) -> System.arraycopy(piece, 0, octets, offset, piece.length));
            return octets;
        }
    }
}
