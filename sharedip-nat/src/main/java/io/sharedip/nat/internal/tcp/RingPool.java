package io.sharedip.nat.internal.tcp;

/**
 * Arrays for rings, of sizes that are powers of two, used again and again; and the budget out of which rings grow beyond what every
 * connection may have.
 */
final class RingPool {

    /** The smallest array: 16 KiB. */
    static final int SMALLEST = 1 << 14;

    private static final int SMALLEST_BITS = 14;
    /** Up to 64 MiB, the most that a stream may have room for. */
    private static final int CLASSES = 13;

    private static final int KEPT_OF_A_CLASS = 64;
    private static final int KEPT_OCTETS = 16 << 20;

    private final byte[][][] kept = new byte[CLASSES][KEPT_OF_A_CLASS][];
    private final int[] counts = new int[CLASSES];
    private int keptOctets;
    private long lent;
    private long budget;

    RingPool(long budget) {
        this.budget = budget;
    }

    private static int sizeClass(int size) {
        return Integer.numberOfTrailingZeros(size) - SMALLEST_BITS;
    }

    /** The size of array that holds so many octets. */
    static int sizeFor(int octets) {
        return octets <= SMALLEST ? SMALLEST : Integer.highestOneBit(octets - 1) << 1;
    }

    /** Octets of all arrays lent at present. */
    long lent() {
        return lent;
    }

    /** Sets octets of the budget aside. @return false if so many are not left */
    boolean reserve(int octets) {
        if (budget < octets) {
            return false;
        }
        budget -= octets;
        return true;
    }

    void unreserve(int octets) {
        budget += octets;
    }

    /** Lends an array, of what content whatever. */
    byte[] take(int size) {
        lent += size;
        int c = sizeClass(size);
        int count = counts[c];
        if (count == 0) {
            return new byte[size];
        }
        byte[] array = kept[c][count - 1];
        kept[c][count - 1] = NONE;
        counts[c] = count - 1;
        keptOctets -= size;
        return array;
    }

    private static final byte[] NONE = {};

    void giveBack(byte[] array) {
        int size = array.length;
        lent -= size;
        int c = sizeClass(size);
        if (counts[c] < KEPT_OF_A_CLASS && keptOctets + size <= KEPT_OCTETS) {
            kept[c][counts[c]++] = array;
            keptOctets += size;
        }
    }
}
