package io.sharedip.nat.internal.flow;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.Ipv4View;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * The packet inside an ICMP error (RFC 5508 section 4): finds out whose it was, and reverts its translation. Header options are
 * skipped; the inner transport checksum is not judged, only carried along; what follows the inner packet (RFC 4884) is left alone.
 */
public final class IcmpErrorRewriter {

    private static final int ICMP = 1;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private byte[] octets = {};
    private int ip;
    private int transport;
    private int room;
    private int protocol;
    private int source;
    private int destination;
    private int sourcePort;
    private int destinationPort;

    /**
     * Looks at an inner packet.
     *
     * @param array that holds it
     * @param at index of the inner IP header
     * @param end index past the last octet of the ICMP message
     * @return why the error is to be dropped, or null
     */
    public @Nullable DropReason parse(byte[] array, int at, int end) {
        if (end - at < Ipv4View.MIN_LENGTH + 8) {
            return DropReason.ICMP_INNER;
        }
        int versionAndLength = u8(array, at);
        int header = (versionAndLength & 0xf) << 2;
        if (versionAndLength >>> 4 != 4 || header < Ipv4View.MIN_LENGTH || end - at < header + 8) {
            return DropReason.ICMP_INNER;
        }
        if (Checksum.sum(array, at, header) != 0xffff || (u16(array, at + 6) & Ipv4View.OFFSET_MASK) != 0) {
            return DropReason.ICMP_INNER;
        }
        octets = array;
        ip = at;
        transport = at + header;
        room = end - transport;
        protocol = u8(array, at + 9);
        source = i32(array, at + 12);
        destination = i32(array, at + 16);
        if (protocol == TCP || protocol == UDP) {
            sourcePort = u16(array, transport);
            destinationPort = u16(array, transport + 2);
            return null;
        }
        if (protocol == ICMP) {
            int type = u8(array, transport);
            if ((type != IcmpView.ECHO_REQUEST
                            && type != IcmpView.ECHO_REPLY
                            && type != IcmpView.TIMESTAMP_REQUEST
                            && type != IcmpView.TIMESTAMP_REPLY)
                    || u8(array, transport + 1) != 0) {
                return DropReason.ICMP_INNER;
            }
            sourcePort = u16(array, transport + 4);
            destinationPort = sourcePort;
            return null;
        }
        // whether the protocol is one that is translated by address alone, the table of flows knows
        sourcePort = 0;
        destinationPort = 0;
        return null;
    }

    public int protocol() {
        return protocol;
    }

    public int source() {
        return source;
    }

    public int destination() {
        return destination;
    }

    /** The inner source port, or the identifier of an inner ping. */
    public int sourcePort() {
        return sourcePort;
    }

    /** The inner destination port, or 0 for an inner ping. */
    public int destinationPort() {
        return protocol == ICMP ? 0 : destinationPort;
    }

    /** Whether the inner packet is one that who began a flow sends, or who answered; only a ping shows which. */
    public boolean fits(boolean sentByInitiator) {
        if (protocol != ICMP) {
            return true;
        }
        int type = u8(octets, transport);
        return (type == IcmpView.ECHO_REQUEST || type == IcmpView.TIMESTAMP_REQUEST) == sentByInitiator;
    }

    /** The sequence number of an inner TCP segment. */
    public int sequence() {
        return i32(octets, transport + 4);
    }

    /** The identifier of an inner ping. */
    public int identifier() {
        return sourcePort;
    }

    /**
     * Rewrites the inner packet. Its checksums change by what changes under them; the ICMP message's own checksum is the caller's to
     * compute.
     *
     * @param newSource address
     * @param newSourcePort port, or the identifier of an inner ping
     * @param newDestination address
     * @param newDestinationPort port, ignored for an inner ping
     */
    public void rewrite(int newSource, int newSourcePort, int newDestination, int newDestinationPort) {
        final byte[] a = octets;
        int addresses =
                Checksum.add(Checksum.delta32(source, newSource), Checksum.delta32(destination, newDestination));
        put32(a, ip + 12, newSource);
        put32(a, ip + 16, newDestination);
        put16(a, ip + 10, Checksum.update(u16(a, ip + 10), addresses));
        int ports = Checksum.delta16(sourcePort, newSourcePort);
        if (protocol == ICMP) {
            put16(a, transport + 4, newSourcePort);
            put16(a, transport + 2, Checksum.update(u16(a, transport + 2), ports));
            return;
        }
        if (protocol != TCP && protocol != UDP) {
            AddressOnlyProtocols.updateChecksum(a, transport, protocol, addresses);
            return;
        }
        ports = Checksum.add(ports, Checksum.delta16(destinationPort, newDestinationPort));
        put16(a, transport, newSourcePort);
        put16(a, transport + 2, newDestinationPort);
        int checksum = transport + (protocol == TCP ? 16 : 6);
        if (checksum + 2 <= transport + room && !(protocol == UDP && u16(a, checksum) == 0)) {
            int updated = Checksum.update(u16(a, checksum), Checksum.add(addresses, ports));
            put16(a, checksum, protocol == UDP && updated == 0 ? 0xffff : updated);
        }
    }
}
