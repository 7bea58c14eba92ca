package io.sharedip.pcap.oracle;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put48;
import static io.sharedip.packet.Octets.put8;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.packet.Checksum;

/** Octets of frames: making them, and changing one field so that a right checksum stays right and a wrong one wrong. */
final class Wire {

    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;

    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int PSH = 8;
    static final int ACK = 16;
    static final int URG = 32;

    /** Index of the IP header in an Ethernet frame. */
    static final int IP = 14;

    private Wire() {}

    /** An Ethernet frame that comes in on a link, with an IP packet without options. */
    static byte[] frame(int link, int source, int destination, int protocol, int id, byte[] transport) {
        byte[] f = new byte[IP + 20 + transport.length];
        boolean uplink = link == Net.UPLINK;
        put48(f, 0, uplink ? Net.UPLINK_MAC : Net.ROUTER_MAC);
        put48(f, 6, uplink ? Net.NEXT_HOP_MAC : Net.guestMac(link));
        put16(f, 12, 0x0800);
        put8(f, IP, 0x45);
        put16(f, IP + 2, f.length - IP);
        put16(f, IP + 4, id);
        put8(f, IP + 8, 64);
        put8(f, IP + 9, protocol);
        put32(f, IP + 12, source);
        put32(f, IP + 16, destination);
        System.arraycopy(transport, 0, f, IP + 20, transport.length);
        fixIp(f, IP);
        fixTransport(f, IP);
        return f;
    }

    static byte[] tcp(
            int sourcePort, int destinationPort, int seq, int ack, int flags, int window, byte[] options, byte[] data) {
        int header = 20 + (options.length + 3) / 4 * 4;
        byte[] t = new byte[header + data.length];
        put16(t, 0, sourcePort);
        put16(t, 2, destinationPort);
        put32(t, 4, seq);
        put32(t, 8, ack);
        put8(t, 12, header / 4 << 4);
        put8(t, 13, flags);
        put16(t, 14, window);
        System.arraycopy(options, 0, t, 20, options.length);
        System.arraycopy(data, 0, t, header, data.length);
        return t;
    }

    static byte[] udp(int sourcePort, int destinationPort, byte[] data) {
        byte[] u = new byte[8 + data.length];
        put16(u, 0, sourcePort);
        put16(u, 2, destinationPort);
        put16(u, 4, u.length);
        System.arraycopy(data, 0, u, 8, data.length);
        return u;
    }

    static byte[] echo(boolean request, int id, int sequence, byte[] data) {
        return icmp(request ? 8 : 0, 0, id << 16 | sequence, data);
    }

    static byte[] icmp(int type, int code, int rest, byte[] data) {
        byte[] m = new byte[8 + data.length];
        put8(m, 0, type);
        put8(m, 1, code);
        put32(m, 4, rest);
        System.arraycopy(data, 0, m, 8, data.length);
        return m;
    }

    /** Whether a frame bears a fragment, for what can be told. */
    static boolean isFragment(byte[] frame) {
        return frame.length >= IP + 20 && (u16(frame, IP + 6) & 0x3fff) != 0;
    }

    static int headerLength(byte[] a, int ip) {
        return (u8(a, ip) & 15) * 4;
    }

    static void fixIp(byte[] a, int ip) {
        int header = headerLength(a, ip);
        if (header >= 20 && ip + header <= a.length) {
            put16(a, ip + 10, 0);
            put16(a, ip + 10, ~Checksum.sum(a, ip, header));
        }
    }

    /** Where the checksum of the transport header at an IP header is, or -1 if there is none or it is cut off. */
    static int transportChecksumAt(byte[] a, int ip, int end) {
        int header = headerLength(a, ip);
        int at = switch (u8(a, ip + 9)) {
            case TCP -> ip + header + 16;
            case UDP -> ip + header + 6;
            case ICMP -> ip + header + 2;
            default -> -1;
        };
        return header < 20 || (u16(a, ip + 6) & 0x1fff) != 0 || at < 0 || at + 2 > end ? -1 : at;
    }

