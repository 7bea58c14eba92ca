package io.sharedip.netty.internal.transport;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One of Netty's transports: makes event loops and the channels that belong on them. IPv4 unless a family is named. */
public abstract class Transport {

    /** Tried once: loading a native library that is missing is slow. */
    private static final class Known {
        static final Transport NIO = new NioTransport();
        static final @Nullable Transport EPOLL = load("io.netty.channel.epoll.Epoll", true);
        static final @Nullable Transport IO_URING = load("io.netty.channel.uring.IoUring", false);

        private static @Nullable Transport load(String probe, boolean epoll) {
            try {
                Class.forName(probe, false, Transport.class.getClassLoader());
                return epoll ? EpollTransport.ifAvailable() : IoUringTransport.ifAvailable();
            } catch (ClassNotFoundException | LinkageError e) {
                return null;
            }
        }
    }

    /** The JDK's. */
    public static Transport nio() {
        return Known.NIO;
    }

    /** Linux's epoll; null if it cannot be had. */
    public static @Nullable Transport epoll() {
        return Known.EPOLL;
    }

    /** Linux's io_uring; null if it cannot be had. */
    public static @Nullable Transport ioUring() {
        return Known.IO_URING;
    }

    /** The transport of somebody else's event loops; null if it is none of ours. */
    public static @Nullable Transport of(EventLoopGroup group) {
        if (!(group instanceof IoEventLoopGroup io)) {
            return null;
        }
        if (io.isIoType(NioIoHandler.class)) {
            return Known.NIO;
        }
        Transport epoll = epoll();
        if (epoll != null && epoll.runs(io)) {
            return epoll;
        }
        Transport ioUring = ioUring();
        return ioUring != null && ioUring.runs(io) ? ioUring : null;
    }

    /** One daemon thread with one event loop. */
    public final IoEventLoopGroup newLoop(String threadName) {
        return new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(threadName, true), handlerFactory());
    }

    /** The word for it in messages. */
    public abstract String name();

    /** A channel that is to be connected. As all of Netty's it sends small segments at once ({@code TCP_NODELAY}). */
    public abstract SocketChannel socket();

    /** A channel that is to listen. */
    public abstract ServerSocketChannel serverSocket();

    /** A channel for datagrams. */
    public abstract DatagramChannel datagrams();

    /** A channel that is to be connected to an address of that family. */
    public abstract SocketChannel socket(SocketProtocolFamily family);

    /** A channel that is to listen on an address of that family. */
    public abstract ServerSocketChannel serverSocket(SocketProtocolFamily family);

    /** A channel for datagrams to and from addresses of that family. */
    public abstract DatagramChannel datagrams(SocketProtocolFamily family);

    /** A channel that is to be connected to a unix socket. */
    public abstract DuplexChannel unixSocket();

    /** A channel that is to listen on a unix socket. */
    public abstract ServerChannel unixServerSocket();

    /** A unix socket's path, as this transport's channels take it. */
    public abstract SocketAddress unixAddress(Path path);

    /** Whether there is {@link #unixDatagrams()}. */
    public boolean hasUnixDatagrams() {
        return false;
    }

    /** A unix socket for datagrams; null if the transport has none. */
    public @Nullable UnixDatagramSocket unixDatagrams() {
        return null;
    }

    /** Whether descriptors of others can be watched on its loops by epoll. */
    public boolean isEpoll() {
        return false;
    }

    /**
     * Whether a stream may read what it has no buffer for, and takes an exception instead of one for an answer.
     */
    public boolean readsUnasked() {
        return false;
    }

    /**
     * Whether a channel hands a buffer on as soon as it has been given it for reading, so that all channels of a loop can share one.
     */
    public boolean readsAtOnce() {
        return false;
    }

    /** Whether the kernel has given a connection up, though nothing has been read that says so; false if there is no telling. */
    public boolean isDead(SocketChannel channel) {
        return false;
    }

    /**
     * Whether a connection that is said to be established is so. With io_uring an ICMP error that comes during the handshake can be read
     * where nobody hears of it, and what is left is taken for success.
     */
    public boolean isConnected(SocketChannel channel) {
        return true;
    }

    /** Which of the host's addresses a connection that is being made leaves from; null if there is no telling yet. */
    public @Nullable InetSocketAddress sourceOf(SocketChannel connecting) {
        return null;
    }

    abstract IoHandlerFactory handlerFactory();

    abstract boolean runs(IoEventLoopGroup group);

    @Override
    public final String toString() {
        return name();
    }
}
