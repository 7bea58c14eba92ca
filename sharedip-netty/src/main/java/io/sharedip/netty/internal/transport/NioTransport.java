package io.sharedip.netty.internal.transport;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.nio.channels.spi.SelectorProvider;

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
    IoHandlerFactory handlerFactory() {
        return NioIoHandler.newFactory();
    }

    @Override
    boolean runs(IoEventLoopGroup group) {
        return group.isIoType(NioIoHandler.class);
    }
}
