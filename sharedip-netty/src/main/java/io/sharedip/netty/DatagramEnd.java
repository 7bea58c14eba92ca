package io.sharedip.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The socket of a datagram link. Everything happens on its event loop, except opening and closing, and {@link #kick}, which the driver
 * calls.
 *
 * <p>The frames of one round of reads are gathered and handed over as one batch. When the link's ring is full, reading stops until the
 * driver has made room; the few frames that were read already and find no room are lost, as datagrams are.
 */
abstract class DatagramEnd extends ChannelInboundHandlerAdapter {

    static final int READS_IN_A_ROW = 16;
    static final int SYSTEM_BUFFER = 1 << 20;

    private static final int BATCH = 64;
    private static final int ROOM = 1 << 17;
    private static final int SOURCE_MAC = 6;

    final DatagramLink link;
    final LinkLoop loop;
    final Arrivals arrived;
    final SendRing leaving;

    private final byte[] octets = new byte[ROOM];
    private final Frame[] batch = new Frame[BATCH];
    private final Runnable pump = this::pumpWhenKicked;
    private final AtomicBoolean kicked = new AtomicBoolean();
    private final RareNotice badLength = new RareNotice();
    private final RareNotice stranger = new RareNotice();
    private final RareNotice trouble = new RareNotice();
    private int used;
    private int count;
    private int handed;
    private boolean closed;

    DatagramEnd(DatagramLink link, LinkLoop loop, int queue) {
        this.link = link;
        this.loop = loop;
        this.arrived = new Arrivals(queue);
        this.leaving = new SendRing(queue);
        for (int i = 0; i < BATCH; i++) {
            batch[i] = new Frame();
        }
    }

    abstract Channel channel();

    /** Where datagrams arrive. */
    abstract SocketAddress localAddress();

    /** Sends what has been published, as far as the system takes it. Event loop only. */
    abstract void pump();

    /** Undoes what lies outside the socket, which has been closed. */
    void clean() {}

    /** Whether there is anybody to send to. Any thread. */
    abstract boolean hasPeer();

    boolean isClosed() {
        return closed;
    }

    /** A frame can only have come from a monitor if it has a length and a source that a card can have. */
    static boolean isPlausible(ByteBuf frame) {
        if (frame.readableBytes() < LinkOptions.SHORTEST_FRAME) {
            return false;
        }
        int source = frame.readerIndex() + SOURCE_MAC;
        return (frame.getByte(source) & 1) == 0 && (frame.getShort(source) | frame.getInt(source + 2)) != 0;
    }

    /** Takes a frame that the guest's monitor has sent. */
    final void received(ByteBuf frame) {
        int length = frame.readableBytes();
        if (length < LinkOptions.SHORTEST_FRAME || length > LinkOptions.LONGEST_FRAME) {
            badLength.tell(
                    link.host(),
                    "a datagram of " + (length > LinkOptions.LONGEST_FRAME ? "too many" : length)
                            + " octets was dropped, where frames have " + LinkOptions.SHORTEST_FRAME + " to "
                            + LinkOptions.LONGEST_FRAME);
            return;
        }
        if (!hasRoom(length)) {
            handOver();
        }
        if (hasRoom(length)) {
            frame.readBytes(octets, used, length);
            batch[count++].wrap(octets, used, length).checksumState(link.checksums());
            used += length;
        } else {
            trouble("a datagram was lost, for the gateway does not keep up");
        }
    }

    private boolean hasRoom(int length) {
        return count < BATCH && used + length <= ROOM;
    }

    final void stranger(String who, String cure) {
        stranger.tell(link.host(), "a datagram from " + who + " was dropped: " + cure);
    }

    final void trouble(String message) {
        trouble.tell(link.host(), message);
    }

    final void wakeDriver() {
        LinkHost host = link.host();
        if (host != null) {
            host.wakeup();
        }
    }

    private void handOver() {
        LinkHost host = link.host();
        if (host == null || handed == count) {
            clear();
            return;
        }
        if (handed == 0 && host.onDriverThread()) {
            arrived.deliver(host, batch, count);
            clear();
            return;
        }
        while (handed < count) {
            if (!arrived.offer(batch[handed])) {
                channel().config().setAutoRead(false);
                host.wakeup();
                return;
            }
            handed++;
        }
        clear();
        host.wakeup();
    }

    private void clear() {
        used = 0;
        count = 0;
        handed = 0;
    }

    @Override
    public final void channelReadComplete(ChannelHandlerContext context) {
        handOver();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        String message = cause.getMessage();
        trouble("a datagram was lost: " + (message != null ? message : cause.toString()));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (!closed) {
            closed = true;
            link.lost("its socket was closed");
        }
    }

    /** Reads on, after the driver has made room. Any thread. */
    final void resumeSoon() {
        loop.execute(() -> {
            handOver();
            if (!closed && !arrived.isStalled()) {
                channel().config().setAutoRead(true);
            }
        });
    }

    /** Starts sending what has been published. Driver only. */
    final void kick() {
        if (loop.inEventLoop()) {
            pump();
        } else if (!kicked.get() && kicked.compareAndSet(false, true)) {
            loop.execute(pump);
        }
    }

    private void pumpWhenKicked() {
        kicked.set(false);
        pump();
    }

    /** Closes the socket, and ends the loop if it is the link's own. Any thread. */
    @SuppressWarnings("FutureReturnValueIgnored") // it is not worth more than the wait
    final void close() {
        try {
            loop.run(() -> closed = true, LinkLoop.CLOSE_MILLIS);
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, and with them the socket
        }
        StreamAddress.close(loop, channel());
        clean();
        loop.end();
    }
}
