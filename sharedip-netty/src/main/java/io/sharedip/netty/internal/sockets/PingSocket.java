package io.sharedip.netty.internal.sockets;

import io.sharedip.netty.internal.linux.DescriptorSocket;
import io.sharedip.uplink.HostEcho;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A socket for ICMP echo that needs no right. The kernel writes identifier and checksum and lets replies to this socket's own requests
 * in, nothing else.
 */
final class PingSocket implements HostEcho, Sockets.HostSocket, DescriptorSocket.Events {

    private static final int HEADER = 8;
    private static final int LONGEST = 65_507;
    private static final int ECHO_REQUEST = 8;
    private static final int ECHO_REPLY = 0;
    private static final int SEQUENCE_AT = 6;

    private final Sockets sockets;
    private final Handler handler;
    private @Nullable DescriptorSocket opened;
    private boolean closed;

    PingSocket(Sockets sockets, Handler handler) {
        this.sockets = sockets;
        this.handler = handler;
    }

    void begin(DescriptorSocket socket) {
        opened = socket;
        sockets.opened(this);
    }

    private DescriptorSocket socket() {
        return Objects.requireNonNull(opened, "not begun");
    }

    @Override
    public boolean send(int peer, int sequence, byte[] octets, int offset, int length) {
        sockets.confined();
        Objects.checkFromIndexSize(offset, length, octets.length);
        if (closed || length > LONGEST) {
            return false;
        }
        DescriptorSocket socket = socket();
        socket.outgoing()
                .put((byte) ECHO_REQUEST)
                .put((byte) 0)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort((short) sequence)
                .put(octets, offset, length);
        int errno = socket.send(peer, 0, HEADER + length);
        int code = errno == 0 ? -1 : Unreachable.code(errno);
        if (code >= 0) {
            sockets.loop().execute(() -> error(peer, 0, Unreachable.DESTINATION_UNREACHABLE, code, 0, sequence));
        }
        return errno == 0 || code >= 0;
    }

    @Override
    public void received(int peer, int port, ByteBuffer message) {
        if (message.remaining() >= HEADER && message.get(0) == ECHO_REPLY) {
            int sequence = message.getShort(SEQUENCE_AT) & 0xffff;
            handler.reply(peer, sequence, message.position(HEADER));
            sockets.told();
        }
    }

    @Override
    public void lost(int datagrams) {
        sockets.counts().overflowed(datagrams);
    }

    @Override
    public void error(int peer, int port, int type, int code, int mtu, int quoted) {
        if (!closed) {
            handler.unreachable(peer, quoted, type, code);
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
