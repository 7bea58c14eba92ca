package io.sharedip.nat.internal.flow;

import static io.sharedip.nat.internal.flow.FlowKey.DIRECTION_INSIDE;

/**
 * The flows: one record of sixteen words each in one {@code long[]}, and an index that finds a record by either of its two
 * keys.
 *
 * <p><b>Record.</b> Two cache lines, and nothing else is touched by a packet of an established flow. The first eight words: both keys,
 * the deadline, the state, the mapping with the checksum deltas, and the verdict. The other eight: counters, and what TCP's two sides
 * have told each other about their windows. List links, which only the life of a flow touches, are kept beside the records.
 *
 * <p><b>TCP windows.</b> For each direction four numbers and a few bits, which mean something to {@link TcpTracker} only; a flow of
 * another protocol leaves them 0. {@code out} names the guest as the sender.
 *
 * <p><b>Index.</b> Open addressing with linear probing, at most half full, removal by backward shift, so that no tombstones
 * build up. A slot holds 32 bits of the key's hash, which tell nearly all strangers apart without touching their record, and a
 * reference: flow number, direction, plus one (0 is an empty slot).
 *
 * <p>A flow number is valid until {@link #remove}. Nothing here allocates after construction.
 */
public final class FlowTable {

    /** Words in a record. */
    private static final int SHIFT = 4;

    /** Puts each record on a cache line boundary behind the 16 octets of the array's header. */
    private static final int BASE = 6;

    private static final int INSIDE_ADDRESSES = 0;
    private static final int INSIDE_PORTS = 1;
    private static final int OUTSIDE_ADDRESSES = 2;
    private static final int OUTSIDE_PORTS = 3;
    private static final int DEADLINE = 4;
    private static final int STATE = 5;
    private static final int MAPPING = 6;
    private static final int VERDICT = 7;
    private static final int PACKETS_OUT = 8;
    private static final int BYTES_OUT = 9;
    private static final int PACKETS_IN = 10;
    private static final int BYTES_IN = 11;
    private static final int TCP_SENT_OUT = 12;
    private static final int TCP_SENT_IN = 13;
    private static final int ORIGIN = 14;
    private static final int TCP_WINDOWS = 15;

    private static final int TCP_BITS_SHIFT = 16;

    /** No flow. */
    public static final int NONE = -1;

    /** In {@link #state}: the flow exists. */
    public static final int LIVE = 1 << 31;
    /** In {@link #state}: begun by the guest, not by the peer. */
    public static final int BY_GUEST = 1 << 8;
    /** In {@link #state}: this guest's half of a hairpinned conversation that it began; judged on the other half. */
    public static final int HAIRPIN_ORIGIN = 1 << 9;
    /** In {@link #state}: the guest has sent a SYN. */
    public static final int SYN_OUT = 1 << 10;
    /** In {@link #state}: the peer has sent a SYN. */
    public static final int SYN_IN = 1 << 11;
    /** In {@link #state}: the guest has sent a FIN. */
    public static final int FIN_OUT = 1 << 12;
    /** In {@link #state}: the peer has sent a FIN. */
    public static final int FIN_IN = 1 << 13;
    /** In {@link #state}: counted in the table of addressed peers. */
    public static final int PEER_COUNTED = 1 << 14;
    /** In {@link #state}: a SYN-ACK has acknowledged a SYN. */
    public static final int SYN_ACKED = 1 << 15;
    /** In {@link #state}: both sides have sent a SYN without an acknowledgment. */
    public static final int SIMULTANEOUS = 1 << 16;
    /** In {@link #state}: the tracked state. */
    public static final int TRACKED_MASK = 0xff;

    private final long[] records;
    private final long[] timerLinks;
    private final int[] scheduled;
    private final long[] index;
    private final int mask;
    private final int capacity;
    private final KeyedHash hash;
    private int size;
    private int neverUsed;
    private int free = -1;

    /**
     * Makes an empty table.
     *
     * @param capacity flows, 1 to 4,000,000
     * @param hash for the index
     */
    public FlowTable(int capacity, KeyedHash hash) {
        this.capacity = capacity;
        this.hash = hash;
        this.records = new long[BASE + (capacity << SHIFT)];
        this.timerLinks = new long[capacity];
        this.scheduled = new int[capacity];
        int slots = Math.max(64, Integer.highestOneBit(capacity * 4 - 1) << 1);
        this.index = new long[slots];
        this.mask = slots - 1;
    }

