package io.sharedip.netty.internal.sockets;

import io.sharedip.netty.internal.linux.DescriptorSocket;
import io.sharedip.uplink.HostDatagrams;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A UDP socket that also hears of ICMP errors. */
final class DescriptorDatagrams implements HostDatagrams, Sockets.HostSocket, DescriptorSocket.Events {

    private final Sockets sockets;
    private final Handler handler;
    private @Nullable DescriptorSocket opened;
    private boolean closed;

    DescriptorDatagrams(Sockets sockets, Handler handler) {
        this.sockets = sockets;
        this.handler = handler;
    }

    void begin(DescriptorSocket socket) {
        opened = socket;
        sockets.opened(this);
    }

    @Override
    public int localPort() {
        return socket().port();
    }

    private DescriptorSocket socket() {
        return Objects.requireNonNull(opened, "not begun");
    }

    @Override
    public boolean send(int peer, int port, byte[] octets, int offset, int length) {
        sockets.confined();
        Objects.checkFromIndexSize(offset, length, octets.length);
        if (closed || length > LONGEST) {
            return false;
        }
        DescriptorSocket socket = socket();
        socket.outgoing().put(octets, offset, length);
        int errno = socket.send(peer, port, length);
        int code = errno == 0 ? -1 : Unreachable.code(errno);
        if (code >= 0) {
            sockets.loop().execute(() -> error(peer, port, Unreachable.DESTINATION_UNREACHABLE, code, 0, 0));
        }
        return errno == 0 || code >= 0;
    }

    @Override
    public void received(int peer, int port, ByteBuffer payload) {
        handler.received(peer, port, payload);
        sockets.told();
    }

    @Override
    public void lost(int datagrams) {
        sockets.counts().overflowed(datagrams);
    }

    @Override
    public void error(int peer, int port, int type, int code, int mtu, int quoted) {
        if (!closed) {
            handler.unreachable(peer, port, type, code, mtu);
            sockets.told();
        }
    }

    @Override
    public void close() {
        sockets.confined();
        abandon();
    }

    @Override
    public void abandon() {
        if (!closed) {
            closed = true;
            sockets.closed(this);
            socket().close();
        }
    }
}
