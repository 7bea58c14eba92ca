package io.sharedip.nat.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.Setting;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

@Setting("the identifications by themselves")
class IdentificationTest {

    @Test
    void rfc7857_eim_no_identification_repeats_before_all_have_been_used_while_others_are_given_out_too() {
        Identification identification = new Identification(new Random(1));
        BitSet used = new BitSet();
        for (int i = 0; i < 1 << 16; i++) {
            int value = identification.next(1, 2, 17);
            assertThat(used.get(value)).isFalse();
            used.set(value);
            // other destinations, nearly all with another counter
            identification.next(1, 3 + i, 17);
            if (used.cardinality() > 60_000) {
                break;
            }
        }
        assertThat(used.cardinality()).isGreaterThan(60_000);
    }

    @Test
    void rfc7857_eim_the_first_identification_differs_between_destinations_protocols_and_engines() {
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            Identification identification = new Identification(new Random(i));
            seen.add(identification.next(1, 2, 17));
            seen.add(identification.next(1, 3, 17));
            seen.add(identification.next(1, 2, 1));
        }
        assertThat(seen).hasSizeGreaterThan(290);
    }
}
