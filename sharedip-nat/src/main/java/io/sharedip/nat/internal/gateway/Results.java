package io.sharedip.nat.internal.gateway;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Where the stages that the handle returns complete. What depends on a stage may block, also for another stage, so there is a thread for
 * each that runs; not the common pool, which others may have blocked. Threads end when idle.
 */
final class Results {

    static final Executor THREADS =
            new ThreadPoolExecutor(0, Integer.MAX_VALUE, 1, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                Thread thread = new Thread(task, "sharedip-results");
                thread.setDaemon(true);
                return thread;
            });

    private Results() {}

    /** Does something that may block, such as reading a stream. Any thread. */
    static <T> CompletableFuture<T> supply(Supplier<T> steps) {
        CompletableFuture<T> result = new CompletableFuture<>();
        THREADS.execute(() -> {
            try {
                result.complete(steps.get());
            } catch (Throwable e) {
                result.completeExceptionally(
                        e instanceof CompletionException && e.getCause() != null ? e.getCause() : e);
            }
        });
        return result;
    }
}
