package io.sharedip.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import java.net.SocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The listening socket of one or more links: open while any of them is. Thread-safe. Everything about one socket happens on
 * one event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class StreamServer {

    private static final long OPEN_MILLIS = 5000;
    private static final long CLOSE_MILLIS = 150;

    private final StreamAddress address;
    private final @Nullable EventLoopGroup given;
    private final Set<MacAddress> expected = ConcurrentHashMap.newKeySet();
    private @Nullable Running running;
    private int links;

    /** What there is while the socket is open. */
    private record Running(
            EventLoopGroup group, StreamAddress.Bound bound, Channel listening, StreamAcceptor acceptor) {}

    StreamServer(StreamAddress address, @Nullable EventLoopGroup given) {
        if (given != null && !(given instanceof IoEventLoopGroup io && io.isIoType(NioIoHandler.class))) {
            throw new ConfigurationException(
                    "event loop group",
                    given.getClass().getSimpleName(),
                    "is not one for NIO",
                    "make it with NioIoHandler.newFactory()");
        }
        this.address = address;
        this.given = given;
    }

    StreamAddress address() {
        return address;
    }

    /** Says that a link for this guest is going to be opened. */
    void expect(MacAddress mac) {
        expected.add(mac);
    }

    synchronized @Nullable SocketAddress localAddress() {
        return running != null ? running.bound.address() : null;
    }

    synchronized void open(QemuStreamLink link) {
        Running now = running != null ? running : start(link.name());
        running = now;
        try {
            Future<?> added = run(now.acceptor.loop(), () -> now.acceptor.add(link), OPEN_MILLIS);
            Throwable cause = added.cause();
            if (cause instanceof ConfigurationException wrong) {
                throw wrong;
            }
            if (!added.isSuccess()) {
                now.acceptor.loop().execute(() -> now.acceptor.remove(link));
                throw new LinkException(link.name(), "its event loop does not answer", null, cause);
            }
            links++;
        } catch (RejectedExecutionException e) {
            throw loopsAreGone(link.name(), e);
        } finally {
            if (links == 0) {
                stop();
            }
        }
    }

    synchronized void close(QemuStreamLink link) {
        MacAddress mac = link.guest();
        if (mac != null) {
            expected.remove(mac);
        }
        Running now = running;
        if (now == null) {
            return;
        }
        if (links == 1) {
            // first, so that the guest's next attempt finds nobody
            closeListening(now);
        }
        try {
            run(now.acceptor.loop(), () -> now.acceptor.remove(link), CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, and with them every connection
        }
        if (--links == 0) {
            stop();
        }
    }

    /** Takes the guest back off the list if its link was never opened. */
    void forget(MacAddress mac) {
        expected.remove(mac);
    }

    private Running start(String link) {
        StreamAddress.Bound bound = address.bind(link);
        Channel listening = null;
        EventLoopGroup group = null;
        boolean started = false;
        try {
            group = given != null ? given : ownGroup();
            listening = bound.channel();
            EventLoop loop = loop(group);
            StreamAcceptor acceptor = new StreamAcceptor(loop, expected::contains);
            listening.pipeline().addLast(acceptor);
            Running made = new Running(group, bound, listening, acceptor);
            ChannelFuture registered = loop.register(listening);
            registered.awaitUninterruptibly(OPEN_MILLIS);
            if (registered.cause() instanceof RejectedExecutionException e) {
                throw loopsAreGone(link, e);
            }
            if (!registered.isSuccess()) {
                throw new LinkException(link, "cannot listen on " + address, null, registered.cause());
            }
            started = true;
            return made;
        } finally {
            if (!started) {
                if (listening != null) {
                    listening.unsafe().closeForcibly();
                }
                bound.clean();
                if (group != null && group != given) {
                    end(group);
                }
            }
        }
    }

    private static LinkException loopsAreGone(String link, RejectedExecutionException cause) {
        return new LinkException(
                link, "the event loop group it was given is shut down", "give it one that runs", cause);
    }

    private static EventLoopGroup ownGroup() {
        return new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("sharedip-qemu", true), NioIoHandler.newFactory());
    }

    /** The event loop this thread is, if it is one of the group, since it cannot wait for another that waits for it. */
    private static EventLoop loop(EventLoopGroup group) {
        for (EventExecutor executor : group) {
            if (executor instanceof EventLoop loop && loop.inEventLoop()) {
                return loop;
            }
        }
        return group.next();
    }

    private void stop() {
        Running now = running;
        running = null;
        if (now == null) {
            return;
        }
        closeListening(now);
        try {
            run(now.acceptor.loop(), now.acceptor::stop, CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // see close
        }
        now.bound.clean();
        if (now.group != given) {
            end(now.group);
        }
    }

    private static void closeListening(Running now) {
        try {
            now.listening.close().awaitUninterruptibly(now.acceptor.loop().inEventLoop() ? 0 : CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // see close
        }
    }

    private static void end(EventLoopGroup group) {
        group.shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS).awaitUninterruptibly(CLOSE_MILLIS);
    }

    /** Runs something on the loop and waits for it, unless this is the loop, which runs it at once. */
    private static Future<?> run(EventLoop loop, Runnable task, long millis) {
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
}
