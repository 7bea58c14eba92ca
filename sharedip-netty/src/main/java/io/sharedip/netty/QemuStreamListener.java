package io.sharedip.netty;

import io.netty.channel.EventLoopGroup;
import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.LinkHost;
import java.net.SocketAddress;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One address for the streams of several guests. Each guest has a {@link QemuStreamLink} of its own, and a connection belongs
 * to the link whose guest's MAC address is the source of its first frame:
 *
 * <pre>{@code
 * QemuStreamListener listener = QemuStreamListener.listen("unix:/run/vms.sock");
 * QemuStreamLink web = listener.link(MacAddress.parse("52:54:00:00:00:01"));
 * QemuStreamLink db = listener.link(MacAddress.parse("52:54:00:00:00:02"));
 * }</pre>
 *
 * <p>The first frame only tells guests apart that are to be trusted with one socket: whoever can connect can claim any MAC
 * address that has no connection yet. Where guests are not to be trusted give each an address of its own. Later frames are
 * not looked at here; whether a guest may use their addresses is for the gateway's bindings to say.
 *
 * <p>Until its first frame has come, a connection gets nothing sent and its link has no peer. Up to 64 connections may wait
 * so; with one more the oldest is closed. If the frame's MAC address is one that {@link #link} was asked for, but the link is
 * not open yet, the connection waits for it; any other is closed with a {@linkplain LinkHost#notice notice}, told through the
 * link that was opened first. All else is as for a link with its own address.
 *
 * <p><b>Lifetime.</b> The listener has no {@code close}: its socket is opened with the first link that is opened, and closed
 * and removed with the last link that is closed; when another link is opened after that, so is the socket. Closing one link
 * while others are open ends that guest's connection alone, and {@link #link} then makes a new one for its guest.
 *
 * <p>Thread-safe.
 */
public final class QemuStreamListener {

    private final StreamServer server;

    private QemuStreamListener(String address, @Nullable EventLoopGroup group) {
        this.server = new StreamServer(StreamAddress.toListen(address), group);
    }

    /**
     * Makes a listener that works on a thread of its own while it is open. Nothing is opened yet.
     *
     * @param address as for {@link QemuStreamLink#listen(String)}
     * @return a new listener
     * @throws ConfigurationException if it cannot be an address; a {@link SyntaxException} says where
     */
    public static QemuStreamListener listen(String address) {
        return new QemuStreamListener(address, null);
    }

    /**
     * Makes a listener that works on an event loop of the embedder's. Nothing is opened yet.
     *
     * @param address as for {@link QemuStreamLink#listen(String)}
     * @param group as for {@link QemuStreamLink#listen(String, EventLoopGroup)}
     * @return a new listener
     * @throws ConfigurationException if it cannot be an address, or the group is not one for NIO, epoll or io_uring
     */
    public static QemuStreamListener listen(String address, EventLoopGroup group) {
        return new QemuStreamListener(address, Objects.requireNonNull(group, "group"));
    }

    /**
     * Makes the link of a guest, to be opened by a gateway. While one link of a MAC address is open, another with the same
     * cannot be opened.
     *
     * @param guest the guest's MAC address
     * @return a new link
     * @throws ConfigurationException if the address is not that of one station
     */
    public QemuStreamLink link(MacAddress guest) {
        if (guest.isMulticast() || guest.isZero()) {
            throw new ConfigurationException(
                    "MAC address", guest.toString(), "is not that of one station", "give the guest a unicast address");
        }
        server.expect(guest);
        return QemuStreamLink.of(server, guest);
    }

    /**
     * Where connections are accepted.
     *
     * @return the address with the port that the system chose, if it was to choose one; empty while no link is open
     */
    public Optional<SocketAddress> localAddress() {
        return Optional.ofNullable(server.localAddress());
    }

    /** The address as it was written. */
    @Override
    public String toString() {
        return server.text();
    }
}
