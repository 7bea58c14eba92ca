package io.sharedip.examples.lab;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for conditions, never for a fixed time. */
public final class Waiting {
    private static final long STEP_MILLIS = 20;

    private Waiting() {}

    /**
     * Waits until a condition holds.
     *
     * @param limit how long at most
     * @param condition asked again and again
     * @return whether it held in time
     */
    public static boolean until(Duration limit, BooleanSupplier condition) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(STEP_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }

    /**
     * Waits until a condition holds, and fails if it does not.
     *
     * @param what is waited for, for the message
     * @param limit how long at most
     * @param condition asked again and again
     */
    public static void require(String what, Duration limit, BooleanSupplier condition) {
        if (!until(limit, condition)) {
            throw new LabException("waited " + limit.toSeconds() + " s in vain for " + what);
        }
    }
}
