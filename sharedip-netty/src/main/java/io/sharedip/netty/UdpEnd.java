package io.sharedip.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.DatagramPacket;
import io.sharedip.LinkException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The socket of a link over UDP. */
@SuppressWarnings("FutureReturnValueIgnored") // what cannot be sent comes to exceptionCaught
final class UdpEnd extends DatagramEnd {

    /** What a UDP datagram carries at most over IPv4. */
    static final int LONGEST = 65_507;

    private static final int BUFFER = 1 << 16;

    private final DatagramChannel channel;
    private final boolean anybody;
    private final ByteBuffer pieces = ByteBuffer.allocateDirect(BUFFER);
    private volatile @Nullable InetSocketAddress remote;

    private UdpEnd(
            DatagramLink link,
            LinkLoop loop,
            int queue,
            DatagramChannel channel,
            boolean anybody,
            @Nullable InetSocketAddress remote) {
        super(link, loop, queue);
        this.channel = channel;
        this.anybody = anybody;
        this.remote = remote;
    }

    /**
     * Binds one.
     *
     * @throws LinkException if that cannot be; nothing is left behind
     */
    static UdpEnd open(DatagramLink link, LinkLoop loop, int queue, DatagramAddress.Udp address) {
        String name = link.name();
        InetAddress local = address.local().lookUp(name, "name an address of this machine, such as 127.0.0.1");
        HostAndPort monitor = address.remote();
        InetSocketAddress remote = monitor == null
                ? null
                : new InetSocketAddress(
                        monitor.lookUp(name, "name the machine that the monitor runs on"), monitor.port());
        DatagramChannel channel = loop.transport().datagrams(HostAndPort.family(local));
        UdpEnd end = new UdpEnd(link, loop, queue, channel, address.anybody(), remote);
        channel.config().setRecvByteBufAllocator(new DatagramBuffers(BUFFER, READS_IN_A_ROW, READS_IN_A_ROW));
        channel.config().setOption(ChannelOption.SO_RCVBUF, SYSTEM_BUFFER);
        channel.config().setOption(ChannelOption.SO_SNDBUF, SYSTEM_BUFFER);
        channel.pipeline().addLast(end);
        try {
            StreamAddress.registerAndBind(
                    name,
                    loop,
                    channel,
                    new InetSocketAddress(local, address.local().port()));
            return end;
        } catch (IOException e) {
            throw address.local().explain(name, e);
        }
    }

    @Override
    Channel channel() {
        return channel;
    }

    @Override
    SocketAddress localAddress() {
        return channel.localAddress();
    }

    @Nullable
    InetSocketAddress remote() {
        return remote;
    }

    @Override
    boolean hasPeer() {
        return remote != null;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        DatagramPacket datagram = (DatagramPacket) message;
        try {
            if (isFromPeer(datagram)) {
                received(datagram.content());
            }
        } finally {
            datagram.release();
        }
    }

    private boolean isFromPeer(DatagramPacket datagram) {
        InetSocketAddress sender = datagram.sender();
        InetSocketAddress peer = remote;
        if (peer != null) {
            if (!peer.equals(sender)) {
                stranger(text(sender), "the guest is at " + text(peer));
                return false;
            }
            return true;
        }
        if (!anybody && !sender.getAddress().isLoopbackAddress()) {
            stranger(text(sender), "name the monitor's address after ->, for only this machine is trusted unasked");
            return false;
        }
        if (!isPlausible(datagram.content())) {
            stranger(text(sender), "it is no Ethernet frame of a station");
            return false;
        }
        remote = sender;
        return true;
    }

    private static String text(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        return (host == null ? address.getHostString() : host.getHostAddress()) + ":" + address.getPort();
    }

    /** Netty keeps what the system does not take at once, up to its high water mark; the rest stays in the ring. */
    @Override
    void pump() {
        InetSocketAddress peer = remote;
        if (isClosed() || peer == null) {
            return;
        }
        boolean room = false;
        boolean written = false;
        int length;
        while (channel.isWritable() && (length = leaving.nextFrame()) > 0) {
            ByteBuffer frame = leaving.frame(pieces);
            ByteBuf datagram = channel.alloc().directBuffer(length, length);
            datagram.writeBytes(frame.slice(leaving.frameAt(), length));
            channel.write(new DatagramPacket(datagram, peer), channel.voidPromise());
            room |= leaving.freeFrame();
            written = true;
        }
        if (written) {
            channel.flush();
        }
        if (room) {
            wakeDriver();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (channel.isWritable()) {
            // not from within the flush that has made room
            loop.execute(this::pump);
        }
    }
}
