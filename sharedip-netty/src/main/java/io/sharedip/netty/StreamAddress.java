package io.sharedip.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import io.sharedip.netty.internal.transport.Transport;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Where a stream is listened for, or connected to. Immutable; holds nothing until {@link #bind}. */
abstract sealed class StreamAddress {

    static final String SETTING = "qemu-stream";

    /** What stands before an address that is to be connected to. */
    static final String CONNECT = "connect ";

    private static final String UNIX = "unix:";
    private static final String TCP = "tcp:";
    private static final String FORMS =
            "write unix:PATH or tcp:HOST:PORT, such as unix:/run/vm1.sock or tcp:127.0.0.1:5001";

    private final String text;
    private final boolean connects;

    private StreamAddress(String text, boolean connects) {
        this.text = text;
        this.connects = connects;
    }

    /** The way it was written. */
    @Override
    public String toString() {
        return text;
    }

    /** Whether it was written with {@link #CONNECT} before it. */
    boolean connects() {
        return connects;
    }

    /**
     * Listens.
     *
     * @param link name for messages
     * @param acceptor the handler of the channel that listens
     * @throws LinkException if that cannot be; nothing is left behind
     */
    abstract Bound bind(String link, LinkLoop loop, ChannelHandler acceptor);

    /**
     * Finds out what to connect to, which may take a name server's time.
     *
     * @param link name for messages
     * @throws LinkException if there is no such host
     */
    abstract Target resolve(String link);

    /** A socket that listens, and what must be undone when it is closed. */
    record Bound(
            Channel channel,
            SocketAddress address,
            @Nullable UnixSocketFile file) {

        /** Undoes what lies outside the socket, which has been closed. */
        void clean() {
            if (file != null) {
                file.remove();
            }
        }
    }

    /** What to connect to. */
    interface Target {

        Channel channel(Transport transport);

        SocketAddress address(Transport transport);
    }

    /** Reads an address that may begin with {@link #CONNECT}. */
    static StreamAddress parse(String text) {
        Objects.requireNonNull(text, "text");
        boolean connects = text.startsWith(CONNECT);
        return parse(text, connects, connects ? CONNECT.length() : 0);
    }

    /** Reads an address that is to be listened on. */
    static StreamAddress toListen(String text) {
        return parse(Objects.requireNonNull(text, "text"), false, 0);
    }

    /** Reads an address that is to be connected to, written without {@link #CONNECT}. */
    static StreamAddress toConnect(String text) {
        return parse(CONNECT + Objects.requireNonNull(text, "text"), true, CONNECT.length());
    }

    private static StreamAddress parse(String text, boolean connects, int at) {
        if (text.startsWith(UNIX, at)) {
            return new Unix(
                    text, connects, UnixSocketFile.parse(SETTING, text, at + UNIX.length(), text.length(), FORMS));
        }
        if (text.startsWith(TCP, at)) {
            HostAndPort end = HostAndPort.parse(SETTING, text, at + TCP.length(), text.length(), "tcp:", FORMS);
            if (connects && end.port() == 0) {
                throw new SyntaxException(
                        SETTING, text, text.length() - 1, "has port 0", "name the port that the monitor listens on");
            }
            return new Tcp(text, connects, end);
        }
        throw new SyntaxException(SETTING, text, at, "begins with neither 'unix:' nor 'tcp:'", FORMS);
    }

    /** Registers a channel with the loop and binds it; on failure closes it and throws what was wrong. */
    static void registerAndBind(String link, LinkLoop loop, Channel channel, SocketAddress address) throws IOException {
        boolean bound = false;
        try {
            ChannelFuture registered = loop.loop().register(channel);
            loop.await(registered, LinkLoop.OPEN_MILLIS);
            check(link, registered);
            ChannelFuture binding = channel.bind(address);
            loop.await(binding, LinkLoop.OPEN_MILLIS);
            check(link, binding);
            bound = true;
        } catch (RejectedExecutionException e) {
            throw LinkLoop.isGone(link, e);
        } finally {
            if (!bound) {
                close(loop, channel);
            }
        }
    }

    private static void check(String link, ChannelFuture done) throws IOException {
        Throwable cause = done.cause();
        if (cause instanceof RejectedExecutionException e) {
            throw LinkLoop.isGone(link, e);
        }
        if (cause instanceof IOException e) {
            throw e;
        }
        if (!done.isSuccess()) {
            throw new LinkException(link, "its event loop does not answer", null, cause);
        }
    }

    /** Closes a channel, registered or not. */
    static void close(LinkLoop loop, Channel channel) {
        try {
            if (channel.isRegistered()) {
                loop.await(channel.close(), LinkLoop.CLOSE_MILLIS);
            } else {
                channel.unsafe().closeForcibly();
            }
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, and with them every channel
        }
    }

    /** A TCP address; the host is looked up when it is bound or connected to. */
    static final class Tcp extends StreamAddress {

        private static final boolean WINDOWS = System.getProperty("os.name", "").startsWith("Windows");

        private final HostAndPort end;

        private Tcp(String text, boolean connects, HostAndPort end) {
            super(text, connects);
            this.end = end;
        }

        @Override
        Bound bind(String link, LinkLoop loop, ChannelHandler acceptor) {
            InetAddress address = end.lookUp(link, "name an address of this machine, such as 127.0.0.1");
            ServerChannel channel = loop.transport().serverSocket(HostAndPort.family(address));
            if (!WINDOWS) {
                // a restarted gateway is not kept waiting by old connections; on Windows this would allow two listeners
                channel.config().setOption(ChannelOption.SO_REUSEADDR, true);
            }
            channel.pipeline().addLast(acceptor);
            try {
                registerAndBind(link, loop, channel, new InetSocketAddress(address, end.port()));
                return new Bound(channel, channel.localAddress(), null);
            } catch (IOException e) {
                throw end.explain(link, e);
            }
        }

        @Override
        Target resolve(String link) {
            InetAddress address = end.lookUp(link, "name the machine that the monitor listens on");
            return new Target() {
                @Override
                public Channel channel(Transport transport) {
                    return transport.socket(HostAndPort.family(address));
                }

                @Override
                public SocketAddress address(Transport transport) {
                    return new InetSocketAddress(address, end.port());
                }
            };
        }
    }

    /** A unix socket's path. */
    static final class Unix extends StreamAddress {

        private final Path path;

        private Unix(String text, boolean connects, Path path) {
            super(text, connects);
            this.path = path;
        }

        @Override
        Bound bind(String link, LinkLoop loop, ChannelHandler acceptor) {
            ServerChannel channel = loop.transport().unixServerSocket();
            channel.pipeline().addLast(acceptor);
            boolean bound = false;
            try {
                UnixSocketFile file = UnixSocketFile.bindHidden(
                        link,
                        path,
                        Unix::isAlive,
                        at -> registerAndBind(
                                link, loop, channel, loop.transport().unixAddress(at)));
                bound = true;
                return new Bound(channel, UnixDomainSocketAddress.of(path), file);
            } finally {
                if (!bound) {
                    close(loop, channel);
                }
            }
        }

        private static boolean isAlive(Path path) throws IOException {
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                probe.configureBlocking(false); // a full backlog must not stop us
                probe.connect(UnixDomainSocketAddress.of(path));
                return true;
            } catch (ConnectException | NoSuchFileException nobodyListens) {
                return false;
            }
        }

        @Override
        Target resolve(String link) {
            return new Target() {
                @Override
                public Channel channel(Transport transport) {
                    return transport.unixSocket();
                }

                @Override
                public SocketAddress address(Transport transport) {
                    return transport.unixAddress(path);
                }
            };
        }
    }
}
