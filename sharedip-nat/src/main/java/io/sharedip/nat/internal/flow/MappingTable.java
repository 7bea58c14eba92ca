package io.sharedip.nat.internal.flow;

import java.util.Arrays;

/**
 * The mappings: which inside endpoint shows as which outside port (RFC 4787 section 4.1). A mapping exists as long as a flow hangs
 * on it, knows those flows, and keeps the books of those that have ended.
 *
 * <p><b>Key.</b> An inside endpoint and the peer that the mapping is for: its address and port, its address alone, or nothing (zero),
 * as the mapping behaviour says.
 *
 * <p>A mapping whose port comes from the pool is found from both sides, but not from outside if others share its port: then only
 * flows are. A mapping of a forward is for all peers and found from the inside, so that what the guest begins from a forwarded
 * endpoint bears the forwarded port; from the outside the forwards themselves decide. Where several forwards lead to one endpoint, that is
 * the first one's, and the others' mappings are found by the number of their forward.
 */
public final class MappingTable {

    /** No mapping, no flow. */
    public static final int NONE = -1;

    /** Where no port is shared, not more: three protocols with 65,536 ports each, and as many of forwards. */
    private static final int MOST = 4 << 16;

    /** In the place of a protocol: the key of a mapping that is found by the number of its forward, which stands for the peer. */
    private static final int OF_FORWARD = 1 << 8;

    private static final int PROTOCOLS = 3;
    private static final int TOTALS = 4;

    private final KeyedHash hash;
    private final int[] index;
    private final int mask;
    private final int capacity;
    private final long[] addresses;
    private final long[] owner;
    private final int[] outsidePort;
    private final int[] holds;
    private final int[] forward;
    private final boolean[] shared;
    private final long[] deadline;
    private final long[] firstPeer;
    private final int[] firstAddress;
    private final long[] totals;
    private final int[] firstFlow;
    private final int[] busyFlows;
    private final int[] unansweredFlows;
    private final long[] flowLinks;
    private final int[][] byOutsidePort = new int[PROTOCOLS][];
    private int size;
    private int neverUsed;
    private int free = NONE;

    /**
     * Makes an empty table.
     *
     * @param flowCapacity of the flow table: there cannot be more mappings than flows
     * @param portsAreShared whether mappings may share a port, so that their number is bounded by that of flows alone
     * @param hash for the index
     */
    public MappingTable(int flowCapacity, boolean portsAreShared, KeyedHash hash) {
        this.hash = hash;
        this.capacity = portsAreShared ? flowCapacity : Math.min(flowCapacity, MOST);
        int slots = Math.max(64, Integer.highestOneBit(capacity * 2 - 1) << 1);
        this.index = new int[slots];
        this.mask = slots - 1;
        this.addresses = new long[capacity];
        this.owner = new long[capacity];
        this.outsidePort = new int[capacity];
        this.holds = new int[capacity];
        this.forward = new int[capacity];
        this.shared = new boolean[capacity];
        this.deadline = new long[capacity];
        this.firstPeer = new long[capacity];
        this.firstAddress = new int[capacity];
        this.totals = new long[capacity * TOTALS];
        this.firstFlow = new int[capacity];
        this.busyFlows = new int[capacity];
        this.unansweredFlows = new int[capacity];
        this.flowLinks = new long[flowCapacity];
    }

    private static long owner(int guest, int protocol, int port, int peerPort) {
        return (long) peerPort << 48 | (long) guest << 32 | (long) protocol << 16 | port;
    }

