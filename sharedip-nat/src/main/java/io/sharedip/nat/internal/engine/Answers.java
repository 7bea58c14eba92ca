package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put48;
import static io.sharedip.packet.Octets.put8;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u48;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.packet.ArpView;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.Ipv4View;
import io.sharedip.packet.TcpView;

/**
 * The frames that the engine makes itself: ARP, ICMP errors (RFC 792, RFC 1812 section 4.3), TCP resets (RFC 9293 section 3.10.7.1)
 * and echo replies. Each answer goes back to the MAC address that the offending frame came from, and is made in a buffer that is
 * reused. Errors, resets and echo replies are rate-limited for each link; ARP replies are not, which are no longer than what asks for
 * them and go to nobody else.
 */
final class Answers {

    private static final int ETHERNET = EthernetView.MIN_LENGTH;
    private static final int IP_HEADER = Ipv4View.MIN_LENGTH;
    private static final int ICMP_HEADER = IcmpView.MIN_LENGTH;
    /** An ICMP error quotes as much as fits into a datagram of 576 octets (RFC 1812 section 4.3.2.3). */
    private static final int LONGEST_ERROR = 576;

    private static final int TTL = 64;
    private static final int IPV4_NO_OPTIONS = 0x45;
    private static final int INTERNETWORK_CONTROL = 0xc0;
    private static final int TYPE_OF_SERVICE = 0x1e;
    /** Without the ECN field: a reset is not of a transport that heeds congestion marks (RFC 3168 section 5). */
    private static final int DIFFSERV = 0xfc;

    private final byte[] room = new byte[ETHERNET + LONGEST_ERROR];
    private final Frame frame = new Frame();
    private final Counters counters;

    Answers(Counters counters) {
        this.counters = counters;
    }

    /**
     * Tells the sender of a packet that it was not delivered. Says nothing about errors, resets nobody asked for or group addresses.
     *
     * @param from the gateway's address towards that sender
     * @param type of the ICMP error
     * @param code of the ICMP error
     * @param mtu of the next hop, for "fragmentation needed"; else 0
     */
    void error(Attachment to, long gatewayMac, int from, PacketContext about, int type, int code, int mtu, long now) {
        if (about.isIcmpError() || PacketContext.isMulticast(about.destination) || !to.mayAnswer(now)) {
            return;
        }
        long neighbour = u48(about.octets, about.start + 6);
        int length = writeError(from, about.source, about.octets, about.ip, about.totalLength, type, code, mtu);
        finish(to, neighbour, gatewayMac, length);
    }

    /**
     * Tells an outside sender that nothing listens, long after its packet.
     *
     * @param neighbour the MAC address that the packet came from
     * @param quoted holds the packet's beginning
     * @param at where it begins
     * @param length how much there is of it
     */
    void portUnreachable(
            Attachment to, long neighbour, int from, int sender, byte[] quoted, int at, int length, long now) {
        if (to.mayAnswer(now)) {
            int written = writeError(
                    from,
                    sender,
                    quoted,
                    at,
                    length,
                    IcmpView.DESTINATION_UNREACHABLE,
                    IcmpView.CODE_PORT_UNREACHABLE,
                    0);
            finish(to, neighbour, to.mac(), written);
        }
    }

    /** Makes an ICMP error without sending it, quoting an IP packet; the frame has no MAC addresses. Valid until the next answer. */
    Frame errorFrame(int from, int to, byte[] quoted, int ip, int totalLength, int type, int code, int mtu) {
        int length = writeError(from, to, quoted, ip, totalLength, type, code, mtu);
        return frame.wrap(room, 0, ETHERNET + length);
    }

    private int writeError(int from, int to, byte[] quoted, int ip, int totalLength, int type, int code, int mtu) {
        int quote = Math.min(totalLength, LONGEST_ERROR - IP_HEADER - ICMP_HEADER);
        int length = IP_HEADER + ICMP_HEADER + quote;
        int icmp = ETHERNET + IP_HEADER;
        System.arraycopy(quoted, ip, room, icmp + ICMP_HEADER, quote);
        put8(room, icmp, type);
        put8(room, icmp + 1, code);
        put16(room, icmp + 2, 0);
        put32(room, icmp + 4, mtu);
        put16(room, icmp + 2, ~Checksum.sum(room, icmp, ICMP_HEADER + quote));
        // precedence 6, and the type of service of what is quoted (RFC 1812 section 4.3.2.5)
        writeIp(from, to, PacketContext.ICMP, INTERNETWORK_CONTROL | (u8(quoted, ip + 1) & TYPE_OF_SERVICE), length);
        return length;
    }

