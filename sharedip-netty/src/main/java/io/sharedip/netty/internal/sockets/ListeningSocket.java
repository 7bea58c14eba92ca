package io.sharedip.netty.internal.sockets;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One listening socket. When the process has no descriptor left for what waits to be accepted, it looks again after a while: the
 * connections wait in the kernel, and a loop that tried at once would do nothing else.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class ListeningSocket extends ChannelInboundHandlerAdapter implements HostListener, Sockets.HostSocket {

    private static final long PAUSE_MILLIS = 100;

    private final Sockets sockets;
    private final Acceptor acceptor;
    private final ServerSocketChannel channel;
    private final int port;

    private ListeningSocket(Sockets sockets, ServerSocketChannel channel, int port, Acceptor acceptor) {
        this.sockets = sockets;
        this.channel = channel;
        this.port = port;
        this.acceptor = acceptor;
    }

    static ListeningSocket open(Sockets sockets, @Nullable Ipv4Address address, int port, Acceptor acceptor) {
        ServerSocketChannel channel;
        try {
            channel = sockets.transport().serverSocket();
        } catch (RuntimeException e) {
            throw problem(address, port, e);
        }
        channel.config()
                .setReuseAddress(true)
                .setBacklog(sockets.settings().backlog())
                .setAutoRead(false);
        ChannelFuture done = sockets.loop().register(channel);
        if (done.cause() == null) {
            done = channel.bind(Addresses.of(address, port));
        }
        if (!done.isSuccess()) {
            channel.close();
            throw problem(address, port, done.cause());
        }
        ListeningSocket listener =
                new ListeningSocket(sockets, channel, Addresses.port(channel.localAddress()), acceptor);
        channel.pipeline().addLast(listener);
        sockets.opened(listener);
        channel.config().setAutoRead(true);
        return listener;
    }

    private static PortClaimException problem(@Nullable Ipv4Address address, int port, @Nullable Throwable cause) {
        return PortProblems.of(IpProtocol.TCP, address, port, Failures.errno(cause), cause);
    }

    @Override
    public int localPort() {
        return port;
    }

    @Override
    public void close() {
        sockets.confined();
        abandon();
    }

    @Override
    public void abandon() {
        sockets.closed(this);
        channel.close();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        SocketChannel accepted = (SocketChannel) message;
        StreamSocket stream = StreamSocket.accepted(sockets, accepted);
        sockets.loop().register(accepted).addListener((ChannelFuture registered) -> {
            if (registered.isSuccess() && channel.isOpen()) {
                offer(stream, accepted);
            } else {
                stream.abandon();
            }
        });
    }

    private void offer(StreamSocket stream, SocketChannel accepted) {
        HostStream.Handler handler = null;
        try {
            handler = acceptor.accepted(
                    stream, Addresses.bits(accepted.remoteAddress()), Addresses.port(accepted.remoteAddress()));
        } finally {
            if (handler == null) {
                stream.abandon();
            } else {
                stream.begin(handler);
                sockets.told();
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (channel.isOpen() && Failures.isOutOfDescriptors(cause)) {
            channel.config().setAutoRead(false);
            sockets.loop()
                    .schedule(
                            () -> {
                                if (channel.isOpen()) {
                                    channel.config().setAutoRead(true);
                                }
                            },
                            PAUSE_MILLIS,
                            TimeUnit.MILLISECONDS);
        }
        // anything else is one connection that was given up before it could be accepted
    }
}
