package io.sharedip.nat.internal.gateway;

import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpListener;
import io.sharedip.nat.internal.engine.EventRing;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Brings events to listeners on a thread of its own, which begins with the first listener and ends with the gateway. */
public final class EventDispatcher {

    private static final long LONGEST_WAIT_NANOS = 500_000_000L;
    private static final long CLOSE_MILLIS = 2_000;

    private final EventRing ring;
    private final ArrayBlockingQueue<SharedIpEvent> others = new ArrayBlockingQueue<>(1024);
    private final List<SharedIpListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong lost = new AtomicLong();
    private @Nullable Thread thread;
    private volatile boolean closed;

    /**
     * Makes a dispatcher without listeners.
     *
     * @param ring of the engine
     */
    public EventDispatcher(EventRing ring) {
        this.ring = ring;
    }

    /** Events that a listener failed on, or that did not fit besides the ring. */
    public long lost() {
        return lost.get();
    }

    /** Adds a listener; after {@link #close} it hears nothing. */
    public synchronized void add(SharedIpListener listener) {
        if (closed) {
            return;
        }
        listeners.add(listener);
        ring.enabled(true);
        if (thread == null) {
            Thread started = new Thread(this::run, "sharedip-events");
            started.setDaemon(true);
            started.start();
            thread = started;
        }
    }

    /** Removes a listener. */
    public synchronized void remove(SharedIpListener listener) {
        listeners.remove(listener);
        if (listeners.isEmpty()) {
            ring.enabled(false);
        }
    }

    /** Queues an event that does not come from the engine. Any thread. */
    public void offer(SharedIpEvent event) {
        if (listeners.isEmpty()) {
            return;
        }
        if (!others.offer(event)) {
            lost.incrementAndGet();
        }
        wakeup();
    }

    /** Looks whether the engine has written events. Driver's thread, now and then. */
    public void poke() {
        if (!ring.isEmpty()) {
            wakeup();
        }
    }

    @SuppressWarnings("GuardedBy") // a stale read wakes nobody, and the next poke does
    private void wakeup() {
        Thread waiting = thread;
        if (waiting != null) {
            LockSupport.unpark(waiting);
        }
    }

    private void run() {
        while (true) {
            boolean last = closed;
            int count = ring.drain(this::tell);
            for (SharedIpEvent event = others.poll(); event != null; event = others.poll()) {
                tell(event);
                count++;
            }
            if (last) {
                return;
            }
            if (count == 0) {
                LockSupport.parkNanos(this, LONGEST_WAIT_NANOS);
            }
        }
    }

    private void tell(SharedIpEvent event) {
        for (SharedIpListener listener : listeners) {
            try {
                listener.onEvent(event);
            } catch (Throwable e) { // whatever it is, the other listeners and later events are not to suffer
                lost.incrementAndGet();
            }
        }
    }

    /** Brings what waits and ends the thread; does not wait for a listener that hangs or that is the caller. */
    public void close() {
        Thread waiting;
        synchronized (this) {
            closed = true;
            waiting = thread;
        }
        if (waiting == null) {
            return;
        }
        LockSupport.unpark(waiting);
        if (waiting != Thread.currentThread()) {
            Waiting.join(waiting, CLOSE_MILLIS);
        }
    }
}
