package io.sharedip.driver;

/**
 * Who drives a gateway: gives it turns on one thread, and runs there what must not happen between two of its steps. A driver serves one
 * gateway.
 *
 * <p>{@code io.sharedip.netty.EventLoopDriver} drives on an event loop, so that links of the same loop hand their frames to the engine
 * without a change of threads.
 *
 * <p>All methods are thread-safe.
 */
public interface GatewayDriver {

    /** The gateway, as its driver sees it. */
    @FunctionalInterface
    interface Turn {

        /**
         * Does what there is to do, without waiting. Driver's thread; never throws.
         *
         * @return nanoseconds until the next turn is due at the latest, 0 if at once, negative if there is none any more because the
         *     gateway is closed
         */
        long take();
    }

    /**
     * Begins: from now on the gateway gets its turns.
     *
     * @param turn given at once, then whenever it is due or {@link #wakeup} was called
     * @throws IllegalStateException if the driver drives a gateway already
     */
    void start(Turn turn);

    /** Lets the next turn begin at once; any number of calls before it count as one. */
    void wakeup();

    /**
     * Runs something on the driver's thread and waits for it: within the caller's own call if that is the driver's thread. To be called
     * before {@link #start} as well: a gateway is made where it will be driven.
     *
     * @param action to run; what it throws is thrown here
     */
    void run(Runnable action);

    /** Ends: no turn begins after this has returned, unless it is called from within one. Releases what the driver has of its own. */
    void stop();
}
