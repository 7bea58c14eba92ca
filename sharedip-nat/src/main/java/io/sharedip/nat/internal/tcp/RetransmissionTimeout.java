package io.sharedip.nat.internal.tcp;

/**
 * The retransmission timeout (RFC 6298) of one connection. As Linux does, the part that stands for variance is never less than 200 ms, so
 * that delayed acknowledgments cause no retransmissions, where RFC 6298 section 2.4 would have a whole second.
 */
final class RetransmissionTimeout {

    /** The least, and the largest. */
    static final long LEAST = 200_000_000L;

    static final long MOST = 120_000_000_000L;

    private static final long INITIAL = 1_000_000_000L;

    private long smoothed;
    private long variance;
    private long timeout = INITIAL;
    private int backoff;

    /** Takes a measurement of a segment that was sent once, or that timestamps made unambiguous (RFC 6298 section 3). */
    void measured(long nanos) {
        long r = Math.max(0, Math.min(nanos, MOST));
        if (smoothed == 0) {
            smoothed = Math.max(1, r);
            variance = r / 2;
        } else {
            variance += (Math.abs(smoothed - r) - variance) / 4;
            smoothed = Math.max(1, smoothed + (r - smoothed) / 8);
        }
        timeout = Math.min(MOST, smoothed + Math.max(LEAST, 4 * variance));
        backoff = 0;
    }

    /** The present timeout in nanoseconds. */
    long nanos() {
        return backoff == 0 ? timeout : Math.min(MOST, timeout << backoff);
    }

    /** Section 5.5. */
    void backOff() {
        if (backoff < 10) {
            backoff++;
        }
    }

    /**
     * Something was acknowledged that measures nothing, being sent twice. Karn's algorithm would keep the timeout until a segment gets
     * through at its first try, which on a bad link takes minutes; so it comes down as it went up.
     */
    void progressed() {
        if (backoff > 0) {
            backoff--;
        }
    }

    void forgetBackoff() {
        backoff = 0;
    }

    /** Section 5.7: the SYN was lost, so the first flight waits longer. */
    void synWasRetransmitted() {
        timeout = Math.max(timeout, 3 * INITIAL);
        backoff = 0;
    }
}
