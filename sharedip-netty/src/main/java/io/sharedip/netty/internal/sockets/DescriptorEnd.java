package io.sharedip.netty.internal.sockets;

import io.sharedip.netty.internal.linux.DescriptorSocket;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What sockets have in common that Netty has no channels for. Event loop only. */
abstract class DescriptorEnd implements Sockets.HostSocket, DescriptorSocket.Events {

    final Sockets sockets;
    private final DescriptorSockets all;
    private @Nullable DescriptorSocket opened;
    private boolean closed;

    DescriptorEnd(Sockets sockets, DescriptorSockets all) {
        this.sockets = sockets;
        this.all = all;
    }

    final void begin(DescriptorSocket socket) {
        opened = socket;
        sockets.opened(this);
    }

    final DescriptorSocket socket() {
        return Objects.requireNonNull(opened, "not begun");
    }

    final boolean isClosed() {
        return closed;
    }

    /**
     * Sends what has been put together, at the end of the turn at the latest.
     *
     * @param quoted as for {@link #error}
     */
    final boolean send(int peer, int port, int length, int quoted) {
        boolean taken = socket().send(peer, port, length, quoted);
        all.taken();
        return taken;
    }

    /** What the kernel says of the way to the peer is told as the ICMP error that it stands for, later. */
    @Override
    public final void refused(int peer, int port, int errno, int quoted) {
        int code = Unreachable.code(errno);
        if (code >= 0) {
            sockets.loop().execute(() -> error(peer, port, Unreachable.DESTINATION_UNREACHABLE, code, 0, quoted));
        } else {
            sockets.counts().unsent();
        }
    }

    @Override
    public final void lost(int datagrams) {
        sockets.counts().overflowed(datagrams);
    }

    /** Closes it. */
    public final void close() {
        sockets.confined();
        abandon();
    }

    @Override
    public final void abandon() {
        if (!closed) {
            closed = true;
            sockets.closed(this);
            socket().close();
        }
    }
}