    public int capacity() {
        return capacity;
    }

    public int size() {
        return size;
    }

    public boolean isFull() {
        return size == capacity;
    }

    /** One more than the highest flow number that was ever used: the bound of a scan. */
    public int bound() {
        return neverUsed;
    }

    /** The flow with this key, or {@link #NONE}. */
    public int find(long addresses, long ports) {
        final long[] slots = index;
        int h = hash.hash(addresses, ports);
        for (int i = h & mask; ; i = i + 1 & mask) {
            long slot = slots[i];
            if (slot == 0) {
                return NONE;
            }
            if ((int) (slot >>> 32) == h) {
                int flow = flowOf(slot);
                if (hasKey(flow, addresses, ports)) {
                    return flow;
                }
            }
        }
    }

    /** The flow with this key, or {@link #NONE}; quick if it is the {@linkplain #guess guessed} one. */
    public int find(long addresses, long ports, int guess) {
        return guess != NONE && hasKey(guess, addresses, ports) && isLive(guess) ? guess : find(addresses, ports);
    }

    private boolean hasKey(int flow, long addresses, long ports) {
        int at = BASE + (flow << SHIFT) + ((ports & DIRECTION_INSIDE) != 0 ? INSIDE_ADDRESSES : OUTSIDE_ADDRESSES);
        return records[at] == addresses && records[at + 1] == ports;
    }

    private static int flowOf(long slot) {
        return ((int) slot - 1) >>> 1;
    }

    public int hashOf(long addresses, long ports) {
        return hash.hash(addresses, ports);
    }

    /** Which flow a key with this {@link #hashOf hash} probably has, or {@link #NONE}; to be verified by {@link #find(long, long, int)}. */
    public int guess(int h) {
        long first = index[h & mask];
        long second = index[h + 1 & mask];
        // chosen without a branch, for one that cannot be predicted would make the loads of the next guesses wait
        long stranger = -(first >>> 32 ^ (h & 0xffffffffL)) >> 63;
        long slot = first ^ ((first ^ second) & stranger);
        return slot == 0 ? NONE : flowOf(slot);
    }

    /** Loads the record of a guessed flow. The result means nothing, but must be used. */
    public int touch(int guess) {
        if (guess == NONE) {
            return 0;
        }
        int at = BASE + (guess << SHIFT);
        return (int) (records[at] ^ records[at + PACKETS_OUT]);
    }

    /**
     * Adds a flow. Neither key may be there yet, and the table must not be full.
     *
     * @return the flow's number
     */
    public int add(long insideAddresses, long insidePorts, long outsideAddresses, long outsidePorts) {
        int flow;
        if (free >= 0) {
            flow = free;
            free = (int) timerLinks[flow];
        } else {
            flow = neverUsed++;
        }
        int at = BASE + (flow << SHIFT);
        records[at + INSIDE_ADDRESSES] = insideAddresses;
        records[at + INSIDE_PORTS] = insidePorts;
        records[at + OUTSIDE_ADDRESSES] = outsideAddresses;
        records[at + OUTSIDE_PORTS] = outsidePorts;
        records[at + STATE] = LIVE & 0xffffffffL;
        for (int word = MAPPING; word <= TCP_WINDOWS; word++) {
            records[at + word] = 0;
        }
        insert(hash.hash(insideAddresses, insidePorts), (flow << 1) + 1);
        insert(hash.hash(outsideAddresses, outsidePorts), (flow << 1) + 2);
        size++;
        return flow;
    }

    /** Gives a flow another outside key, which no other flow may have. */
    public void outsideAddresses(int flow, int outside, int peer) {
        int at = BASE + (flow << SHIFT);
        long ports = records[at + OUTSIDE_PORTS];
        erase(hash.hash(records[at + OUTSIDE_ADDRESSES], ports), (flow << 1) + 2);
        records[at + OUTSIDE_ADDRESSES] = FlowKey.addresses(outside, peer);
        insert(hash.hash(records[at + OUTSIDE_ADDRESSES], ports), (flow << 1) + 2);
    }

    private void insert(int h, int reference) {
        int i = h & mask;
        while (index[i] != 0) {
            i = i + 1 & mask;
        }
        index[i] = (long) h << 32 | (reference & 0xffffffffL);
    }

