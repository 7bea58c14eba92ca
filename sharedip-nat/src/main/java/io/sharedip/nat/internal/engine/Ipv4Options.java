package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.u8;

/**
 * Judges the options of an IPv4 header (RFC 791 section 3.1, RFC 1812 section 5.2.4): a source route, and whatever a router that
 * fills in the option would have to answer with a parameter problem, are refused.
 */
final class Ipv4Options {

    private static final int END = 0;
    private static final int NO_OPERATION = 1;
    private static final int RECORD_ROUTE = 7;
    private static final int TIMESTAMP = 68;
    private static final int LOOSE_SOURCE_ROUTE = 131;
    private static final int STRICT_SOURCE_ROUTE = 137;
    private static final int ROUTER_ALERT = 148;

    private static final int TIMESTAMP_WITH_ADDRESS = 1;
    private static final int TIMESTAMP_PRESPECIFIED = 3;
    private static final int ADDRESS = 4;

    private Ipv4Options() {}

    /** Whether the options from one index up to another may pass. */
    static boolean areSound(byte[] a, int from, int end) {
        int seen = 0;
        int i = from;
        while (i < end) {
            int type = u8(a, i);
            if (type == END) {
                return true;
            }
            if (type == NO_OPERATION) {
                i++;
                continue;
            }
            if (type == LOOSE_SOURCE_ROUTE || type == STRICT_SOURCE_ROUTE || i + 1 >= end) {
                return false;
            }
            int length = u8(a, i + 1);
            if (length < 2 || i + length > end) {
                return false;
            }
            int bit = type == RECORD_ROUTE ? 1 : type == TIMESTAMP ? 2 : 0;
            if ((seen & bit) != 0 || !isSound(a, i, type, length)) {
                return false;
            }
            seen |= bit;
            i += length;
        }
        return true;
    }

    private static boolean isSound(byte[] a, int at, int type, int length) {
        return switch (type) {
            case RECORD_ROUTE -> length >= 3 && hasRoom(u8(a, at + 2), 4, ADDRESS, length);
            case TIMESTAMP -> length >= 4 && timestampIsSound(u8(a, at + 2), u8(a, at + 3), length);
            case ROUTER_ALERT -> length >= 4; // RFC 2113
            default -> true;
        };
    }

    /** Whether a pointer is behind the header of the option, and at a whole entry or behind the last one. */
    private static boolean hasRoom(int pointer, int first, int entry, int length) {
        return pointer >= first && (pointer > length || pointer + entry - 1 <= length);
    }

    private static boolean timestampIsSound(int pointer, int overflowAndFlag, int length) {
        int flag = overflowAndFlag & 0xf;
        boolean withAddress = flag == TIMESTAMP_WITH_ADDRESS || flag == TIMESTAMP_PRESPECIFIED;
        if (!hasRoom(pointer, 5, withAddress ? 2 * ADDRESS : ADDRESS, length)) {
            return false;
        }
        // a full option counts the routers that found no room, as far as 15
        return pointer <= length || flag == TIMESTAMP_PRESPECIFIED || overflowAndFlag >>> 4 != 15;
    }
}
