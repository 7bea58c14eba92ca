package io.sharedip.nat.internal.flow;

/**
 * The mappings: which inside endpoint shows as which outside port (RFC 4787 section 4.1, endpoint-independent). A mapping
 * exists as long as a flow hangs on it.
 *
 * <p>A mapping whose port comes from the pool is found from both sides. A mapping of a forward is found from the inside, so that
 * what the guest begins from a forwarded endpoint bears the forwarded port; from the outside the forwards themselves decide.
 */
public final class MappingTable {

    /** More mappings than this cannot exist: three protocols with 65,536 ports each, and as many forwards. */
    private static final int MOST = 4 << 16;

    private static final int PROTOCOLS = 3;

    private final KeyedHash hash;
    private final int[] index;
    private final int mask;
    private final int capacity;
    private final int[] insideAddress;
    private final long[] owner;
    private final int[] outsidePort;
    private final int[] flows;
    private final int[] forward;
    private final boolean[] indexed;
    private final long[] deadline;
    private final int[][] byOutsidePort = new int[PROTOCOLS][];
    private int size;
    private int neverUsed;
    private int free = -1;

    /**
     * Makes an empty table.
     *
     * @param flowCapacity of the flow table: there cannot be more mappings than flows
     * @param hash for the index
     */
    public MappingTable(int flowCapacity, KeyedHash hash) {
        this.hash = hash;
        this.capacity = Math.min(flowCapacity, MOST);
        int slots = Math.max(64, Integer.highestOneBit(capacity * 2 - 1) << 1);
        this.index = new int[slots];
        this.mask = slots - 1;
        this.insideAddress = new int[capacity];
        this.owner = new long[capacity];
        this.outsidePort = new int[capacity];
        this.flows = new int[capacity];
        this.forward = new int[capacity];
        this.indexed = new boolean[capacity];
        this.deadline = new long[capacity];
    }

    private static long owner(int guest, int protocol, int port) {
        return (long) guest << 32 | (long) protocol << 16 | port;
    }

    public int size() {
        return size;
    }

    public boolean isFull() {
        return size == capacity;
    }

    /** The mapping of an inside endpoint, or -1. */
    public int findInside(int guest, int protocol, int address, int port) {
        long wanted = owner(guest, protocol, port);
        for (int i = hash.hash(address, wanted) & mask; index[i] != 0; i = i + 1 & mask) {
            int mapping = index[i] - 1;
            if (owner[mapping] == wanted && insideAddress[mapping] == address) {
                return mapping;
            }
        }
        return -1;
    }

    /** The mapping that holds an outside port of the pool, or -1. */
    public int findOutside(int protocol, int port) {
        int[] ports = byOutsidePort[slotOf(protocol)];
        return ports == null ? -1 : ports[port] - 1;
    }

    /** 0 for TCP, 1 for UDP, 2 for ICMP: the three spaces of outside ports. */
    public static int slotOf(int protocol) {
        return protocol == 6 ? 0 : protocol == 17 ? 1 : 2;
    }

    /**
     * Adds a mapping without flows. The table must not be full.
     *
     * @param forwardNumber of the forward it belongs to, 0 if its port comes from the pool
     * @param nowNanos the engine's time
     * @return the mapping's number
     */
    public int add(int guest, int protocol, int address, int port, int outside, int forwardNumber, long nowNanos) {
        int mapping;
        if (free >= 0) {
            mapping = free;
            free = flows[mapping];
        } else {
            mapping = neverUsed++;
        }
        insideAddress[mapping] = address;
        owner[mapping] = owner(guest, protocol, port);
        outsidePort[mapping] = outside;
        flows[mapping] = 0;
        deadline[mapping] = nowNanos;
        forward[mapping] = forwardNumber;
        // a second forward to the same endpoint stays out of the index: what the guest begins bears the first one's
        // port
        indexed[mapping] = forwardNumber == 0 || findInside(guest, protocol, address, port) < 0;
        if (indexed[mapping]) {
            int i = hash.hash(address, owner[mapping]) & mask;
            while (index[i] != 0) {
                i = i + 1 & mask;
            }
            index[i] = mapping + 1;
        }
        if (forwardNumber == 0) {
            int slot = slotOf(protocol);
            if (byOutsidePort[slot] == null) {
                byOutsidePort[slot] = new int[1 << 16];
            }
            byOutsidePort[slot][outside] = mapping + 1;
        }
        size++;
        return mapping;
    }

    /** Removes a mapping without flows. */
    public void remove(int mapping) {
        if (indexed[mapping]) {
            unindex(mapping);
        }
        if (forward[mapping] == 0) {
            byOutsidePort[slotOf(protocol(mapping))][outsidePort[mapping]] = 0;
        }
        flows[mapping] = free;
        free = mapping;
        size--;
    }

    private void unindex(int mapping) {
        int i = homeOf(mapping);
        while (index[i] != mapping + 1) {
            i = i + 1 & mask;
        }
        int hole = i;
        for (int j = i + 1 & mask; index[j] != 0; j = j + 1 & mask) {
            int home = homeOf(index[j] - 1);
            if ((j - home & mask) >= (j - hole & mask)) {
                index[hole] = index[j];
                hole = j;
            }
        }
        index[hole] = 0;
    }

    private int homeOf(int mapping) {
        return hash.hash(insideAddress[mapping], owner[mapping]) & mask;
    }

    public int guest(int mapping) {
        return (int) (owner[mapping] >>> 32);
    }

    public int protocol(int mapping) {
        return (int) (owner[mapping] >>> 16) & 0xff;
    }

    public int insidePort(int mapping) {
        return (int) owner[mapping] & 0xffff;
    }

    public int insideAddress(int mapping) {
        return insideAddress[mapping];
    }

    public int outsidePort(int mapping) {
        return outsidePort[mapping];
    }

    /** Number of the forward it belongs to, 0 if its port comes from the pool. */
    public int forward(int mapping) {
        return forward[mapping];
    }

    /** A flow begins to hang on the mapping. */
    public void retain(int mapping) {
        flows[mapping]++;
    }

    /** A flow ceases to hang on the mapping. @return true if it was the last */
    public boolean release(int mapping) {
        return --flows[mapping] == 0;
    }

    /** When the mapping would end for want of packets from the guest. */
    public long deadline(int mapping) {
        return deadline[mapping];
    }

    /** The guest has sent through the mapping. */
    public void deadline(int mapping, long nanos) {
        deadline[mapping] = nanos;
    }
}
