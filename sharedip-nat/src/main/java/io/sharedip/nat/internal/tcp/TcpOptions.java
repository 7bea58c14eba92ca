package io.sharedip.nat.internal.tcp;

import io.sharedip.packet.Octets;

/**
 * The options of one segment (RFC 9293 section 3.1, RFC 7323, RFC 2018), read into fields that are used again. An option that is broken,
 * and all behind it, is left out; unknown ones are skipped.
 */
final class TcpOptions {

    /** NOP, NOP, timestamps: how nearly every segment begins. */
    static final int TIMESTAMPS_WORD = 0x0101_080a;

    private static final int END = 0;
    private static final int NOP = 1;
    private static final int MSS = 2;
    private static final int WINDOW_SCALE = 3;
    private static final int SACK_PERMITTED = 4;
    private static final int SACK = 5;
    private static final int TIMESTAMPS = 8;

    /** 0 if absent. */
    int mss;
    /** -1 if absent. */
    int scale;

    boolean sackPermitted;
    boolean timestamps;
    int timestamp;
    int timestampEcho;
    int sackBlocks;
    /** Index of the first block. */
    int sackAt;

    void read(byte[] octets, int from, int end) {
        mss = 0;
        scale = -1;
        sackPermitted = false;
        timestamps = false;
        sackBlocks = 0;
        if (end - from == 12 && Octets.i32(octets, from) == TIMESTAMPS_WORD) {
            timestamps = true;
            timestamp = Octets.i32(octets, from + 4);
            timestampEcho = Octets.i32(octets, from + 8);
        } else if (end > from) {
            readAll(octets, from, end);
        }
    }

    private void readAll(byte[] octets, int from, int end) {
        int at = from;
        while (at < end) {
            int kind = octets[at];
            if (kind == END) {
                return;
            }
            if (kind == NOP) {
                at++;
                continue;
            }
            int length = at + 1 < end ? Octets.u8(octets, at + 1) : 0;
            if (length < 2 || length > end - at) {
                return;
            }
            readOne(octets, at, kind, length);
            at += length;
        }
    }

    private void readOne(byte[] octets, int at, int kind, int length) {
        if (kind == MSS && length == 4) {
            mss = Octets.u16(octets, at + 2);
        } else if (kind == WINDOW_SCALE && length == 3) {
            // RFC 7323 section 2.3: more than 14 counts as 14
            scale = Math.min(14, Octets.u8(octets, at + 2));
        } else if (kind == SACK_PERMITTED && length == 2) {
            sackPermitted = true;
        } else if (kind == SACK && length >= 10 && (length - 2) % 8 == 0) {
            sackBlocks = (length - 2) / 8;
            sackAt = at + 2;
        } else if (kind == TIMESTAMPS && length == 10) {
            timestamps = true;
            timestamp = Octets.i32(octets, at + 2);
            timestampEcho = Octets.i32(octets, at + 6);
        }
    }
}
