package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.PSH;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;

import io.sharedip.packet.Octets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A TCP segment as a test reads or makes it. Its octets are a copy. */
final class Segment {

    final byte[] octets;

    Segment(byte[] octets) {
        this.octets = octets;
    }

    static Segment copyOf(byte[] octets, int offset, int length) {
        return new Segment(Arrays.copyOfRange(octets, offset, offset + length));
    }

    /** A segment with options, which are padded. */
    static Segment of(
            int ports, int flags, int sequence, int acknowledgment, int window, byte[] options, byte[] payload) {
        int header = 20 + (options.length + 3) / 4 * 4;
        byte[] o = new byte[header + payload.length];
        Octets.put32(o, 0, ports);
        Octets.put32(o, 4, sequence);
        Octets.put32(o, 8, acknowledgment);
        Octets.put8(o, 12, header / 4 << 4);
        Octets.put8(o, 13, flags);
        Octets.put16(o, 14, window);
        System.arraycopy(options, 0, o, 20, options.length);
        System.arraycopy(payload, 0, o, header, payload.length);
        return new Segment(o);
    }

    int sourcePort() {
        return Octets.u16(octets, 0);
    }

    int destinationPort() {
        return Octets.u16(octets, 2);
    }

    int sequence() {
        return Octets.i32(octets, 4);
    }

    int acknowledgment() {
        return Octets.i32(octets, 8);
    }

    int header() {
        return Octets.u8(octets, 12) >>> 4 << 2;
    }

    int flags() {
        return Octets.u8(octets, 13);
    }

    boolean has(int flag) {
        return (flags() & flag) != 0;
    }

    int window() {
        return Octets.u16(octets, 14);
    }

    int length() {
        return octets.length - header();
    }

    /** The sequence number behind it. */
    int end() {
        return sequence() + length() + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
    }

    byte[] payload() {
        return Arrays.copyOfRange(octets, header(), octets.length);
    }

    /** Index of an option, or -1. Throws if the options are not well formed. */
    int option(int kind) {
        int found = -1;
        int at = 20;
        while (at < header()) {
            int k = octets[at];
            if (k == 0) {
                break;
            }
            if (k == 1) {
                at++;
                continue;
            }
            int length = Octets.u8(octets, at + 1);
            if (length < 2 || at + length > header()) {
                throw new AssertionError("broken options in " + this);
            }
            if (k == kind) {
                found = at;
            }
            at += length;
        }
        return found;
    }

    /** Value of the MSS option, or 0. */
    int mss() {
        int at = option(2);
        return at < 0 ? 0 : Octets.u16(octets, at + 2);
    }

    /** Value of the window scale option, or -1. */
    int scale() {
        int at = option(3);
        return at < 0 ? -1 : Octets.u8(octets, at + 2);
    }

    boolean permitsSack() {
        return option(4) >= 0;
    }

    boolean hasTimestamps() {
        return option(8) >= 0;
    }

    int timestamp() {
        return Octets.i32(octets, option(8) + 2);
    }

    int timestampEcho() {
        return Octets.i32(octets, option(8) + 6);
    }

    List<int[]> sacks() {
        int at = option(5);
        List<int[]> blocks = new ArrayList<>();
        for (int i = at + 2; at >= 0 && i < at + Octets.u8(octets, at + 1); i += 8) {
            blocks.add(new int[] {Octets.i32(octets, i), Octets.i32(octets, i + 4)});
        }
        return blocks;
    }

    @Override
    public String toString() {
        StringBuilder s = new StringBuilder();
        String names = "FSRPA";
        int[] bits = {FIN, SYN, RST, PSH, ACK};
        for (int i = 0; i < bits.length; i++) {
            if (has(bits[i])) {
                s.append(names.charAt(i));
            }
        }
        s.append(" seq ").append(sequence() & 0xffffffffL).append(" len ").append(length());
        s.append(" ack ").append(acknowledgment() & 0xffffffffL).append(" win ").append(window());
        return s.toString();
    }
}
