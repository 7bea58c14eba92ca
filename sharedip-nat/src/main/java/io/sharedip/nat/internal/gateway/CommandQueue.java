package io.sharedip.nat.internal.gateway;

import io.sharedip.GatewayClosedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Changes on their way to the engine: any thread submits, the driver's thread runs them between packets. Results are handed over on
 * another thread, so that nobody's dependent action runs on the packet path.
 */
public final class CommandQueue {

    private record Command<T extends @Nullable Object>(Supplier<T> action, CompletableFuture<T> result) {

        void run() {
            try {
                T value = action.get();
                Results.THREADS.execute(() -> result.complete(value));
            } catch (Throwable e) {
                fail(e);
            }
        }

        void fail(Throwable e) {
            Results.THREADS.execute(() -> result.completeExceptionally(e));
        }
    }

    private final ConcurrentLinkedQueue<Command<?>> commands = new ConcurrentLinkedQueue<>();
    private final Runnable wakeup;
    private volatile @Nullable GatewayClosedException closed;

    /**
     * Makes an empty queue.
     *
     * @param wakeup tells an idle driver that there is something to do
     */
    public CommandQueue(Runnable wakeup) {
        this.wakeup = wakeup;
    }

    /** Queues a change. Any thread. */
    public <T extends @Nullable Object> CompletableFuture<T> submit(Supplier<T> action) {
        CompletableFuture<T> result = new CompletableFuture<>();
        commands.add(new Command<>(action, result));
        if (closed != null) {
            failPending();
        } else {
            wakeup.run();
        }
        return result;
    }

    /** Queues a change and waits until it is made; what it throws is thrown here. Any thread but the driver's. */
    public <T extends @Nullable Object> T await(Supplier<T> action) {
        return submit(action).join();
    }

    /** Runs what waits, up to a limit. Driver's thread. @return how many were run */
    public int run(int limit) {
        int count = 0;
        while (count < limit) {
            Command<?> command = commands.poll();
            if (command == null) {
                break;
            }
            command.run();
            count++;
        }
        return count;
    }

    /** Fails what waits and whatever comes. Any thread. */
    public void close(GatewayClosedException reason) {
        closed = reason;
        failPending();
    }

    private void failPending() {
        GatewayClosedException reason = closed;
        if (reason != null) {
            for (Command<?> command = commands.poll(); command != null; command = commands.poll()) {
                command.fail(reason);
            }
        }
    }
}
