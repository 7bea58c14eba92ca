package io.sharedip.nat.internal.flow;

import java.util.Arrays;

/**
 * The flows that may make room for others, oldest first: for each guest and protocol those that are closed, and those that nobody
 * has answered yet. A flow is on at most one queue, and joins, leaves and is found in constant time.
 */
public final class EvictionQueues {

    /** Of closed and reset flows: first to go. */
    public static final int CLOSED = 0;
    /** Of half-open and unreplied flows: next to go. */
    public static final int UNANSWERED = 1;

    private static final int CLASSES = 2;
    private static final int PROTOCOLS = 4;
    /** The place of flows that hold no port of the pool, whatever their protocol: they are no help to who needs a port. */
    private static final int WITHOUT_MAPPING = 3;

    private static final int NONE = -1;

    private final FlowTable flows;
    private int[] heads = new int[0];
    private int[] tails = new int[0];

    /**
     * Makes empty queues.
     *
     * @param flows that are queued
     */
    public EvictionQueues(FlowTable flows) {
        this.flows = flows;
    }

    private static int queue(int guest, int protocol, int evictionClass) {
        return queueAt(guest, MappingTable.slotOf(protocol), evictionClass);
    }

    private static int queueAt(int guest, int slot, int evictionClass) {
        return (guest * PROTOCOLS + slot) * CLASSES + evictionClass;
    }

    private int queueOf(int flow, int evictionClass) {
        int guest = flows.guest(flow);
        return flows.mapping(flow) < 0
                ? queueAt(guest, WITHOUT_MAPPING, evictionClass)
                : queue(guest, flows.protocol(flow), evictionClass);
    }

    /** Puts a flow at the end of its queue. */
    public void add(int flow, int evictionClass) {
        int queue = queueOf(flow, evictionClass);
        if (queue >= heads.length) {
            int old = heads.length;
            int room = Math.max(queue + 1, old * 2);
            heads = Arrays.copyOf(heads, room);
            tails = Arrays.copyOf(tails, room);
            Arrays.fill(heads, old, room, NONE);
            Arrays.fill(tails, old, room, NONE);
        }
        int last = tails[queue];
        flows.evictionLinks(flow, last, NONE);
        if (last == NONE) {
            heads[queue] = flow;
        } else {
            flows.evictionLinks(last, (int) (flows.evictionLinks(last) >>> 32), flow);
        }
        tails[queue] = flow;
    }

    /** Takes a flow out of the queue it is on. */
    public void remove(int flow, int evictionClass) {
        int queue = queueOf(flow, evictionClass);
        long links = flows.evictionLinks(flow);
        int previous = (int) (links >>> 32);
        int next = (int) links;
        if (previous == NONE) {
            heads[queue] = next;
        } else {
            flows.evictionLinks(previous, (int) (flows.evictionLinks(previous) >>> 32), next);
        }
        if (next == NONE) {
            tails[queue] = previous;
        } else {
            flows.evictionLinks(next, previous, (int) flows.evictionLinks(next));
        }
    }

    /** The oldest flow of a queue, or -1. */
    public int oldest(int guest, int protocol, int evictionClass) {
        return head(queue(guest, protocol, evictionClass));
    }

    private int head(int queue) {
        return queue < heads.length ? heads[queue] : NONE;
    }

    /** A flow that the guest can spare most easily, of any protocol, or -1. */
    public int oldest(int guest, int evictionClass) {
        int flow = oldest(guest, 6, evictionClass);
        if (flow == NONE) {
            flow = oldest(guest, 17, evictionClass);
        }
        if (flow == NONE) {
            flow = oldest(guest, 1, evictionClass);
        }
        return flow == NONE ? head(queueAt(guest, WITHOUT_MAPPING, evictionClass)) : flow;
    }
}
