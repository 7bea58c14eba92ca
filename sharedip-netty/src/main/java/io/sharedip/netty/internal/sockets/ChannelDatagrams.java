package io.sharedip.netty.internal.sockets;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.DatagramPacket;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostDatagrams;
import java.net.InetSocketAddress;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A UDP socket by Netty, which works everywhere. ICMP errors about what was sent do not come this way: the kernel tells an unconnected
 * socket of them only where it was asked to and is read in a way of its own.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class ChannelDatagrams extends ChannelInboundHandlerAdapter
        implements HostDatagrams, Sockets.HostSocket, Sockets.Flushed {

    private static final int LONGEST_READ = 1 << 16;
    private static final int READS_IN_A_ROW = 16;

    private final Sockets sockets;
    private final DatagramChannel channel;
    private final int port;
    private final Handler handler;

    private InetSocketAddress lastPeer = Addresses.of(0, 1);
    private int lastPeerBits;
    private int waiting;
    private boolean queuedForFlush;
    private boolean closed;

    private ChannelDatagrams(Sockets sockets, DatagramChannel channel, int port, Handler handler) {
        this.sockets = sockets;
        this.channel = channel;
        this.port = port;
        this.handler = handler;
    }

    static ChannelDatagrams open(Sockets sockets, @Nullable Ipv4Address address, int port, Handler handler) {
        DatagramChannel channel;
        try {
            channel = sockets.transport().datagrams();
        } catch (RuntimeException e) {
            throw problem(address, port, e);
        }
        channel.config()
                .setReceiveBufferSize(sockets.settings().datagramBuffer())
                .setSendBufferSize(sockets.settings().datagramBuffer())
                .setRecvByteBufAllocator(new FixedRecvByteBufAllocator(LONGEST_READ).maxMessagesPerRead(READS_IN_A_ROW))
                .setAutoRead(false);
        ChannelFuture done = sockets.loop().register(channel);
        if (done.cause() == null) {
            done = channel.bind(Addresses.of(address, port));
        }
        if (!done.isSuccess()) {
            channel.close();
            throw problem(address, port, done.cause());
        }
        ChannelDatagrams socket =
                new ChannelDatagrams(sockets, channel, Addresses.port(channel.localAddress()), handler);
        channel.pipeline().addLast(socket);
        sockets.opened(socket);
        channel.config().setAutoRead(true);
        return socket;
    }

    private static PortClaimException problem(@Nullable Ipv4Address address, int port, @Nullable Throwable cause) {
        return PortProblems.of(IpProtocol.UDP, address, port, Failures.errno(cause), cause);
    }

    @Override
    public int localPort() {
        return port;
    }

    @Override
    public boolean send(int peer, int peerPort, byte[] octets, int offset, int length) {
        sockets.confined();
        Objects.checkFromIndexSize(offset, length, octets.length);
        if (closed || length > LONGEST || waiting + length > sockets.settings().datagramBuffer()) {
            return false;
        }
        if (peer != lastPeerBits || peerPort != lastPeer.getPort()) {
            lastPeer = Addresses.of(peer, peerPort);
            lastPeerBits = peer;
        }
        ByteBuf payload = channel.alloc().ioBuffer(length).writeBytes(octets, offset, length);
        waiting += length;
        channel.write(new DatagramPacket(payload, lastPeer))
                .addListener((ChannelFuture sent) -> sent(sent, peer, peerPort, length));
        if (!queuedForFlush) {
            queuedForFlush = true;
            sockets.written(this);
        }
        return true;
    }

    private void sent(ChannelFuture sent, int peer, int peerPort, int length) {
        waiting -= length;
        if (sent.isSuccess()) {
            return;
        }
        int code = Unreachable.code(Failures.errno(sent.cause()));
        if (code >= 0) {
            sockets.loop().execute(() -> {
                if (!closed) {
                    handler.unreachable(peer, peerPort, Unreachable.DESTINATION_UNREACHABLE, code, 0);
                    sockets.told();
                }
            });
        } else {
            sockets.counts().unsent();
        }
    }

    @Override
    public void flush() {
        queuedForFlush = false;
        if (!closed) {
            channel.flush();
        }
    }

    @Override
    public void close() {
        sockets.confined();
        abandon();
    }

    @Override
    public void abandon() {
        closed = true;
        sockets.closed(this);
        channel.close();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        DatagramPacket packet = (DatagramPacket) message;
        try {
            if (!closed) {
                ByteBuf payload = packet.content();
                handler.received(
                        Addresses.bits(packet.sender()),
                        Addresses.port(packet.sender()),
                        payload.internalNioBuffer(payload.readerIndex(), payload.readableBytes()));
                sockets.told();
            }
        } finally {
            packet.release();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // about some datagram that is lost; the socket goes on
    }
}
