package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.nat.internal.flow.AddressOnlyProtocols;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.TcpTracker;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.Ipv4View;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * What one validation pass finds out about a frame: where its headers are and what they say. One instance is reused for every frame;
 * later steps trust it and look at the octets only to change them.
 */
final class PacketContext {

    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;

    private static final int IPV4_NO_OPTIONS = 0x45;
    private static final int UNSUPPORTED_TAG = 0x9100;

    private final AddressOnlyProtocols others;

    Frame frame = new Frame();
    byte[] octets = frame.array();
    /** Index of the Ethernet header. */
    int start;
    /** Index of the IP header. */
    int ip;

    int headerLength;
    int totalLength;
    int protocol;
    int source;
    int destination;
    /** Index of the transport header. */
    int transport;

    int transportLength;
    /** Source port, or the identifier of an ICMP query. */
    int sourcePort;
    /** Destination port, or the identifier of an ICMP query. */
    int destinationPort;

    int tcpFlags;
    int icmpType;
    /** The flow that the packet probably belongs to, or {@link FlowTable#NONE}. */
    int guess;
    /** Whether the octets' transport checksum must be computed in full before the frame leaves. */
    boolean checksumDue;
    /** See {@link Fragmentation}. */
    int fragmentation = Fragmentation.WHOLE;

    /**
     * Makes a context.
     *
     * @param others protocols without ports that are translated
     */
    PacketContext(AddressOnlyProtocols others) {
        this.others = others;
    }

    /** Looks at a frame of at least an Ethernet header's length. */
    void wrap(Frame received, int guessedFlow) {
        guess = guessedFlow;
        fragmentation = Fragmentation.WHOLE;
        frame = received;
        octets = received.array();
        start = received.offset();
        ip = start + EthernetView.MIN_LENGTH;
        checksumDue = received.checksumState() != ChecksumState.COMPLETE;
    }

    /** Whether the packet is an ICMP error: it has an inner packet, and nobody may answer it with an error. */
    boolean isIcmpError() {
        return protocol == ICMP && isIcmpErrorType(icmpType);
    }

    static boolean isIcmpErrorType(int type) {
        return type == IcmpView.DESTINATION_UNREACHABLE
                || type == IcmpView.TIME_EXCEEDED
                || type == IcmpView.PARAMETER_PROBLEM
                || type == IcmpView.SOURCE_QUENCH
                || type == IcmpView.REDIRECT;
    }

    /** Whether the packet is an ICMP query that is translated: echo or timestamp; the others are deprecated (RFC 6918). */
    boolean isIcmpQuery() {
        return icmpType == IcmpView.ECHO_REQUEST || icmpType == IcmpView.TIMESTAMP_REQUEST;
    }

    /** Whether the packet answers an {@linkplain #isIcmpQuery ICMP query}. */
    boolean isIcmpReply() {
        return icmpType == IcmpView.ECHO_REPLY || icmpType == IcmpView.TIMESTAMP_REPLY;
    }

    /** The type of the query that an ICMP query or reply belongs to, -1 of anything else. */
    int icmpQueryType() {
        return switch (icmpType) {
            case IcmpView.ECHO_REQUEST, IcmpView.ECHO_REPLY -> IcmpView.ECHO_REQUEST;
            case IcmpView.TIMESTAMP_REQUEST, IcmpView.TIMESTAMP_REPLY -> IcmpView.TIMESTAMP_REQUEST;
            default -> -1;
        };
    }

    boolean dontFragment() {
        return (u16(octets, ip + 6) & Ipv4View.DONT_FRAGMENT) != 0;
    }

    boolean isFragment() {
        return (u16(octets, ip + 6) & (Ipv4View.MORE_FRAGMENTS | Ipv4View.OFFSET_MASK)) != 0;
    }

    int ttl() {
        return u8(octets, ip + 8);
    }

    /**
     * Validates the IPv4 header (RFC 791, RFC 1122 section 3.2.1) and cuts padding off the frame.
     *
     * @return why the packet is to be dropped, or null
     */
    @Nullable
    DropReason parseIp() {
        int room = frame.length() - EthernetView.MIN_LENGTH;
        if (room < Ipv4View.MIN_LENGTH) {
            return DropReason.FRAME_TOO_SHORT;
        }
        final byte[] a = octets;
        final int at = ip;
        int versionAndLength = u8(a, at);
        if (versionAndLength >>> 4 != 4) {
            return DropReason.IP_VERSION;
        }
        int header = (versionAndLength & 0xf) << 2;
        if (header < Ipv4View.MIN_LENGTH || header > room) {
            return DropReason.IP_HEADER_LENGTH;
        }
        int total = u16(a, at + 2);
        if (total < header || total > room) {
            return DropReason.IP_TOTAL_LENGTH;
        }
        source = i32(a, at + 12);
        destination = i32(a, at + 16);
        if (!headerSumIsRight(a, at, header)) {
            return DropReason.IP_CHECKSUM;
        }
        if (versionAndLength != IPV4_NO_OPTIONS && !Ipv4Options.areSound(a, at + Ipv4View.MIN_LENGTH, at + header)) {
            return DropReason.IP_OPTION;
        }
        headerLength = header;
        totalLength = total;
        protocol = u8(a, at + 9);
        transport = at + header;
        transportLength = total - header;
        if (total < room) {
            frame.length(EthernetView.MIN_LENGTH + total);
        }
        if (isNobody(source)) {
            return DropReason.IP_SOURCE;
        }
        int first = destination >>> 24;
        if (first == 0 || first == 127 || (first >= 240 && destination != -1)) {
            return DropReason.IP_DESTINATION;
        }
        return null;
    }

