package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the predicates of {@link Difference} ask about a frame's IP packet. */
final class Packet {

    final byte[] octets;
    final int headerLength;
    final int end;
    final int protocol;
    final int transport;

    private Packet(byte[] octets) {
        this.octets = octets;
        this.headerLength = Wire.headerLength(octets, IP);
        this.end = Math.min(octets.length, IP + Octets.u16(octets, IP + 2));
        this.protocol = Octets.u8(octets, IP + 9);
        this.transport = IP + headerLength;
    }

    static @Nullable Packet of(byte[] frame) {
        boolean sound = frame.length >= IP + 20
                && Octets.u8(frame, IP) >>> 4 == 4
                && Wire.headerLength(frame, IP) >= 20
                && IP + Wire.headerLength(frame, IP) <= frame.length;
        return sound ? new Packet(frame) : null;
    }

    /** Whether it is a whole TCP segment with these flags. */
    boolean isSegment(int wanted) {
        return isWhole(Wire.TCP) && payloadLength() >= 20 && (flags() & wanted) == wanted;
    }

    int sequence() {
        return Octets.i32(octets, transport + 4);
    }

    int acknowledgment() {
        return Octets.i32(octets, transport + 8);
    }

    int window() {
        return Octets.u16(octets, transport + 14);
    }

    /** Whether a SYN permits selective acknowledgments. */
    boolean permitsSack() {
        return tcpOptionAt(4) >= 0;
    }

    /** One more than its last number. */
    int sequenceEnd() {
        int header = Octets.u8(octets, transport + 12) >>> 4 << 2;
        return sequence() + payloadLength() - header + (flags() >>> 1 & 1) + (flags() & 1);
    }

    int flags() {
        return Octets.u8(octets, transport + 13);
    }

    /** The window scale that a SYN offers, 14 at most, or -1. */
    int windowScale() {
        int at = tcpOptionAt(3);
        return at < 0 ? -1 : Math.min(14, Octets.u8(octets, at + 2));
    }

    /** The highest number that a segment acknowledges, selectively (RFC 2018 section 3) or not. */
    int highestAcknowledgment() {
        int highest = acknowledgment();
        int at = tcpOptionAt(5);
        for (int edge = at + 6; at >= 0 && edge + 4 <= at + Octets.u8(octets, at + 1); edge += 8) {
            int right = Octets.i32(octets, edge);
            highest = right - highest > 0 ? right : highest;
        }
        return highest;
    }

    private int tcpOptionAt(int wanted) {
        int limit = Math.min(end, transport + (Octets.u8(octets, transport + 12) >>> 4 << 2));
        for (int at = transport + 20; at + 1 < limit; ) {
            int kind = Octets.u8(octets, at);
            int length = Octets.u8(octets, at + 1);
            boolean isSound = wanted == 5 ? length % 8 == 2 : length == (wanted == 3 ? 3 : 2);
            if (kind == wanted && isSound && at + length <= limit) {
                return at;
            }
            if (kind == 0 || (kind != 1 && (length < 2 || at + length > limit))) {
                return -1;
            }
            at += kind == 1 ? 1 : length;
        }
        return -1;
    }

    int offset() {
        return (Octets.u16(octets, IP + 6) & 0x1fff) * 8;
    }

    boolean isUneven() {
        return hasMore() && payloadLength() % 8 != 0;
    }

    /** Whether two fragments overlap that do not repeat one another exactly. */
    boolean overlaps(Packet other) {
        boolean apart =
                offset() + payloadLength() <= other.offset() || other.offset() + other.payloadLength() <= offset();
        return !apart
                && !(offset() == other.offset()
                        && Arrays.equals(octets, transport, end, other.octets, other.transport, other.end));
    }

    /** Whether the UDP length, 8 or more, is less than what the datagram holds. */
    boolean hasShortUdpLength() {
        int length = isWhole(Wire.UDP) ? Octets.u16(octets, transport + 4) : 0;
        return length >= 8 && length < payloadLength();
    }

    int timeToLive() {
        return Octets.u8(octets, IP + 8);
    }

