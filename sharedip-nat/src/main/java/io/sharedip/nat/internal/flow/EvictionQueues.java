package io.sharedip.nat.internal.flow;

import java.util.Arrays;

/**
 * What may make room for others, oldest first: for each guest the flows (or the mappings of a kind) that are closed, those that a
 * peer began and nobody has answered, and those that the guest began and nobody has answered. An item is on at most one queue, and
 * joins, leaves and is found in constant time.
 *
 * <p>Also knows whose closed items come next, guests taking turns, in constant time; and which guest holds most among those that
 * have unanswered items, at the cost of a heap's step for each change.
 */
public final class EvictionQueues {

    /** On no queue: what must not be evicted. */
    public static final int NEVER = -1;
    /** Of closed and reset flows: first to go. */
    public static final int CLOSED = 0;
    /** Of half-open and unreplied flows that a peer began: next to go. */
    public static final int FROM_OUTSIDE = 1;
    /** Of half-open and unreplied flows that the guest began: last to go. */
    public static final int UNANSWERED = 2;

    private static final int CLASSES = 3;
    private static final int NONE = -1;

    private final long[] links;
    private int[] heads = new int[0];
    private int[] tails = new int[0];
    private final GuestRing withClosed = new GuestRing();
    private final GuestHeap withUnanswered = new GuestHeap();

    /**
     * Makes empty queues.
     *
     * @param links one for each item; queues that share them never have an item in common
     */
    public EvictionQueues(long[] links) {
        this.links = links;
    }

    private void link(int item, int previous, int next) {
        links[item] = (long) previous << 32 | (next & 0xffffffffL);
    }

    private int previous(int item) {
        return (int) (links[item] >>> 32);
    }

    private int next(int item) {
        return (int) links[item];
    }

    /** Puts an item at the end of a guest's queue. */
    public void add(int item, int guest, int evictionClass) {
        int queue = guest * CLASSES + evictionClass;
        if (queue >= heads.length) {
            int old = heads.length;
            int room = Math.max((guest + 1) * CLASSES, old * 2);
            heads = Arrays.copyOf(heads, room);
            tails = Arrays.copyOf(tails, room);
            Arrays.fill(heads, old, room, NONE);
            Arrays.fill(tails, old, room, NONE);
        }
        int last = tails[queue];
        link(item, last, NONE);
        tails[queue] = item;
        if (last != NONE) {
            link(last, previous(last), item);
            return;
        }
        heads[queue] = item;
        if (evictionClass == CLOSED) {
            withClosed.add(guest);
        } else {
            withUnanswered.add(guest);
        }
    }

    /** Takes an item out of the queue it is on. */
    public void remove(int item, int guest, int evictionClass) {
        int queue = guest * CLASSES + evictionClass;
        int previous = previous(item);
        int next = next(item);
        if (previous == NONE) {
            heads[queue] = next;
        } else {
            link(previous, previous(previous), next);
        }
        if (next == NONE) {
            tails[queue] = previous;
        } else {
            link(next, previous, next(next));
        }
        if (heads[queue] != NONE) {
            return;
        }
        if (evictionClass == CLOSED) {
            withClosed.remove(guest);
        } else if (oldest(guest, FROM_OUTSIDE) == NONE && oldest(guest, UNANSWERED) == NONE) {
            withUnanswered.remove(guest);
        }
    }

    /** The oldest item of a guest's queue, or -1. */
    public int oldest(int guest, int evictionClass) {
        int queue = guest * CLASSES + evictionClass;
        return queue < heads.length ? heads[queue] : NONE;
    }

    /** The oldest unanswered item of a guest, those begun by peers first, or -1. */
    public int oldestUnanswered(int guest) {
        int item = oldest(guest, FROM_OUTSIDE);
        return item == NONE ? oldest(guest, UNANSWERED) : item;
    }

    /** The oldest closed item of some guest, of another one each time, or -1. */
    public int oldestClosed() {
        int guest = withClosed.next();
        return guest == NONE ? NONE : oldest(guest, CLOSED);
    }

    /** Whether any guest has a closed item. */
    public boolean anyClosed() {
        return !withClosed.isEmpty();
    }

    /** Counts what a guest holds: all of its items, or what they stand for, whether they may be evicted or not. */
    public void count(int guest, int change) {
        withUnanswered.count(guest, change);
    }

    /** How much a guest holds. */
    public int held(int guest) {
        return withUnanswered.held(guest);
    }

    /** The guest that holds most among those with unanswered items, if it holds more than a certain one does; or -1. */
    public int greedierThan(int guest) {
        int most = withUnanswered.greatest();
        return most != NONE && held(most) > held(guest) ? most : NONE;
    }
}
