package io.sharedip.nat.internal.flow;

import java.util.Random;

/**
 * A keyed hash of two words. Peers choose the tuples that are hashed, so without a secret they could choose tuples that collide.
 * Two rounds of a folded 64 x 64 bit multiplication, each with a secret operand.
 */
public final class KeyedHash {

    private final long k0;
    private final long k1;
    private final long k2;
    private final long k3;

    /**
     * Draws the keys.
     *
     * @param random a secure source, except in tests that must repeat
     */
    public KeyedHash(Random random) {
        k0 = random.nextLong();
        k1 = random.nextLong();
        k2 = random.nextLong();
        k3 = random.nextLong() | 1;
    }

    /** A 32-bit hash; all bits are usable. */
    public int hash(long a, long b) {
        long x = a ^ k0;
        long y = b ^ k1;
        long h = x * y ^ Math.multiplyHigh(x, y);
        x = h ^ k2;
        y = k3 ^ Long.rotateLeft(a, 32) + b;
        h = x * y ^ Math.multiplyHigh(x, y);
        return (int) (h ^ h >>> 32);
    }
}
