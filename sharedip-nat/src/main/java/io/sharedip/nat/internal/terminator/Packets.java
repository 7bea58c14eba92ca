package io.sharedip.nat.internal.terminator;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put48;
import static io.sharedip.packet.Octets.put8;

import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.Ipv4View;
import io.sharedip.packet.TcpView;
import java.nio.ByteBuffer;

/**
 * Makes packets of what sockets have received and lets them in as if from outside. Transport checksums are left to the engine, which
 * computes each once, over what the guest gets.
 */
final class Packets {

    /** The MAC address of the uplink, which nobody ever sees. */
    static final long MAC = 0x02_5e_00_00_00_01L;

    private static final long PEER_MAC = 0x02_5e_00_00_00_02L;

    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;

    private static final int ETHERNET = EthernetView.MIN_LENGTH;
    private static final int IP_HEADER = Ipv4View.MIN_LENGTH;
    private static final int HEADERS = ETHERNET + IP_HEADER;
    private static final int UDP_HEADER = 8;
    private static final int ICMP_HEADER = IcmpView.MIN_LENGTH;
    private static final int LONGEST = 65_535;
    private static final int TTL = 64;
    private static final int IPV4_NO_OPTIONS = 0x45;
    /** Any checksum that does not say that there is none (RFC 768). */
    private static final int NOT_COMPUTED = 0xffff;

    private final Inlet inlet;
    private final byte[] room = new byte[ETHERNET + LONGEST];
    private final Frame frame = new Frame();
    private int identification;

    Packets(Inlet inlet) {
        this.inlet = inlet;
    }

    /** Where a transport header and what follows it are to be written, for {@link #tcp}. */
    byte[] room() {
        return room;
    }

    /** Index in {@link #room} of the transport header. */
    int transport() {
        return HEADERS;
    }

    /** Lets a segment in that has been written to {@link #room}, with a checksum of 0. */
    void tcp(int peer, int length, int flow, long nowNanos) {
        finish(peer, inlet.shared(), TCP, length, Ipv4View.DONT_FRAGMENT);
        inlet.receive(frame, flow, nowNanos);
    }

    /** Makes a segment that has been written to {@link #room} a frame for a guest, complete. Valid until the next packet. */
    Frame segmentFor(int source, int destination, int length) {
        finish(source, destination, TCP, length, Ipv4View.DONT_FRAGMENT);
        completeChecksum(source, destination, TCP, 16, length);
        return frame;
    }

    /** Makes a datagram a frame for a guest, complete. Valid until the next packet. */
    Frame datagramFor(
            int source, int sourcePort, int destination, int destinationPort, byte[] octets, int offset, int length) {
        System.arraycopy(octets, offset, room, HEADERS + UDP_HEADER, length);
        writeUdp(sourcePort, destinationPort, length);
        finish(source, destination, UDP, UDP_HEADER + length, 0);
        put16(room, HEADERS + 6, 0);
        completeChecksum(source, destination, UDP, 6, UDP_HEADER + length);
        return frame;
    }

    private void completeChecksum(int source, int destination, int protocol, int field, int length) {
        int sum = Checksum.add(
                Checksum.sum(room, HEADERS, length), Checksum.pseudoHeader(source, destination, protocol, length));
        int checksum = ~sum & 0xffff;
        put16(room, HEADERS + field, protocol == UDP && checksum == 0 ? 0xffff : checksum);
        frame.checksumState(ChecksumState.COMPLETE);
    }

    /** Lets a datagram in. */
    void udp(int peer, int peerPort, int localPort, ByteBuffer payload, long nowNanos) {
        int length = payload.remaining();
        if (length > LONGEST - IP_HEADER - UDP_HEADER) {
            return;
        }
        payload.get(room, HEADERS + UDP_HEADER, length);
        writeUdp(peerPort, localPort, length);
        finish(peer, inlet.shared(), UDP, UDP_HEADER + length, 0);
        inlet.receive(frame, Inlet.NONE, nowNanos);
    }

    private void writeUdp(int sourcePort, int destinationPort, int payload) {
        put16(room, HEADERS, sourcePort);
        put16(room, HEADERS + 2, destinationPort);
        put16(room, HEADERS + 4, UDP_HEADER + payload);
        put16(room, HEADERS + 6, NOT_COMPUTED);
    }

