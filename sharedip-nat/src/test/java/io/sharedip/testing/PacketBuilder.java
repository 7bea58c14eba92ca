package io.sharedip.testing;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.nio.charset.StandardCharsets;

/**
 * Builds Ethernet frames. Everything that is not set has a sensible value, and checksums are right unless told otherwise. One builder
 * may build many frames.
 */
public final class PacketBuilder {

    /** TCP flag FIN. */
    public static final int FIN = 1;
    /** TCP flag SYN. */
    public static final int SYN = 2;
    /** TCP flag RST. */
    public static final int RST = 4;
    /** TCP flag PSH. */
    public static final int PSH = 8;
    /** TCP flag ACK. */
    public static final int ACK = 16;

    private static final int ICMP_PROTOCOL = 1;
    private static final int TCP_PROTOCOL = 6;
    private static final int UDP_PROTOCOL = 17;

    private final int protocol;
    private long sourceMac = 0x525400000001L;
    private long destinationMac = 0x020000000001L;
    private int source;
    private int destination;
    private int sourcePort;
    private int destinationPort;
    private int ttl = 64;
    private int trafficClass;
    private int identification = 1;
    private int fragment = 0x4000;
    private byte[] options = {};
    private byte[] tcpOptions = {};
    private byte[] payload = {};
    private int flags = SYN;
    private boolean numbered;
    private long sequence;
    private long acknowledgment;
    private int window = 65535;
    private int icmpType = 8;
    private int icmpCode;
    private int icmpRest;
    private boolean checksumAbsent;
    private int padding;

    private PacketBuilder(int protocol) {
        this.protocol = protocol;
    }

    /** A TCP segment, SYN by default. @return a new builder */
    public static PacketBuilder tcp() {
        return new PacketBuilder(TCP_PROTOCOL);
    }

    /** A UDP datagram. @return a new builder */
    public static PacketBuilder udp() {
        return new PacketBuilder(UDP_PROTOCOL);
    }

    /** An ICMP message, an echo request by default. @return a new builder */
    public static PacketBuilder icmp() {
        return new PacketBuilder(ICMP_PROTOCOL);
    }

    /** A packet of any other protocol. @param number of the protocol @return a new builder */
    public static PacketBuilder protocol(int number) {
        return new PacketBuilder(number);
    }

    /** Sets the MAC addresses. @param from source @param to destination @return this */
    public PacketBuilder macs(MacAddress from, MacAddress to) {
        sourceMac = from.bits();
        destinationMac = to.bits();
        return this;
    }

    /** Sets the source. @param address dotted @param port or 0 @return this */
    public PacketBuilder from(String address, int port) {
        source = Ipv4Address.parse(address).bits();
        sourcePort = port;
        return this;
    }

    /** Sets the destination. @param address dotted @param port or 0 @return this */
    public PacketBuilder to(String address, int port) {
        destination = Ipv4Address.parse(address).bits();
        destinationPort = port;
        return this;
    }

    /** Sets the time to live. @param value 0 to 255 @return this */
    public PacketBuilder ttl(int value) {
        ttl = value;
        return this;
    }

    /** Sets the octet with the Diffserv field and the ECN field. @param value 0 to 255 @return this */
    public PacketBuilder trafficClass(int value) {
        trafficClass = value;
        return this;
    }

    /** Sets the identification. @param value 0 to 65535 @return this */
    public PacketBuilder identification(int value) {
        identification = value;
        return this;
    }

    /** Sets flags and fragment offset; DF alone by default. @param word as in the header @return this */
    public PacketBuilder fragment(int word) {
        fragment = word;
        return this;
    }

    /** Sets IP options. @param octets a multiple of 4 @return this */
    public PacketBuilder options(byte... octets) {
        options = octets.clone();
        return this;
    }

    /** Sets TCP options. @param octets a multiple of 4 @return this */
    public PacketBuilder tcpOptions(byte... octets) {
        tcpOptions = octets.clone();
        return this;
    }

    /** Sets the payload. @param octets any @return this */
    public PacketBuilder payload(byte... octets) {
        payload = octets.clone();
        return this;
    }