    private static long addresses(int inside, int peer) {
        return (long) inside << 32 | (peer & 0xffffffffL);
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

    /**
     * The mapping of an inside endpoint, or -1.
     *
     * @param peer address that the mapping is for, 0 if for all
     * @param peerPort that the mapping is for, 0 if for all
     */
    public int findInside(int guest, int protocol, int address, int port, int peer, int peerPort) {
        long wanted = owner(guest, protocol, port, peerPort);
        long between = addresses(address, peer);
        for (int i = hash.hash(between, wanted) & mask; index[i] != 0; i = i + 1 & mask) {
            int mapping = index[i] - 1;
            if (owner[mapping] == wanted && addresses[mapping] == between) {
                return mapping;
            }
        }
        return NONE;
    }

    /** The mapping that a forward has given an inside endpoint, or -1. */
    public int findForwarded(int guest, int protocol, int address, int port, int forwardNumber) {
        int first = findInside(guest, protocol, address, port, 0, 0);
        return first >= 0 && forward[first] == forwardNumber
                ? first
                : findInside(guest, protocol | OF_FORWARD, address, port, forwardNumber, 0);
    }

    /** The mapping that has an outside port of the pool to itself, or -1. */
    public int findOutside(int protocol, int port) {
        int[] ports = byOutsidePort[slotOf(protocol)];
        return ports == null ? NONE : ports[port] - 1;
    }

    /** 0 for TCP, 1 for UDP, 2 for ICMP: the three spaces of outside ports. */
    public static int slotOf(int protocol) {
        return protocol == 6 ? 0 : protocol == 17 ? 1 : 2;
    }

    /**
     * Adds a mapping without flows. The table must not be full.
     *
     * @param peer address that it is for, 0 if for all
     * @param peerPort that it is for, 0 if for all
     * @param forwardNumber of the forward it belongs to, 0 if its port comes from the pool
     * @param portIsShared whether other mappings may have the same port
     * @param nowNanos the engine's time
     * @return the mapping's number
     */
    public int add(
            int guest,
            int protocol,
            int address,
            int port,
            int peer,
            int peerPort,
            int outside,
            int forwardNumber,
            boolean portIsShared,
            long nowNanos) {
        int mapping;
        if (free >= 0) {
            mapping = free;
            free = holds[mapping];
        } else {
            mapping = neverUsed++;
        }
        addresses[mapping] = addresses(address, peer);
        owner[mapping] = owner(guest, protocol, port, peerPort);
        outsidePort[mapping] = outside;
        holds[mapping] = 0;
        deadline[mapping] = nowNanos;
        forward[mapping] = forwardNumber;
        shared[mapping] = portIsShared || forwardNumber != 0;
        firstPeer[mapping] = 0;
        firstFlow[mapping] = NONE;
        Arrays.fill(totals, mapping * TOTALS, (mapping + 1) * TOTALS, 0);
        if (forwardNumber != 0 && findInside(guest, protocol, address, port, peer, peerPort) >= 0) {
            // of two forwards to one endpoint what the guest begins bears the first one's port
            addresses[mapping] = addresses(address, forwardNumber);
            owner[mapping] = owner(guest, protocol | OF_FORWARD, port, 0);
        }
        int i = homeOf(mapping);
        while (index[i] != 0) {
            i = i + 1 & mask;
        }
        index[i] = mapping + 1;
        if (!shared[mapping]) {
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
        unindex(mapping);
        if (!shared[mapping]) {
            byOutsidePort[slotOf(protocol(mapping))][outsidePort[mapping]] = 0;
        }
        holds[mapping] = free;
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
        return hash.hash(addresses[mapping], owner[mapping]) & mask;
    }

    public int guest(int mapping) {
        return (int) (owner[mapping] >>> 32) & 0xffff;
    }

    public int protocol(int mapping) {
        return (int) (owner[mapping] >>> 16) & 0xff;
    }

    public int insidePort(int mapping) {
        return (int) owner[mapping] & 0xffff;
    }

    public int insideAddress(int mapping) {
        return (int) (addresses[mapping] >>> 32);
    }

    public int outsidePort(int mapping) {
        return outsidePort[mapping];
    }

    /** Number of the forward it belongs to, 0 if its port comes from the pool. */
    public int forward(int mapping) {
        return forward[mapping];
    }

    /** The peer's address that a mapping of the pool is for, 0 if for all. */
    public int peer(int mapping) {
        return (int) addresses[mapping];
    }

    /** The peer's port that a mapping of the pool is for, 0 if for all. */
    public int peerPort(int mapping) {
        return (int) (owner[mapping] >>> 48);
    }

    /** Keeps the mapping from ending, until {@link #release}. */
    public void retain(int mapping) {
        holds[mapping]++;
    }

    /** Ends what {@link #retain} or {@link #attach} began. @return true if nothing holds the mapping any more */
    public boolean release(int mapping) {
        return --holds[mapping] == 0;
    }

    /**
     * A flow begins to hang on the mapping.
     *
     * @param evictionClass of the flow
     */
    public void attach(int mapping, int flow, int evictionClass) {
        holds[mapping]++;
        int next = firstFlow[mapping];
        firstFlow[mapping] = flow;
        flowLinks[flow] = (long) NONE << 32 | (next & 0xffffffffL);
        if (next != NONE) {
            flowLinks[next] = (long) flow << 32 | (flowLinks[next] & 0xffffffffL);
        }
        count(mapping, evictionClass, 1);
    }

    /** A flow ceases to hang on the mapping, which holds on until {@link #release}. */
    public void detach(int mapping, int flow, int evictionClass) {
        int previous = (int) (flowLinks[flow] >>> 32);
        int next = (int) flowLinks[flow];
        if (previous == NONE) {
            firstFlow[mapping] = next;
        } else {
            flowLinks[previous] = (flowLinks[previous] & 0xffffffff00000000L) | (next & 0xffffffffL);
        }
        if (next != NONE) {
            flowLinks[next] = (long) previous << 32 | (flowLinks[next] & 0xffffffffL);
        }
        count(mapping, evictionClass, -1);
    }

    /** A flow that hangs on the mapping becomes one of another class. */
    public void reclassify(int mapping, int before, int after) {
        count(mapping, before, -1);
        count(mapping, after, 1);
    }

    private void count(int mapping, int evictionClass, int change) {
        if (evictionClass == EvictionQueues.NEVER) {
            busyFlows[mapping] += change;
        } else if (evictionClass != EvictionQueues.CLOSED) {
            unansweredFlows[mapping] += change;
        }
    }

    /** Whether its flows may be evicted with it: the class of the one that least may. */
    public int evictionClass(int mapping) {
        if (busyFlows[mapping] > 0 || firstFlow[mapping] == NONE) {
            return EvictionQueues.NEVER;
        }
        return unansweredFlows[mapping] > 0 ? EvictionQueues.UNANSWERED : EvictionQueues.CLOSED;
    }

    /** One of the flows that hang on the mapping, or -1. */
    public int firstFlow(int mapping) {
        return firstFlow[mapping];
    }

    /** The flow after another one of the same mapping, or -1. */
    public int nextFlow(int flow) {
        return (int) flowLinks[flow];
    }

    /** The address and port of the peer that the mapping was made for, as {@link #firstPeer(int, long)} was told. */
    public long firstPeer(int mapping) {
        return firstPeer[mapping];
    }

    /** Remembers the peer that the mapping was made for. */
    public void firstPeer(int mapping, long packed) {
        firstPeer[mapping] = packed;
    }

    /** The address that the mapping was made with, as {@link #firstAddress(int, int)} was told. */
    public int firstAddress(int mapping) {
        return firstAddress[mapping];
    }

    /** Remembers the address that the mapping was made with: the gateway may move. */
    public void firstAddress(int mapping, int shared) {
        firstAddress[mapping] = shared;
    }

    /** Adds what a flow that ends has carried. */
    public void total(int mapping, long packetsOut, long bytesOut, long packetsIn, long bytesIn) {
        int at = mapping * TOTALS;
        totals[at] += packetsOut;
        totals[at + 1] += bytesOut;
        totals[at + 2] += packetsIn;
        totals[at + 3] += bytesIn;
    }

    /** Packets from the guest, of flows that have ended. */
    public long packetsOut(int mapping) {
        return totals[mapping * TOTALS];
    }

    /** Octets from the guest, of flows that have ended. */
    public long bytesOut(int mapping) {
        return totals[mapping * TOTALS + 1];
    }

    /** Packets to the guest, of flows that have ended. */
    public long packetsIn(int mapping) {
        return totals[mapping * TOTALS + 2];
    }

    /** Octets to the guest, of flows that have ended. */
    public long bytesIn(int mapping) {
        return totals[mapping * TOTALS + 3];
    }

    /** Whether other mappings may have the same outside port. */
    public boolean sharesPort(int mapping) {
        return shared[mapping];
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
