package io.sharedip.nat.internal.gateway;

/**
 * When a gateway's next housekeeping and next turn are due: soon after something happened, when a timer of a connection says so, and
 * seldom otherwise. Driver's thread.
 */
public final class Pace {

    /** Between two turns of a gateway in which something is under way. */
    public static final long TICK_NANOS = 1_000_000L;

    /** Between two turns of a gateway that has flows, fragments or anything else with a timer, and nothing to do. */
    private static final long QUIET_NANOS = 100_000_000L;
    /** Between two turns of a gateway in which nothing at all can happen by itself. */
    private static final long ASLEEP_NANOS = 1_000_000_000L;

    private long nextTick;
    private long nextTurn;

    /**
     * Both are due at once.
     *
     * @param nowNanos the gateway's time
     */
    public Pace(long nowNanos) {
        nextTick = nowNanos;
        nextTurn = nowNanos;
    }

    private static long sooner(long a, long b) {
        return a - b < 0 ? a : b;
    }

    /** Whether housekeeping is due. */
    public boolean isTickDue(long nowNanos) {
        return nextTick - nowNanos <= 0;
    }

    /** Something has happened: housekeeping is due soon. */
    public void happened(long nowNanos) {
        nextTick = sooner(nextTick, nowNanos + TICK_NANOS);
    }

    /** Housekeeping has been done by one who looks again all the time. */
    public void ticked(long nowNanos) {
        nextTick = nowNanos + TICK_NANOS;
    }

    /**
     * Housekeeping has been done by one who sleeps meanwhile.
     *
     * @param waiting whether something is under way whose timers run in milliseconds
     * @param idle whether nothing can happen by itself
     */
    public void ticked(long nowNanos, boolean waiting, boolean idle) {
        nextTick = nowNanos + (waiting ? TICK_NANOS : idle ? ASLEEP_NANOS : QUIET_NANOS);
    }

    /**
     * Plans the next turn.
     *
     * @param more whether this one has left something undone
     * @param untilDue until a connection's timer needs one, however long that is
     * @return nanoseconds until it is due
     */
    public long plan(long nowNanos, boolean more, long untilDue) {
        nextTurn = more ? nowNanos : sooner(nextTick, nowNanos + Math.min(ASLEEP_NANOS, untilDue));
        return Math.max(0, nextTurn - nowNanos);
    }

    /**
     * Something has happened outside a turn.
     *
     * @param untilDue as {@link #plan} has it
     * @return whether the next turn is due sooner than was planned, so that it must be asked for
     */
    public boolean hurries(long nowNanos, long untilDue) {
        happened(nowNanos);
        long due = sooner(nextTick, nowNanos + Math.min(TICK_NANOS, untilDue));
        if (nextTurn - due <= 0) {
            return false;
        }
        nextTurn = due;
        return true;
    }
}
