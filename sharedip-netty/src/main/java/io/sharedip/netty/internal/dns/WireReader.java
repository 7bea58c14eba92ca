package io.sharedip.netty.internal.dns;

import io.sharedip.dns.DomainName;
import io.sharedip.packet.Octets;
import java.util.Arrays;

/** Reads a message from front to back and never beyond it. */
final class WireReader {

    private static final int POINTER = 0xc0;
    private static final int LONGEST_LABEL = 63;

    private final byte[] octets;
    private int at;

    WireReader(byte[] octets) {
        this.octets = octets;
    }

    int position() {
        return at;
    }

    void position(int index) {
        at = index;
    }

    int remaining() {
        return octets.length - at;
    }

    private void need(int count) throws MalformedMessageException {
        if (octets.length - at < count) {
            throw new MalformedMessageException("ends early");
        }
    }

    int u16() throws MalformedMessageException {
        need(2);
        at += 2;
        return Octets.u16(octets, at - 2);
    }

    long u32() throws MalformedMessageException {
        need(4);
        at += 4;
        return Octets.u32(octets, at - 4);
    }

    void skip(int count) throws MalformedMessageException {
        need(count);
        at += count;
    }

    byte[] octets(int count) throws MalformedMessageException {
        need(count);
        at += count;
        return Arrays.copyOfRange(octets, at - count, at);
    }

    /** A name that must not be compressed. @return its octets in their own case */
    byte[] plainName() throws MalformedMessageException {
        int from = at;
        byte[] name = name();
        if (at - from != name.length) {
            throw new MalformedMessageException("compressed question");
        }
        return name;
    }

    /** A name, possibly compressed; pointers lead to the front only, so that their number is bounded. @return without compression */
    byte[] name() throws MalformedMessageException {
        byte[] name = new byte[DomainName.LONGEST];
        int length = 0;
        int from = at;
        int bound = at;
        boolean jumped = false;
        while (true) {
            if (from >= octets.length) {
                throw new MalformedMessageException("name ends early");
            }
            int label = octets[from] & 0xff;
            if (label >= POINTER) {
                if (from + 1 >= octets.length) {
                    throw new MalformedMessageException("name ends early");
                }
                int target = (label & ~POINTER) << 8 | (octets[from + 1] & 0xff);
                if (target >= bound) {
                    throw new MalformedMessageException("pointer that does not lead to the front");
                }
                if (!jumped) {
                    at = from + 2;
                    jumped = true;
                }
                from = target;
                bound = target;
                continue;
            }
            if (label > LONGEST_LABEL || from + 1 + label > octets.length || length + 1 + label > name.length) {
                throw new MalformedMessageException("label");
            }
            System.arraycopy(octets, from, name, length, 1 + label);
            length += 1 + label;
            from += 1 + label;
            if (label == 0) {
                if (!jumped) {
                    at = from;
                }
                return Arrays.copyOf(name, length);
            }
        }
    }
}
