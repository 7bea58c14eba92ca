package io.sharedip.nat.internal.terminator;

import io.sharedip.nat.internal.tcp.TcpEndpoint;
import io.sharedip.nat.internal.tcp.TcpObserver;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A guest's TCP connection whose other end is the gateway: an endpoint, with its place in the {@link Schedule}. Calls of its stream come
 * from outside the engine, and are let in here.
 */
abstract class Connection implements TcpObserver, HostStream.Handler {

    private static final int NOWHERE = -1;

    private final Schedule schedule;
    private @Nullable TcpEndpoint endpoint;
    /** Number of the guest. */
    int guest;
    /** Whether it stands in the queue of those that have output. */
    boolean queued;
    /** Its place among the deadlines, or -1. */
    int place = NOWHERE;
    /** What it is queued for there. */
    long due;

    Connection(Schedule schedule, int guest) {
        this.schedule = schedule;
        this.guest = guest;
    }

    void endpoint(TcpEndpoint made) {
        endpoint = made;
    }

    TcpEndpoint endpoint() {
        TcpEndpoint made = endpoint;
        if (made == null) {
            throw new IllegalStateException("no endpoint yet");
        }
        return made;
    }

    boolean isScheduled() {
        return place != NOWHERE;
    }

    /** Where segments are to be written. */
    abstract Packets packets();

    /** Sends the segment that has been written. */
    abstract void send(int length, long nowNanos);

    /** Whether calls of the stream are let in. */
    abstract boolean enter();

    /** Something has gone wrong that must not. */
    abstract void failed(Throwable cause);

    /** Writes the next segment and sends it. @return whether there was one */
    final boolean emit(long nowNanos) {
        Packets packets = packets();
        int length = endpoint()
                .emit(packets.room(), packets.transport(), packets.room().length - packets.transport(), nowNanos);
        if (length > 0) {
            send(length, nowNanos);
        }
        return length > 0;
    }

    @Override
    public final void changed(TcpEndpoint of) {
        schedule.ready(this);
    }

    @Override
    public final void connected(int localPort) {
        if (enter()) {
            try {
                endpoint().connected(localPort);
            } catch (RuntimeException | Error e) {
                failed(e);
            }
        }
    }

    @Override
    public final void failed(HostStream.Failure failure) {
        if (enter()) {
            try {
                endpoint().failed(failure);
                schedule.ready(this);
            } catch (RuntimeException | Error e) {
                failed(e);
            }
        }
    }

    @Override
    public final void received(ByteBuffer octets) {
        if (!enter()) {
            octets.position(octets.limit());
            return;
        }
        try {
            endpoint().received(octets);
        } catch (RuntimeException | Error e) {
            failed(e);
        }
    }

    @Override
    public final void endOfInput() {
        if (enter()) {
            try {
                endpoint().endOfInput();
            } catch (RuntimeException | Error e) {
                failed(e);
            }
        }
    }

    @Override
    public final void writable() {
        if (enter()) {
            try {
                endpoint().writable();
            } catch (RuntimeException | Error e) {
                failed(e);
            }
        }
    }
}
