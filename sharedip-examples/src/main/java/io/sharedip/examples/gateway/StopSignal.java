package io.sharedip.examples.gateway;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Carries the wish to end (SIGTERM, SIGINT) to the thread that runs the gateway, which alone cleans up.
 *
 * <p>A JVM that is told to end by a signal exits with 128 plus the signal's number, whatever its hooks do, unless a hook halts it. So
 * the hook waits until everything is closed and then halts with the code that was asked for.
 */
final class StopSignal {

    /** More than the ten seconds that closing a gateway may take. */
    private static final Duration LONGEST_END = Duration.ofSeconds(20);

    private final CountDownLatch requested = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Listens to the JVM's signals until the returned thing is closed. */
    Installed install() {
        Thread hook = new Thread(this::stopAndHalt, "gateway-stop");
        Runtime.getRuntime().addShutdownHook(hook);
        return () -> {
            ended.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The JVM is ending, and the hook, which now goes on, will halt it.
                return;
            }
        };
    }

    /** Ends the listening. */
    @FunctionalInterface
    interface Installed extends AutoCloseable {
        @Override
        void close();
    }

    private void stopAndHalt() {
        request();
        boolean clean = false;
        try {
            clean = ended.await(LONGEST_END.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        System.out.flush();
        Runtime.getRuntime().halt(clean ? ExitCode.DONE : ExitCode.FAILED);
    }

    /** Asks for the end. */
    void request() {
        requested.countDown();
    }

    boolean isRequested() {
        return requested.getCount() == 0;
    }

    /** Waits for the wish to end, returns whether it came. */
    boolean await(Duration limit) {
        try {
            return requested.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