    private static boolean headerSumIsRight(byte[] a, int at, int header) {
        long sum = (i32(a, at) & 0xffffffffL)
                + (i32(a, at + 4) & 0xffffffffL)
                + (i32(a, at + 8) & 0xffffffffL)
                + (i32(a, at + 12) & 0xffffffffL)
                + (i32(a, at + 16) & 0xffffffffL);
        for (int i = Ipv4View.MIN_LENGTH; i < header; i += 4) {
            sum += i32(a, at + i) & 0xffffffffL;
        }
        return Checksum.fold(sum) == 0xffff;
    }

    /** Whether no machine can have this address as its own: 0/8, 127/8, multicast, 240/4 (RFC 1122 section 3.2.1.3). */
    static boolean isNobody(int address) {
        int first = address >>> 24;
        return first == 0 || first == 127 || first >= 224;
    }

    /** Why a frame is dropped that bears neither IPv4 nor ARP. */
    static DropReason unsupportedType(int type) {
        if (type == EthernetView.TYPE_VLAN || type == EthernetView.TYPE_QINQ || type == UNSUPPORTED_TAG) {
            return DropReason.VLAN_TAG;
        }
        return type == EthernetView.TYPE_IPV6 ? DropReason.IPV6_UNSUPPORTED : DropReason.ETHERTYPE_UNSUPPORTED;
    }

    static boolean isGroup(long mac) {
        return (mac & 1L << 40) != 0;
    }

    /** Whether no machine can have this MAC address. */
    static boolean isNobodysMac(long mac) {
        return mac == 0 || isGroup(mac);
    }

    static boolean isMulticast(int address) {
        return address >>> 28 == 14;
    }

    /**
     * Validates the transport header of an unfragmented packet.
     *
     * @param verify whether to judge the checksum; one that is due is not judged
     * @return why the packet is to be dropped, or null
     */
    @Nullable
    DropReason parseTransport(boolean verify) {
        boolean judge = verify && !checksumDue;
        return switch (protocol) {
            case TCP -> parseTcp(judge);
            case UDP -> parseUdp(judge);
            case ICMP -> parseIcmp(judge);
            default -> parseOther();
        };
    }

    private @Nullable DropReason parseOther() {
        sourcePort = 0;
        destinationPort = 0;
        tcpFlags = 0;
        icmpType = -1;
        // no card leaves these protocols' checksums over addresses for later
        checksumDue = false;
        return others.judge(protocol, transportLength);
    }

    /** The destination port as flows know it: an ICMP query has none. */
    int peerPortFromGuest() {
        return protocol == ICMP ? 0 : destinationPort;
    }

    /** The source port as flows know it: an ICMP query has none. */
    int peerPortFromOutside() {
        return protocol == ICMP ? 0 : sourcePort;
    }

    /** Whether the protocol has ports or identifiers that can be translated. */
    boolean hasPorts() {
        return hasPorts(protocol);
    }

    static boolean hasPorts(int protocol) {
        return protocol == TCP || protocol == UDP || protocol == ICMP;
    }

    private @Nullable DropReason parseTcp(boolean judge) {
        final byte[] a = octets;
        final int at = transport;
        if (transportLength < 20) {
            return DropReason.TCP_HEADER;
        }
        int header = u8(a, at + 12) >>> 4 << 2;
        if (header < 20 || header > transportLength) {
            return DropReason.TCP_HEADER;
        }
        sourcePort = u16(a, at);
        destinationPort = u16(a, at + 2);
        tcpFlags = u8(a, at + 13);
        icmpType = -1;
        if (judge && transportSum() != 0xffff) {
            return DropReason.TCP_CHECKSUM;
        }
        if (sourcePort == 0 || destinationPort == 0) {
            return DropReason.PORT_ZERO;
        }
        return TcpTracker.sensible(tcpFlags) ? null : DropReason.TCP_FLAGS;
    }

    private @Nullable DropReason parseUdp(boolean judge) {
        final byte[] a = octets;
        final int at = transport;
        if (transportLength < 8) {
            return DropReason.UDP_LENGTH;
        }
        int length = u16(a, at + 4);
        if (length < 8 || length > transportLength) {
            return DropReason.UDP_LENGTH;
        }
        sourcePort = u16(a, at);
        destinationPort = u16(a, at + 2);
        tcpFlags = 0;
        icmpType = -1;
        if (u16(a, at + 6) == 0) {
            // no checksum: nothing to judge, and it stays that way (RFC 768)
            checksumDue = false;
        } else if (judge && udpSum(length) != 0xffff) {
            return DropReason.UDP_CHECKSUM;
        }
        return sourcePort == 0 || destinationPort == 0 ? DropReason.PORT_ZERO : null;
    }

    private @Nullable DropReason parseIcmp(boolean judge) {
        final byte[] a = octets;
        final int at = transport;
        if (transportLength < 8) {
            return DropReason.ICMP_HEADER;
        }
        if (judge && Checksum.sum(a, at, transportLength) != 0xffff) {
            return DropReason.ICMP_CHECKSUM;
        }
        tcpFlags = 0;
        icmpType = u8(a, at);
        int identifier = u16(a, at + 4);
        sourcePort = identifier;
        destinationPort = identifier;
        return null;
    }

    private int transportSum() {
        return Checksum.add(
                Checksum.sum(octets, transport, transportLength),
                Checksum.pseudoHeader(source, destination, protocol, transportLength));
    }

    private int udpSum(int length) {
        return Checksum.add(
                Checksum.sum(octets, transport, length), Checksum.pseudoHeader(source, destination, UDP, length));
    }
}
