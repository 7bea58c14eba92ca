package io.sharedip.nat.internal.engine;

/**
 * How a datagram came, packed into an int that travels with it: in how many frames, and how long the largest of its fragments was. What
 * came in fragments leaves in fragments that are no larger, so that a path which its sender has found out is not put to the test again.
 */
final class Fragmentation {

    /** It came in one frame. */
    static final int WHOLE = 1 << 16;

    private Fragmentation() {}

    /**
     * Packs.
     *
     * @param frames 1 to 8191
     * @param largest total length of the largest fragment, in octets
     */
    static int of(int frames, int largest) {
        return frames << 16 | largest;
    }

    /** In how many frames it came. */
    static int frames(int fragmentation) {
        return fragmentation >>> 16;
    }

    /** The total length of the largest fragment, 0 if it came whole. */
    static int largest(int fragmentation) {
        return fragmentation & 0xffff;
    }

    /** The longest packet that it may leave in, on a link with an MTU. */
    static int limit(int fragmentation, int mtu) {
        int largest = largest(fragmentation);
        return largest == 0 ? mtu : Math.min(largest, mtu);
    }

    /** Whether a packet exceeds an MTU in a way that its sender, who forbids to fragment, has to hear of. */
    static boolean isTooBig(PacketContext c, int mtu) {
        int largest = largest(c.fragmentation);
        int size = largest == 0 ? c.totalLength : largest;
        return size > mtu && c.dontFragment() && c.frame.segmentSize() == 0;
    }
}
