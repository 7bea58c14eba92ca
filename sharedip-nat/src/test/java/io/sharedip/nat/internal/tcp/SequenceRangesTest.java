package io.sharedip.nat.internal.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SequenceRangesTest {

    private static final int SPACE = 600;

    @Test
    void ranges_hold_what_a_set_of_octets_holds() {
        for (long seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            int base = random.nextBoolean() ? -SPACE / 2 : Integer.MAX_VALUE - SPACE / 2;
            SequenceRanges ranges = new SequenceRanges();
            BitSet octets = new BitSet();
            int gone = 0;
            for (int i = 0; i < 60; i++) {
                if (random.nextInt(6) == 0) {
                    gone = Math.min(SPACE - 60, gone + random.nextInt(40));
                    ranges.removeBelow(base + gone);
                    octets.clear(0, gone);
                } else {
                    int start = gone + random.nextInt(SPACE - gone - 50);
                    int end = start + 1 + random.nextInt(50);
                    assertThat(ranges.add(base + start, base + end)).isTrue();
                    octets.set(start, end);
                }
                same(ranges, octets, base, random, "seed " + seed + ", step " + i);
            }
        }
    }

    private static void same(SequenceRanges ranges, BitSet octets, int base, Random random, String where) {
        int at = 0;
        for (int i = 0; i < ranges.count(); i++) {
            int start = octets.nextSetBit(at);
            at = octets.nextClearBit(start);
            assertThat(ranges.start(i) - base).as(where).isEqualTo(start);
            assertThat(ranges.end(i) - base).as(where).isEqualTo(at);
        }
        assertThat(octets.nextSetBit(at)).as(where).isEqualTo(-1);
        assertThat(ranges.octets()).as(where).isEqualTo(octets.cardinality());
        int from = random.nextInt(SPACE);
        int to = from + random.nextInt(SPACE - from);
        assertThat(ranges.covered(base + from, base + to))
                .as(where)
                .isEqualTo(octets.get(from, to).cardinality());
        assertThat(ranges.skip(base + from) - base).as(where).isEqualTo(octets.nextClearBit(from));
        int next = octets.nextSetBit(from);
        if (!octets.get(from)) {
            assertThat(ranges.nextStart(base + from, base + to) - base)
                    .as(where)
                    .isEqualTo(next < 0 || next > to ? to : next);
        }
    }

    @Test
    void one_range_too_many_is_refused_and_changes_nothing() {
        SequenceRanges ranges = new SequenceRanges();
        for (int i = 0; i < SequenceRanges.MOST; i++) {
            assertThat(ranges.add(10 * i, 10 * i + 1)).isTrue();
        }
        assertThat(ranges.add(5, 6)).isFalse();
        assertThat(ranges.octets()).isEqualTo(SequenceRanges.MOST);
        assertThat(ranges.add(1, 6)).isTrue();
        assertThat(ranges.count()).isEqualTo(SequenceRanges.MOST);
    }
}
