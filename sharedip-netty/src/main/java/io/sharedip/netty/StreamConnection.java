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
import io.sharedip.link.FrameRing;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One accepted connection. All of it runs on the event loop, except {@link #kick} and {@link #resumeIfStalled}, which the
 * thread that drives the engine calls.
 *
 * <p><b>Reading.</b> Every read appends to one array, in which frames are found and handed on where they lie. When the link's
 * ring is full, reading stops until the driver has made room: the guest's monitor is held up and nothing is lost.
 *
 * <p><b>Writing.</b> At most one write is under way, straight from the link's {@link SendRing}; its end starts the next.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty reports a channel's end to channelInactive, whoever asked for it
final class StreamConnection extends ChannelInboundHandlerAdapter {

    static final int SHORTEST = 14;
    static final int LONGEST = 69_632;

    private static final int HEADER = 4;
    private static final int ROOM = 1 << 17;
    private static final int SOURCE_MAC = 6;
    private static final int READS_IN_A_ROW = 4;
    private static final int MOST_WRITTEN_AT_ONCE = 1 << 16;
    private static final int BATCH = 64;

    private final StreamAcceptor acceptor;
    private final Channel channel;
    private final ByteBuf received = Unpooled.wrappedBuffer(new byte[ROOM]).clear();
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

    private volatile boolean stalled;

    StreamConnection(StreamAcceptor acceptor, Channel channel) {
        this.acceptor = acceptor;
        this.channel = channel;
        for (int i = 0; i < BATCH; i++) {
            batch[i] = new Frame();
        }
        channel.config().setRecvByteBufAllocator(new IntoReceived());
    }

    /** Lets Netty read into {@link #received} instead of a new buffer each time. */
    private final class IntoReceived extends DefaultMaxMessagesRecvByteBufAllocator {

        private IntoReceived() {
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
                    return received.retain();
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
        if (!ended && !stalled && link != null) {
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
        acceptor.connected(this);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            process();
        } finally {
            received.release(); // what allocate retained
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        endBatch();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        ended = true;
        acceptor.gone(this, link, ending);
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
            QemuStreamLink owner = link;
            if (owner != null) {
                LinkHost host = owner.host();
                boolean goesOn = host != null && (host.onDriverThread() ? deliver(owner, host) : queue(owner, host));
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
            acceptor.introduced(this, claimed);
        }
        return link != null;
    }

    private void refuse(long length) {
        String problem = "the guest announced a frame of " + length + " octets, where " + SHORTEST + " to " + LONGEST
                + " are possible";
        acceptor.notice(link, problem + "; its connection" + from() + " is closed");
        close(problem);
    }

    /** Points a frame at the octets behind the next length, which are known to be there. */
    private Frame take(QemuStreamLink owner, Frame frame) {
        int length = received.readInt();
        frame.wrap(received.array(), received.arrayOffset() + received.readerIndex(), length)
                .checksumState(owner.checksums());
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
    private boolean deliver(QemuStreamLink owner, LinkHost host) {
        FrameRing earlier = owner.rings().arrived();
        if (!earlier.isEmpty()) {
            earlier.drain(host::deliver, Integer.MAX_VALUE);
        }
        int count = 0;
        do {
            take(owner, batch[count++]);
        } while (count < BATCH && another());
        host.deliver(batch, count);
        return true;
    }

    /** Puts a frame into the link's ring; false if that is full, and then reading has stopped. */
    private boolean queue(QemuStreamLink owner, LinkHost host) {
        FrameRing arrived = owner.rings().arrived();
        int start = received.readerIndex();
        Frame frame = take(owner, batch[0]);
        if (!arrived.offer(frame)) {
            stalled = true;
            VarHandle.fullFence(); // the driver makes room, then looks at stalled: one of us sees the other
            if (!arrived.offer(frame)) {
                received.readerIndex(start);
                pause();
                offered = false;
                host.wakeup();
                return false;
            }
            stalled = false;
        }
        offered = true;
        return true;
    }

    private void endBatch() {
        if (offered) {
            offered = false;
            QemuStreamLink owner = link;
            LinkHost host = owner != null ? owner.host() : null;
            if (host != null) {
                host.wakeup();
            }
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

    /** Lets reading go on if it had stopped for want of room. Driver only, after it has made room. */
    void resumeIfStalled() {
        VarHandle.fullFence(); // see queue
        if (stalled) {
            stalled = false;
            execute(resume);
        }
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
        QemuStreamLink owner = link;
        if (ended || owner == null || writing > 0) {
            return;
        }
        ByteBuf octets = owner.rings().leaving().next(MOST_WRITTEN_AT_ONCE);
        if (octets != null) {
            writing = octets.readableBytes();
            channel.writeAndFlush(octets).addListener(written);
        }
    }

    private void written(ChannelFuture write) {
        int octets = writing;
        writing = 0;
        QemuStreamLink owner = link;
        if (ended || owner == null) {
            return;
        }
        if (write.isSuccess()) {
            owner.rings().leaving().free(octets);
            pump();
        } else {
            Throwable cause = write.cause();
            close("the connection broke: " + (cause != null ? cause.getMessage() : "a write was given up"));
        }
    }
}
