package io.sharedip.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.sharedip.address.MacAddress;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One connection. All of it runs on the event loop, except {@link #kick} and {@link #resumeSoon}, which the thread that drives the
 * engine calls.
 *
 * <p><b>Reading.</b> Every read appends to one array, in which frames are found and handed on where they lie. When the link's
 * ring is full, reading stops until the driver has made room: the guest's monitor is held up and nothing is lost.
 *
 * <p><b>Writing.</b> At most one write is under way, straight from the link's {@link SendRing}; its end starts the next.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty reports a channel's end to channelInactive, whoever asked for it
final class StreamConnection extends ChannelInboundHandlerAdapter {

    static final int SHORTEST = LinkOptions.SHORTEST_FRAME;
    static final int LONGEST = LinkOptions.LONGEST_FRAME;

    private static final int HEADER = 4;
    private static final int ROOM = 1 << 17;
    private static final int SOURCE_MAC = 6;
    private static final int READS_IN_A_ROW = 4;
    private static final int MOST_WRITTEN_AT_ONCE = 1 << 16;
    private static final int BATCH = 64;

    /** Whoever has made the connection. Event loop only. */
    interface Owner {

        /** A connection has come up. */
        void connected(StreamConnection connection);

        /** A connection without a link has said by its first frame which guest it is. */
        void introduced(StreamConnection connection, MacAddress mac);

        /** A connection has ended. */
        void gone(StreamConnection connection, @Nullable QemuStreamLink link, String reason);

        /** Tells the gateway of the link, or of any link if it concerns none. */
        void notice(@Nullable QemuStreamLink link, String message);
    }

    private final Owner owner;
    private final Channel channel;
    private final ByteBuf received = Unpooled.wrappedBuffer(new byte[ROOM]).clear();
    // where Netty reads to, since native transports need direct memory; not pooled, so that the collector frees it
    private final ByteBuf incoming = Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(ROOM));
    private final Frame[] batch = new Frame[BATCH];
    private final ChannelFutureListener written = this::written;
    private final Runnable pump = this::pumpWhenKicked;
    private final Runnable resume = this::resume;
    private final AtomicBoolean kicked = new AtomicBoolean();

    private @Nullable QemuStreamLink link;
    private @Nullable MacAddress claimed;
    private String ending = "the guest closed the connection";
    private boolean ended;
    private boolean offered;
    private int writing;

    StreamConnection(Owner owner, Channel channel) {
        this.owner = owner;
        this.channel = channel;
        for (int i = 0; i < BATCH; i++) {
            batch[i] = new Frame();
        }
        channel.config().setRecvByteBufAllocator(new IntoIncoming());
    }

    /** Lets Netty read into {@link #incoming} instead of a new buffer each time, and no more than {@link #received} takes. */
    private final class IntoIncoming extends DefaultMaxMessagesRecvByteBufAllocator {

        private IntoIncoming() {
            super(READS_IN_A_ROW);
        }

        @Override
        @SuppressWarnings("deprecation") // its successor is the return type of the overridden method
        public Handle newHandle() {
            return new MaxMessageHandle() {
                @Override
                public int guess() {
                    return received.writableBytes();
                }

                @Override
                public ByteBuf allocate(ByteBufAllocator allocator) {
                    int start = ROOM - received.writableBytes();
                    return incoming.setIndex(start, start).retain();
                }
            };
        }
    }

    Channel channel() {
        return channel;
    }

    /** The guest it says it is, before it has a link. */
    @Nullable
    MacAddress claimed() {
        return claimed;
    }

    /** Gives the connection to a link; frames flow from now on in one direction, and in the other after {@link #resume}. */
    void attach(QemuStreamLink link) {
        this.link = link;
    }

    /** The other end's address, for messages: empty for a unix socket, which has none. */
    String from() {
        return channel.remoteAddress() instanceof InetSocketAddress address
                ? " from " + address.getAddress().getHostAddress() + ":" + address.getPort()
                : "";
    }

    void pause() {
        channel.config().setAutoRead(false);
    }

    /** Takes up frames that wait, then reads on. */
    void resume() {
        if (ended) {
            return;
        }
        process();
        endBatch();
        QemuStreamLink to = link;
        if (!ended && to != null && to.isOpen() && !to.rings().arrived().isStalled()) {
            channel.config().setAutoRead(true);
            pump();
        }
    }

    /** Ends the connection; what is still unread is dropped. */
    void close(String reason) {
        if (!ended) {
            ended = true;
            ending = reason;
            channel.close();
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        owner.connected(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf octets = (ByteBuf) message;
        try {
            received.writeBytes(octets);
            process();
        } finally {
            octets.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        endBatch();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ended = true;
        owner.gone(this, link, ending);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        String message = cause.getMessage();
        close("the connection broke: " + (message != null ? message : cause.toString()));
    }

    private void process() {
        while (!ended) {
            int readable = received.readableBytes();
            if (readable < HEADER) {
                break;
            }
            long length = received.getUnsignedInt(received.readerIndex());
            if (length < SHORTEST || length > LONGEST) {
                refuse(length);
                break;
            }
            if (readable < HEADER + length) {
                break;
            }
            QemuStreamLink to = link;
            if (to != null) {
                LinkHost host = to.host();
                boolean goesOn = host != null && (host.onDriverThread() ? deliver(to, host) : queue(to, host));
                if (!goesOn) {
                    break;
                }
            } else if (!introduce()) {
                break;
            }
        }
        if (ended) {
            received.clear();
        } else {
            makeRoom();
        }
    }

    /** Finds the link of the guest whose first frame this is; false if there is none, or none yet. */
    private boolean introduce() {
        if (claimed == null) {
            int source = received.readerIndex() + HEADER + SOURCE_MAC;
            claimed = new MacAddress(
                    (long) received.getUnsignedShort(source) << 32 | received.getUnsignedInt(source + 2));
            owner.introduced(this, claimed);
        }
        return link != null;
    }

    private void refuse(long length) {
        String problem = "the guest announced a frame of " + length + " octets, where " + SHORTEST + " to " + LONGEST
                + " are possible";
        owner.notice(link, problem + "; its connection" + from() + " is closed");
        close(problem);
    }

    /** Points a frame at the octets behind the next length, which are known to be there. */
    private Frame take(QemuStreamLink to, Frame frame) {
        int length = received.readInt();
        frame.wrap(received.array(), received.arrayOffset() + received.readerIndex(), length)
                .checksumState(to.checksums());
        received.skipBytes(length);
        return frame;
    }

    /** Whether a whole frame of possible length waits. */
    private boolean another() {
        int readable = received.readableBytes();
        if (readable < HEADER) {
            return false;
        }
        long length = received.getUnsignedInt(received.readerIndex());
        return length >= SHORTEST && length <= LONGEST && readable >= HEADER + length;
    }

    /** Hands a batch straight to the engine, which runs on this very thread. */
    private boolean deliver(QemuStreamLink to, LinkHost host) {
        int count = 0;
        do {
            take(to, batch[count++]);
        } while (count < BATCH && another());
        to.rings().arrived().deliver(host, batch, count);
        return true;
    }

    /** Puts a frame into the link's ring; false if that is full, and then reading has stopped. */
    private boolean queue(QemuStreamLink to, LinkHost host) {
        int start = received.readerIndex();
        if (!to.rings().arrived().offer(take(to, batch[0]))) {
            received.readerIndex(start);
            pause();
            offered = false;
            host.wakeup();
            return false;
        }
        offered = true;
        return true;
    }

    private void endBatch() {
        if (offered) {
            offered = false;
            wakeDriver();
        }
    }

    private void wakeDriver() {
        QemuStreamLink to = link;
        LinkHost host = to != null ? to.host() : null;
        if (host != null) {
            host.wakeup();
        }
    }

    /** Keeps room for the rest of any frame behind what is there. */
    private void makeRoom() {
        if (!received.isReadable()) {
            received.clear();
        } else if (received.readerIndex() > ROOM - HEADER - LONGEST) {
            received.discardReadBytes();
        }
    }

    /** Lets reading go on, after the driver has made room. Any thread. */
    void resumeSoon() {
        execute(resume);
    }

    /** Starts writing what has been published. Driver only. */
    void kick() {
        if (channel.eventLoop().inEventLoop()) {
            pump();
        } else if (!kicked.get() && kicked.compareAndSet(false, true)) {
            execute(pump);
        }
    }

    private void execute(Runnable task) {
        try {
            channel.eventLoop().execute(task);
        } catch (RejectedExecutionException ignored) {
            // the embedder has shut its event loops down, which ends this connection too
        }
    }

    private void pumpWhenKicked() {
        kicked.set(false);
        pump();
    }

    private void pump() {
        QemuStreamLink from = link;
        if (ended || from == null || writing > 0 || !from.isOpen()) {
            return;
        }
        ByteBuf octets = from.rings().leaving().next(MOST_WRITTEN_AT_ONCE);
        if (octets != null) {
            writing = octets.readableBytes();
            channel.writeAndFlush(octets).addListener(written);
        }
    }

    private void written(ChannelFuture write) {
        int octets = writing;
        writing = 0;
        QemuStreamLink from = link;
        if (ended || from == null || !from.isOpen()) {
            return;
        }
        if (write.isSuccess()) {
            if (from.rings().leaving().free(octets)) {
                wakeDriver();
            }
            pump();
        } else {
            Throwable cause = write.cause();
            close("the connection broke: " + (cause != null ? cause.getMessage() : "a write was given up"));
        }
    }
}