    /** Whether a transport header has a wrong length, data offset, flags, type or checksum, or port 0. */
    boolean isTransportMalformed() {
        if (protocol != Wire.TCP && protocol != Wire.UDP && protocol != Wire.ICMP) {
            return false;
        }
        int length = payloadLength();
        if (length < (protocol == Wire.TCP ? 20 : 8)) {
            return true;
        }
        if (protocol == Wire.UDP) {
            int udp = Octets.u16(octets, transport + 4);
            if (udp < 8 || udp > length || Octets.u16(octets, transport + 6) == 0) {
                return udp < 8 || udp > length;
            }
            length = udp;
        } else if (protocol == Wire.TCP) {
            int header = Octets.u8(octets, transport + 12) >>> 4 << 2;
            if (header < 20 || header > length || hasSenselessFlags()) {
                return true;
            }
        }
        if (protocol == Wire.ICMP && !isKnownIcmp()) {
            return true;
        }
        int sum = Checksum.sum(octets, transport, length);
        if (protocol != Wire.ICMP) {
            sum = Checksum.add(sum, Checksum.pseudoHeader(source(), destination(), protocol, length));
        }
        return sum != 0xffff || (protocol != Wire.ICMP && (sourcePort() == 0 || destinationPort() == 0));
    }

    /** Whether the fragments of both belong together (RFC 791 section 3.2). */
    boolean isOfTheDatagramOf(Packet other) {
        return Octets.u16(octets, IP + 4) == Octets.u16(other.octets, IP + 4)
                && source() == other.source()
                && destination() == other.destination()
                && protocol == other.protocol;
    }

    /** The fragments among earlier frames of the datagram that this one belongs to, with this one; itself if it is no fragment. */
    List<Packet> datagram(List<byte[]> earlier) {
        List<Packet> all = new ArrayList<>();
        if (isFragment()) {
            for (byte[] frame : earlier) {
                Packet p = of(frame);
                if (p != null && p.isFragment() && p.isOfTheDatagramOf(this)) {
                    all.add(p);
                }
            }
        }
        all.add(this);
        return all;
    }

    /** The packet that fragments make, or the last of them if they do not make one. */
    static Packet whole(List<Packet> fragments) {
        Packet last = fragments.get(fragments.size() - 1);
        if (!last.isFragment()) {
            return last;
        }
        Packet first = null;
        int length = -1;
        for (Packet p : fragments) {
            first = p.offset() == 0 ? p : first;
            length = p.hasMore() ? length : p.offset() + p.payloadLength();
        }
        if (first == null || length < 0 || first.transport + length > 65_535) {
            return last;
        }
        byte[] joined = Arrays.copyOf(first.octets, first.transport + length);
        boolean[] there = new boolean[length];
        for (Packet p : fragments) {
            int size = Math.min(p.payloadLength(), length - p.offset());
            if (size > 0) {
                System.arraycopy(p.octets, p.transport, joined, first.transport + p.offset(), size);
                Arrays.fill(there, p.offset(), p.offset() + size, true);
            }
        }
        for (boolean octet : there) {
            if (!octet) {
                return last;
            }
        }
        Octets.put16(joined, IP + 2, joined.length - IP);
        Octets.put16(joined, IP + 6, Octets.u16(joined, IP + 6) & 0x8000);
        Wire.fixIp(joined, IP);
        return new Packet(joined);
    }

    private boolean hasMore() {
        return (Octets.u16(octets, IP + 6) & 0x2000) != 0;
    }

    private boolean isKnownIcmp() {
        return switch (Octets.u8(octets, transport)) {
            case 0, 3, 8, 11, 12, 13, 14 -> true;
            default -> false;
        };
    }

    private boolean hasSenselessFlags() {
        int flags = flags() & (Wire.FIN | Wire.SYN | Wire.RST | Wire.ACK | Wire.URG);
        return switch (flags & ~Wire.URG) {
            case Wire.SYN, Wire.ACK, Wire.ACK | Wire.FIN -> false;
            case Wire.SYN | Wire.ACK, Wire.RST, Wire.RST | Wire.ACK -> (flags & Wire.URG) != 0;
            default -> true;
        };
    }

    int payloadLength() {
        return end - transport;
    }

    boolean isFragment() {
        return (Octets.u16(octets, IP + 6) & 0x3fff) != 0;
    }

