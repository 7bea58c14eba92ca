package io.sharedip.netty.internal.transport;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Linux's epoll. Loaded only where its classes are present. */
final class EpollTransport extends Transport {

    private static final int TCP_CLOSE = 7;

    static @Nullable Transport ifAvailable() {
        return Epoll.isAvailable() ? new EpollTransport() : null;
    }

    @Override
    public String name() {
        return "epoll";
    }

    @Override
    public SocketChannel socket() {
        return new EpollSocketChannel(SocketProtocolFamily.INET);
    }

    @Override
    public ServerSocketChannel serverSocket() {
        return new EpollServerSocketChannel(SocketProtocolFamily.INET);
    }

    @Override
    public DatagramChannel datagrams() {
        return new EpollDatagramChannel(SocketProtocolFamily.INET);
    }

    @Override
    public SocketChannel socket(SocketProtocolFamily family) {
        return new EpollSocketChannel(family);
    }

    @Override
    public ServerSocketChannel serverSocket(SocketProtocolFamily family) {
        return new EpollServerSocketChannel(family);
    }

    @Override
    public DatagramChannel datagrams(SocketProtocolFamily family) {
        return new EpollDatagramChannel(family);
    }

    @Override
    public DuplexChannel unixSocket() {
        return new EpollDomainSocketChannel();
    }

    @Override
    public ServerChannel unixServerSocket() {
        return new EpollServerDomainSocketChannel();
    }

    @Override
    public SocketAddress unixAddress(Path path) {
        return new DomainSocketAddress(path.toString());
    }

    @Override
    public boolean hasUnixDatagrams() {
        return true;
    }

    @Override
    public UnixDatagramSocket unixDatagrams() {
        return new EpollUnixDatagramSocket();
    }

    @Override
    public boolean isEpoll() {
        return true;
    }

    @Override
    public boolean readsUnasked() {
        return true;
    }

    @Override
    public boolean isDead(SocketChannel channel) {
        return channel instanceof EpollSocketChannel epoll && epoll.tcpInfo().state() == TCP_CLOSE;
    }

    @Override
    public @Nullable InetSocketAddress sourceOf(SocketChannel connecting) {
        return connecting.localAddress();
    }

    @Override
    public boolean readsAtOnce() {
        return true;
    }

    @Override
    IoHandlerFactory handlerFactory() {
        return KeepingEpoll.newFactory();
    }

    @Override
    boolean runs(IoEventLoopGroup group) {
        return group.isIoType(EpollIoHandler.class) || group.isIoType(KeepingEpoll.class);
    }
}
