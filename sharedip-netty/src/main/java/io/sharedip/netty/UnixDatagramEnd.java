package io.sharedip.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.util.ReferenceCountUtil;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.netty.internal.transport.UnixDatagramSocket;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The socket of a link over unix datagrams.
 *
 * <p>The socket stays unconnected: connected, it would refuse a monitor that was restarted until something had been sent to the old one.
 * So the system does not say when a full queue of the peer's has room again, and it is tried after {@value #FIRST_MICROS} µs, then after
 * twice as long, up to {@value #LAST_MICROS} µs.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a loop that has ended has closed the socket too
final class UnixDatagramEnd extends DatagramEnd {

    /** What a monitor sends that wants to be known before its first frame. */
    static final int HELLO = 'V' << 24 | 'F' << 16 | 'K' << 8 | 'T';

    static final int FIRST_MICROS = 100;
    static final int LAST_MICROS = 5000;

    private static final int PROBE_MILLIS = 250;
    private static final long PROBES_APART_NANOS = 100_000_000L;
    private static final int SENT_IN_A_ROW = 256;

    private final UnixDatagramSocket socket;
    private final Path path;
    private final @Nullable Path remote;
    private final ByteBuffer pieces = ByteBuffer.allocateDirect(LinkOptions.LONGEST_FRAME);
    private final Runnable again = this::again;
    private final Runnable probe = this::probe;
    private @Nullable UnixSocketFile file;

    /** Where the peer is. */
    private static final class Peer {
        final Path path;
        final byte[] octets;

        Peer(Path path) {
            this.path = path;
            this.octets = UnixSocketFile.octets(path.toString());
        }
    }

    private volatile @Nullable Peer peer;

    // the event loop's
    private String known = "";
    private boolean gone;
    private boolean waiting;
    private int wait = FIRST_MICROS;
    private boolean probed;
    private long lastProbe;

    private UnixDatagramEnd(
            DatagramLink link, LinkLoop loop, int queue, UnixDatagramSocket socket, DatagramAddress.Unix address) {
        super(link, loop, queue);
        this.socket = socket;
        this.path = address.local();
        this.remote = address.remote();
        if (remote != null) {
            peer = new Peer(remote);
        }
    }

    /**
     * Binds one.
     *
     * @throws LinkException if that cannot be; nothing is left behind
     * @throws ConfigurationException if the loop's transport has no such sockets
     */
    static UnixDatagramEnd open(DatagramLink link, LinkLoop loop, int queue, DatagramAddress.Unix address) {
        UnixDatagramSocket socket = loop.transport().unixDatagrams();
        if (socket == null) {
            throw new ConfigurationException(
                    link.name() + ": event loop group",
                    loop.transport().name(),
                    "has no unix datagrams",
                    "give it one for epoll, or none");
        }
        UnixDatagramEnd end = new UnixDatagramEnd(link, loop, queue, socket, address);
        Channel channel = socket.channel();
        boolean opened = false;
        try {
            channel.config()
                    .setRecvByteBufAllocator(new DatagramBuffers(LinkOptions.LONGEST_FRAME + 8, 1, READS_IN_A_ROW));
            channel.config().setOption(ChannelOption.SO_RCVBUF, SYSTEM_BUFFER);
            channel.config().setOption(ChannelOption.SO_SNDBUF, SYSTEM_BUFFER);
            channel.pipeline().addLast(end);
            end.file = UnixSocketFile.bindInPlace(
                    link.name(),
                    address.local(),
                    socket::isAlive,
                    at -> StreamAddress.registerAndBind(
                            link.name(), loop, channel, loop.transport().unixAddress(at)));
            opened = true;
            return end;
        } finally {
            if (!opened) {
                StreamAddress.close(loop, channel);
            }
        }
    }

    @Override
    Channel channel() {
        return socket.channel();
    }

    @Override
    SocketAddress localAddress() {
        return UnixDomainSocketAddress.of(path);
    }

    @Override
    void clean() {
        if (file != null) {
            file.remove();
        }
    }

    @Nullable
    Path remote() {
        Peer now = peer;
        return now == null ? null : now.path;
    }

    @Override
    boolean hasPeer() {
        return peer != null;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            ByteBuf datagram = socket.content(message);
            boolean hello = datagram.readableBytes() == 4 && datagram.getInt(datagram.readerIndex()) == HELLO;
            if (isFromPeer(socket.sender(message), datagram, hello)) {
                back();
                if (!hello) {
                    received(datagram);
                }
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private boolean isFromPeer(String sender, ByteBuf datagram, boolean hello) {
        if (!known.isEmpty() && known.equals(sender)) {
            return true;
        }
        if (sender.isEmpty()) {
            stranger("a socket without a path", "let the monitor bind a path of its own");
            return false;
        }
        if (remote != null) {
            if (!isAt(sender, remote)) {
                stranger(sender, "the guest is at " + remote);
                return false;
            }
            known = sender;
            return true;
        }
        if (!hello && !isPlausible(datagram)) {
            stranger(sender, "it is no Ethernet frame of a station");
            return false;
        }
        Peer earlier = peer;
        if (earlier != null && isThere(earlier)) {
            stranger(sender, "the guest is at " + earlier.path);
            return false;
        }
        try {
            peer = new Peer(Path.of(sender));
        } catch (InvalidPathException e) {
            stranger("a socket with an impossible path", "let the monitor bind another");
            return false;
        }
        known = sender;
        return true;
    }

    /** Whether two paths lead to one socket. */
    private static boolean isAt(String sender, Path where) {
        try {
            return sender.equals(where.toString()) || Files.isSameFile(Path.of(sender), where);
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }

    /** Whether a peer of earlier is still there; looked at now and then only. */
    private boolean isThere(Peer earlier) {
        long now = System.nanoTime();
        if (probed && now - lastProbe < PROBES_APART_NANOS) {
            return true;
        }
        probed = true;
        lastProbe = now;
        return socket.isAlive(earlier.path);
    }

    @Override
    void pump() {
        if (waiting || isClosed()) {
            return;
        }
        Peer to = peer;
        boolean room = false;
        if (to == null || gone) {
            room = leaving.discard();
        } else {
            int sent = 0;
            int length;
            while (sent < SENT_IN_A_ROW && (length = leaving.nextFrame()) > 0 && send(to, length)) {
                room |= leaving.freeFrame();
                sent++;
            }
            if (sent == SENT_IN_A_ROW) {
                loop.execute(this::pump);
            }
        }
        if (room) {
            wakeDriver();
        }
    }

    /** Sends the next frame; false if it has to wait, and then it is planned when to try again. */
    private boolean send(Peer to, int length) {
        ByteBuffer frame = leaving.frame(pieces);
        int at = leaving.frameAt();
        try {
            if (!socket.send(frame, at, at + length, to.octets)) {
                waiting = true;
                schedule(again, wait, TimeUnit.MICROSECONDS);
                wait = Math.min(LAST_MICROS, 2 * wait);
                return false;
            }
            wait = FIRST_MICROS;
        } catch (FileNotFoundException e) {
            lost(to);
        } catch (IOException e) {
            String message = String.valueOf(e.getMessage());
            if (message.toLowerCase(Locale.ROOT).contains("refused")) {
                lost(to);
            } else {
                trouble("a frame of " + length + " octets could not be sent: " + message);
            }
        }
        return true;
    }

    private void again() {
        waiting = false;
        pump();
    }

    private void schedule(Runnable task, int delay, TimeUnit unit) {
        try {
            loop.loop().schedule(task, delay, unit);
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, and with them the socket
        }
    }

    private void lost(Peer from) {
        if (gone) {
            return;
        }
        gone = true;
        known = "";
        if (remote == null) {
            peer = null;
        } else {
            schedule(probe, PROBE_MILLIS, TimeUnit.MILLISECONDS);
        }
        link.lost("nobody receives at " + from.path);
    }

    private void probe() {
        Peer looked = peer;
        if (!gone || isClosed() || looked == null) {
            return;
        }
        if (socket.isAlive(looked.path)) {
            back();
        } else {
            schedule(probe, PROBE_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void back() {
        if (gone) {
            gone = false;
            link.back();
        }
    }
}
