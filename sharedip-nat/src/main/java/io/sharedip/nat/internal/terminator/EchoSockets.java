package io.sharedip.nat.internal.terminator;

import static io.sharedip.nat.internal.terminator.Packets.ICMP;
import static io.sharedip.packet.Octets.u16;

import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.stats.DropReason;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostEcho;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The sockets that pings leave by, one for each outside identifier that a mapping holds; a bounded number. */
final class EchoSockets {

    private static final int MOST = 1024;
    private static final int HEADER = 8;

    private final FlowUplink uplink;
    private final Terminator terminator;
    private final Inlet inlet;
    private final Packets packets;
    private final @Nullable Socket[] byIdentifier = new Socket[1 << 16];
    private int count;

    EchoSockets(FlowUplink uplink, Terminator terminator, Inlet inlet, Packets packets) {
        this.uplink = uplink;
        this.terminator = terminator;
        this.inlet = inlet;
        this.packets = packets;
    }

    private final class Socket implements HostEcho.Handler {

        private final int identifier;
        private @Nullable HostEcho echo;

        Socket(int identifier) {
            this.identifier = identifier;
        }

        @Override
        public void reply(int peer, int sequence, ByteBuffer data) {
            if (!terminator.enter()) {
                return;
            }
            try {
                packets.echoReply(peer, identifier, sequence, data, terminator.now());
            } catch (RuntimeException | Error e) {
                terminator.failed(e);
            }
        }

        @Override
        public void unreachable(int peer, int sequence, int type, int code) {
            if (!terminator.enter()) {
                return;
            }
            try {
                terminator.tell(ICMP, identifier, peer, Math.max(0, sequence), type, code, 0, terminator.now());
            } catch (RuntimeException | Error e) {
                terminator.failed(e);
            }
        }
    }

    /** Takes an echo request. @return null if it was taken, else why it is to be dropped */
    @Nullable
    DropReason take(int flow, byte[] octets, int transport, int length) {
        Socket socket = byIdentifier[inlet.outsidePort(flow)];
        if (socket == null || socket.echo == null) {
            return DropReason.ICMP_NO_FLOW;
        }
        int sequence = u16(octets, transport + 6);
        return socket.echo.send(inlet.peer(flow), sequence, octets, transport + HEADER, length - HEADER)
                ? null
                : DropReason.SOCKET_FULL;
    }

    boolean acquire(int identifier) {
        if (count == MOST || byIdentifier[identifier] != null) {
            return false;
        }
        Socket socket = new Socket(identifier);
        socket.echo = uplink.openEcho(socket);
        if (socket.echo == null) {
            return false;
        }
        byIdentifier[identifier] = socket;
        count++;
        return true;
    }

    void release(int identifier) {
        Socket socket = byIdentifier[identifier];
        if (socket != null) {
            byIdentifier[identifier] = null;
            count--;
            if (socket.echo != null) {
                socket.echo.close();
            }
        }
    }
}
