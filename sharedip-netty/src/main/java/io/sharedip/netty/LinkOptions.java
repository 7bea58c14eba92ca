package io.sharedip.netty;

import io.sharedip.ConfigurationException;
import io.sharedip.packet.ChecksumState;
import java.util.Objects;

/**
 * What all links here can be told.
 *
 * @param mtu of the guest's card, octets
 * @param queue octets of room in each direction, a power of two
 * @param checksums of frames that arrive
 */
record LinkOptions(int mtu, int queue, ChecksumState checksums) {

    static final LinkOptions DEFAULT = new LinkOptions(1500, 1 << 19, ChecksumState.COMPLETE);

    /** The Ethernet header. */
    static final int SHORTEST_FRAME = 14;

    /** What QEMU takes at most. */
    static final int LONGEST_FRAME = 69_632;

    // a ring may keep a frame in one piece, so room for any frame at any position takes twice the longest
    private static final int LEAST_QUEUE = 1 << 18;
    private static final int MOST_QUEUE = 1 << 30;
    private static final int VLAN_TAG = 4;

    LinkOptions withMtu(String link, int most, int octets) {
        if (octets < 68 || octets > most) {
            throw new ConfigurationException(
                    link + ": MTU",
                    Integer.toString(octets),
                    "is out of range",
                    "choose 68 to " + most + ", most often 1500");
        }
        return new LinkOptions(octets, queue, checksums);
    }

    LinkOptions withQueue(String link, int octets) {
        if (octets < LEAST_QUEUE || octets > MOST_QUEUE) {
            throw new ConfigurationException(
                    link + ": queue",
                    Integer.toString(octets),
                    "is out of range",
                    "choose " + LEAST_QUEUE + " to " + MOST_QUEUE + " octets");
        }
        return new LinkOptions(mtu, Integer.highestOneBit(octets - 1) << 1, checksums);
    }

    LinkOptions withChecksums(ChecksumState state) {
        return new LinkOptions(mtu, queue, Objects.requireNonNull(state, "checksums"));
    }

    /** The longest frame of the MTU. */
    int frame() {
        return SHORTEST_FRAME + VLAN_TAG + mtu;
    }
}
