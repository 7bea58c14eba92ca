package io.sharedip.testing;

import io.sharedip.time.NanoClock;
import java.time.Duration;

/** A clock that moves only when told to. Not thread-safe beyond visibility. */
public final class ManualClock implements NanoClock {

    private volatile long now;

    /**
     * Makes a clock.
     *
     * @param start its first reading; any value, so that tests can cross the wrap-around
     */
    public ManualClock(long start) {
        now = start;
    }

    @Override
    public long nanoTime() {
        return now;
    }

    /**
     * Moves the clock.
     *
     * @param by 0 or more
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
    public void advance(Duration by) {
        now += by.toNanos();
    }
}
