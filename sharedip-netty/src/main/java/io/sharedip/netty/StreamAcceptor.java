package io.sharedip.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import io.sharedip.ConfigurationException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.LinkHost;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Gives each connection that comes in on one listening socket to the link it is for. Event loop only.
 *
 * <p>A connection is first <em>waiting</em> (for its first frame, or for its link to be opened), then attached to a link or
 * refused. One that comes while its link has another is a <em>contender</em> for a moment: a monitor that was restarted may be
 * back before the end of its old connection has been read.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty reports a channel's end to channelInactive, whoever asked for it
final class StreamAcceptor extends ChannelInboundHandlerAdapter implements StreamConnection.Owner {

    /** Connections that may wait; one more and the oldest has to go. */
    static final int MOST_WAITING = 64;

    private static final int CONTENTION_MILLIS = 20;
    private static final int PAUSE_MILLIS = 1000;

    private final EventLoop loop;
    private final Predicate<MacAddress> expected;
    private final Map<MacAddress, QemuStreamLink> byMac = new LinkedHashMap<>();
    private @Nullable QemuStreamLink only;
    private final Set<StreamConnection> waiting = new LinkedHashSet<>();
    private boolean stopped;

    /**
     * Makes an acceptor.
     *
     * @param only the link of every connection; null if connections are told apart
     * @param expected says of a MAC address without an open link whether its link will be opened
     */
    StreamAcceptor(EventLoop loop, @Nullable QemuStreamLink only, Predicate<MacAddress> expected) {
        this.only = only;
        this.loop = loop;
        this.expected = expected;
    }

    EventLoop loop() {
        return loop;
    }

    /** Takes a link that is being opened. */
    void add(QemuStreamLink link) {
        MacAddress mac = link.guest();
        if (mac == null) {
            only = link;
            return;
        }
        if (byMac.putIfAbsent(mac, link) != null) {
            throw new ConfigurationException(
                    "MAC address",
                    mac.toString(),
                    "has a link on this listener already",
                    "give each guest its own MAC address");
        }
        for (StreamConnection connection : List.copyOf(waiting)) {
            if (mac.equals(connection.claimed()) && waiting.remove(connection)) {
                offer(connection, link);
            }
        }
    }

    /** Lets a link go that is being closed, and its connection. */
    void remove(QemuStreamLink link) {
        MacAddress mac = link.guest();
        if (mac != null) {
            byMac.remove(mac, link);
        }
        for (StreamConnection connection : link.forgetConnections()) {
            connection.close("the link is closed");
        }
    }

    /** Closes what still waits and takes nothing more. */
    void stop() {
        stopped = true;
        for (StreamConnection connection : List.copyOf(waiting)) {
            connection.close("the listener is closed");
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Channel channel = (Channel) message;
        if (stopped) {
            channel.unsafe().closeForcibly();
            return;
        }
        try {
            if (channel instanceof SocketChannel tcp) {
                tcp.config().setTcpNoDelay(true).setKeepAlive(true);
            }
            channel.config().setAutoRead(only == null);
            channel.pipeline().addLast(new StreamConnection(this, channel));
            loop.register(channel).addListener(registered -> {
                if (!registered.isSuccess()) {
                    channel.unsafe().closeForcibly();
                }
            });
        } catch (RuntimeException goneAlready) {
            channel.unsafe().closeForcibly();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        Channel listening = context.channel();
        if (listening.config().isAutoRead() && listening.isOpen()) {
            // it would fail again at once, and for ever
            listening.config().setAutoRead(false);
            loop.schedule(() -> listening.config().setAutoRead(true), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
            notice(null, "a connection could not be accepted: " + cause.getMessage() + "; trying again in a second");
        }
    }

    @Override
    public void connected(StreamConnection connection) {
        if (stopped) {
            connection.close("the listener is closed");
        } else if (only != null) {
            offer(connection, only);
        } else {
            if (waiting.size() >= MOST_WAITING) {
                Iterator<StreamConnection> oldest = waiting.iterator();
                StreamConnection victim = oldest.next();
                oldest.remove();
                notice(
                        null,
                        "more than " + MOST_WAITING + " connections wait without having sent a frame; the oldest"
                                + victim.from() + " is closed");
                victim.close("it sent no frame");
            }
            waiting.add(connection);
        }
    }

    @Override
    public void introduced(StreamConnection connection, MacAddress mac) {
        QemuStreamLink link = byMac.get(mac);
        if (link != null) {
            waiting.remove(connection);
            offer(connection, link);
        } else if (expected.test(mac)) {
            connection.pause();
        } else {
            waiting.remove(connection);
            notice(
                    null,
                    "a connection" + connection.from() + " began with a frame of " + mac
                            + ", which no guest of this listener has; it is closed");
            connection.close("no guest has its MAC address");
        }
    }

    private void offer(StreamConnection connection, QemuStreamLink link) {
        if (link.connection() == null) {
            attach(connection, link);
            return;
        }
        connection.pause();
        if (link.contender() != null) {
            refuse(connection, link);
            return;
        }
        link.contender(connection);
        loop.schedule(
                () -> {
                    if (link.contender() == connection) {
                        link.contender(null);
                        refuse(connection, link);
                    }
                },
                CONTENTION_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    private void attach(StreamConnection connection, QemuStreamLink link) {
        connection.attach(link);
        link.attached(connection);
        // not from within its own processing of a frame
        loop.execute(connection::resume);
    }

    private void refuse(StreamConnection connection, QemuStreamLink link) {
        notice(link, "a second connection" + connection.from() + " was refused, for the guest is connected already");
        connection.close("the guest is connected already");
    }

    @Override
    public void gone(StreamConnection connection, @Nullable QemuStreamLink link, String reason) {
        waiting.remove(connection);
        if (link != null && link.connection() == connection) {
            link.detached(reason);
            StreamConnection next = link.contender();
            if (next != null) {
                link.contender(null);
                attach(next, link);
            }
            return;
        }
        List<QemuStreamLink> all = new ArrayList<>(byMac.values());
        if (only != null) {
            all.add(only);
        }
        for (QemuStreamLink other : all) {
            if (other.contender() == connection) {
                other.contender(null);
            }
        }
    }

    @Override
    public void notice(@Nullable QemuStreamLink link, String message) {
        QemuStreamLink teller = link != null ? link : only;
        if (teller == null && !byMac.isEmpty()) {
            teller = byMac.values().iterator().next();
        }
        LinkHost host = teller != null ? teller.host() : null;
        if (host != null) {
            host.notice(message);
        }
    }
}
