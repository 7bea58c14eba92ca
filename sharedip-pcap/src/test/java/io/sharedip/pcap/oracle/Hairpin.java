package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What must come of a guest's call of a forward by the shared address or its alias: the very packet, for the forward's guest and port,
 * from the caller's outside endpoint (RFC 4787 REQ-9).
 */
final class Hairpin {

    private Hairpin() {}

    /**
     * Whether a call has led to whom it should.
     *
     * @param link of the caller
     * @param call whole
     * @param earlier what came before the call
     * @param out what came out
     */
    static boolean isOf(int link, Packet call, List<TcpHistory.Earlier> earlier, List<Emission> out) {
        if (!(call.isWhole(Wire.TCP) || call.isWhole(Wire.UDP)) || out.size() != 1) {
            return false;
        }
        byte[] led = out.get(0).frame();
        return Stream.of(Net.Forward.values())
                .filter(f -> f.protocol == call.protocol && f.outsidePort == call.destinationPort())
                .anyMatch(f -> out.get(0).link() == f.guest
                        && led.length == call.end
                        && mayShow(Octets.u16(led, call.transport), link, call, earlier)
                        && Arrays.equals(led, expected(link, call, f, led)));
    }

    private static byte[] expected(int link, Packet call, Net.Forward to, byte[] led) {
        byte[] f = Arrays.copyOf(call.octets, call.end);
        Octets.put48(f, 0, Net.guestMac(to.guest));
        Octets.put48(f, 6, Net.ROUTER_MAC);
        f[IP + 8]--;
        if ((Octets.u16(f, IP + 6) & 0x4000) == 0) {
            Octets.put16(f, IP + 4, Octets.u16(led, IP + 4));
        }
        Wire.replaceAddress(f, IP, IP + 12, Net.outsideAddress(link));
        Wire.replaceAddress(f, IP, IP + 16, Net.guestAddress(to.guest));
        Wire.replacePort(f, call.transport, Octets.u16(led, call.transport));
        Wire.replacePort(f, call.transport + 2, to.insidePort);
        Wire.fixIp(f, IP);
        return f;
    }

    /** Whether a port may stand for the caller's: its own where nobody had that before, else one of the pool. */
    private static boolean mayShow(int port, int link, Packet call, List<TcpHistory.Earlier> earlier) {
        int own = call.sourcePort();
        boolean keeps = link == Net.OWNER
                || (own >= Net.FIRST_POOL_PORT
                        && earlier.stream()
                                .noneMatch(e -> has(own, call.protocol, e.step().frame())));
        return keeps ? port == own : port >= Net.FIRST_POOL_PORT && port <= Net.LAST_POOL_PORT;
    }

    private static boolean has(int port, int protocol, byte[] frame) {
        Packet p = Packet.of(frame);
        return p != null && p.isWhole(protocol) && (p.sourcePort() == port || p.destinationPort() == port);
    }
}
