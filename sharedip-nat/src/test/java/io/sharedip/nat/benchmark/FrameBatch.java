package io.sharedip.nat.benchmark;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;

/** A batch of frames of 60 octets, each at the beginning of a room as large as a receive ring's, to be written again and again. */
final class FrameBatch {

    static final int SIZE = 256;
    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;
    static final int SYN = 2;
    static final int ACK = 16;
    static final int ECHO_REQUEST = 8;
    static final int ECHO_REPLY = 0;

    private static final int LENGTH = 60;
    private static final int ROOM = 2048;
    private static final int IP = 14;
    private static final int TRANSPORT = 34;

    private final byte[] octets = new byte[SIZE * ROOM];
    private final Frame[] frames = new Frame[SIZE];

    FrameBatch() {
        for (int i = 0; i < SIZE; i++) {
            frames[i] = new Frame();
        }
    }

    Frame[] frames() {
        return frames;
    }

    byte[] octets() {
        return octets;
    }

    /** Where a frame begins in {@link #octets}. */
    static int at(int slot) {
        return slot * ROOM;
    }

    /** The source port, or the identifier of a ping, of a frame as it now is. */
    int sourcePort(int slot) {
        int at = at(slot);
        return Octets.u16(octets, at + TRANSPORT + (Octets.u8(octets, at + IP + 9) == ICMP ? 4 : 0));
    }

    /**
     * Writes a frame with all its checksums right.
     *
     * @param kind TCP flags, or ICMP type
     */
    void write(
            int slot,
            long destinationMac,
            long sourceMac,
            int protocol,
            int source,
            int sourcePort,
            int destination,
            int destinationPort,
            int kind) {
        final byte[] a = octets;
        int at = at(slot);
        int transport = at + TRANSPORT;
        int transportLength = protocol == TCP ? 20 : 26;
        frames[slot].wrap(a, at, LENGTH);
        Octets.put48(a, at, destinationMac);
        Octets.put48(a, at + 6, sourceMac);
        Octets.put32(a, at + 12, 0x0800_4500);
        Octets.put16(a, at + 16, 20 + transportLength);
        Octets.put32(a, at + 18, 0x1234_4000);
        Octets.put32(a, at + 22, 64 << 24 | protocol << 16);
        Octets.put32(a, at + 26, source);
        Octets.put32(a, at + 30, destination);
        Octets.put64(a, transport, 0);
        Octets.put64(a, transport + 8, 0);
        Octets.put64(a, transport + 16, 0);
        if (protocol == ICMP) {
            Octets.put8(a, transport, kind);
            Octets.put16(a, transport + 4, kind == ECHO_REQUEST ? sourcePort : destinationPort);
        } else {
            Octets.put16(a, transport, sourcePort);
            Octets.put16(a, transport + 2, destinationPort);
        }
        int field = transport + 2;
        int pseudoHeader = 0;
        if (protocol != ICMP) {
            pseudoHeader = Checksum.pseudoHeader(source, destination, protocol, transportLength);
            if (protocol == TCP) {
                // one octet each way, the SYN's: what comes after is always in window
                Octets.put32(a, transport + 4, (kind & SYN) != 0 ? 0 : 1);
                Octets.put32(a, transport + 8, (kind & ACK) != 0 ? 1 : 0);
                Octets.put32(a, transport + 12, (0x5000 | kind) << 16 | 0xffff);
                field = transport + 16;
            } else {
                Octets.put16(a, transport + 4, transportLength);
                field = transport + 6;
            }
        }
        Octets.put16(a, at + 24, ~Checksum.sum(a, at + IP, 20));
        int sum = Checksum.add(Checksum.sum(a, transport, transportLength), pseudoHeader);
        Octets.put16(a, field, sum == 0xffff && protocol == UDP ? 0xffff : ~sum);
    }
}
