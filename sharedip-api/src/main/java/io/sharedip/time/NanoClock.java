package io.sharedip.time;

/**
 * A source of monotonic nanoseconds for whoever drives an engine. The engine itself never reads a clock: every entry point
 * takes {@code nowNanos}.
 *
 * <p>Values have an arbitrary origin, may be negative and may wrap around; they are compared by subtraction
 * ({@code a - b < 0}), as with {@link System#nanoTime()}. Implementations must be thread-safe and must not go backwards.
 */
@FunctionalInterface
public interface NanoClock {

    /**
     * The current reading.
     *
     * @return nanoseconds since an arbitrary origin
     */
    long nanoTime();

    /**
     * The clock of the Java virtual machine.
     *
     * @return a clock that reads {@link System#nanoTime()}
     */
    static NanoClock system() {
        return System::nanoTime;
    }
}
