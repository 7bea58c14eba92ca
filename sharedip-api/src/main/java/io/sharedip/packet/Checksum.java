package io.sharedip.packet;

import java.util.Objects;

/**
 * The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3).
 *
 * <p>A <em>sum</em> here is a ones' complement sum folded to 16 bits, 0 to 65535. A <em>checksum</em> is the complement of a
 * sum, as it stands in a header. A <em>delta</em> is the sum of what changed ({@code ~old + new}); deltas add up with
 * {@link #add(int, int)}, and the delta of the way back is the complement.
 *
 * <p>Stateless and thread-safe.
 */
public final class Checksum {

    private Checksum() {}

    /**
     * Folds a sum of 16- or 32-bit words.
     *
     * @param sum 0 or more
     * @return the ones' complement sum, 0 to 65535
     */
    public static int fold(long sum) {
        long s = (sum & 0xffffffffL) + (sum >>> 32);
        s = (s & 0xffff) + (s >>> 16);
        s = (s & 0xffff) + (s >>> 16);
        return (int) ((s & 0xffff) + (s >>> 16));
    }

    /**
     * Sums octets as big-endian 16-bit words; an odd last octet is padded with zero.
     *
     * @param array the octets
     * @param offset of the first one
     * @param length octets, 0 or more
     * @return the ones' complement sum, 0 to 65535
     * @throws IndexOutOfBoundsException if the octets are not inside the array
     */
    public static int sum(byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        long sum = 0;
        int i = offset;
        int end = offset + length;
        for (int last = end - 32; i <= last; i += 32) {
            long a = Octets.i64(array, i);
            long b = Octets.i64(array, i + 8);
            long c = Octets.i64(array, i + 16);
            long d = Octets.i64(array, i + 24);
            sum += (a >>> 32) + (a & 0xffffffffL) + (b >>> 32) + (b & 0xffffffffL);
            sum += (c >>> 32) + (c & 0xffffffffL) + (d >>> 32) + (d & 0xffffffffL);
        }
        for (int last = end - 4; i <= last; i += 4) {
            sum += Octets.u32(array, i);
        }
        if (end - i >= 2) {
            sum += Octets.u16(array, i);
            i += 2;
        }
        if (i < end) {
            sum += (array[i] & 0xff) << 8;
        }
        return fold(sum);
    }

    /**
     * The sum of the IPv4 pseudo-header (RFC 9293 section 3.1, RFC 768).
     *
     * @param source address bits
     * @param destination address bits
     * @param protocol number, 0 to 255
     * @param length of the transport header and payload in octets, 0 to 65535
     * @return the ones' complement sum, 0 to 65535
     */
    public static int pseudoHeader(int source, int destination, int protocol, int length) {
        return fold((source & 0xffffffffL) + (destination & 0xffffffffL) + protocol + length);
    }

    /**
     * Adds two sums or deltas.
     *
     * @param a 0 to 65535
     * @param b 0 to 65535
     * @return their ones' complement sum, 0 to 65535
     */
    public static int add(int a, int b) {
        int s = a + b;
        return (s & 0xffff) + (s >>> 16);
    }

    /**
     * The delta of a changed 16-bit word.
     *
     * @param from the old word, 0 to 65535
     * @param to the new word, 0 to 65535
     * @return the delta, 0 to 65535
     */
    public static int delta16(int from, int to) {
        return add(~from & 0xffff, to & 0xffff);
    }

    /**
     * The delta of a changed 32-bit word.
     *
     * @param from the old word
     * @param to the new word
     * @return the delta, 0 to 65535
     */
    public static int delta32(int from, int to) {
        return fold((~from & 0xffffffffL) + (to & 0xffffffffL));
    }

    /**
     * Applies a delta to a checksum: {@code HC' = ~(~HC + delta)} (RFC 1624).
     *
     * @param checksum as it stands in the header, 0 to 65535
     * @param delta of what changed under it, 0 to 65535
     * @return the new checksum, 0 to 65535
     */
    public static int update(int checksum, int delta) {
        return ~add(~checksum & 0xffff, delta) & 0xffff;
    }
}
