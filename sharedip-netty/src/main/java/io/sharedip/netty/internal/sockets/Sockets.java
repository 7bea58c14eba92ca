package io.sharedip.netty.internal.sockets;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.sharedip.address.Ipv4Address;
import io.sharedip.netty.internal.transport.Transport;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostEcho;
import io.sharedip.uplink.HostListener;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** What all sockets of one uplink have in common: the loop they live on, their settings, and the list of them. Event loop only. */
public final class Sockets {

    private final IoEventLoop loop;
    private final Transport transport;
    private final SocketSettings settings;
    private final IntPredicate isHostAddress;
    private final Runnable wakeup;
    private final Set<HostSocket> open = new HashSet<>();
    private final List<Flushed> written = new ArrayList<>();
    private final @Nullable DescriptorSockets descriptors;
    // not pooled, so that the collector frees it
    private final @Nullable ByteBuf incoming;
    private final SocketCounts counts = new SocketCounts();

    /** A socket that is closed with its uplink. */
    interface HostSocket {

        /** Closes it at once; its handler hears nothing more. */
        void abandon();
    }

    /** A socket that gathers what it is to send. */
    interface Flushed {

        /** Lets it go. */
        void flush();
    }

    /**
     * Begins with none.
     *
     * @param wakeup lets the gateway take a turn soon, once for any number of calls
     */
    public Sockets(
            IoEventLoop loop,
            Transport transport,
            SocketSettings settings,
            IntPredicate isHostAddress,
            Runnable wakeup) {
        this.loop = loop;
        this.transport = transport;
        this.settings = settings;
        this.isHostAddress = isHostAddress;
        this.wakeup = wakeup;
        this.incoming =
                transport.readsAtOnce() ? Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(Demand.MOST_AT_ONCE)) : null;
        Failures.load();
        this.descriptors = DescriptorSockets.ifAvailable(this, loop, transport.isEpoll());
    }

    EventLoop loop() {
        return loop;
    }

    Transport transport() {
        return transport;
    }

    SocketSettings settings() {
        return settings;
    }

    /** Where all streams read to; what is to be kept is copied. Null if each read needs a buffer of its own. */
    @Nullable
    ByteBuf incoming() {
        return incoming;
    }

    /** What is counted of them. */
    public SocketCounts counts() {
        return counts;
    }

    boolean isHostAddress(int address) {
        return isHostAddress.test(address);
    }

    /** Refuses other threads than the loop's, whose race would be found much later. */
    public void confined() {
        if (!loop.inEventLoop()) {
            throw new IllegalStateException("sockets belong to the thread of their event loop, not to "
                    + Thread.currentThread().getName());
        }
    }

    void opened(HostSocket socket) {
        open.add(socket);
        counts.open(open.size());
    }

    void closed(HostSocket socket) {
        open.remove(socket);
        counts.open(open.size());
    }

    /** How many sockets are open. */
    public int size() {
        return open.size();
    }

    /** The gateway has been told something, and may have frames to send now. */
    void told() {
        wakeup.run();
    }

    /** This socket has something for {@link #flush}. */
    void written(Flushed socket) {
        written.add(socket);
    }

    public HostStream connect(int peer, int port, int localPort, HostStream.Handler handler) {
        confined();
        return StreamSocket.connecting(this, peer, port, localPort, handler);
    }

    public HostListener listen(@Nullable Ipv4Address address, int port, HostListener.Acceptor acceptor) {
        confined();
        return ListeningSocket.open(this, address, port, acceptor);
    }

    public HostDatagrams bind(@Nullable Ipv4Address address, int port, HostDatagrams.Handler handler) {
        confined();
        return descriptors != null
                ? descriptors.bind(address, port, handler)
                : ChannelDatagrams.open(this, address, port, handler);
    }

    public @Nullable HostEcho openEcho(HostEcho.Handler handler) {
        confined();
        return descriptors != null ? descriptors.openEcho(handler) : null;
    }

    /** Lets everything go out that sockets have taken. */
    public void flush() {
        for (int i = 0; i < written.size(); i++) {
            written.get(i).flush();
        }
        written.clear();
    }

    /** Tells the streams of an address that the host no longer has. */
    public void addressGone(int address) {
        for (HostSocket socket : List.copyOf(open)) {
            if (socket instanceof StreamSocket stream) {
                stream.addressGone(address);
            }
        }
    }

    /** Closes all of them. */
    public void close() {
        for (HostSocket socket : List.copyOf(open)) {
            socket.abandon();
        }
        open.clear();
        counts.open(0);
        written.clear();
        if (descriptors != null) {
            descriptors.close();
        }
    }
}
