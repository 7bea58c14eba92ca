package io.sharedip.netty.internal.sockets;

import io.sharedip.uplink.HostEcho;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A socket for ICMP echo that needs no right. The kernel writes identifier and checksum and lets replies to this socket's own requests
 * in, nothing else.
 */
final class PingSocket extends DescriptorEnd implements HostEcho {

    private static final int HEADER = 8;
    private static final int LONGEST = 65_507;
    private static final int ECHO_REQUEST = 8;
    private static final int ECHO_REPLY = 0;
    private static final int SEQUENCE_AT = 6;

    private final Handler handler;

    PingSocket(Sockets sockets, DescriptorSockets all, Handler handler) {
        super(sockets, all);
        this.handler = handler;
    }

    @Override
    public boolean send(int peer, int sequence, byte[] octets, int offset, int length) {
        sockets.confined();
        Objects.checkFromIndexSize(offset, length, octets.length);
        if (isClosed() || length > LONGEST) {
            return false;
        }
        socket().outgoing(HEADER + length)
                .put((byte) ECHO_REQUEST)
                .put((byte) 0)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort((short) sequence)
                .put(octets, offset, length);
        return send(peer, 0, HEADER + length, sequence);
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
    public void error(int peer, int port, int type, int code, int mtu, int quoted) {
        if (!isClosed()) {
            handler.unreachable(peer, quoted, type, code);
            sockets.told();
        }
    }
}
