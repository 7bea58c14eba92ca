package io.sharedip.nat;

import io.sharedip.ConfigurationException;

/**
 * How TCP segments are judged and changed beyond their addresses.
 *
 * <p>Immutable and thread-safe.
 *
 * @param windowChecks whether segments outside the windows that both sides have announced are dropped, so that nobody who cannot see
 *     a connection can disturb it; on by default
 * @param midStreamPickup whether a guest's segment in the middle of a connection that the gateway does not know begins a flow, e.g.
 *     after a restart without a snapshot; off by default
 * @param mssClamp what a SYN's maximum segment size is lowered to where it is larger: 88 to 65,495 octets, {@link #MSS_OF_LINK}, or 0,
 *     the default, to leave it alone
 * @param answerUnsolicitedSyn whether a SYN from outside that no mapping lets in is answered with ICMP 3/3 once 6 s have passed
 *     without a SYN of the guest to that peer (RFC 5382 REQ-4); off by default, which is the silence that REQ-4 a) allows
 */
public record TcpTracking(boolean windowChecks, boolean midStreamPickup, int mssClamp, boolean answerUnsolicitedSyn) {

    /** For {@link #mssClamp}: what fits into the MTU of the smaller of the two links on the way. */
    public static final int MSS_OF_LINK = -1;

    private static final int LEAST_MSS = 88;
    private static final int MOST_MSS = 65_495;
    private static final TcpTracking DEFAULTS = new TcpTracking(true, false, 0, false);

    /**
     * Checks the range.
     *
     * @param windowChecks whether segments outside the windows are dropped
     * @param midStreamPickup whether flows begin in mid-stream
     * @param mssClamp 88 to 65,495, {@link #MSS_OF_LINK}, or 0 for none
     * @param answerUnsolicitedSyn whether an unsolicited SYN is answered after 6 s
     * @throws ConfigurationException if {@code mssClamp} is out of range
     */
    public TcpTracking {
        if (mssClamp != 0 && mssClamp != MSS_OF_LINK && (mssClamp < LEAST_MSS || mssClamp > MOST_MSS)) {
            throw new ConfigurationException(
                    "mss-clamp", String.valueOf(mssClamp), "is out of range", "use 88 to 65495, or 0 for none");
        }
    }

    /**
     * The defaults given above.
     *
     * @return always the same object
     */
    public static TcpTracking defaults() {
        return DEFAULTS;
    }

    /**
     * This with another {@link #windowChecks}.
     *
     * @param on whether they are made
     * @return a new object
     */
    public TcpTracking withWindowChecks(boolean on) {
        return new TcpTracking(on, midStreamPickup, mssClamp, answerUnsolicitedSyn);
    }

    /**
     * This with another {@link #midStreamPickup}.
     *
     * @param on whether flows begin in mid-stream
     * @return a new object
     */
    public TcpTracking withMidStreamPickup(boolean on) {
        return new TcpTracking(windowChecks, on, mssClamp, answerUnsolicitedSyn);
    }

    /**
     * This with another {@link #mssClamp}.
     *
     * @param octets 88 to 65,495, {@link #MSS_OF_LINK}, or 0 for none
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public TcpTracking withMssClamp(int octets) {
        return new TcpTracking(windowChecks, midStreamPickup, octets, answerUnsolicitedSyn);
    }

    /**
     * This with another {@link #answerUnsolicitedSyn}.
     *
     * @param on whether it is answered
     * @return a new object
     */
    public TcpTracking withAnswerUnsolicitedSyn(boolean on) {
        return new TcpTracking(windowChecks, midStreamPickup, mssClamp, on);
    }
}
