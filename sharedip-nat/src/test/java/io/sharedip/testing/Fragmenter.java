package io.sharedip.testing;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Cuts IPv4 datagrams into fragments and joins them again, without the engine's code. Options stay with the first fragment. */
public final class Fragmenter {

    private static final int ETHERNET = 14;
    private static final int MORE = 0x2000;

    private Fragmenter() {}

    /**
     * Cuts a datagram.
     *
     * @param frame with a whole datagram
     * @param octets of payload in each fragment but the last, a multiple of 8
     * @return the fragments in order
     */
    public static List<byte[]> cut(byte[] frame, int octets) {
        int length = payloadLength(frame);
        List<byte[]> fragments = new ArrayList<>();
        for (int offset = 0; offset < length; offset += octets) {
            fragments.add(piece(frame, offset, Math.min(octets, length - offset)));
        }
        return fragments;
    }

    /**
     * Cuts one fragment out of a datagram.
     *
     * @param frame with a whole datagram
     * @param offset of the fragment in the payload, a multiple of 8
     * @param octets of payload
     * @return the fragment
     */
    public static byte[] piece(byte[] frame, int offset, int octets) {
        int header = header(frame);
        int kept = offset == 0 ? header : 20;
        byte[] a = new byte[ETHERNET + kept + octets];
        System.arraycopy(frame, 0, a, 0, ETHERNET + kept);
        System.arraycopy(frame, ETHERNET + header + offset, a, ETHERNET + kept, octets);
        a[ETHERNET] = (byte) (0x40 | kept / 4);
        Octets.put16(a, 16, kept + octets);
        boolean more = offset + octets < payloadLength(frame);
        Octets.put16(a, 20, Octets.u16(frame, 20) & 0xc000 | offset / 8 | (more ? MORE : 0));
        return fixHeader(a);
    }

    /** Computes the header checksum of a frame that was changed by hand. @param frame changed in place @return the frame */
    public static byte[] fixHeader(byte[] frame) {
        Octets.put16(frame, 24, 0);
        Octets.put16(frame, 24, ~Checksum.sum(frame, ETHERNET, header(frame)));
        return frame;
    }

    /**
     * Joins fragments of one datagram, in whatever order they are; a datagram that is whole is given back.
     *
     * @param fragments frames with right header checksums
     * @return the datagram, all its checksums checked
     * @throws AssertionError if they are not all of one datagram, or leave holes, or overlap
     */
    public static ParsedPacket join(List<byte[]> fragments) {
        if (fragments.isEmpty()) {
            throw new AssertionError("nothing to join");
        }
        Map<Integer, byte[]> byOffset = new TreeMap<>();
        for (byte[] fragment : fragments) {
            ParsedPacket.of(fragment);
            if (!keyOf(fragment).equals(keyOf(fragments.get(0)))) {
                throw new AssertionError("fragments of different datagrams");
            }
            if (byOffset.put((Octets.u16(fragment, 20) & 0x1fff) * 8, fragment) != null) {
                throw new AssertionError("two fragments with the same offset");
            }
        }
        byte[] first = byOffset.get(0);
        if (first == null) {
            throw new AssertionError("no first fragment");
        }
        int header = header(first);
        byte[] whole = new byte[ETHERNET + header + 65_536];
        System.arraycopy(first, 0, whole, 0, ETHERNET + header);
        int end = 0;
        boolean more = true;
        for (Map.Entry<Integer, byte[]> entry : byOffset.entrySet()) {
            byte[] fragment = entry.getValue();
            if (entry.getKey() != end || !more) {
                throw new AssertionError("a hole, an overlap or octets past the end at " + entry.getKey());
            }
            int length = payloadLength(fragment);
            System.arraycopy(fragment, ETHERNET + header(fragment), whole, ETHERNET + header + end, length);
            end += length;
            more = (Octets.u16(fragment, 20) & MORE) != 0;
        }
        if (more) {
            throw new AssertionError("no last fragment");
        }
        byte[] exact = Arrays.copyOf(whole, ETHERNET + header + end);
        Octets.put16(exact, 16, header + end);
        Octets.put16(exact, 20, Octets.u16(first, 20) & 0x4000);
        return ParsedPacket.of(fixHeader(exact));
    }

    /**
     * Sorts frames by the datagram they belong to, and joins each.
     *
     * @param frames whole datagrams and fragments, mixed
     * @return the datagrams, in no certain order
     */
    public static List<ParsedPacket> joinAll(List<byte[]> frames) {
        Map<String, List<byte[]>> byKey = new TreeMap<>();
        for (byte[] frame : frames) {
            byKey.computeIfAbsent(keyOf(frame), key -> new ArrayList<>()).add(frame);
        }
        return byKey.values().stream().map(Fragmenter::join).toList();
    }

    /** What a receiver knows a datagram by. @param frame any @return addresses, protocol and identification, as text */
    public static String keyOf(byte[] frame) {
        return Octets.i32(frame, 26) + "/" + Octets.i32(frame, 30) + "/" + frame[23] + "/" + Octets.u16(frame, 18);
    }

    private static int header(byte[] frame) {
        return (frame[ETHERNET] & 0xf) * 4;
    }

    private static int payloadLength(byte[] frame) {
        return Octets.u16(frame, 16) - header(frame);
    }
}
