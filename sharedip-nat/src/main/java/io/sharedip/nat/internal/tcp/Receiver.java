package io.sharedip.nat.internal.tcp;

import io.sharedip.packet.Octets;
import io.sharedip.uplink.HostStream;
import org.jspecify.annotations.Nullable;

/**
 * What comes from the guest (RFC 9293 sections 3.8.6 and 3.10.7.4): octets in order go to the stream at once, early ones wait in a ring.
 * The window is what the stream has room for, so nothing is held here for which there is no room.
 *
 * <p>The right edge of the window never moves left, but for the rounding that a scaled window brings with it, of less than one unit (RFC
 * 7323 section 2.4): what has been offered once is taken, as that section asks for.
 */
final class Receiver {

    /** RCV.NXT. */
    int next;

    /** The acknowledgment number that was sent last. */
    int acknowledged;

    /** An acknowledgment is due. */
    boolean due;

    /** How many duplicate acknowledgments are due besides, for a guest that counts them (RFC 5681 section 4.2). */
    int duplicatesDue;

    private static final int MOST_DUPLICATES = 64;
    private static final int RECENT = 4;

    private final RingPool pool;
    /** The largest sequence number ever offered, plus one. */
    private int right;
    /** Where the window ended in the last segment sent; less than one unit of scale before {@link #right}. */
    private int shown;

    private int scale;
    private int threshold;
    private int half;
    private int mss;
    private boolean sacking;
    private boolean finKnown;
    private boolean finTaken;
    private int finSequence;
    private @Nullable SequenceRanges early;
    private @Nullable OctetRing ring;
    /** A sequence number of each of the ranges that have grown last, latest first (RFC 2018 section 4). */
    private int @Nullable [] recent;

    /** Octets of the ring that are out of the budget. */
    private int reserved;

    private int recentCount;
    private boolean duplicate;
    private int duplicateStart;
    private int duplicateEnd;

    Receiver(RingPool pool) {
        this.pool = pool;
    }

    /** The scale that shows all of a stream's capacity (RFC 7323 section 2.2). */
    static int scaleFor(int capacity) {
        int scale = 0;
        while (scale < 14 && capacity >>> scale > 65_535) {
            scale++;
        }
        return scale;
    }

    /** The guest's SYN has come. */
    void begin(int initialSequence, int guestMss) {
        next = initialSequence + 1;
        acknowledged = next;
        right = next;
        shown = next;
        mss = guestMss;
    }

    void agree(int scale, boolean sacking, int capacity) {
        this.scale = scale;
        this.sacking = sacking;
        this.half = (capacity + 1) / 2;
        this.threshold = Math.max(1, Math.min(half, mss));
    }

    /** What the guest may send, as it knows. */
    int window() {
        return right - next;
    }

    int right() {
        return right;
    }

    /** The window of a SYN, which is never scaled. */
    int offerUnscaled(HostStream stream) {
        int window = Math.max(right - next, Math.min(65_535, stream.room()));
        right = next + window;
        shown = right;
        return window;
    }

    /**
     * The window field of the next segment. It opens by a sensible amount or not at all (RFC 9293 section 3.8.6.2.2).
     */
    int offer(@Nullable HostStream stream) {
        int have = right - next;
        int room = stream == null ? have : (int) Math.min(stream.room(), 65_535L << scale);
        boolean opens = room > have && (room >= half || room - have >= threshold);
        int field = opens ? room >> scale : have >> scale;
        int window = field << scale;
        if (window - have < 0 && window + (1 << scale) <= room) {
            // rounding would take back what there is room for
            field++;
            window += 1 << scale;
        }
        field = Math.min(field, 65_535);
        window = field << scale;
        shown = next + window;
        if (window - have > 0) {
            right = shown;
        }
        return field;
    }

    /** The stream has more room: whether the guest should hear of it now rather than with the next acknowledgment. */
    boolean opens(HostStream stream) {
        int have = shown - next;
        int room = stream.room();
        return have < half && room > have && (room >= half || room - have >= half / 2);
    }

    /** Whether the guest's FIN has been taken, so that nothing more can come. */
    boolean isAtEnd() {
        return finTaken;
    }

    /**
     * Takes the part of a segment that is new and in the window.
     *
     * @return whether the guest's FIN has been reached
     */
    boolean take(HostStream stream, int sequence, byte[] octets, int offset, int length, boolean fin) {
        int from = 0;
        int old = next - sequence;
        due = true;
        if (old > 0) {
            from = Math.min(old, length);
            noteDuplicate(sequence, sequence + from);
        }
        int to = Math.min(length, (finKnown ? finSequence : right) - sequence);
        to = Math.min(to, right - sequence);
        if (fin && to == length && !finKnown) {
            finKnown = true;
            finSequence = sequence + length;
        }
        if (to > from) {
            if (sequence + from == next) {
                inOrder(stream, octets, offset + from, to - from);
            } else {
                keep(sequence + from, octets, offset + from, to - from);
            }
        } else if (fin && sequence + length != next) {
            duplicatesDue = Math.min(MOST_DUPLICATES, duplicatesDue + 1);
        }
        return reachFin();
    }

    private void inOrder(HostStream stream, byte[] octets, int offset, int length) {
        next += stream.write(octets, offset, length);
        duplicatesDue = 0;
        SequenceRanges e = early;
        if (e != null && e.count() > 0) {
            e.removeBelow(next);
            drain(stream);
        }
    }