    /** Resets the connection that a segment belongs to, in the name of its destination. */
    void reset(Attachment to, long gatewayMac, PacketContext about, long now) {
        if ((about.tcpFlags & TcpView.RST) != 0 || !to.mayAnswer(now)) {
            return;
        }
        final byte[] a = about.octets;
        final int at = about.transport;
        int tcp = ETHERNET + IP_HEADER;
        boolean acknowledges = (about.tcpFlags & TcpView.ACK) != 0;
        int payload = about.transportLength - (u8(a, at + 12) >>> 4 << 2);
        int occupies =
                payload + ((about.tcpFlags & TcpView.SYN) != 0 ? 1 : 0) + ((about.tcpFlags & TcpView.FIN) != 0 ? 1 : 0);
        put16(room, tcp, about.destinationPort);
        put16(room, tcp + 2, about.sourcePort);
        put32(room, tcp + 4, acknowledges ? i32(a, at + 8) : 0);
        put32(room, tcp + 8, acknowledges ? 0 : i32(a, at + 4) + occupies);
        put8(room, tcp + 12, (TcpView.MIN_LENGTH / 4) << 4);
        put8(room, tcp + 13, acknowledges ? TcpView.RST : TcpView.RST | TcpView.ACK);
        put16(room, tcp + 14, 0);
        put32(room, tcp + 16, 0);
        int sum = Checksum.add(
                Checksum.sum(room, tcp, TcpView.MIN_LENGTH),
                Checksum.pseudoHeader(about.destination, about.source, PacketContext.TCP, TcpView.MIN_LENGTH));
        put16(room, tcp + 16, ~sum);
        int length = IP_HEADER + TcpView.MIN_LENGTH;
        writeIp(about.destination, about.source, PacketContext.TCP, u8(a, about.ip + 1) & DIFFSERV, length);
        finish(to, u48(a, about.start + 6), gatewayMac, length);
    }

    /** Makes the answer to a ping to the gateway, in the ping's own frame. */
    void echoReply(PacketContext ping) {
        final byte[] a = ping.octets;
        int delta = Checksum.delta16(u16(a, ping.transport), IcmpView.ECHO_REPLY << 8 | u8(a, ping.transport + 1));
        put8(a, ping.transport, IcmpView.ECHO_REPLY);
        Translation.transportChecksum(ping, delta);
        put32(a, ping.ip + 12, ping.destination);
        put32(a, ping.ip + 16, ping.source);
        int ttl = Checksum.delta16(u16(a, ping.ip + 8), TTL << 8 | PacketContext.ICMP);
        put8(a, ping.ip + 8, TTL);
        put16(a, ping.ip + 10, Checksum.update(u16(a, ping.ip + 10), ttl));
        counters.ownFrames++;
    }

    /** Answers an ARP question, in the question's own frame. */
    void arpReply(Attachment to, long mac, Frame question, ArpView arp) {
        long asker = arp.senderMac();
        int askerAddress = arp.senderAddress();
        int target = arp.targetAddress();
        arp.operation(ArpView.REPLY)
                .senderMac(mac)
                .senderAddress(target)
                .targetMac(asker)
                .targetAddress(askerAddress);
        question.put48(0, asker);
        question.put48(6, mac);
        counters.ownFrames++;
        to.send(question);
    }

    /** Asks for a neighbour's MAC address. */
    void arpRequest(Attachment to, long mac, int sender, int target, long neighbour) {
        put48(room, 0, neighbour == 0 ? 0xffffffffffffL : neighbour);
        put48(room, 6, mac);
        put16(room, 12, EthernetView.TYPE_ARP);
        put16(room, 14, 1);
        put16(room, 16, EthernetView.TYPE_IPV4);
        put16(room, 18, 0x0604);
        put16(room, 20, ArpView.REQUEST);
        put48(room, 22, mac);
        put32(room, 28, sender);
        put48(room, 32, 0);
        put32(room, 38, target);
        counters.ownFrames++;
        to.send(frame.wrap(room, 0, ETHERNET + ArpView.MIN_LENGTH));
        to.flush();
    }

    private void writeIp(int from, int to, int protocol, int typeOfService, int length) {
        int ip = ETHERNET;
        put8(room, ip, IPV4_NO_OPTIONS);
        put8(room, ip + 1, typeOfService);
        put16(room, ip + 2, length);
        // an atomic datagram needs no identification (RFC 6864 section 4)
        put32(room, ip + 4, Ipv4View.DONT_FRAGMENT);
        put8(room, ip + 8, TTL);
        put8(room, ip + 9, protocol);
        put16(room, ip + 10, 0);
        put32(room, ip + 12, from);
        put32(room, ip + 16, to);
        put16(room, ip + 10, ~Checksum.sum(room, ip, IP_HEADER));
        put16(room, 12, EthernetView.TYPE_IPV4);
    }

    private void finish(Attachment to, long neighbour, long gatewayMac, int length) {
        put48(room, 0, neighbour);
        put48(room, 6, gatewayMac);
        counters.ownFrames++;
        to.send(frame.wrap(room, 0, ETHERNET + length));
    }
}
