package io.sharedip.testing;

import io.sharedip.event.SharedIpEvent;
import io.sharedip.event.SharedIpListener;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Remembers events. Thread-safe. */
public final class EventRecorder implements SharedIpListener {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<SharedIpEvent> events = new CopyOnWriteArrayList<>();

    /** Makes a recorder that has heard nothing. */
    public EventRecorder() {}

    @Override
    public void onEvent(SharedIpEvent event) {
        events.add(event);
    }

    /** The events heard so far. @return in order */
    public List<SharedIpEvent> all() {
        return List.copyOf(events);
    }

    /**
     * The events of one kind heard so far.
     *
     * @param <T> of the kind
     * @param kind of event
     * @return in order
     */
    public <T extends SharedIpEvent> List<T> all(Class<T> kind) {
        return events.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    /**
     * Waits for an event of one kind.
     *
     * @param <T> of the kind
     * @param kind of event
     * @return the first one
     */
    public <T extends SharedIpEvent> T await(Class<T> kind) {
        return await(kind, event -> true);
    }

    /**
     * Waits for an event.
     *
     * @param <T> of the kind
     * @param kind of event
     * @param wanted which one
     * @return the first such one
     */
    public <T extends SharedIpEvent> T await(Class<T> kind, Predicate<T> wanted) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            for (T event : all(kind)) {
                if (wanted.test(event)) {
                    return event;
                }
            }
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("no such " + kind.getSimpleName() + " among " + events);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }
}
