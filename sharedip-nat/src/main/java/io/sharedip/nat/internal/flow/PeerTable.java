package io.sharedip.nat.internal.flow;

/**
 * Which peer addresses a guest has addressed through a mapping: what address-dependent filtering asks (RFC 4787 section 5). Counts
 * the flows for each pair of mapping and peer address.
 */
public final class PeerTable {

    private final KeyedHash hash;
    private final long[] keys;
    private final int[] counts;
    private final int mask;

    /**
     * Makes an empty table.
     *
     * @param flowCapacity of the flow table: there cannot be more pairs than flows
     * @param hash for the index
     */
    public PeerTable(int flowCapacity, KeyedHash hash) {
        this.hash = hash;
        int slots = Math.max(64, Integer.highestOneBit(flowCapacity * 2 - 1) << 1);
        this.keys = new long[slots];
        this.counts = new int[slots];
        this.mask = slots - 1;
    }

    private static long key(int mapping, int peer) {
        return (long) mapping << 32 | (peer & 0xffffffffL);
    }

    private int find(long key) {
        int i = hash.hash(key, key) & mask;
        while (counts[i] != 0 && keys[i] != key) {
            i = i + 1 & mask;
        }
        return i;
    }

    /** Whether the guest has a flow to this peer address through this mapping. */
    public boolean contains(int mapping, int peer) {
        return counts[find(key(mapping, peer))] != 0;
    }

    /** A flow to this peer begins. */
    public void retain(int mapping, int peer) {
        long key = key(mapping, peer);
        int i = find(key);
        keys[i] = key;
        counts[i]++;
    }

    /** A flow to this peer ends. */
    public void release(int mapping, int peer) {
        int i = find(key(mapping, peer));
        if (--counts[i] > 0) {
            return;
        }
        int hole = i;
        for (int j = i + 1 & mask; counts[j] != 0; j = j + 1 & mask) {
            int home = hash.hash(keys[j], keys[j]) & mask;
            if ((j - home & mask) >= (j - hole & mask)) {
                keys[hole] = keys[j];
                counts[hole] = counts[j];
                hole = j;
            }
        }
        counts[hole] = 0;
    }
}