    /** Lets an echo reply in. */
    void echoReply(int peer, int identifier, int sequence, ByteBuffer data, long nowNanos) {
        int length = data.remaining();
        if (length > LONGEST - IP_HEADER - ICMP_HEADER) {
            return;
        }
        data.get(room, HEADERS + ICMP_HEADER, length);
        writeIcmp(HEADERS, IcmpView.ECHO_REPLY, 0, identifier << 16 | sequence);
        finish(peer, inlet.shared(), ICMP, ICMP_HEADER + length, 0);
        inlet.receive(frame, Inlet.NONE, nowNanos);
    }

    private void writeIcmp(int at, int type, int code, int rest) {
        put8(room, at, type);
        put8(room, at + 1, code);
        put16(room, at + 2, 0);
        put32(room, at + 4, rest);
    }

    /**
     * Lets an ICMP error in about a packet that went out through a socket. As much of that packet is made again as an error quotes at
     * least (RFC 792): its header and eight octets.
     *
     * @param from who says it
     * @param protocol UDP or ICMP
     * @param localPort of the packet, or its identifier
     * @param peer that it was for
     * @param peerPort that it was for, or its sequence number
     */
    void error(
            int from, int protocol, int localPort, int peer, int peerPort, int type, int code, int mtu, long nowNanos) {
        int inner = HEADERS + ICMP_HEADER;
        int quoted = inner + IP_HEADER;
        if (protocol == UDP) {
            put16(room, quoted, localPort);
            put16(room, quoted + 2, peerPort);
            put16(room, quoted + 4, UDP_HEADER);
            put16(room, quoted + 6, 0);
        } else {
            writeIcmp(quoted, IcmpView.ECHO_REQUEST, 0, localPort << 16 | peerPort);
        }
        writeIp(inner, inlet.shared(), peer, protocol, IP_HEADER + UDP_HEADER, 0);
        writeIcmp(HEADERS, type, code, mtu);
        finish(from, inlet.shared(), ICMP, ICMP_HEADER + IP_HEADER + UDP_HEADER, 0);
        inlet.receive(frame, Inlet.NONE, nowNanos);
    }

    /** Lets an ICMP error in (type 3) about a SYN that went nowhere. */
    void errorAboutSyn(int from, int localPort, int peer, int peerPort, int sequence, int code, long nowNanos) {
        int inner = HEADERS + ICMP_HEADER;
        int quoted = inner + IP_HEADER;
        put16(room, quoted, localPort);
        put16(room, quoted + 2, peerPort);
        put32(room, quoted + 4, sequence);
        writeIp(inner, inlet.shared(), peer, TCP, IP_HEADER + TcpView.MIN_LENGTH, Ipv4View.DONT_FRAGMENT);
        writeIcmp(HEADERS, IcmpView.DESTINATION_UNREACHABLE, code, 0);
        finish(from, inlet.shared(), ICMP, ICMP_HEADER + IP_HEADER + 8, 0);
        inlet.receive(frame, Inlet.NONE, nowNanos);
    }

    private void finish(int source, int destination, int protocol, int length, int flags) {
        put48(room, 0, MAC);
        put48(room, 6, PEER_MAC);
        put16(room, 12, EthernetView.TYPE_IPV4);
        writeIp(ETHERNET, source, destination, protocol, IP_HEADER + length, flags);
        frame.wrap(room, 0, HEADERS + length).checksumState(ChecksumState.RECOMPUTE);
    }

    private void writeIp(int at, int source, int destination, int protocol, int length, int flags) {
        put8(room, at, IPV4_NO_OPTIONS);
        put8(room, at + 1, 0);
        put16(room, at + 2, length);
        // an atomic datagram needs no identification (RFC 6864 section 4)
        put16(room, at + 4, flags == 0 ? ++identification : 0);
        put16(room, at + 6, flags);
        put8(room, at + 8, TTL);
        put8(room, at + 9, protocol);
        put16(room, at + 10, 0);
        put32(room, at + 12, source);
        put32(room, at + 16, destination);
        put16(room, at + 10, ~Checksum.sum(room, at, IP_HEADER));
    }
}
