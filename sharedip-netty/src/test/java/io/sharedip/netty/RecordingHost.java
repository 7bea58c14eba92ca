package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** The gateway's side of a link in a test: the test's thread is the driver, unless said otherwise. */
final class RecordingHost implements LinkHost {

    static final Duration PATIENCE = Duration.ofSeconds(10);

    final List<String> events = new CopyOnWriteArrayList<>();
    final List<byte[]> delivered = new CopyOnWriteArrayList<>();
    final AtomicInteger wakeups = new AtomicInteger();
    final AtomicInteger batches = new AtomicInteger();
    volatile BooleanSupplier onDriverThread = () -> false;
    volatile Consumer<Frame> engine = frame -> {};

    @Override
    public void wakeup() {
        wakeups.incrementAndGet();
    }

    @Override
    public boolean onDriverThread() {
        return onDriverThread.getAsBoolean();
    }

    @Override
    public void deliver(Frame[] frames, int count) {
        assertThat(onDriverThread()).isTrue();
        batches.incrementAndGet();
        for (int i = 0; i < count; i++) {
            delivered.add(frames[i].toByteArray());
            engine.accept(frames[i]);
        }
    }

    @Override
    public void up() {
        events.add("up");
    }

    @Override
    public void down(String reason) {
        events.add("down: " + reason);
    }

    @Override
    public void notice(String message) {
        events.add("notice: " + message);
    }

    /** Polls the link until so many frames have come. */
    static List<byte[]> receive(Link link, int count) {
        List<byte[]> arrived = new ArrayList<>();
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> {
                    while (link.poll((frames, n) -> collect(frames, n, arrived), 64) > 0) {
                        // until there is nothing more
                    }
                    return arrived.size() >= count;
                });
        assertThat(arrived).hasSize(count);
        return arrived;
    }

    private static void collect(Frame[] frames, int count, List<byte[]> into) {
        for (int i = 0; i < count; i++) {
            into.add(frames[i].toByteArray());
        }
    }

    void awaitEvents(String... beginnings) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(2)).untilAsserted(() -> assertEvents(beginnings));
    }

    void assertEvents(String... beginnings) {
        assertThat(events).hasSize(beginnings.length);
        for (int i = 0; i < beginnings.length; i++) {
            assertThat(events.get(i)).startsWith(beginnings[i]);
        }
    }
}
