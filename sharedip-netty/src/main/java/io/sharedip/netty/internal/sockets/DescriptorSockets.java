package io.sharedip.netty.internal.sockets;

import io.netty.channel.IoEventLoop;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.netty.internal.linux.DatagramBatch;
import io.sharedip.netty.internal.linux.DescriptorSocket;
import io.sharedip.netty.internal.linux.ErrnoException;
import io.sharedip.netty.internal.linux.NativeSupport;
import io.sharedip.netty.internal.linux.Poller;
import io.sharedip.uplink.HostDatagrams;
import io.sharedip.uplink.HostEcho;
import org.jspecify.annotations.Nullable;

/** Makes the sockets that Netty has no channels for. Loaded only where JNA is. Event loop only. */
final class DescriptorSockets {

    private final Sockets sockets;
    private final DatagramBatch batch = new DatagramBatch();
    private final Poller poller;

    private DescriptorSockets(Sockets sockets, Poller poller) {
        this.sockets = sockets;
        this.poller = poller;
    }

    /** Null if they cannot be had here. */
    static @Nullable DescriptorSockets ifAvailable(Sockets sockets, IoEventLoop loop, boolean epoll) {
        if (!NativeSupport.isAvailable()) {
            return null;
        }
        try {
            return new DescriptorSockets(sockets, Poller.on(loop, epoll));
        } catch (ErrnoException e) {
            return null;
        }
    }

    HostDatagrams bind(@Nullable Ipv4Address address, int port, HostDatagrams.Handler handler) {
        try {
            DescriptorDatagrams socket = new DescriptorDatagrams(sockets, handler);
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
            PingSocket socket = new PingSocket(sockets, handler);
            socket.begin(open(true, sockets.settings().source(), 0, socket));
            return socket;
        } catch (ErrnoException e) {
            return null;
        }
    }

    private DescriptorSocket open(boolean ping, @Nullable Ipv4Address address, int port, DescriptorSocket.Events events)
            throws ErrnoException {
        return DescriptorSocket.open(
                ping,
                address == null ? 0 : address.bits(),
                port,
                sockets.settings().datagramBuffer(),
                batch,
                sockets.loop(),
                poller,
                events);
    }

    void close() {
        poller.close();
    }
}
