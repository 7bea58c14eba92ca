package io.sharedip.netty.internal.sockets;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.ScheduledFuture;
import io.sharedip.uplink.HostStream;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One TCP connection. Event loop only. Nothing is told from within a call of the gateway's: an attempt to connect begins in a task of its
 * own, and what a call leads to at once is told in another.
 */
@SuppressWarnings("FutureReturnValueIgnored") // where the outcome matters the Future is looked at
final class StreamSocket implements HostStream, Sockets.HostSocket, Sockets.Flushed {

    /** How long a closed connection may try to get rid of what was written to it without any of it going. */
    private static final long LINGER_SECONDS = 60;

    private enum State {
        CONNECTING,
        OPEN,
        /** The gateway has closed it, and what it has written is still going out. */
        CLOSING,
        ENDED
    }

    private final Sockets sockets;
    private final SendQueue sending;
    private final Demand demand;
    private final Runnable tellWritable = this::tellWritable;
    private final Runnable deliverHeld = this::deliverHeld;
    /** What was read though nobody had asked for it: little, see {@link Demand}. */
    private final Queue<ByteBuf> held = new ArrayDeque<>(0);

    private State state = State.CONNECTING;
    private @Nullable Handler handler;
    private @Nullable SocketChannel channel;
    private int localAddress;
    /** Of an outgoing connection: who is called, and from which port if it can be had. */
    private @Nullable InetSocketAddress peer;

    private int wishedPort;

    private boolean queuedForFlush;
    private boolean delivering;
    private boolean wantsRoom;
    private boolean finWanted;
    private boolean finSent;
    private boolean inputEnded;
    private boolean endTold;
    private @Nullable Throwable trouble;
    private @Nullable ScheduledFuture<?> linger;

    private StreamSocket(Sockets sockets) {
        this.sockets = sockets;
        this.sending = new SendQueue(sockets.settings().streamBuffer(), this::someHasGone, this::notSent);
        this.demand = new Demand(sockets.transport().readsUnasked(), sockets.incoming());
    }

    /** Begins to connect. */
    static StreamSocket connecting(Sockets sockets, int peer, int port, int localPort, Handler handler) {
        StreamSocket stream = new StreamSocket(sockets);
        stream.handler = handler;
        sockets.opened(stream);
        // bound to the peer's own port, a connection to the host itself could meet itself
        int wanted = localPort == port && sockets.isHostAddress(peer) ? 0 : localPort;
        InetSocketAddress called = Addresses.of(peer, port);
        stream.peer = called;
        stream.wishedPort = wanted;
        sockets.loop().execute(() -> stream.attempt(called, wanted));
        return stream;
    }

    /** Takes over a connection that a listener has accepted; to be registered by the caller, then {@link #begin begun}. */
    static StreamSocket accepted(Sockets sockets, SocketChannel channel) {
        StreamSocket stream = new StreamSocket(sockets);
        sockets.opened(stream);
        stream.adopt(channel);
        return stream;
    }

    /** Gives an accepted connection the one who hears of it. */
    void begin(Handler handler) {
        this.handler = handler;
        established();
    }

    private void established() {
        Channel now = Objects.requireNonNull(channel);
        state = State.OPEN;
        localAddress = Addresses.bits(now.localAddress());
        if (demand.octets() > 0) {
            now.read();
        }
    }

    private void adopt(SocketChannel fresh) {
        channel = fresh;
        fresh.config()
                .setAutoRead(false)
                .setAllowHalfClosure(true)
                .setKeepAlive(true)
                .setConnectTimeoutMillis(0)
                .setRecvByteBufAllocator(demand);
        fresh.pipeline().addLast(new Events(fresh));
    }

    private void attempt(InetSocketAddress peer, int localPort) {
        if (state != State.CONNECTING) {
            return;
        }
        SocketChannel fresh;
        try {
            fresh = sockets.transport().socket();
        } catch (RuntimeException e) {
            fail(Failures.of(e));
            return;
        }
        adopt(fresh);
        ChannelFuture registered = sockets.loop().register(fresh);
        if (registered.cause() != null) {
            fail(Failures.of(registered.cause()));
            return;
        }
        ChannelFuture connect;
        if (localPort != 0) {
            fresh.config().setReuseAddress(true);
            connect = fresh.connect(peer, Addresses.of(sockets.settings().source(), localPort));
        } else if (sockets.settings().source() != null) {
            connect = fresh.connect(peer, Addresses.of(sockets.settings().source(), 0));
        } else {
            connect = fresh.connect(peer);
        }
        connect.addListener((ChannelFuture done) -> connected(fresh, done, peer, localPort));
    }

