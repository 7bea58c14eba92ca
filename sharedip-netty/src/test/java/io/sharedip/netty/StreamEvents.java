package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.uplink.HostStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Records what a stream tells, and checks when and where it does. */
final class StreamEvents implements HostStream.Handler {

    private final UplinkRig rig;
    final List<String> events = new CopyOnWriteArrayList<>();
    final AtomicInteger received = new AtomicInteger();
    private final ByteArrayOutputStream octets = new ByteArrayOutputStream();
    volatile HostStream stream;
    volatile int localPort;
    volatile boolean inCall = true;
    /** How much more is asked for whenever something has come. */
    volatile int requestAgain;

    /** {@link #roomTold} right before the last write: whatever is told from then on is about that one. */
    volatile long roomToldBeforeWrite;

    StreamEvents(UplinkRig rig) {
        this.rig = rig;
    }

    private void onlyBetweenCalls() {
        assertThat(inCall).as("told from within a call").isFalse();
        assertThat(((io.netty.channel.EventLoop) rig.uplink.driver().group()).inEventLoop())
                .isTrue();
        assertThat(events).as("after the end").noneMatch(event -> event.startsWith("failed"));
    }

    /** A call of the stream on the driver's thread; what it is told meanwhile would be an error. */
    void call(Runnable action) {
        rig.run(() -> {
            inCall = true;
            action.run();
            inCall = false;
        });
    }

    void request(int more) {
        call(() -> stream.request(more));
    }

    /** How often it was told that there is room again. */
    long roomTold() {
        return events.stream().filter("writable"::equals).count();
    }

    /** Writes and gives how much was taken. */
    int write(byte[] data) {
        return rig.get(() -> {
            roomToldBeforeWrite = roomTold();
            inCall = true;
            int taken = stream.write(data, 0, data.length);
            inCall = false;
            return taken;
        });
    }

    int room() {
        return rig.get(() -> stream.room());
    }

    synchronized byte[] octets() {
        return octets.toByteArray();
    }

    void await(String event) {
        UplinkRig.untilAsserted(() -> assertThat(events).contains(event));
    }

    @Override
    public void connected(int port) {
        onlyBetweenCalls();
        localPort = port;
        events.add("connected");
    }

    @Override
    public void failed(HostStream.Failure failure) {
        onlyBetweenCalls();
        events.add("failed " + failure);
    }

    @Override
    public void received(ByteBuffer data) {
        onlyBetweenCalls();
        byte[] copy = new byte[data.remaining()];
        data.get(copy);
        synchronized (this) {
            octets.writeBytes(copy);
        }
        if (requestAgain > 0) {
            stream.request(requestAgain);
        }
        received.addAndGet(copy.length);
    }

    @Override
    public void endOfInput() {
        onlyBetweenCalls();
        events.add("end");
    }

    @Override
    public void writable() {
        onlyBetweenCalls();
        events.add("writable");
    }
}
