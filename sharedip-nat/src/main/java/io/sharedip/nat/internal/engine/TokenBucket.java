package io.sharedip.nat.internal.engine;

/** Bounds how often something is said: a burst, then a steady rate. Time is a parameter. */
final class TokenBucket {

    private static final long SECOND = 1_000_000_000L;

    private final long nanosPerToken;
    private final long depth;
    private long full;
    private boolean used;

    /**
     * Makes a full bucket.
     *
     * @param perSecond tokens a second, 0 for a bucket that is always empty
     * @param burst tokens at once, 1 or more
     */
    TokenBucket(int perSecond, int burst) {
        nanosPerToken = perSecond == 0 ? Long.MAX_VALUE / 2 : SECOND / perSecond;
        depth = perSecond == 0 ? 0 : nanosPerToken * burst;
    }

    /** Takes a token if there is one. */
    boolean take(long nowNanos) {
        // `full` is when the bucket would be full again if nothing more were taken
        if (!used || full - nowNanos < 0) {
            full = nowNanos;
            used = true;
        }
        if (full - nowNanos + nanosPerToken > depth) {
            return false;
        }
        full += nanosPerToken;
        return true;
    }
}
