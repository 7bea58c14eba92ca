package io.sharedip.netty.internal.sockets;

import io.sharedip.netty.internal.linux.DescriptorSocket;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What sockets have in common that Netty has no channels for. Event loop only. */
abstract class DescriptorEnd implements Sockets.HostSocket, DescriptorSocket.Events {

    final Sockets sockets;
    private @Nullable DescriptorSocket opened;
    private boolean closed;

    DescriptorEnd(Sockets sockets) {
        this.sockets = sockets;
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
     * Sends what has been put together. What the kernel says of the way to the peer is told as the ICMP error that it stands for, later.
     *
     * @param quoted as for {@link #error}
     * @return false if there is no room
     */
    final boolean send(int peer, int port, int length, int quoted) {
        int errno = socket().send(peer, port, length);
        int code = errno == 0 ? -1 : Unreachable.code(errno);
        if (code >= 0) {
            sockets.loop().execute(() -> error(peer, port, Unreachable.DESTINATION_UNREACHABLE, code, 0, quoted));
        }
        return errno == 0 || code >= 0;
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
