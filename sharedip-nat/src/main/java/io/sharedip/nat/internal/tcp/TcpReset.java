package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.MIN_LENGTH;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;

import io.sharedip.packet.Octets;

/** RST in answer to a segment of no connection (RFC 9293 section 3.10.7.1). */
public final class TcpReset {

    private TcpReset() {}

    /**
     * Writes the answer, its checksum left 0.
     *
     * @param segment octets of the segment, whose header has been validated
     * @param offset of its header
     * @param length of header and payload
     * @param target where the RST is written; may be the same array, and overlap
     * @param targetOffset where it begins
     * @return 20, or 0 if the segment is an RST itself, which nobody answers
     */
    public static int answer(byte[] segment, int offset, int length, byte[] target, int targetOffset) {
        int flags = Octets.u8(segment, offset + 13);
        if ((flags & RST) != 0) {
            return 0;
        }
        int sourcePort = Octets.u16(segment, offset);
        int destinationPort = Octets.u16(segment, offset + 2);
        int sequence = Octets.i32(segment, offset + 4);
        int acknowledgment = Octets.i32(segment, offset + 8);
        int end = sequence
                + length
                - (Octets.u8(segment, offset + 12) >>> 4 << 2)
                + ((flags & SYN) != 0 ? 1 : 0)
                + ((flags & FIN) != 0 ? 1 : 0);
        boolean acknowledged = (flags & ACK) != 0;
        return write(
                target,
                targetOffset,
                destinationPort << 16 | sourcePort,
                acknowledged ? acknowledgment : 0,
                acknowledged ? 0 : end,
                acknowledged ? RST : RST | ACK);
    }

    static int write(byte[] target, int at, int ports, int sequence, int acknowledgment, int flags) {
        Octets.put32(target, at, ports);
        Octets.put32(target, at + 4, sequence);
        Octets.put32(target, at + 8, acknowledgment);
        Octets.put32(target, at + 12, (MIN_LENGTH / 4) << 28 | flags << 16);
        Octets.put32(target, at + 16, 0);
        return MIN_LENGTH;
    }
}