    private void connected(SocketChannel from, ChannelFuture connect, InetSocketAddress peer, int wishedPort) {
        if (from != channel || state != State.CONNECTING) {
            return;
        }
        Throwable cause = connect.cause();
        if (cause != null) {
            from.close();
            if (wishedPort != 0 && Failures.mayBeAboutLocalPort(cause)) {
                sockets.loop().execute(() -> attempt(peer, 0));
            } else {
                fail(Failures.ofConnect(cause, peer));
            }
        } else if (peer.equals(from.localAddress())) {
            // nobody listens there: the two ends of this very socket have met
            fail(Failure.REFUSED);
        } else if (!sockets.transport().isConnected(from)) {
            // an ICMP error, most of which say this
            fail(Failure.HOST_UNREACHABLE);
        } else {
            established();
            Objects.requireNonNull(handler).connected(Addresses.port(from.localAddress()));
            sockets.told();
        }
    }

    @Override
    public int write(byte[] octets, int offset, int length) {
        sockets.confined();
        Objects.checkFromIndexSize(offset, length, octets.length);
        Channel now = channel;
        if (state != State.OPEN || finWanted || now == null) {
            return 0;
        }
        int taken = sending.write(now, octets, offset, length);
        if (taken > 0) {
            toBeFlushed();
        }
        wantsRoom |= taken < length || sending.room() < capacity() / 2;
        return taken;
    }

    private void toBeFlushed() {
        if (!queuedForFlush) {
            queuedForFlush = true;
            sockets.written(this);
        }
    }

    @Override
    public void flush() {
        queuedForFlush = false;
        Channel now = channel;
        if ((state == State.OPEN || state == State.CLOSING) && now != null) {
            sending.flush(now);
            finishSending();
            if (state == State.CLOSING && linger == null) {
                giveUpUnless(sending.waiting());
            }
        }
    }

    @Override
    public int room() {
        return state == State.OPEN && !finWanted ? sending.room() : 0;
    }

    @Override
    public int capacity() {
        return sockets.settings().streamBuffer();
    }

    private void someHasGone() {
        if (wantsRoom && state == State.OPEN && sending.room() >= capacity() / 2) {
            wantsRoom = false;
            sockets.loop().execute(tellWritable);
        }
        finishSending();
    }

    /** What was taken is lost, so the peer must not take what it has for all. */
    private void notSent(Throwable cause) {
        if (trouble == null) {
            trouble = cause;
            sockets.loop().execute(() -> broken(cause));
        }
    }

    private void broken(Throwable cause) {
        if (state == State.OPEN) {
            fail(Failures.of(cause));
        } else {
            abandon();
        }
    }

    private void tellWritable() {
        if (state == State.OPEN && !finWanted) {
            Objects.requireNonNull(handler).writable();
            sockets.told();
        }
    }

    /** Once everything is sent: FIN, or the end. */
    private void finishSending() {
        SocketChannel now = channel;
        if (now == null || !sending.isEmpty()) {
            return;
        }
        if (state == State.CLOSING) {
            end();
            now.close();
        } else if (finWanted && !finSent && state == State.OPEN) {
            finSent = true;
            now.shutdownOutput();
        }
    }

    @Override
    public void shutdownOutput() {
        sockets.confined();
        if (state == State.OPEN && !finWanted) {
            finWanted = true;
            toBeFlushed();
        }
    }

    @Override
    public void request(int octets) {
        sockets.confined();
        if (octets < 1) {
            throw new IllegalArgumentException("requested " + octets + " octets");
        }
        demand.add(octets);
        Channel now = channel;
        if (state != State.OPEN || now == null || delivering) {
            return;
        }
        if (!held.isEmpty()) {
            sockets.loop().execute(deliverHeld);
        } else if (!inputEnded) {
            now.read();
        }
    }

    @Override
    public void reset() {
        sockets.confined();
        abandon();
    }

    @Override
    public void abandon() {
        SocketChannel now = channel;
        if (state == State.ENDED) {
            return;
        }
        end();
        if (now != null) {
            if (now.isActive()) {
                resetOnClose(now);
            }
            now.close();
        }
    }

    private static void resetOnClose(SocketChannel channel) {
        try {
            channel.config().setSoLinger(0);
        } catch (ChannelException e) {
            // the kernel has already ended it
        }
    }

    @Override
    public void close() {
        sockets.confined();
        Channel now = channel;
        if (state == State.CONNECTING) {
            abandon();
        } else if (state == State.OPEN && now != null) {
            state = State.CLOSING;
            releaseHeld();
            toBeFlushed();
        }
    }