    /** Removes a flow that is on no list any more. */
    public void remove(int flow) {
        int at = BASE + (flow << SHIFT);
        erase(hash.hash(records[at + INSIDE_ADDRESSES], records[at + INSIDE_PORTS]), (flow << 1) + 1);
        erase(hash.hash(records[at + OUTSIDE_ADDRESSES], records[at + OUTSIDE_PORTS]), (flow << 1) + 2);
        records[at + STATE] = 0;
        timerLinks[flow] = free;
        free = flow;
        size--;
    }

    private void erase(int h, int reference) {
        int i = h & mask;
        while ((int) index[i] != reference) {
            i = i + 1 & mask;
        }
        int hole = i;
        for (int j = i + 1 & mask; index[j] != 0; j = j + 1 & mask) {
            int home = (int) (index[j] >>> 32) & mask;
            if ((j - home & mask) >= (j - hole & mask)) {
                index[hole] = index[j];
                hole = j;
            }
        }
        index[hole] = 0;
    }

    private long word(int flow, int word) {
        return records[BASE + (flow << SHIFT) + word];
    }

    private void word(int flow, int word, long value) {
        records[BASE + (flow << SHIFT) + word] = value;
    }

    public boolean isLive(int flow) {
        return (word(flow, STATE) & LIVE) != 0;
    }

    public int insideAddress(int flow) {
        return (int) (word(flow, INSIDE_ADDRESSES) >>> 32);
    }

    /** The peer's address as the guest sees it. */
    public int peerAddress(int flow) {
        return (int) word(flow, INSIDE_ADDRESSES);
    }

    public int guest(int flow) {
        return FlowKey.guest(word(flow, INSIDE_PORTS));
    }

    public int protocol(int flow) {
        return FlowKey.protocol(word(flow, INSIDE_PORTS));
    }

    public int insidePort(int flow) {
        return FlowKey.localPort(word(flow, INSIDE_PORTS));
    }

    public int peerPort(int flow) {
        return FlowKey.peerPort(word(flow, INSIDE_PORTS));
    }

    public int outsideAddress(int flow) {
        return (int) (word(flow, OUTSIDE_ADDRESSES) >>> 32);
    }

    /** The peer's address as the outside sees it: the shared address where the guest sees the alias. */
    public int peerOutsideAddress(int flow) {
        return (int) word(flow, OUTSIDE_ADDRESSES);
    }

    public int outsidePort(int flow) {
        return FlowKey.localPort(word(flow, OUTSIDE_PORTS));
    }

    public long deadline(int flow) {
        return word(flow, DEADLINE);
    }

    public void deadline(int flow, long nanos) {
        word(flow, DEADLINE, nanos);
    }

    /** The {@code LIVE ... PEER_COUNTED} bits and the tracked state. */
    public int state(int flow) {
        return (int) word(flow, STATE);
    }

    public void state(int flow, int state) {
        int at = BASE + (flow << SHIFT) + STATE;
        records[at] = (records[at] & 0xffffffff00000000L) | (state & 0xffffffffL);
    }

    /** The tick of the timer wheel that the flow is queued for. */
    int scheduled(int flow) {
        return scheduled[flow];
    }

    void scheduled(int flow, int tick) {
        scheduled[flow] = tick;
    }

    /** The mapping that the flow hangs on, or -1 if its port is the same inside and outside. */
    public int mapping(int flow) {
        return (int) (word(flow, MAPPING) >>> 32);
    }

    /** Checksum delta of the guest's address becoming the outside address, and the peer's becoming its outside address. */
    public int addressDelta(int flow) {
        return (int) word(flow, MAPPING) & 0xffff;
    }

    /** Checksum delta of addresses and ports on the way out. */
    public int tupleDelta(int flow) {
        return (int) word(flow, MAPPING) >>> 16;
    }

    public void mapping(int flow, int mapping, int addressDelta, int tupleDelta) {
        word(flow, MAPPING, (long) mapping << 32 | (tupleDelta & 0xffffL) << 16 | (addressDelta & 0xffffL));
    }

    /** The epoch of the filter chain that accepted the flow. */
    public int epoch(int flow) {
        return (int) (word(flow, VERDICT) >>> 32);
    }