    /** Sets the payload. @param text in ASCII @return this */
    public PacketBuilder payload(String text) {
        return payload(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** Sets the TCP flags. @param bits as in the header @return this */
    public PacketBuilder flags(int bits) {
        flags = bits;
        return this;
    }

    /** Sets the TCP sequence and acknowledgment numbers; by default each side's SYN has 1000. @param seq sequence @param ack acknowledgment @return this */
    public PacketBuilder sequence(long seq, long ack) {
        numbered = true;
        sequence = seq;
        acknowledgment = ack;
        return this;
    }

    /** Sets the TCP window. @param value unscaled @return this */
    public PacketBuilder window(int value) {
        window = value;
        return this;
    }

    /** Makes an echo request or reply. @param type 8 or 0 @param identifier of the ping @param seq of the ping @return this */
    public PacketBuilder echo(int type, int identifier, int seq) {
        icmpType = type;
        icmpRest = identifier << 16 | seq;
        return this;
    }

    /**
     * Makes an ICMP error.
     *
     * @param type of the error
     * @param code of the error
     * @param rest the word after the checksum
     * @param frame whose IP packet it quotes
     * @param quoted how many octets of the IP packet at most
     * @return this
     */
    public PacketBuilder error(int type, int code, int rest, byte[] frame, int quoted) {
        icmpType = type;
        icmpCode = code;
        icmpRest = rest;
        int length = Math.min(quoted, frame.length - 14);
        payload = new byte[length];
        System.arraycopy(frame, 14, payload, 0, length);
        return this;
    }

    /** Leaves the UDP checksum 0. @return this */
    public PacketBuilder withoutChecksum() {
        checksumAbsent = true;
        return this;
    }

    /** Pads the frame behind the IP packet. @param octets how many @return this */
    public PacketBuilder padding(int octets) {
        padding = octets;
        return this;
    }

    /** Builds the frame. @return a new array */
    public byte[] build() {
        int header = 20 + options.length;
        int transport = switch (protocol) {
            case TCP_PROTOCOL -> 20 + tcpOptions.length;
            case UDP_PROTOCOL, ICMP_PROTOCOL -> 8;
            default -> 0;
        };
        int total = header + transport + payload.length;
        byte[] a = new byte[14 + total + padding];
        Octets.put48(a, 0, destinationMac);
        Octets.put48(a, 6, sourceMac);
        Octets.put16(a, 12, 0x0800);
        Octets.put8(a, 14, 0x40 | header / 4);
        Octets.put8(a, 15, trafficClass);
        Octets.put16(a, 16, total);
        Octets.put16(a, 18, identification);
        Octets.put16(a, 20, fragment);
        Octets.put8(a, 22, ttl);
        Octets.put8(a, 23, protocol);
        Octets.put32(a, 26, source);
        Octets.put32(a, 30, destination);
        System.arraycopy(options, 0, a, 34, options.length);
        int at = 14 + header;
        System.arraycopy(payload, 0, a, at + transport, payload.length);
        switch (protocol) {
            case TCP_PROTOCOL -> {
                Octets.put16(a, at, sourcePort);
                Octets.put16(a, at + 2, destinationPort);
                Octets.put32(a, at + 4, numbered ? (int) sequence : (flags & SYN) != 0 ? 1000 : 1001);
                Octets.put32(a, at + 8, numbered ? (int) acknowledgment : (flags & ACK) != 0 ? 1001 : 0);
                Octets.put8(a, at + 12, transport / 4 << 4);
                Octets.put8(a, at + 13, flags);
                Octets.put16(a, at + 14, window);
                System.arraycopy(tcpOptions, 0, a, at + 20, tcpOptions.length);
            }
            case UDP_PROTOCOL -> {
                Octets.put16(a, at, sourcePort);
                Octets.put16(a, at + 2, destinationPort);
                Octets.put16(a, at + 4, 8 + payload.length);
            }
            case ICMP_PROTOCOL -> {
                Octets.put8(a, at, icmpType);
                Octets.put8(a, at + 1, icmpCode);
                Octets.put32(a, at + 4, icmpRest);
            }
            default -> {}
        }
        fixChecksums(a);
        if (checksumAbsent && protocol == UDP_PROTOCOL) {
            Octets.put16(a, at + 6, 0);
        }
        return a;
    }

    /**
     * Computes the checksums of a frame that was changed by hand. A frame that is too short or no fragment's first is left as far as it
     * goes.
     *
     * @param a the frame
     */
    public static void fixChecksums(byte[] a) {
        int header = (a[14] & 0xf) * 4;
        int total = Math.min(Octets.u16(a, 16), a.length - 14);
        Octets.put16(a, 24, 0);
        Octets.put16(a, 24, ~Checksum.sum(a, 14, header));
        int at = 14 + header;
        int length = total - header;
        int protocol = Octets.u8(a, 23);
        int field = protocol == TCP_PROTOCOL ? 16 : protocol == UDP_PROTOCOL ? 6 : protocol == ICMP_PROTOCOL ? 2 : -1;
        if (field < 0 || length < field + 2) {
            return;
        }
        Octets.put16(a, at + field, 0);
        int sum = Checksum.sum(a, at, length);
        if (protocol != ICMP_PROTOCOL) {
            sum = Checksum.add(sum, Checksum.pseudoHeader(Octets.i32(a, 26), Octets.i32(a, 30), protocol, length));
        }
        int checksum = ~sum & 0xffff;
        Octets.put16(a, at + field, protocol == UDP_PROTOCOL && checksum == 0 ? 0xffff : checksum);
    }
}
