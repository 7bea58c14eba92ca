package io.sharedip.nat.internal.tcp;

/**
 * What all endpoints of one gateway share: the memory of their rings, and how much of it one connection may have. Confined to the
 * engine's thread, as they are.
 */
public final class TcpShared {

    /** What every connection may always buffer in each direction, in octets. */
    static final int BASE_RING = 1 << 16;

    /** For what goes to guests. */
    final RingPool pool;
    /** For what comes early from guests, apart, so that no guest's holes keep others from sending faster. */
    final RingPool early;

    final TcpOptions options = new TcpOptions();
    final int largestRing;

    /**
     * Sets the bounds.
     *
     * @param largestRing most octets that one connection buffers towards its guest: a power of two, 65,536 to 16,777,216
     * @param ringBudget octets that all connections together may buffer beyond 65,536 each, in each direction
     */
    public TcpShared(int largestRing, long ringBudget) {
        if (Integer.bitCount(largestRing) != 1 || largestRing < BASE_RING || largestRing > 1 << 24) {
            throw new IllegalArgumentException(
                    "largest ring " + largestRing + " is no power of two from 65536 to 16777216");
        }
        this.largestRing = largestRing;
        this.pool = new RingPool(ringBudget);
        this.early = new RingPool(ringBudget);
    }

    /**
     * What rings take at present.
     *
     * @return octets
     */
    public long memory() {
        return pool.lent() + early.lent();
    }
}
