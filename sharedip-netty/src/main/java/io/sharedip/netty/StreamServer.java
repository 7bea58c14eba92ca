package io.sharedip.netty;

import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import io.sharedip.netty.internal.transport.Transport;
import java.net.SocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The listening socket of one or more links: open while any of them is. Thread-safe. Everything about one socket happens on
 * one event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class StreamServer implements StreamSource {

    static final String THREAD = "sharedip-qemu";

    private final StreamAddress address;
    private final @Nullable EventLoopGroup given;
    private final Set<MacAddress> expected = ConcurrentHashMap.newKeySet();
    private @Nullable Running running;
    private int links;

    /** What there is while the socket is open. */
    private record Running(LinkLoop loop, StreamAddress.Bound bound, StreamAcceptor acceptor) {}

    StreamServer(StreamAddress address, @Nullable EventLoopGroup given) {
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

    /** Says that a link for this guest is going to be opened. */
    void expect(MacAddress mac) {
        expected.add(mac);
    }

    @Override
    public synchronized @Nullable SocketAddress localAddress() {
        return running != null ? running.bound.address() : null;
    }

    @Override
    public synchronized void open(QemuStreamLink link) {
        Running now = running != null ? running : start(link);
        running = now;
        try {
            Future<?> added = now.loop.run(() -> now.acceptor.add(link), LinkLoop.OPEN_MILLIS);
            Throwable cause = added.cause();
            if (cause instanceof ConfigurationException wrong) {
                throw wrong;
            }
            if (!added.isSuccess()) {
                now.loop.execute(() -> now.acceptor.remove(link));
                throw new LinkException(link.name(), "its event loop does not answer", null, cause);
            }
            links++;
        } catch (RejectedExecutionException e) {
            throw LinkLoop.isGone(link.name(), e);
        } finally {
            if (links == 0) {
                stop();
            }
        }
    }

    @Override
    public synchronized void close(QemuStreamLink link) {
        MacAddress mac = link.guest();
        if (mac != null) {
            expected.remove(mac);
        }
        Running now = running;
        if (now == null) {
            return;
        }
        if (links == 1) {
            // first, so that the guest's next attempt finds nobody
            StreamAddress.close(now.loop, now.bound.channel());
        }
        try {
            now.loop.run(() -> now.acceptor.remove(link), LinkLoop.CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, and with them every connection
        }
        if (--links == 0) {
            stop();
        }
    }

    @Override
    public void forget(MacAddress mac) {
        expected.remove(mac);
    }

    private Running start(QemuStreamLink link) {
        LinkLoop loop = given != null ? LinkLoop.of(given) : LinkLoop.ofItsOwn(Transport.nio(), THREAD);
        boolean started = false;
        try {
            StreamAcceptor acceptor =
                    new StreamAcceptor(loop.loop(), link.guest() == null ? link : null, expected::contains);
            Running made = new Running(loop, address.bind(link.name(), loop, acceptor), acceptor);
            started = true;
            return made;
        } finally {
            if (!started) {
                loop.end();
            }
        }
    }

    private void stop() {
        Running now = running;
        running = null;
        if (now == null) {
            return;
        }
        StreamAddress.close(now.loop, now.bound.channel());
        try {
            now.loop.run(now.acceptor::stop, LinkLoop.CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // see close
        }
        now.bound.clean();
        now.loop.end();
    }
}
