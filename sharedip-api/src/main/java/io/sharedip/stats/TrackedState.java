package io.sharedip.stats;

/** Where a tracked flow stands. */
public enum TrackedState {
    /** UDP or ICMP, and only one side has sent. */
    UNREPLIED,
    /** UDP or ICMP, and both sides have sent. */
    REPLIED,
    /** TCP before the handshake is complete. */
    HALF_OPEN,
    /** TCP after the handshake. */
    ESTABLISHED,
    /** TCP after one side's FIN. */
    HALF_CLOSED,
    /** TCP after both sides' FINs. */
    CLOSED,
    /** TCP after a reset. */
    RESET
}
