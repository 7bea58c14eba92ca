package io.sharedip.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.sharedip.ConfigurationException;
import io.sharedip.driver.GatewayDriver;
import io.sharedip.netty.internal.transport.Transport;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Drives a gateway on one event loop of Netty. Links and sockets of the same loop hand what they read straight to the engine:
 *
 * <pre>{@code
 * EventLoopDriver driver = EventLoopDriver.ownLoop(SocketTransport.NIO);
 * NatGateway.builder()
 *         .driver(driver)
 *         .guest(Guest.of("web", "52:54:00:00:00:01", "192.0.2.10", QemuStreamLink.listen("unix:/run/web.sock", driver.group())))
 * }</pre>
 *
 * <p>A turn is given after what the loop has read, written and been asked to run, and at most one between two rounds of input and
 * output: a gateway that always has something to do does not keep the loop from its channels.
 *
 * <p>{@link #ownLoop} makes a daemon thread named {@code sharedip-loop}, which {@link #stop} ends. With {@link #on} the loop stays the
 * embedder's, and whatever else runs on it must not block.
 *
 * <p>Thread-safe. A driver serves one gateway.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
public final class EventLoopDriver implements GatewayDriver {

    private static final long STOP_MILLIS = 1000;
    private static final long SHUTDOWN_MILLIS = 2000;

    private final IoEventLoop loop;
    private final Transport transport;
    private final boolean own;
    private final Runnable turnTask = this::queuedTurn;
    private final Runnable dueTask = this::due;
    private final Runnable roundTask = this::endOfRound;

    private final AtomicBoolean queued = new AtomicBoolean();
    private final AtomicBoolean started = new AtomicBoolean();
    private volatile @Nullable Turn turn;
    private volatile boolean stopped;

    // event loop only
    private boolean turnedThisRound;
    private @Nullable Future<?> alarm;
    private long alarmAt;
    private long dueAt;

    private EventLoopDriver(IoEventLoop loop, Transport transport, boolean own) {
        this.loop = loop;
        this.transport = transport;
        this.own = own;
    }

    /**
     * Makes a driver with an event loop and a thread of its own, of the best transport there is.
     *
     * @return a new driver, to be stopped by its gateway
     */
    public static EventLoopDriver ownLoop() {
        return ownLoop(SocketTransport.AUTO);
    }

    /**
     * Makes a driver with an event loop and a thread of its own.
     *
     * @param transport of the loop, and so of all its channels
     * @return a new driver, to be stopped by its gateway
     * @throws ConfigurationException if the transport cannot be had here
     */
    public static EventLoopDriver ownLoop(SocketTransport transport) {
        Transport resolved = transport.resolve();
        IoEventLoopGroup group = resolved.newLoop("sharedip-loop");
        return new EventLoopDriver(group.next(), resolved, true);
    }

    /**
     * Makes a driver on an event loop of the embedder's.
     *
     * @param group of which the calling thread's own loop is taken if it is one of them, else the next one; it must outlive the gateway
     * @return a new driver
     * @throws ConfigurationException if the group is not one for NIO, epoll or io_uring
     */
    public static EventLoopDriver on(EventLoopGroup group) {
        Objects.requireNonNull(group, "group");
        Transport transport = Transport.of(group);
        if (transport == null || !(choose(group) instanceof IoEventLoop chosen)) {
            throw new ConfigurationException(
                    "event loop group",
                    group.getClass().getSimpleName(),
                    "has no transport that is known here",
                    "make a MultiThreadIoEventLoopGroup with NioIoHandler, EpollIoHandler or IoUringIoHandler");
        }
        return new EventLoopDriver(chosen, transport, false);
    }

    private static EventLoop choose(EventLoopGroup group) {
        for (EventExecutor executor : group) {
            if (executor instanceof EventLoop candidate && candidate.inEventLoop()) {
                return candidate;
            }
        }
        return group.next();
    }

    /**
     * The driver's loop, as a group of this one: for links that are to run on it.
     *
     * @return the same each time
     */
    public EventLoopGroup group() {
        return loop;
    }

    /**
     * The transport of the loop.
     *
     * @return never {@link SocketTransport#AUTO}
     */
    public SocketTransport transport() {
        return switch (transport.name()) {
            case "epoll" -> SocketTransport.EPOLL;
            case "io_uring" -> SocketTransport.IO_URING;
            default -> SocketTransport.NIO;
        };
    }

    IoEventLoop loop() {
        return loop;
    }

    Transport channels() {
        return transport;
    }

    @Override
    public void start(Turn given) {
        Objects.requireNonNull(given, "given");
        if (!started.compareAndSet(false, true)) {
            throw new IllegalStateException("this driver drives a gateway already; make one for each");
        }
        turn = given;
        wakeup();
    }

    @Override
    public void wakeup() {
        if (turn != null && !stopped && !queued.get() && queued.compareAndSet(false, true)) {
            try {
                loop.execute(turnTask);
            } catch (RejectedExecutionException e) {
                // the loop has ended, and with it the gateway's turns
            }
        }
    }

    private void queuedTurn() {
        if (turnedThisRound) {
            // what is scheduled waits for the next round, where what is executed would not
            loop.schedule(turnTask, 0, TimeUnit.NANOSECONDS);
        } else {
            turn();
        }
    }

    private void turn() {
        Turn taker = turn;
        queued.set(false);
        if (stopped || taker == null) {
            return;
        }
        if (loop instanceof SingleThreadEventLoop rounds) {
            turnedThisRound = true;
            rounds.executeAfterEventLoopIteration(roundTask);
        }
        long nanos = taker.take();
        if (nanos == 0) {
            if (!stopped && queued.compareAndSet(false, true)) {
                loop.schedule(turnTask, 0, TimeUnit.NANOSECONDS);
            }
        } else if (nanos > 0) {
            setAlarm(nanos);
        }
    }

    private void endOfRound() {
        turnedThisRound = false;
    }

    /** Sees to it that the alarm goes off no later than so; one that comes too early only looks at the time. */
    private void setAlarm(long nanos) {
        long at = System.nanoTime() + nanos;
        Future<?> set = alarm;
        if (set == null || at - alarmAt < 0) {
            if (set != null) {
                set.cancel(false);
            }
            alarmAt = at;
            alarm = loop.schedule(dueTask, nanos, TimeUnit.NANOSECONDS);
        }
        dueAt = at;
    }

    private void due() {
        alarm = null;
        if (stopped) {
            return;
        }
        long left = dueAt - System.nanoTime();
        if (left > 0) {
            setAlarm(left);
        } else {
            wakeup();
        }
    }

    @Override
    public void run(Runnable action) {
        if (loop.inEventLoop()) {
            action.run();
            return;
        }
        Future<?> done;
        try {
            done = loop.submit(action);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("the event loop is shut down", e);
        }
        done.awaitUninterruptibly();
        Throwable thrown = done.cause();
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
        if (thrown != null) {
            throw new IllegalStateException("the event loop was shut down meanwhile", thrown);
        }
    }

    @Override
    public void stop() {
        stopped = true;
        if (!loop.inEventLoop() && !loop.isTerminated()) {
            try {
                // once this has run no turn is under way
                loop.submit(this::silence).awaitUninterruptibly(STOP_MILLIS);
            } catch (RejectedExecutionException e) {
                // nor is there if the loop has ended
            }
        } else {
            silence();
        }
        if (own) {
            Future<?> ended = loop.shutdownGracefully(0, SHUTDOWN_MILLIS, TimeUnit.MILLISECONDS);
            if (!loop.inEventLoop()) {
                ended.awaitUninterruptibly(SHUTDOWN_MILLIS);
            }
        }
    }

    private void silence() {
        Future<?> set = alarm;
        alarm = null;
        if (set != null) {
            set.cancel(false);
        }
    }

    /** The transport and the loop's thread, for messages. */
    @Override
    public String toString() {
        return "event loop (" + transport + ")";
    }
}
