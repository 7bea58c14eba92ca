package io.sharedip.nat.internal.terminator;

import static io.sharedip.nat.internal.terminator.Packets.UDP;
import static io.sharedip.packet.Octets.u16;

import io.sharedip.PortClaimException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.stats.DropReason;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostDatagrams;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The UDP sockets of the host, one for each outside port that a mapping or a forward holds. Whoever sends to a port is heard; whether
 * that reaches a guest is for the engine's filtering to say.
 */
final class UdpSockets {

    private static final int HEADER = 8;

    private final FlowUplink uplink;
    private final Terminator terminator;
    private final Inlet inlet;
    private final Packets packets;
    private final Hosts hosts;
    private final Clients clients = new Clients();
    private final @Nullable Socket[] byPort = new Socket[1 << 16];

    UdpSockets(FlowUplink uplink, Terminator terminator, Inlet inlet, Packets packets, Hosts hosts) {
        this.uplink = uplink;
        this.terminator = terminator;
        this.inlet = inlet;
        this.packets = packets;
        this.hosts = hosts;
    }

    private final class Socket implements HostDatagrams.Handler {

        private final int port;
        private @Nullable HostDatagrams datagrams;
        private boolean ofMapping;
        private boolean ofForward;

        Socket(int port) {
            this.port = port;
        }

        @Override
        public void received(int peer, int peerPort, ByteBuffer payload) {
            if (!terminator.enter()) {
                return;
            }
            try {
                UdpSockets.this.received(this, peer, peerPort, payload, terminator.now());
            } catch (RuntimeException | Error e) {
                terminator.failed(e);
            }
        }

        @Override
        public void unreachable(int peer, int peerPort, int type, int code, int mtu) {
            if (!terminator.enter()) {
                return;
            }
            try {
                UdpSockets.this.unreachable(this, peer, peerPort, type, code, mtu, terminator.now());
            } catch (RuntimeException | Error e) {
                terminator.failed(e);
            }
        }
    }

    /** Takes a datagram of a guest, from a port that is held. @return null if it was taken, else why it is to be dropped */
    @Nullable
    DropReason take(int flow, byte[] octets, int transport) {
        Socket socket = byPort[inlet.outsidePort(flow)];
        if (socket == null || socket.datagrams == null) {
            return DropReason.NO_MAPPING;
        }
        int peer = inlet.peer(flow);
        int port = inlet.peerPort(flow);
        if (hosts.isAlias(peer)) {
            long client = clients.clientAt(socket.port, port);
            peer = client == Clients.NONE ? Hosts.LOOPBACK : Clients.address(client);
            port = client == Clients.NONE ? port : Clients.port(client);
        }
        int payload = u16(octets, transport + 4) - HEADER;
        return socket.datagrams.send(peer, port, octets, transport + HEADER, payload) ? null : DropReason.SOCKET_FULL;
    }

    private void received(Socket socket, int peer, int peerPort, ByteBuffer payload, long nowNanos) {
        int address = peer;
        int port = peerPort;
        boolean known = inlet.find(UDP, socket.port, peer, peerPort, nowNanos) >= 0;
        if (!known && hosts.showsAsAlias(peer, socket.ofForward)) {
            address = inlet.alias();
            if (inlet.find(UDP, socket.port, address, peerPort, nowNanos) < 0
                    || clients.clientAt(socket.port, peerPort) != Clients.NONE
                    || !Hosts.isLoopback(peer)) {
                // no service of the host that a guest has called, but somebody who calls
                port = clients.find(socket.port, peer, peerPort);
                if (port < 0) {
                    port = clients.add(socket.port, peer, peerPort);
                }
            }
            if (port < 0) {
                inlet.drop(DropReason.LIMIT_FLOWS);
                return;
            }
        }
        packets.udp(address, port, socket.port, payload, nowNanos);
        if (address != peer && inlet.find(UDP, socket.port, address, port, nowNanos) < 0) {
            clients.remove(socket.port, port);
        }
    }

    private void unreachable(Socket socket, int peer, int peerPort, int type, int code, int mtu, long nowNanos) {
        int address = peer;
        int port = peerPort;
        if (inlet.find(UDP, socket.port, peer, peerPort, nowNanos) < 0) {
            address = inlet.alias();
            int shown = clients.find(socket.port, peer, peerPort);
            port = shown < 0 ? peerPort : shown;
        }
        terminator.tell(UDP, socket.port, address, port, type, code, mtu, nowNanos);
    }

    /** A flow ends. */
    void flowEnds(int flow) {
        if (hosts.isAlias(inlet.peer(flow))) {
            clients.remove(inlet.outsidePort(flow), inlet.peerPort(flow));
        }
    }

    /** Holds a port for a mapping. @return false if the host cannot spare it */
    boolean acquire(int port) {
        Socket socket = byPort[port];
        if (socket == null) {
            socket = new Socket(port);
            socket.datagrams = uplink.tryBind(port, socket);
            if (socket.datagrams == null) {
                return false;
            }
            byPort[port] = socket;
        }
        socket.ofMapping = true;
        return true;
    }

    /** Gives a mapping's port back. */
    void release(int port) {
        Socket socket = byPort[port];
        if (socket != null) {
            socket.ofMapping = false;
            closeIfUnused(socket);
        }
    }

    private void closeIfUnused(Socket socket) {
        if (!socket.ofMapping && !socket.ofForward) {
            byPort[socket.port] = null;
            if (socket.datagrams != null) {
                socket.datagrams.close();
            }
        }
    }

    /**
     * Holds a port for a forward. A mapping that has it is about to be ended for the forward's sake, and its socket makes place for another.
     *
     * @throws PortClaimException if the host cannot spare it
     */
    void claim(Optional<Ipv4Address> address, int port) {
        Socket socket = byPort[port];
        if (socket == null) {
            socket = new Socket(port);
            socket.datagrams = uplink.bind(address, port, socket);
            byPort[port] = socket;
        } else if (!socket.ofForward && socket.datagrams != null) {
            // what waits in the old one is for the guest that had it
            socket.datagrams.close();
            socket.datagrams = null;
            try {
                socket.datagrams = uplink.bind(address, port, socket);
            } catch (PortClaimException e) {
                socket.datagrams = uplink.tryBind(port, socket);
                throw e;
            }
        }
        socket.ofForward = true;
    }

    /** Whether a forward holds a port. */
    boolean isClaimed(int port) {
        Socket socket = byPort[port];
        return socket != null && socket.ofForward;
    }

    /** Gives a forward's port back. */
    void unclaim(int port) {
        Socket socket = byPort[port];
        if (socket != null && socket.ofForward) {
            socket.ofForward = false;
            closeIfUnused(socket);
        }
    }
}
