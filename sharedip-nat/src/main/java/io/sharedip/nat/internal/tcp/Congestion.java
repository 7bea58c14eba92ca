package io.sharedip.nat.internal.tcp;

/**
 * The congestion window (RFC 5681, RFC 6582), in octets. It grows by what is acknowledged (RFC 3465), at most by ten segments at a time,
 * the burst that an initial window allows too (RFC 6928): guests acknowledge many segments at once. It does not grow while it is not used
 * (RFC 7661), and knows nothing of a link that takes nothing, which is no congestion of a network.
 */
final class Congestion {

    private static final int MOST = 1 << 28;
    private static final int BURST = 10;

    private int segment;
    private int window;
    private int slowStartThreshold = MOST;
    private int acknowledged;
    /** The window has kept something back since it has grown last. */
    private boolean limiting;

    /** RFC 6928 section 2. */
    private int initialWindow() {
        return Math.min(BURST * segment, Math.max(2 * segment, 14_600));
    }

    void begin(int segment) {
        this.segment = segment;
        window = initialWindow();
    }

    /** The SYN was lost (RFC 5681 section 3.1). */
    void synWasLost() {
        window = segment;
    }

    void segment(int octets) {
        segment = octets;
        window = Math.max(window, octets);
    }

    int window() {
        return window;
    }

    void limits() {
        limiting = true;
    }

    void acknowledged(int octets, int flightBefore) {
        if (window < slowStartThreshold) {
            if (limiting || flightBefore >= window / 2) {
                window = Math.min(MOST, window + Math.min(octets, BURST * segment));
            }
        } else if (limiting) {
            acknowledged += octets;
            if (acknowledged >= window) {
                acknowledged -= window;
                window = Math.min(MOST, window + segment);
            }
        }
        limiting = false;
    }

    /** RFC 5681 equation 4. */
    private void halve(int flight) {
        slowStartThreshold = Math.max(flight / 2, 2 * segment);
        acknowledged = 0;
    }

    void fastRecovery(int flight) {
        halve(flight);
        window = slowStartThreshold;
    }

    /** RFC 6582 section 3.2, step 3, the careful of its two choices. */
    void recovered(int flight) {
        window = Math.min(slowStartThreshold, Math.max(flight, segment) + segment);
    }

    void timeout(int flight, boolean first) {
        if (first) {
            halve(flight);
        }
        window = segment;
        acknowledged = 0;
    }

    /** Nothing was sent for longer than a retransmission timeout (RFC 5681 section 4.1). */
    void restart() {
        window = Math.min(window, initialWindow());
    }
}
