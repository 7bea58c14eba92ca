package io.sharedip.pcap;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;

/**
 * Tells frames whose TCP or UDP checksum was left to a card that never came. A veth pair passes them on as they are: the field
 * holds the folded sum of the pseudo-header. libpcap does not say which frames these are, so the field is compared.
 *
 * <p>One complete checksum in 65536 looks the same by chance. That does no harm: computed in full it comes out as it was.
 */
final class PartialChecksums {

    private static final int VLAN = 0x8100;
    private static final int VLAN_OUTER = 0x88a8;
    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86dd;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private PartialChecksums() {}

    /**
     * Looks at one frame.
     *
     * @param frame array that begins with the destination MAC address
     * @param length octets of the frame
     * @return true if the transport checksum is only that of the pseudo-header
     */
    static boolean isPartial(byte[] frame, int length) {
        int at = 12;
        if (length < 14) {
            return false;
        }
        int type = Octets.u16(frame, at);
        for (int tags = 0; (type == VLAN || type == VLAN_OUTER) && tags < 2; tags++) {
            at += 4;
            if (length < at + 2) {
                return false;
            }
            type = Octets.u16(frame, at);
        }
        at += 2;
        return switch (type) {
            case IPV4 -> ofIpv4(frame, at, length);
            case IPV6 -> ofIpv6(frame, at, length);
            default -> false;
        };
    }

    private static boolean ofIpv4(byte[] frame, int at, int length) {
        if (length < at + 20) {
            return false;
        }
        int headerLength = (frame[at] & 0xf) * 4;
        int total = Octets.u16(frame, at + 2);
        // the kernel completes checksums before it fragments
        boolean fragment = (Octets.u16(frame, at + 6) & 0x3fff) != 0;
        if (fragment || headerLength < 20 || total < headerLength || length < at + total) {
            return false;
        }
        int protocol = frame[at + 9] & 0xff;
        int sum = Checksum.pseudoHeader(
                Octets.i32(frame, at + 12), Octets.i32(frame, at + 16), protocol, total - headerLength);
        return ofTransport(frame, at + headerLength, total - headerLength, protocol, sum);
    }

    private static boolean ofIpv6(byte[] frame, int at, int length) {
        if (length < at + 40) {
            return false;
        }
        int payload = Octets.u16(frame, at + 4);
        int protocol = frame[at + 6] & 0xff;
        if (length < at + 40 + payload || (protocol != TCP && protocol != UDP)) {
            return false;
        }
        int sum = Checksum.add(Checksum.sum(frame, at + 8, 32), Checksum.fold((long) protocol + payload));
        return ofTransport(frame, at + 40, payload, protocol, sum);
    }

    private static boolean ofTransport(byte[] frame, int at, int length, int protocol, int pseudoHeader) {
        return switch (protocol) {
            case TCP -> length >= 20 && Octets.u16(frame, at + 16) == pseudoHeader;
            case UDP -> length >= 8 && pseudoHeader != 0 && Octets.u16(frame, at + 6) == pseudoHeader;
            default -> false;
        };
    }
}
