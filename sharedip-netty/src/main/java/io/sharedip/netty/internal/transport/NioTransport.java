package io.sharedip.netty.internal.transport;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.spi.SelectorProvider;
import java.nio.file.Path;

/** The JDK's channels. */
final class NioTransport extends Transport {

    @Override
    public String name() {
        return "nio";
    }

    @Override
    public SocketChannel socket() {
        return new NioSocketChannel(SelectorProvider.provider(), SocketProtocolFamily.INET);
    }

    @Override
    public ServerSocketChannel serverSocket() {
        return new NioServerSocketChannel(SelectorProvider.provider(), SocketProtocolFamily.INET);
    }

    @Override
    public DatagramChannel datagrams() {
        return new NioDatagramChannel(SocketProtocolFamily.INET);
    }

    @Override
    public SocketChannel socket(SocketProtocolFamily family) {
        return new NioSocketChannel(SelectorProvider.provider(), family);
    }

    @Override
    public ServerSocketChannel serverSocket(SocketProtocolFamily family) {
        return new NioServerSocketChannel(SelectorProvider.provider(), family);
    }

    @Override
    public DatagramChannel datagrams(SocketProtocolFamily family) {
        return new NioDatagramChannel(family);
    }

    @Override
    public DuplexChannel unixSocket() {
        return new NioDomainSocketChannel();
    }

    @Override
    public ServerChannel unixServerSocket() {
        return new NioServerDomainSocketChannel();
    }

    @Override
    public SocketAddress unixAddress(Path path) {
        return UnixDomainSocketAddress.of(path);
    }

    @Override
    public boolean readsAtOnce() {
        return true;
    }

    @Override
    IoHandlerFactory handlerFactory() {
        return NioIoHandler.newFactory();
    }

    @Override
    boolean runs(IoEventLoopGroup group) {
        return group.isIoType(NioIoHandler.class);
    }
}
