package io.sharedip.nat.internal.tcp;

import java.util.Arrays;

/**
 * Disjoint ranges of sequence numbers in ascending order: what has been acknowledged selectively (RFC 2018), or has come early. All of
 * them lie within 2<sup>31</sup> of each other. Bounded: a range that would be one too many is refused.
 */
final class SequenceRanges {

    /** The most ranges ever held. */
    static final int MOST = 128;

    private static final int FIRST = 8;

    private int[] starts = new int[FIRST];
    private int[] ends = new int[FIRST];
    private int count;
    private int octets;

    int count() {
        return count;
    }

    /** The sum of all ranges. */
    int octets() {
        return octets;
    }

    int start(int index) {
        return starts[index];
    }

    int end(int index) {
        return ends[index];
    }

    void clear() {
        count = 0;
        octets = 0;
    }

    /** The first range that ends behind a sequence number, or {@link #count()}. */
    private int firstEndingAfter(int sequence) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ends[middle] - sequence > 0) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /** The range that holds a sequence number, or -1. */
    int indexOf(int sequence) {
        int i = firstEndingAfter(sequence);
        return i < count && starts[i] - sequence <= 0 ? i : -1;
    }

    /** The end of the range that holds a sequence number, or the number itself. */
    int skip(int sequence) {
        int i = indexOf(sequence);
        return i < 0 ? sequence : ends[i];
    }

    /** Where the first range begins that ends behind a sequence number, or a limit, whichever comes first. */
    int nextStart(int sequence, int limit) {
        int i = firstEndingAfter(sequence);
        return i < count && starts[i] - limit < 0 ? starts[i] : limit;
    }

    /** How many octets of a stretch are in ranges. */
    int covered(int from, int to) {
        int sum = 0;
        for (int i = firstEndingAfter(from); i < count && starts[i] - to < 0; i++) {
            int start = starts[i] - from < 0 ? from : starts[i];
            int end = ends[i] - to > 0 ? to : ends[i];
            sum += end - start;
        }
        return sum;
    }

    /**
     * Adds a range, joined with all that it overlaps or touches.
     *
     * @return false if there is no room for one more
     */
    boolean add(int start, int end) {
        // one that ends just at the start touches it
        int first = firstEndingAfter(start - 1);
        int last = first;
        int from = start;
        int to = end;
        int joined = 0;
        while (last < count && starts[last] - end <= 0) {
            joined += ends[last] - starts[last];
            from = starts[last] - from < 0 ? starts[last] : from;
            to = ends[last] - to > 0 ? ends[last] : to;
            last++;
        }
        if (last == first) {
            if (!makeRoom(first)) {
                return false;
            }
        } else if (last - first > 1) {
            remove(first + 1, last);
        }
        starts[first] = from;
        ends[first] = to;
        octets += to - from - joined;
        return true;
    }

    private boolean makeRoom(int index) {
        if (count == starts.length) {
            if (count == MOST) {
                return false;
            }
            starts = Arrays.copyOf(starts, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
        }
        System.arraycopy(starts, index, starts, index + 1, count - index);
        System.arraycopy(ends, index, ends, index + 1, count - index);
        count++;
        return true;
    }

    private void remove(int from, int to) {
        System.arraycopy(starts, to, starts, from, count - to);
        System.arraycopy(ends, to, ends, from, count - to);
        count -= to - from;
    }

    /** Forgets everything before a sequence number. */
    void removeBelow(int sequence) {
        int gone = firstEndingAfter(sequence);
        for (int i = 0; i < gone; i++) {
            octets -= ends[i] - starts[i];
        }
        if (gone > 0) {
            remove(0, gone);
        }
        if (count > 0 && starts[0] - sequence < 0) {
            octets -= sequence - starts[0];
            starts[0] = sequence;
        }
    }
}
