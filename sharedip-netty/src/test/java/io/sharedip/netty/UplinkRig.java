package io.sharedip.netty;

import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoopGroup;
import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.awaitility.core.ThrowingRunnable;
import org.jspecify.annotations.Nullable;

/** An open uplink without a gateway: the test gives its calls on the driver's thread, each followed by a flush as a turn would be. */
final class UplinkRig implements FlowUplink.FlowHost, AutoCloseable {

    static final int LOOPBACK = Ipv4Address.of(127, 0, 0, 1).bits();
    static final Duration PATIENCE = Duration.ofSeconds(20);

    final SocketUplink uplink;
    final List<String> notices = new CopyOnWriteArrayList<>();
    final List<String> changes = new CopyOnWriteArrayList<>();
    /** How often the gateway was asked to take a turn. */
    final AtomicInteger turns = new AtomicInteger();

    private final @Nullable EventLoopGroup group;

    UplinkRig(SocketUplink uplink) {
        this(uplink, null);
    }

    /** With an event loop that ends with the rig. */
    UplinkRig(SocketUplink uplink, @Nullable EventLoopGroup group) {
        this.uplink = uplink;
        this.group = group;
        uplink.driver().run(() -> uplink.open(this));
    }

    static UplinkRig on(SocketTransport transport) {
        return new UplinkRig(SocketUplink.create().withTransport(transport));
    }

    void run(Runnable action) {
        uplink.driver().run(() -> {
            action.run();
            uplink.flush();
        });
    }

    <T> T get(Supplier<T> action) {
        AtomicReference<T> result = new AtomicReference<>();
        run(() -> result.set(action.get()));
        return result.get();
    }

    static void until(Callable<Boolean> condition) {
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .until(condition);
    }

    static void untilAsserted(ThrowingRunnable assertion) {
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .untilAsserted(assertion);
    }

    /** Lets the loop go round, so that what was going to happen at once has happened. */
    void letItHappen() {
        for (int i = 0; i < 3; i++) {
            run(() -> {});
        }
    }

    StreamEvents connect(int port) {
        return connect(LOOPBACK, port, 0);
    }

    StreamEvents connect(int address, int port, int localPort) {
        StreamEvents events = new StreamEvents(this);
        run(() -> {
            events.stream = uplink.connect(address, port, localPort, events);
            events.inCall = false;
        });
        return events;
    }

    StreamEvents connected(int port) {
        StreamEvents events = connect(port);
        until(() -> events.events.contains("connected"));
        return events;
    }

    HostListener listen(HostListener.Acceptor acceptor) {
        return get(() -> uplink.listen(Optional.of(Ipv4Address.ofBits(LOOPBACK)), 0, acceptor));
    }

    DatagramEvents bind() {
        DatagramEvents events = new DatagramEvents(this);
        events.socket = get(() -> uplink.bind(Optional.empty(), 0, events));
        return events;
    }

    HostDatagrams tryBind(int port) {
        return get(() -> uplink.tryBind(port, new DatagramEvents(this)));
    }

    void close(HostStream stream) {
        run(stream::close);
    }

    @Override
    public void wakeup() {
        turns.incrementAndGet();
    }

    /** Lets something happen that a socket tells, and waits until the gateway has been given a turn after that. */
    void untilTurnAfter(ThrowingRunnable happening, Callable<Boolean> told) throws Exception {
        int before = turns.get();
        try {
            happening.run();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        until(told);
        until(() -> turns.get() > before);
    }

    @Override
    public void hostChanged(String description) {
        changes.add(description);
    }

    @Override
    public void notice(String message) {
        notices.add(message);
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public void close() {
        uplink.close();
        uplink.driver().stop();
        if (group != null) {
            group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        }
    }
}
