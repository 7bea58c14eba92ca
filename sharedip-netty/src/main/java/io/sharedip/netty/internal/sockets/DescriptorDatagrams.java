package io.sharedip.netty.internal.sockets;

import io.sharedip.uplink.HostDatagrams;
import java.nio.ByteBuffer;
import java.util.Objects;

/** A UDP socket that also hears of ICMP errors. */
final class DescriptorDatagrams extends DescriptorEnd implements HostDatagrams {

    private final Handler handler;

    DescriptorDatagrams(Sockets sockets, DescriptorSockets all, Handler handler) {
        super(sockets, all);
        this.handler = handler;
    }

    @Override
    public int localPort() {
        return socket().port();
    }

    @Override
    public boolean send(int peer, int port, byte[] octets, int offset, int length) {
        sockets.confined();
        Objects.checkFromIndexSize(offset, length, octets.length);
        if (isClosed() || length > LONGEST) {
            return false;
        }
        socket().outgoing(length).put(octets, offset, length);
        return send(peer, port, length, 0);
    }

    @Override
    public void received(int peer, int port, ByteBuffer payload) {
        handler.received(peer, port, payload);
        sockets.told();
    }

    @Override
    public void error(int peer, int port, int type, int code, int mtu, int quoted) {
        if (!isClosed()) {
            handler.unreachable(peer, port, type, code, mtu);
            sockets.told();
        }
    }
}
