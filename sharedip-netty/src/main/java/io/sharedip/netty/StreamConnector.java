package io.sharedip.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.Future;
import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.LinkHost;
import io.sharedip.netty.internal.transport.Transport;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Connects one link to a monitor that listens, and again whenever the connection has ended or could not be made: after
 * {@value #FIRST_MILLIS} ms, then twice as long each time, up to {@value #LAST_MILLIS} ms. Everything but opening and closing happens on
 * the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class StreamConnector implements StreamSource {

    static final int FIRST_MILLIS = 50;
    static final int LAST_MILLIS = 2000;

    private static final int CONNECT_MILLIS = 5000;

    private final StreamAddress address;
    private final @Nullable EventLoopGroup given;
    private @Nullable Attempts running;

    /** What there is while the link is open. */
    private static final class Attempts implements StreamConnection.Owner {
        final String where;
        final LinkLoop loop;
        final StreamAddress.Target target;
        final QemuStreamLink link;
        final Runnable attempt = this::attempt;

        @Nullable
        Channel channel;

        @Nullable
        Future<?> next;

        int delay = FIRST_MILLIS;
        long since;
        boolean stopped;

        Attempts(String where, LinkLoop loop, StreamAddress.Target target, QemuStreamLink link) {
            this.where = where;
            this.loop = loop;
            this.target = target;
            this.link = link;
        }

        void attempt() {
            if (stopped) {
                return;
            }
            Channel made = target.channel(loop.transport());
            channel = made;
            made.config().setOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS);
            if (made instanceof SocketChannel tcp) {
                tcp.config().setTcpNoDelay(true).setKeepAlive(true);
            }
            made.pipeline().addLast(new StreamConnection(this, made));
            loop.loop().register(made).addListener((ChannelFuture registered) -> {
                if (registered.isSuccess()) {
                    made.connect(target.address(loop.transport())).addListener(this::tried);
                } else {
                    tried(registered);
                }
            });
        }

        private void tried(Future<?> connecting) {
            Throwable cause = connecting.cause();
            if (cause != null && !stopped) {
                Channel failed = channel;
                if (failed != null) {
                    failed.unsafe().closeForcibly();
                }
                again();
                link.unreachable("nobody answers at " + where + ": " + cause.getMessage());
            }
        }

        @Override
        public void connected(StreamConnection connection) {
            if (stopped) {
                connection.close("the link is closed");
                return;
            }
            since = System.nanoTime();
            connection.attach(link);
            link.attached(connection);
            // not from within its own coming up
            loop.execute(connection::resume);
        }

        @Override
        public void introduced(StreamConnection connection, MacAddress mac) {
            throw new IllegalStateException("a connection is the link's from the beginning");
        }

        @Override
        public void gone(StreamConnection connection, @Nullable QemuStreamLink of, String reason) {
            if (link.connection() == connection) {
                link.detached(reason);
            }
            if (!stopped) {
                if (System.nanoTime() - since > TimeUnit.MILLISECONDS.toNanos(LAST_MILLIS)) {
                    delay = FIRST_MILLIS; // it was a real one
                }
                again();
            }
        }

        @Override
        public void notice(@Nullable QemuStreamLink of, String message) {
            LinkHost host = link.host();
            if (host != null) {
                host.notice(message);
            }
        }

        void again() {
            next = loop.loop().schedule(attempt, delay, TimeUnit.MILLISECONDS);
            delay = Math.min(LAST_MILLIS, 2 * delay);
        }

        void stop() {
            stopped = true;
            Future<?> planned = next;
            if (planned != null) {
                planned.cancel(false);
            }
            link.forgetConnections().forEach(connection -> connection.close("the link is closed"));
            Channel last = channel;
            if (last != null) {
                last.close();
            }
        }
    }

    StreamConnector(StreamAddress address, @Nullable EventLoopGroup given) {
        if (given != null) {
            LinkLoop.transportOf(given);
        }
        this.address = address;
        this.given = given;
    }

    @Override
    public String text() {
        return address.toString();
    }

    @Override
    public @Nullable SocketAddress localAddress() {
        return null;
    }

    @Override
    public synchronized void open(QemuStreamLink link) {
        StreamAddress.Target target = address.resolve(link.name());
        LinkLoop loop = given != null ? LinkLoop.of(given) : LinkLoop.ofItsOwn(Transport.nio(), StreamServer.THREAD);
        Attempts attempts =
                new Attempts(address.toString().substring(StreamAddress.CONNECT.length()), loop, target, link);
        running = attempts;
        boolean begun = false;
        try {
            Future<?> first = loop.run(attempts.attempt, LinkLoop.OPEN_MILLIS);
            if (!first.isSuccess()) {
                loop.execute(attempts::stop);
                throw new LinkException(link.name(), "its event loop does not answer", null, first.cause());
            }
            begun = true;
        } catch (RejectedExecutionException e) {
            throw LinkLoop.isGone(link.name(), e);
        } finally {
            if (!begun) {
                running = null;
                loop.end();
            }
        }
    }

    @Override
    public synchronized void close(QemuStreamLink link) {
        Attempts now = running;
        running = null;
        if (now == null) {
            return;
        }
        try {
            now.loop.run(now::stop, LinkLoop.CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, and with them the connection
        }
        now.loop.end();
    }
}
