package io.sharedip.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.netty.internal.transport.Transport;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The event loop that serves a link: one of the embedder's, or a daemon thread of the link's own. Thread-safe. */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class LinkLoop {

    static final long OPEN_MILLIS = 5000;
    static final long CLOSE_MILLIS = 150;

    private final Transport transport;
    private final EventLoop loop;
    private final @Nullable EventLoopGroup own;

    private LinkLoop(Transport transport, EventLoop loop, @Nullable EventLoopGroup own) {
        this.transport = transport;
        this.loop = loop;
        this.own = own;
    }

    /**
     * The transport of an embedder's group.
     *
     * @throws ConfigurationException if it is none of those known here
     */
    static Transport transportOf(EventLoopGroup group) {
        Transport transport = Transport.of(group);
        if (transport == null) {
            throw new ConfigurationException(
                    "event loop group",
                    group.getClass().getSimpleName(),
                    "is not one for NIO, epoll or io_uring",
                    "make a MultiThreadIoEventLoopGroup with NioIoHandler, EpollIoHandler or IoUringIoHandler");
        }
        return transport;
    }

    /** The calling thread's own loop if it is one of the group, since it cannot wait for another that waits for it; else the next one. */
    static LinkLoop of(EventLoopGroup group) {
        EventLoop chosen = null;
        for (EventExecutor executor : group) {
            if (executor instanceof EventLoop candidate && candidate.inEventLoop()) {
                chosen = candidate;
            }
        }
        return new LinkLoop(transportOf(group), chosen != null ? chosen : group.next(), null);
    }

    /** A new one on a thread of its own. */
    static LinkLoop ofItsOwn(Transport transport, String thread) {
        EventLoopGroup group = transport.newLoop(thread);
        return new LinkLoop(transport, group.next(), group);
    }

    EventLoop loop() {
        return loop;
    }

    Transport transport() {
        return transport;
    }

    boolean inEventLoop() {
        return loop.inEventLoop();
    }

    /** Runs something on the loop and waits for it, unless this is the loop, which runs it at once. */
    Future<?> run(Runnable task, long millis) {
        if (loop.inEventLoop()) {
            try {
                task.run();
                return loop.newSucceededFuture(true);
            } catch (RuntimeException e) {
                return loop.newFailedFuture(e);
            }
        }
        Future<?> done = loop.submit(task);
        done.awaitUninterruptibly(millis);
        return done;
    }

    /** Waits for what the loop does, unless this is the loop, which has done it by now or cannot be waited for. */
    void await(Future<?> future, long millis) {
        if (!loop.inEventLoop()) {
            future.awaitUninterruptibly(millis);
        }
    }

    /** Runs something on the loop soon; not at all if the embedder has shut it down. */
    void execute(Runnable task) {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException ignored) {
            // which has ended every channel too
        }
    }

    /** Ends the thread if it is the link's own. */
    void end() {
        if (own != null) {
            Future<?> ended = own.shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS);
            await(ended, CLOSE_MILLIS);
        }
    }

    /** What a link says that was given a loop which has ended. */
    static LinkException isGone(String link, RejectedExecutionException cause) {
        return new LinkException(
                link, "the event loop group it was given is shut down", "give it one that runs", cause);
    }
}
