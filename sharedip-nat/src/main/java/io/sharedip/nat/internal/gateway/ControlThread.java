package io.sharedip.nat.internal.gateway;

import io.sharedip.GatewayClosedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The thread on which changes are made that take several steps, some of which block: opening a link, claiming a port, waiting for
 * the engine. One after the other, so that changes happen in the order in which they were asked for.
 */
public final class ControlThread {

    private final ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "sharedip-control");
        thread.setDaemon(true);
        return thread;
    });

    /**
     * Queues a change. Any thread.
     *
     * @param steps run one after the other; what they throw is the stage's failure
     * @return completes on a thread where one may block; fails if the thread has been stopped
     */
    public <T extends @Nullable Object> CompletableFuture<T> submit(Supplier<T> steps) {
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            executor.execute(() -> run(steps, result));
        } catch (RejectedExecutionException e) {
            GatewayClosedException closed = new GatewayClosedException("the gateway is closed", null);
            Results.THREADS.execute(() -> result.completeExceptionally(closed));
        }
        return result;
    }

    private static <T extends @Nullable Object> void run(Supplier<T> steps, CompletableFuture<T> result) {
        try {
            T value = steps.get();
            Results.THREADS.execute(() -> result.complete(value));
        } catch (Throwable e) {
            Throwable failure = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
            Results.THREADS.execute(() -> result.completeExceptionally(failure));
        }
    }

    /** Does something again and again until the thread is stopped; what it throws ends the repetition. */
    public void repeat(long seconds, Runnable action) {
        var unused = executor.scheduleWithFixedDelay(action, seconds, seconds, TimeUnit.SECONDS);
    }

    /** Takes no more changes. Those that are queued still run, and fail when they ask the engine of a closed gateway. */
    public void stop() {
        executor.shutdown();
    }

    /** Waits for what still runs. @return false if it did not end in time */
    public boolean awaitStopped(long seconds) {
        boolean interrupted = false;
        try {
            return executor.awaitTermination(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            interrupted = true;
            return false;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
