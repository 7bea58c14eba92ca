package io.sharedip.testing;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.Arrays;

/**
 * A frame taken apart for assertions. Written independently of the engine's parser: it recomputes every checksum from scratch.
 * Immutable.
 */
public final class ParsedPacket {

    private final byte[] frame;
    private final int ip;
    private final int header;

    private ParsedPacket(byte[] frame, int ip) {
        this.frame = frame;
        this.ip = ip;
        this.header = (frame[ip] & 0xf) * 4;
    }

    /**
     * Takes an Ethernet frame with an IPv4 packet apart.
     *
     * @param frame the octets
     * @return the packet
     * @throws AssertionError if it is no IPv4 or a length or checksum is wrong
     */
    public static ParsedPacket of(byte[] frame) {
        if (frame.length < 34 || Octets.u16(frame, 12) != 0x0800) {
            throw new AssertionError("no IPv4 packet: " + hex(frame));
        }
        ParsedPacket packet = new ParsedPacket(frame.clone(), 14);
        packet.check();
        return packet;
    }

    private void check() {
        if (frame[ip] >>> 4 != 4 || header < 20 || totalLength() != frame.length - ip) {
            throw new AssertionError("IPv4 header or length is wrong: " + hex(frame));
        }
        if (Checksum.sum(frame, ip, header) != 0xffff) {
            throw new AssertionError("IPv4 header checksum is wrong: " + hex(frame));
        }
        if ((Octets.u16(frame, ip + 6) & 0x3fff) == 0 && !transportChecksumIsRight()) {
            throw new AssertionError("transport checksum is wrong: " + hex(frame));
        }
    }

    private boolean transportChecksumIsRight() {
        int at = ip + header;
        int length = totalLength() - header;
        int sum = Checksum.sum(frame, at, length);
        return switch (protocol()) {
            case 1 -> sum == 0xffff;
            case 6 -> Checksum.add(sum, pseudoHeader(length)) == 0xffff;
            case 17 -> Octets.u16(frame, at + 6) == 0 || Checksum.add(sum, pseudoHeader(length)) == 0xffff;
            default -> true;
        };
    }

    private int pseudoHeader(int length) {
        return Checksum.pseudoHeader(Octets.i32(frame, ip + 12), Octets.i32(frame, ip + 16), protocol(), length);
    }

    /** The source MAC address. @return of the frame */
    public MacAddress sourceMac() {
        return new MacAddress(Octets.u48(frame, 6));
    }

    /** The destination MAC address. @return of the frame */
    public MacAddress destinationMac() {
        return new MacAddress(Octets.u48(frame, 0));
    }

    /** The total length of the IP packet. @return octets */
    public int totalLength() {
        return Octets.u16(frame, ip + 2);
    }

    /** The protocol number. @return 0 to 255 */
    public int protocol() {
        return Octets.u8(frame, ip + 9);
    }

    /** The octet with the Diffserv field and the ECN field. @return 0 to 255 */
    public int trafficClass() {
        return Octets.u8(frame, ip + 1);
    }

    /** The time to live. @return 0 to 255 */
    public int ttl() {
        return Octets.u8(frame, ip + 8);
    }

    /** Flags and fragment offset. @return the word */
    public int fragment() {
        return Octets.u16(frame, ip + 6);
    }

    /** The source address. @return dotted */
    public String source() {
        return new Ipv4Address(Octets.i32(frame, ip + 12)).toString();
    }

    /** The destination address. @return dotted */
    public String destination() {
        return new Ipv4Address(Octets.i32(frame, ip + 16)).toString();
    }

    /** The source port, or the identifier of an ICMP query. @return 0 to 65535 */
    public int sourcePort() {
        return Octets.u16(frame, ip + header + (protocol() == 1 ? 4 : 0));
    }

    /** The destination port, or the identifier of an ICMP query. @return 0 to 65535 */
    public int destinationPort() {
        return Octets.u16(frame, ip + header + (protocol() == 1 ? 4 : 2));
    }

    /** Source address and port. @return {@code address:port} */
    public String from() {
        return source() + ":" + sourcePort();
    }

    /** Destination address and port. @return {@code address:port} */
    public String to() {
        return destination() + ":" + destinationPort();
    }

    /** The TCP flags. @return bits as in the header */
    public int flags() {
        return Octets.u8(frame, ip + header + 13);
    }

    /** The TCP sequence number. @return 32 bits, unsigned */
    public long sequence() {
        return Octets.u32(frame, ip + header + 4);
    }

    /** The TCP acknowledgment number. @return 32 bits, unsigned */
    public long acknowledgment() {
        return Octets.u32(frame, ip + header + 8);
    }

    /** The ICMP type. @return 0 to 255 */
    public int icmpType() {
        return Octets.u8(frame, ip + header);
    }

    /** The ICMP code. @return 0 to 255 */
    public int icmpCode() {
        return Octets.u8(frame, ip + header + 1);
    }

    /** The word after the ICMP checksum. @return 32 bits */
    public int icmpRest() {
        return Octets.i32(frame, ip + header + 4);
    }

    /** The transport checksum as it stands. @return 0 to 65535 */
    public int transportChecksum() {
        return Octets.u16(frame, ip + header + (protocol() == 6 ? 16 : protocol() == 17 ? 6 : 2));
    }

    /** What follows the transport header. @return a copy */
    public byte[] payload() {
        int transport =
                protocol() == 6 ? (frame[ip + header + 12] & 0xf0) >> 2 : protocol() == 1 || protocol() == 17 ? 8 : 0;
        return Arrays.copyOfRange(frame, ip + header + transport, frame.length);
    }

    /**
     * The packet that an ICMP error quotes. Its IP header checksum is checked, its truncated transport header is not.
     *
     * @return the inner packet
     */
    public ParsedPacket inner() {
        ParsedPacket quoted = new ParsedPacket(frame, ip + header + 8);
        if (Checksum.sum(frame, quoted.ip, quoted.header) != 0xffff) {
            throw new AssertionError("inner IPv4 header checksum is wrong: " + hex(frame));
        }
        return quoted;
    }

    /** The frame. @return a copy */
    public byte[] frame() {
        return frame.clone();
    }

    /**
     * Octets in hexadecimal.
     *
     * @param octets any
     * @return two digits each
     */
    public static String hex(byte[] octets) {
        StringBuilder s = new StringBuilder();
        for (byte b : octets) {
            s.append(Character.forDigit(b >> 4 & 0xf, 16)).append(Character.forDigit(b & 0xf, 16));
        }
        return s.toString();
    }

    @Override
    public String toString() {
        return "protocol " + protocol() + " " + from() + " -> " + to() + " ttl " + ttl();
    }
}
