package io.sharedip.packet;

/**
 * What is known of the transport checksum in a frame. The IPv4 header checksum is always complete.
 *
 * @see Frame#checksumState()
 */
public enum ChecksumState {
    /** The checksum is as it would be on the wire and may be verified; it may be wrong. */
    COMPLETE,

    /**
     * The field holds the sum of the pseudo-header only, as an operating system leaves it for a card that does the rest. An
     * incremental update of such a field makes garbage; it has to be computed in full.
     */
    PARTIAL,

    /** The data are known to be good (a card or an emulator says so) but the field is not: compute it in full. */
    RECOMPUTE
}
