package io.sharedip.netty.internal.sockets;

import io.netty.channel.IoEventLoop;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.netty.internal.linux.DescriptorLoop;
import io.sharedip.netty.internal.linux.DescriptorSocket;
import io.sharedip.netty.internal.linux.ErrnoException;
import io.sharedip.netty.internal.linux.NativeSupport;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostEcho;
import org.jspecify.annotations.Nullable;

/** Makes the sockets that Netty has no channels for. Loaded only where JNA is. Event loop only. */
final class DescriptorSockets implements Sockets.Flushed {

    private final Sockets sockets;
    private final DescriptorLoop shared;
    private boolean queuedForFlush;

    private DescriptorSockets(Sockets sockets, DescriptorLoop shared) {
        this.sockets = sockets;
        this.shared = shared;
    }

    /** Null if they cannot be had here. */
    static @Nullable DescriptorSockets ifAvailable(Sockets sockets, IoEventLoop loop, boolean epoll) {
        if (!NativeSupport.isAvailable()) {
            return null;
        }
        try {
            return new DescriptorSockets(sockets, new DescriptorLoop(loop, epoll));
        } catch (ErrnoException e) {
            return null;
        }
    }

    HostDatagrams bind(@Nullable Ipv4Address address, int port, HostDatagrams.Handler handler) {
        try {
            DescriptorDatagrams socket = new DescriptorDatagrams(sockets, this, handler);
            socket.begin(open(false, address, port, socket));
            return socket;
        } catch (ErrnoException e) {
            throw problem(address, port, e);
        }
    }

    private static PortClaimException problem(@Nullable Ipv4Address address, int port, ErrnoException e) {
        return PortProblems.of(IpProtocol.UDP, address, port, e.errno(), e);
    }

    @Nullable
    HostEcho openEcho(HostEcho.Handler handler) {
        try {
            PingSocket socket = new PingSocket(sockets, this, handler);
            socket.begin(open(true, sockets.settings().source(), 0, socket));
            return socket;
        } catch (ErrnoException e) {
            return null;
        }
    }

    private DescriptorSocket open(boolean ping, @Nullable Ipv4Address address, int port, DescriptorSocket.Events events)
            throws ErrnoException {
        return DescriptorSocket.open(
                shared,
                ping,
                address == null ? 0 : address.bits(),
                port,
                sockets.settings().datagramBuffer(),
                events);
    }

    /** One of the sockets has taken something. */
    void taken() {
        if (!queuedForFlush) {
            queuedForFlush = true;
            sockets.written(this);
        }
    }

    @Override
    public void flush() {
        queuedForFlush = false;
        shared.flush();
    }

    void close() {
        shared.close();
    }
}