    /** Computes the transport checksum of a whole packet. */
    static void fixTransport(byte[] a, int ip) {
        int end = Math.min(a.length, ip + u16(a, ip + 2));
        int at = transportChecksumAt(a, ip, end);
        if (at < 0) {
            return;
        }
        int protocol = u8(a, ip + 9);
        int transport = ip + headerLength(a, ip);
        int length = end - transport;
        put16(a, at, 0);
        int sum = Checksum.sum(a, transport, length);
        if (protocol != ICMP) {
            sum = Checksum.add(sum, Checksum.pseudoHeader(i32(a, ip + 12), i32(a, ip + 16), protocol, length));
        }
        int checksum = ~sum & 0xffff;
        put16(a, at, protocol == UDP && checksum == 0 ? 0xffff : checksum);
    }

    /** Puts another port, or identifier, into a frame, wherever in it the port is; the checksums over it follow. */
    static void replacePort(byte[] a, int at, int port) {
        int delta = Checksum.delta16(u16(a, at), port);
        put16(a, at, port);
        int end = Math.min(a.length, IP + u16(a, IP + 2));
        int outerAt = transportChecksumAt(a, IP, end);
        int inner = IP + headerLength(a, IP) + 8;
        boolean isInner = u8(a, IP + 9) == ICMP && isError(u8(a, IP + headerLength(a, IP))) && at >= inner + 20;
        if (isInner) {
            int innerAt = transportChecksumAt(a, inner, end);
            if (innerAt >= 0) {
                delta = Checksum.add(delta, update(a, innerAt, delta, u8(a, inner + 9) == UDP));
            }
        }
        if (outerAt >= 0) {
            update(a, outerAt, delta, u8(a, IP + 9) == UDP);
        }
    }

    /** Changes an address of an IP header; the checksums over it follow, but not that of an ICMP message around it. */
    static void replaceAddress(byte[] a, int ip, int at, int address) {
        int delta = Checksum.delta32(i32(a, at), address);
        put32(a, at, address);
        update(a, ip + 10, delta, false);
        int transportAt = transportChecksumAt(a, ip, a.length);
        if (transportAt >= 0 && u8(a, ip + 9) != ICMP) {
            update(a, transportAt, delta, u8(a, ip + 9) == UDP);
        }
    }

    private static int update(byte[] a, int at, int delta, boolean udp) {
        int old = u16(a, at);
        if (udp && old == 0) {
            return 0;
        }
        int updated = Checksum.update(old, delta);
        updated = udp && updated == 0 ? 0xffff : updated;
        put16(a, at, updated);
        return Checksum.delta16(old, updated);
    }

    static boolean isError(int icmpType) {
        return icmpType == 3 || icmpType == 4 || icmpType == 5 || icmpType == 11 || icmpType == 12;
    }

    /**
     * Where in a frame on the uplink the shared address's port is, or -1: in an outward frame the source port, in an inward one the
     * destination port, in a query the identifier, in an error the same of the packet inside.
     */
    static int outsidePortAt(byte[] a) {
        if (a.length < IP + 28 || u16(a, 12) != 0x0800) {
            return -1;
        }
        int header = headerLength(a, IP);
        int transport = IP + header;
        if (header < 20 || transport + 8 > a.length || (u16(a, IP + 6) & 0x1fff) != 0) {
            return -1;
        }
        int protocol = u8(a, IP + 9);
        if (protocol == ICMP && isError(u8(a, transport))) {
            int inner = transport + 8;
            return inner + 28 > a.length ? -1 : portOfShared(a, inner);
        }
        return portOfShared(a, IP);
    }

    /** The source port, or identifier, of a packet that is neither an error nor a later fragment; else -1. */
    static int sourcePort(byte[] a) {
        int transport = IP + headerLength(a, IP);
        if (a.length < transport + 8 || transport < IP + 20 || (u16(a, IP + 6) & 0x1fff) != 0) {
            return -1;
        }
        int protocol = u8(a, IP + 9);
        if (protocol == ICMP) {
            return isError(u8(a, transport)) ? -1 : u16(a, transport + 4);
        }
        return protocol == TCP || protocol == UDP ? u16(a, transport) : -1;
    }

    private static int portOfShared(byte[] a, int ip) {
        int header = headerLength(a, ip);
        int transport = ip + header;
        if (header < 20 || transport + 8 > a.length) {
            return -1;
        }
        int protocol = u8(a, ip + 9);
        if (protocol == ICMP) {
            return transport + 4;
        }
        if (protocol != TCP && protocol != UDP) {
            return -1;
        }
        return i32(a, ip + 12) == Net.SHARED ? transport : i32(a, ip + 16) == Net.SHARED ? transport + 2 : -1;
    }
}