    boolean isWhole(int ofProtocol) {
        return protocol == ofProtocol && !isFragment() && payloadLength() >= 8;
    }

    int sourcePort() {
        return Octets.u16(octets, transport);
    }

    int destinationPort() {
        return Octets.u16(octets, transport + 2);
    }

    boolean isIcmp(int type) {
        return isWhole(Wire.ICMP) && Octets.u8(octets, transport) == type;
    }

    boolean isError() {
        return isWhole(Wire.ICMP) && Wire.isError(Octets.u8(octets, transport));
    }

    /** The sum of the IP header inside an error, 0xffff if it is right; -1 if it is cut off. */
    int innerSum() {
        int inner = transport + 8;
        if (inner + 20 > end) {
            return -1;
        }
        int length = Wire.headerLength(octets, inner);
        return length < 20 || inner + length > end ? -1 : Checksum.sum(octets, inner, length);
    }

    /** Whether an error quotes less than 8 octets behind an IP header, of a protocol without ports. */
    boolean quotesTooLittle() {
        int inner = transport + 8;
        return isError()
                && inner + 20 <= end
                && end - inner - Wire.headerLength(octets, inner) < 8
                && Arrays.stream(Net.PORTLESS).anyMatch(p -> p == Octets.u8(octets, inner + 9));
    }

    /** Whether an error quotes a timestamp message. */
    boolean quotesTimestamp() {
        int inner = transport + 8;
        int message = inner + (inner < end ? Wire.headerLength(octets, inner) : 0);
        return isError()
                && message < end
                && Octets.u8(octets, inner + 9) == Wire.ICMP
                && (Octets.u8(octets, message) == 13 || Octets.u8(octets, message) == 14);
    }

    /** How many octets of TCP an error quotes, or -1. */
    int innerTcpLength() {
        int inner = transport + 8;
        boolean tcp = inner + 20 <= end && Octets.u8(octets, inner + 9) == Wire.TCP;
        return tcp ? end - inner - Wire.headerLength(octets, inner) : -1;
    }

    int source() {
        return Octets.i32(octets, IP + 12);
    }

    int destination() {
        return Octets.i32(octets, IP + 16);
    }

    /** Whether something else than zero follows the end of the options. */
    boolean hasGarbageBehindOptions() {
        int at = optionAt(0);
        for (int i = at; at >= 0 && i < transport; i++) {
            if (octets[i] != 0) {
                return true;
            }
        }
        return false;
    }

    /** Whether an option does not fit, is a source route, or is shorter or points further back than its kind allows. */
    boolean hasUnsoundOption() {
        int at = IP + 20;
        while (at < transport && octets[at] != 0) {
            int type = Octets.u8(octets, at);
            int length = type == 1 ? 1 : at + 1 < transport ? Octets.u8(octets, at + 1) : 0;
            int least = type == 1 ? 1 : type == 7 ? 3 : type == 68 || type == 148 ? 4 : 2;
            int pointer = type == 7 ? 4 : type == 68 ? 5 : 0;
            boolean unsound = type == 131 || type == 137 || length < least || at + length > transport;
            if (unsound || Octets.u8(octets, at + Math.min(2, length - 1)) < pointer) {
                return true;
            }
            at += length;
        }
        return false;
    }

    /** Whether a record of a route or of times has room left for part of an entry. */
    boolean hasPartialEntry() {
        int route = optionAt(7);
        int times = optionAt(68);
        return (route >= 0 && (Octets.u8(octets, route + 1) - 3) % 4 != 0)
                || (times >= 0 && (Octets.u8(octets, times + 1) - 4) % 4 != 0);
    }

    boolean hasOption(int type) {
        return optionAt(type) >= 0;
    }

    private int optionAt(int type) {
        int at = IP + 20;
        while (at < transport) {
            int found = Octets.u8(octets, at);
            if (found == type) {
                return at;
            }
            if (found == 0 || (found > 1 && (at + 1 >= transport || Octets.u8(octets, at + 1) < 2))) {
                return -1;
            }
            at += found == 1 ? 1 : Octets.u8(octets, at + 1);
        }
        return -1;
    }
}
