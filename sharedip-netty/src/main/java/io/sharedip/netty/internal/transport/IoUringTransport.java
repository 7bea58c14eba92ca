package io.sharedip.netty.internal.transport;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringDatagramChannel;
import io.netty.channel.uring.IoUringDomainSocketChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import java.net.SocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Linux's io_uring. Loaded only where its classes are present. */
final class IoUringTransport extends Transport {

    private static final int TCP_SYN_SENT = 2;
    private static final int TCP_CLOSE = 7;

    static @Nullable Transport ifAvailable() {
        return IoUring.isAvailable() ? new IoUringTransport() : null;
    }

    @Override
    public String name() {
        return "io_uring";
    }

    @Override
    public SocketChannel socket() {
        return new IoUringSocketChannel();
    }

    @Override
    public ServerSocketChannel serverSocket() {
        return new IoUringServerSocketChannel();
    }

    @Override
    public DatagramChannel datagrams() {
        return new IoUringDatagramChannel(SocketProtocolFamily.INET);
    }

    @Override
    public SocketChannel socket(SocketProtocolFamily family) {
        return new IoUringSocketChannel();
    }

    @Override
    public ServerSocketChannel serverSocket(SocketProtocolFamily family) {
        return new IoUringServerSocketChannel();
    }

    @Override
    public DatagramChannel datagrams(SocketProtocolFamily family) {
        return new IoUringDatagramChannel(family);
    }

    @Override
    public DuplexChannel unixSocket() {
        return new IoUringDomainSocketChannel();
    }

    @Override
    public ServerChannel unixServerSocket() {
        return new IoUringServerDomainSocketChannel();
    }

    @Override
    public SocketAddress unixAddress(Path path) {
        return new DomainSocketAddress(path.toString());
    }

    @Override
    public boolean isConnected(SocketChannel channel) {
        int state =
                channel instanceof IoUringSocketChannel ring ? ring.tcpInfo().state() : TCP_CLOSE;
        return state != TCP_SYN_SENT && state != TCP_CLOSE;
    }

    @Override
    IoHandlerFactory handlerFactory() {
        return RetryingIoUring.newFactory();
    }

    @Override
    boolean runs(IoEventLoopGroup group) {
        return group.isIoType(IoUringIoHandler.class) || group.isIoType(RetryingIoUring.class);
    }
}
