package io.sharedip.nat;

import io.sharedip.nat.internal.gateway.BackoffIdleStrategy;

/**
 * What the gateway's own driver thread does when there is nothing to do. An instance belongs to one gateway.
 *
 * <p>{@link #idle} is called by the driver thread, {@link #wakeup} by any thread.
 */
public interface IdleStrategy {

    /**
     * Called after every turn of the driver.
     *
     * @param work frames and commands handled in that turn; with 0 the strategy may wait, though never more than 100 ms, for timers
     *     depend on it
     */
    void idle(int work);

    /** Ends a wait that is going on or about to begin. Must not block. */
    default void wakeup() {}

    /**
     * Spins a little, then sleeps until a link wakes it or 10 ms have passed. The default: no load when idle, some tens of
     * microseconds when woken.
     *
     * @return a new strategy
     */
    static IdleStrategy backoff() {
        return new BackoffIdleStrategy();
    }

    /**
     * Never sleeps: least latency, one processor always busy.
     *
     * @return a new strategy
     */
    static IdleStrategy busySpin() {
        return work -> {
            if (work == 0) {
                Thread.onSpinWait();
            }
        };
    }
}