    private boolean reachFin() {
        if (finKnown && !finTaken && next == finSequence) {
            finTaken = true;
            next++;
            // a FIN just behind the window is taken: it needs no room
            right = right - next < 0 ? next : right;
            shown = right;
            return true;
        }
        return false;
    }

    /** Gives the stream what has become in order. @return whether the guest's FIN has been reached */
    boolean flush(HostStream stream) {
        drain(stream);
        return reachFin();
    }

    private void drain(HostStream stream) {
        SequenceRanges e = early;
        OctetRing r = ring;
        if (e == null || r == null) {
            return;
        }
        while (e.count() > 0 && e.start(0) == next) {
            int length = e.end(0) - next;
            int taken = r.writeTo(stream, next, length);
            next += taken;
            e.removeBelow(next);
            if (taken < length) {
                break;
            }
        }
        if (e.count() == 0) {
            giveBack(r);
            recentCount = 0;
        }
    }

    private void giveBack(OctetRing r) {
        r.release(pool);
        pool.unreserve(reserved);
        reserved = 0;
    }

    /** Whether the ring may hold so many octets: beyond what each connection may have, only out of the budget of all. */
    private boolean mayHold(int octets) {
        int more = RingPool.sizeFor(octets) - TcpShared.BASE_RING - reserved;
        if (more > 0) {
            if (!pool.reserve(more)) {
                return false;
            }
            reserved += more;
        }
        return true;
    }

    private void keep(int sequence, byte[] octets, int offset, int length) {
        SequenceRanges e = early;
        OctetRing r = ring;
        if (e == null || r == null) {
            early = e = new SequenceRanges();
            ring = r = new OctetRing();
            recent = new int[RECENT];
        }
        int end = sequence + length;
        if (e.covered(sequence, end) == length) {
            noteDuplicate(sequence, end);
        } else if (mayHold(end - next) && e.add(sequence, end)) {
            int used = r.capacity() == 0 ? 0 : Math.min(r.capacity(), e.end(e.count() - 1) - next);
            r.ensure(pool, next, used, end - next);
            r.put(sequence, octets, offset, length);
            remember(sequence);
        }
        duplicatesDue = Math.min(MOST_DUPLICATES, duplicatesDue + 1);
    }

    private void remember(int sequence) {
        SequenceRanges e = early;
        int[] list = recent;
        if (e == null || list == null) {
            return;
        }
        int range = e.indexOf(sequence);
        int kept = 0;
        int carried = sequence;
        for (int i = 0; i < recentCount && kept < RECENT - 1; i++) {
            int each = list[i];
            if (e.indexOf(each) != range) {
                list[kept++] = carried;
                carried = each;
            }
        }
        list[kept++] = carried;
        recentCount = kept;
    }

    /** Tells the guest that octets came twice (RFC 2883). */
    void noteDuplicate(int start, int end) {
        if (end - start > 0) {
            duplicate = true;
            duplicateStart = start;
            duplicateEnd = end;
        }
    }

    /**
     * How many octets of options the next segment needs for selective acknowledgments.
     *
     * @param left octets of options that are free
     */
    int sackLength(int left) {
        if (!sacking) {
            return 0;
        }
        SequenceRanges e = early;
        int blocks = (duplicate ? 1 : 0) + (e == null || e.count() == 0 ? 0 : Math.min(recentCount, e.count()));
        if (blocks == 0) {
            return 0;
        }
        return 4 + 8 * Math.min(blocks, (left - 4) / 8);
    }

    /** Writes selective acknowledgments: of what came twice, then of what came last. */
    void writeSack(byte[] octets, int at, int length) {
        int written = at + 4;
        int end = at + length;
        if (duplicate) {
            Octets.put32(octets, written, duplicateStart);
            Octets.put32(octets, written + 4, duplicateEnd);
            written += 8;
            duplicate = false;
        }
        SequenceRanges e = early;
        int[] list = recent;
        if (e != null && list != null) {
            for (int i = 0; i < recentCount && written < end; i++) {
                int range = e.indexOf(list[i]);
                if (range >= 0) {
                    Octets.put32(octets, written, e.start(range));
                    Octets.put32(octets, written + 4, e.end(range));
                    written += 8;
                }
            }
        }
        // a remembered range may be gone, or have become one with another: then there is room left, which NOPs fill
        Octets.put32(octets, at, 0x0101_0500 | written - at - 2);
        while (written < end) {
            Octets.put32(octets, written, 0x0101_0101);
            written += 4;
        }
        if (Octets.u8(octets, at + 3) == 2) {
            Octets.put32(octets, at, 0x0101_0101);
        }
    }

    /** A segment with the present acknowledgment number is on its way. */
    void sent(boolean pure) {
        acknowledged = next;
        due = false;
        if (sacking) {
            duplicatesDue = 0;
        } else if (pure && duplicatesDue > 0) {
            duplicatesDue--;
        }
    }

    boolean isDue() {
        return due || duplicatesDue > 0;
    }

    void release() {
        if (ring != null) {
            giveBack(ring);
        }
        if (early != null) {
            early.clear();
        }
        recentCount = 0;
    }

    int memory() {
        return ring == null ? 0 : ring.capacity();
    }
}
