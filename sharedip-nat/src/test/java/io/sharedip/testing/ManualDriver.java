package io.sharedip.testing;

import io.sharedip.driver.GatewayDriver;
import org.jspecify.annotations.Nullable;

/** A driver whose turns the test gives, on the test's own thread. Not thread-safe, but for {@link #wakeup}. */
public final class ManualDriver implements GatewayDriver {

    private @Nullable Turn turn;
    private volatile int wakeups;
    private volatile boolean stopped;

    /** Makes a driver that drives nobody. */
    public ManualDriver() {}

    /** Gives a turn. @return nanoseconds until the next one is due, as the gateway says */
    public long turn() {
        if (turn == null) {
            throw new IllegalStateException("nothing to drive");
        }
        return turn.take();
    }

    /** Gives turns until none is due at once. @return nanoseconds until the next one is due */
    public long turns() {
        for (int i = 0; i < 10_000; i++) {
            long due = turn();
            if (due != 0) {
                return due;
            }
        }
        throw new AssertionError("the gateway never comes to rest");
    }

    /** How often the gateway asked for a turn. @return since the start */
    public int wakeups() {
        return wakeups;
    }

    /** Whether the gateway has ended. @return true once stopped */
    public boolean isStopped() {
        return stopped;
    }

    @Override
    public void start(Turn given) {
        if (turn != null) {
            throw new IllegalStateException("drives a gateway already");
        }
        turn = given;
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // a lost count is as good as a wakeup that was merged
    public void wakeup() {
        wakeups++;
    }

    @Override
    public void run(Runnable action) {
        action.run();
    }

    @Override
    public void stop() {
        stopped = true;
    }
}
