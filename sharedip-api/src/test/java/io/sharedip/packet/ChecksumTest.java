package io.sharedip.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChecksumTest {

    /** Ones' complement addition as RFC 1071 defines it, without tricks: arithmetic modulo 65535 on big numbers. */
    private static int reference(byte[] a, int offset, int length) {
        BigInteger sum = BigInteger.ZERO;
        for (int i = 0; i < length; i++) {
            sum = sum.add(BigInteger.valueOf((long) (a[offset + i] & 0xff) << (i % 2 == 0 ? 8 : 0)));
        }
        if (sum.signum() == 0) {
            return 0;
        }
        int remainder = sum.mod(BigInteger.valueOf(0xffff)).intValue();
        return remainder == 0 ? 0xffff : remainder;
    }

    @Test
    void rfc1071_the_example_of_section_3() {
        byte[] a = {0, 1, (byte) 0xf2, 3, (byte) 0xf4, (byte) 0xf5, (byte) 0xf6, (byte) 0xf7};
        assertThat(Checksum.sum(a, 0, 8)).isEqualTo(0xddf2);
    }

    @Test
    void sums_of_any_length_at_any_offset_agree_with_plain_arithmetic() {
        Random random = new Random(1071);
        for (int i = 0; i < 5_000; i++) {
            byte[] a = new byte[random.nextInt(200) + 1];
            switch (i % 3) {
                case 0 -> random.nextBytes(a);
                case 1 -> Arrays.fill(a, (byte) 0xff);
                default -> a[random.nextInt(a.length)] = (byte) random.nextInt();
            }
            int offset = random.nextInt(a.length + 1);
            int length = random.nextInt(a.length - offset + 1);
            assertThat(Checksum.sum(a, offset, length)).isEqualTo(reference(a, offset, length));
        }
    }

    @Test
    void a_sum_outside_the_array_is_refused() {
        assertThatThrownBy(() -> Checksum.sum(new byte[4], 2, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Checksum.sum(new byte[4], -1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Checksum.sum(new byte[4], 0, -1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void rfc1624_the_example_that_equation_2_gets_wrong() {
        // section 4: HC 0xdd2f, m 0x5555, m' 0x3285
        assertThat(Checksum.update(0xdd2f, Checksum.delta16(0x5555, 0x3285))).isZero();
    }

    @Test
    void rfc1624_an_updated_checksum_verifies_after_any_change_of_words() {
        Random random = new Random(1624);
        for (int i = 0; i < 20_000; i++) {
            byte[] a = new byte[20 + 2 * random.nextInt(20)];
            random.nextBytes(a);
            Octets.put16(a, 0, 0);
            Octets.put16(a, 0, ~Checksum.sum(a, 0, a.length));
            int delta = 0;
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                if (random.nextBoolean()) {
                    int at = 2 + 2 * random.nextInt((a.length - 2) / 2);
                    int to = value(random) & 0xffff;
                    delta = Checksum.add(delta, Checksum.delta16(Octets.u16(a, at), to));
                    Octets.put16(a, at, to);
                } else {
                    int at = 4 + 2 * random.nextInt((a.length - 6) / 2);
                    int to = value(random);
                    delta = Checksum.add(delta, Checksum.delta32(Octets.i32(a, at), to));
                    Octets.put32(a, at, to);
                }
            }
            Octets.put16(a, 0, Checksum.update(Octets.u16(a, 0), delta));
            assertThat(Checksum.sum(a, 0, a.length)).isEqualTo(0xffff);
        }
    }

    private static int value(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> -1;
            default -> random.nextInt();
        };
    }

    @Test
    void the_delta_of_the_way_back_is_the_complement() {
        Random random = new Random(2);
        for (int i = 0; i < 10_000; i++) {
            int from = random.nextInt();
            int to = random.nextInt();
            int checksum = random.nextInt(0xffff);
            int there = Checksum.update(checksum, Checksum.delta32(from, to));
            assertThat(Checksum.update(there, ~Checksum.delta32(from, to) & 0xffff) % 0xffff)
                    .isEqualTo(checksum);
        }
    }

    @Test
    void the_pseudo_header_is_what_its_octets_sum_to() {
        byte[] a = {(byte) 192, 0, 2, 10, (byte) 198, 51, 100, 7, 0, 17, (byte) 0xff, (byte) 0xff};
        assertThat(Checksum.pseudoHeader(Octets.i32(a, 0), Octets.i32(a, 4), 17, 0xffff))
                .isEqualTo(reference(a, 0, 12));
    }

    @Test
    void folding_takes_any_sum() {
        assertThat(Checksum.fold(0)).isZero();
        assertThat(Checksum.fold(0xffff)).isEqualTo(0xffff);
        assertThat(Checksum.fold(0x10000)).isEqualTo(1);
        assertThat(Checksum.fold(0xffffffffL)).isEqualTo(0xffff);
        assertThat(Checksum.fold(Long.MAX_VALUE)).isBetween(1, 0xffff);
    }
}