    public void epoch(int flow, int epoch) {
        int at = BASE + (flow << SHIFT) + VERDICT;
        records[at] = (records[at] & 0xffffffffL) | (long) epoch << 32;
    }

    /** Number of the guest on the other side of a hairpin, 0 if the peer is outside. */
    public int peerGuest(int flow) {
        return (int) word(flow, VERDICT) & 0xffff;
    }

    public void peerGuest(int flow, int guest) {
        int at = BASE + (flow << SHIFT) + VERDICT;
        records[at] = (records[at] & ~0xffffL) | guest;
    }

    /** Number of the forward that the flow came through, 0 if none. */
    public int forward(int flow) {
        return (int) word(flow, ORIGIN);
    }

    public void forward(int flow, int forward) {
        int at = BASE + (flow << SHIFT) + ORIGIN;
        records[at] = (records[at] & 0xffffffff00000000L) | (forward & 0xffffffffL);
    }

    /** TCP: one more than the highest sequence number that a side has sent. */
    public int tcpEnd(int flow, boolean out) {
        return (int) (word(flow, out ? TCP_SENT_OUT : TCP_SENT_IN) >>> 32);
    }

    /** TCP: up to which sequence number a side may send, as the other side has allowed. */
    public int tcpMaxEnd(int flow, boolean out) {
        return (int) word(flow, out ? TCP_SENT_OUT : TCP_SENT_IN);
    }

    public void tcpSent(int flow, boolean out, int end, int maxEnd) {
        word(flow, out ? TCP_SENT_OUT : TCP_SENT_IN, (long) end << 32 | (maxEnd & 0xffffffffL));
    }

    /** TCP: the largest window that a side has announced, in octets; 0 before its first segment. */
    public int tcpMaxWindow(int flow, boolean out) {
        return (int) (word(flow, TCP_WINDOWS) >>> (out ? 32 : 0));
    }

    public void tcpMaxWindows(int flow, int out, int in) {
        word(flow, TCP_WINDOWS, (long) out << 32 | (in & 0xffffffffL));
    }

    /** TCP: the highest acknowledgment number that a side has sent. */
    public int tcpMaxAck(int flow, boolean out) {
        return (int) (word(flow, out ? STATE : ORIGIN) >>> 32);
    }

    public void tcpMaxAck(int flow, boolean out, int acknowledgment) {
        int at = BASE + (flow << SHIFT) + (out ? STATE : ORIGIN);
        records[at] = (records[at] & 0xffffffffL) | (long) acknowledgment << 32;
    }

    /** TCP: sixteen bits of both sides: window scales, options and what is known. */
    public int tcpBits(int flow) {
        return (int) word(flow, VERDICT) >>> TCP_BITS_SHIFT;
    }

    public void tcpBits(int flow, int bits) {
        int at = BASE + (flow << SHIFT) + VERDICT;
        records[at] = (records[at] & ~(0xffffL << TCP_BITS_SHIFT)) | (bits & 0xffffL) << TCP_BITS_SHIFT;
    }

    public void countOut(int flow, int octets) {
        int at = BASE + (flow << SHIFT) + PACKETS_OUT;
        records[at]++;
        records[at + 1] += octets;
    }

    public void countIn(int flow, int octets) {
        int at = BASE + (flow << SHIFT) + PACKETS_IN;
        records[at]++;
        records[at + 1] += octets;
    }

    /** Sets what was counted. */
    public void counters(int flow, long packetsOut, long bytesOut, long packetsIn, long bytesIn) {
        word(flow, PACKETS_OUT, packetsOut);
        word(flow, BYTES_OUT, bytesOut);
        word(flow, PACKETS_IN, packetsIn);
        word(flow, BYTES_IN, bytesIn);
    }

    public long packetsOut(int flow) {
        return word(flow, PACKETS_OUT);
    }

    public long bytesOut(int flow) {
        return word(flow, BYTES_OUT);
    }

    public long packetsIn(int flow) {
        return word(flow, PACKETS_IN);
    }

    public long bytesIn(int flow) {
        return word(flow, BYTES_IN);
    }

    /** Links of the timer wheel: previous flow in the high, next flow in the low half, -1 for none. */
    long timerLinks(int flow) {
        return timerLinks[flow];
    }

    void timerLinks(int flow, int previous, int next) {
        timerLinks[flow] = (long) previous << 32 | (next & 0xffffffffL);
    }
}