    /** Waits for something of what waits to go; a peer that takes nothing for so long gets no more. */
    private void giveUpUnless(int waitedBefore) {
        linger = sockets.loop()
                .schedule(
                        () -> {
                            if (state == State.CLOSING) {
                                if (sending.waiting() >= waitedBefore) {
                                    abandon();
                                } else {
                                    giveUpUnless(sending.waiting());
                                }
                            }
                        },
                        LINGER_SECONDS,
                        TimeUnit.SECONDS);
    }

    void addressGone(int address) {
        if (localAddress == address && state == State.OPEN) {
            fail(Failure.ADDRESS_GONE);
        } else if (localAddress == address && state == State.CLOSING) {
            abandon();
        } else if (state == State.CONNECTING && channel != null && peer != null) {
            InetSocketAddress source = sockets.transport().sourceOf(channel);
            if (source == null || Addresses.bits(source) == address) {
                attemptAgain(channel, peer);
            }
        }
    }

    /** What the peer would answer to the address that is gone would never come. */
    private void attemptAgain(SocketChannel abandoned, InetSocketAddress called) {
        channel = null;
        abandoned.close();
        attempt(called, wishedPort);
    }

    private void fail(Failure failure) {
        Handler hears = handler;
        boolean tell = state == State.CONNECTING || state == State.OPEN;
        abandon();
        if (tell && hears != null) {
            hears.failed(failure);
            sockets.told();
        }
    }

    private void end() {
        state = State.ENDED;
        if (linger != null) {
            // or the loop would hold all of this for as long
            linger.cancel(false);
        }
        sockets.closed(this);
        sending.release();
        releaseHeld();
    }

    private void releaseHeld() {
        for (ByteBuf buffer = held.poll(); buffer != null; buffer = held.poll()) {
            buffer.release();
        }
    }

    private void read(Channel from, ByteBuf buffer) {
        if (state != State.OPEN) {
            buffer.release();
            return;
        }
        boolean stays = !held.isEmpty() || buffer.readableBytes() > demand.octets();
        held.add(stays ? own(from, buffer) : buffer);
        deliverHeld();
    }

    /** What was read, where the next read does not overwrite it. */
    private ByteBuf own(Channel from, ByteBuf buffer) {
        if (sockets.incoming() == null) {
            return buffer;
        }
        try {
            return from.alloc().directBuffer(buffer.readableBytes()).writeBytes(buffer);
        } finally {
            buffer.release();
        }
    }

    private void deliverHeld() {
        Handler hears = handler;
        while (hears != null && state == State.OPEN && demand.octets() > 0) {
            ByteBuf first = held.peek();
            if (first == null) {
                break;
            }
            int length = Math.min(first.readableBytes(), demand.octets());
            demand.take(length);
            first.retain();
            delivering = true;
            try {
                hears.received(first.internalNioBuffer(first.readerIndex(), length));
            } finally {
                delivering = false;
                first.release();
            }
            sockets.told();
            if (state == State.OPEN) {
                first.skipBytes(length);
                if (!first.isReadable()) {
                    held.remove();
                    first.release();
                }
            }
        }
        readOn();
    }

    private void readOn() {
        Channel now = channel;
        if (state != State.OPEN || now == null || !held.isEmpty()) {
            return;
        }
        if (inputEnded) {
            tellEnd();
        } else if (demand.octets() > 0 && !demand.isAtEnd()) {
            now.read();
        }
    }

    private void tellEnd() {
        Handler hears = handler;
        if (!endTold && hears != null) {
            endTold = true;
            hears.endOfInput();
            sockets.told();
        }
    }

    private void caught(SocketChannel from, Throwable cause) {
        if (cause instanceof Demand.Nothing) {
            // after FIN both ways the kernel has done with it as well, and what it still holds is to be read
            if (state != State.ENDED && !finSent && sockets.transport().isDead(from)) {
                demand.discard();
                releaseHeld();
                from.read();
            }
            return;
        }
        trouble = cause;
        if (state != State.CONNECTING) {
            broken(cause);
        }
    }

    /** What Netty tells of one channel; an attempt that failed may leave a channel behind that still speaks. */
    private final class Events extends ChannelInboundHandlerAdapter {

        private final SocketChannel from;

        private Events(SocketChannel from) {
            this.from = from;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (demand.isDiscarding()) {
                ((ByteBuf) message).release();
            } else {
                read(from, (ByteBuf) message);
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            readOn();
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof ChannelInputShutdownReadComplete || event instanceof ChannelInputShutdownEvent) {
                inputEnded = true;
                readOn();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            caught(from, cause);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (from == channel && (state == State.OPEN || state == State.CLOSING)) {
                fail(trouble == null ? Failure.RESET : Failures.of(trouble));
            }
        }
    }
}
