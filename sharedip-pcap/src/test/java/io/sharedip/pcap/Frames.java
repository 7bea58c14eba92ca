package io.sharedip.pcap;

import io.sharedip.address.Ipv4Address;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.Arrays;
import java.util.HexFormat;

/** Builds the few frames that the tests send themselves. */
final class Frames {

    static final int SYN_ACK = 0x12;

    private Frames() {}

    static byte[] tcp(String destinationMac, String source, int sourcePort, String destination, int port, int flags) {
        byte[] frame = ipv4(destinationMac, source, destination, 6, 20);
        Octets.put16(frame, 34, sourcePort);
        Octets.put16(frame, 36, port);
        Octets.put32(frame, 38, 1000);
        Octets.put32(frame, 42, 2000);
        Octets.put8(frame, 46, 0x50);
        Octets.put8(frame, 47, flags);
        Octets.put16(frame, 48, 65_535);
        complete(frame, 50);
        return frame;
    }

    static byte[] udp(String destinationMac, String source, int sourcePort, String destination, int port, int payload) {
        byte[] frame = ipv4(destinationMac, source, destination, 17, 8 + payload);
        Octets.put16(frame, 34, sourcePort);
        Octets.put16(frame, 36, port);
        Octets.put16(frame, 38, 8 + payload);
        Arrays.fill(frame, 42, frame.length, (byte) 'x');
        complete(frame, 40);
        return frame;
    }

    static byte[] protocol(String destinationMac, String source, String destination, int protocol, String payload) {
        byte[] frame = ipv4(destinationMac, source, destination, protocol, payload.length());
        for (int i = 0; i < payload.length(); i++) {
            Octets.put8(frame, 34 + i, payload.charAt(i));
        }
        return frame;
    }

    private static byte[] ipv4(String destinationMac, String source, String destination, int protocol, int length) {
        byte[] frame = new byte[34 + length];
        System.arraycopy(mac(destinationMac), 0, frame, 0, 6);
        System.arraycopy(mac("02:00:00:00:00:99"), 0, frame, 6, 6);
        Octets.put16(frame, 12, 0x0800);
        Octets.put8(frame, 14, 0x45);
        Octets.put16(frame, 16, 20 + length);
        Octets.put8(frame, 22, 64);
        Octets.put8(frame, 23, protocol);
        Octets.put32(frame, 26, Ipv4Address.parse(source).bits());
        Octets.put32(frame, 30, Ipv4Address.parse(destination).bits());
        Octets.put16(frame, 24, ~Checksum.sum(frame, 14, 20) & 0xffff);
        return frame;
    }

    /** The folded sum of the pseudo-header, as a kernel leaves it for a card. */
    static int pseudoHeader(byte[] frame) {
        return Checksum.pseudoHeader(
                Octets.i32(frame, 26), Octets.i32(frame, 30), Octets.u8(frame, 23), frame.length - 34);
    }

    private static void complete(byte[] frame, int at) {
        Octets.put16(frame, at, 0);
        int sum = Checksum.add(pseudoHeader(frame), Checksum.sum(frame, 34, frame.length - 34));
        Octets.put16(frame, at, ~sum & 0xffff);
    }

    /** The frame with an 802.1Q tag. */
    static byte[] tagged(byte[] frame, int vlan) {
        byte[] tagged = new byte[frame.length + 4];
        System.arraycopy(frame, 0, tagged, 0, 12);
        Octets.put16(tagged, 12, 0x8100);
        Octets.put16(tagged, 14, vlan);
        System.arraycopy(frame, 12, tagged, 16, frame.length - 12);
        return tagged;
    }

    static byte[] arpRequest(String source, String target) {
        byte[] frame = new byte[42];
        Arrays.fill(frame, 0, 6, (byte) 0xff);
        byte[] mac = mac("02:00:00:00:00:99");
        System.arraycopy(mac, 0, frame, 6, 6);
        Octets.put16(frame, 12, 0x0806);
        Octets.put64(frame, 14, 0x0001_0800_0604_0001L);
        System.arraycopy(mac, 0, frame, 22, 6);
        Octets.put32(frame, 28, Ipv4Address.parse(source).bits());
        Octets.put32(frame, 38, Ipv4Address.parse(target).bits());
        return frame;
    }

    static byte[] mac(String text) {
        return HexFormat.ofDelimiter(":").parseHex(text);
    }

    static String hex(byte[] frame) {
        return HexFormat.of().formatHex(frame);
    }
}
