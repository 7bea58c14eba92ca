package io.sharedip.nat.internal.gateway;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

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
}
