package io.sharedip.nat.internal.engine;

import io.sharedip.nat.internal.flow.EvictionQueues;
import io.sharedip.packet.Frame;
import java.util.Arrays;

/**
 * The next hops on the uplink and their MAC addresses (RFC 826, RFC 1122 section 2.3.2). While an address is unknown, a bounded queue of
 * frames waits for it. What a neighbour says unasked changes nothing: it only makes the engine ask again.
 *
 * <p>States: an entry is <em>incomplete</em> (asked, frames wait), <em>reachable</em> (known, and asked again after 30 s in use),
 * <em>probing</em> (known, being asked again) or <em>failed</em> (did not answer; frames are refused for a while).
 *
 * <p><b>Fairness.</b> Entries and waiting frames are charged to the guest whose packets they are for; that of the router to nobody. Where
 * there is no room, whoever holds most loses its oldest to whoever holds less, entries without an address before those with one, and
 * else the newcomer is refused. So a scan of the segment costs the scanner alone. An entry that several ask for while it is incomplete is
 * charged to the most modest of them, an old one to whoever sent there when it had to be asked again.
 */
final class NeighbourTable {

    /** What the table needs done. */
    interface Owner {
        /** Asks for an address: broadcast if {@code mac} is 0, else only that neighbour. */
        void askFor(int address, long mac);

        /** Sends a frame that waited. */
        void release(Frame frame, Attachment origin, long mac, int fragmentation);

        /** Gives up a frame that waited in vain. */
        void giveUp(Frame frame, Attachment origin, int fragmentation);

        /** Gives up a frame that had to make room for another guest's. */
        void displace(int fragmentation);
    }

    /** From {@link #resolve}: the address is not known yet. */
    static final long PENDING = -1;
    /** From {@link #resolve}: the neighbour does not answer. */
    static final long FAILED = -2;

    private static final long SECOND = 1_000_000_000L;
    private static final long RETRY = SECOND;
    private static final long REFRESH = 30 * SECOND;
    private static final long HOLD_OFF = 3 * SECOND;
    private static final int TRIES = 3;
    private static final int CAPACITY = 1024;
    private static final int BUCKETS = 2048;
    private static final int FRAMES = 256;
    private static final int FRAMES_EACH = 32;
    private static final int NONE = -1;

    private enum State {
        FREE,
        INCOMPLETE,
        REACHABLE,
        PROBING,
        FAILED
    }

    private final Owner owner;
    /** The address that keeps its entry: everybody needs it, so a scan of the segment must not push it out. */
    private int router;

    private final int[] buckets = new int[BUCKETS];
    private final int[] chain = new int[CAPACITY];
    private final int[] addresses = new int[CAPACITY];
    private final long[] macs = new long[CAPACITY];
    private final State[] states = new State[CAPACITY];
    private final long[] due = new long[CAPACITY];
    private final long[] lastUse = new long[CAPACITY];
    private final int[] tries = new int[CAPACITY];
    private final int[] firstWaiting = new int[CAPACITY];
    private final int[] lastWaiting = new int[CAPACITY];
    private final int[] waiting = new int[CAPACITY];
    private final int[] holders = new int[CAPACITY];
    private final EvictionQueues queues = new EvictionQueues(new long[CAPACITY]);
    private final FramePool pool = new FramePool(FRAMES);
    private final int[] entryOf = new int[FRAMES];
    private int held;
    private int hand;
    private int busy;

    NeighbourTable(Owner owner, int router) {
        this.owner = owner;
        this.router = router;
        Arrays.fill(buckets, NONE);
        Arrays.fill(states, State.FREE);
    }

    /** In how many frames those packets came that wait now. */
    int held() {
        return held;
    }

    private static int bucketOf(int address) {
        return (address * 0x9E3779B1) >>> 21;
    }

    private int find(int address) {
        int entry = buckets[bucketOf(address)];
        while (entry != NONE && addresses[entry] != address) {
            entry = chain[entry];
        }
        return entry;
    }

    /**
     * The MAC address of a next hop. Asks for it where it is unknown or old.
     *
     * @param by number of the guest that sends there
     * @return the address, {@link #PENDING} or {@link #FAILED}
     */
    long resolve(int address, int by, long nowNanos) {
        int entry = find(address);
        if (entry == NONE) {
            entry = claim(address, by, nowNanos);
            if (entry == NONE) {
                return FAILED;
            }
            begin(entry, State.INCOMPLETE, by, nowNanos);
            return PENDING;
        }
        lastUse[entry] = nowNanos;
        switch (states[entry]) {
            case REACHABLE -> {
                if (due[entry] - nowNanos <= 0) {
                    begin(entry, State.PROBING, by, nowNanos);
                }
                return macs[entry];
            }
            case PROBING -> {
                return macs[entry];
            }
            case INCOMPLETE -> {
                if (queues.held(by) + 1 < queues.held(holders[entry])) {
                    turn(entry, State.INCOMPLETE, by);
                }
                return PENDING;
            }
            default -> {
                if (due[entry] - nowNanos <= 0) {
                    begin(entry, State.INCOMPLETE, by, nowNanos);
                    return PENDING;
                }
                return FAILED;
            }
        }
    }

    private void begin(int entry, State state, int by, long nowNanos) {
        turn(entry, state, by);
        tries[entry] = 1;
        due[entry] = nowNanos + RETRY;
        owner.askFor(addresses[entry], state == State.PROBING ? macs[entry] : 0);
    }

    /** Changes an entry's state and whom it is charged to, and with them its place among those that make room. */
    private void turn(int entry, State state, int by) {
        State before = states[entry];
        busy += (asks(state) ? 1 : 0) - (asks(before) ? 1 : 0);
        if (addresses[entry] != router) {
            if (before != State.FREE) {
                queues.remove(entry, holders[entry], queueOf(before));
                queues.count(holders[entry], -1);
            }
            if (state != State.FREE) {
                queues.add(entry, by, queueOf(state));
                queues.count(by, 1);
            }
        }
        states[entry] = state;
        holders[entry] = by;
    }

    private static boolean asks(State state) {
        return state == State.INCOMPLETE || state == State.PROBING;
    }

    /** Entries without an address go first, those with one last. */
    private static int queueOf(State state) {
        return state == State.INCOMPLETE || state == State.FAILED
                ? EvictionQueues.FROM_OUTSIDE
                : EvictionQueues.UNANSWERED;
    }

    /** Keeps a copy of a frame for a pending address. @return false if too many wait already */
    boolean hold(int address, Frame frame, Attachment origin, int fragmentation) {
        int entry = find(address);
        int by = origin.number();
        if (entry == NONE || !pool.admits(by, frame.length())) {
            return false;
        }
        if (waiting[entry] == FRAMES_EACH) {
            int surplus = pool.surplusOn(firstWaiting[entry], by);
            if (surplus == FramePool.NONE) {
                return false;
            }
            displace(surplus);
        }
        for (int surplus = pool.surplus(by, frame.length());
                surplus != FramePool.NONE;
                surplus = pool.surplus(by, frame.length())) {
            displace(surplus);
        }
        int slot = pool.add(frame, origin, fragmentation);
        entryOf[slot] = entry;
        if (waiting[entry] == 0) {
            firstWaiting[entry] = slot;
        } else {
            pool.next(lastWaiting[entry], slot);
        }
        lastWaiting[entry] = slot;
        waiting[entry]++;
        held += Fragmentation.frames(fragmentation);
        return true;
    }

    /** Takes a frame out of its queue, which is short, and gives it up for another. */
    private void displace(int slot) {
        int entry = entryOf[slot];
        int previous = FramePool.NONE;
        for (int i = firstWaiting[entry]; i != slot; i = pool.next(i)) {
            previous = i;
        }
        if (previous == FramePool.NONE) {
            firstWaiting[entry] = pool.next(slot);
        } else {
            pool.next(previous, pool.next(slot));
        }
        if (lastWaiting[entry] == slot) {
            lastWaiting[entry] = previous;
        }
        waiting[entry]--;
        int fragmentation = pool.fragmentation(slot);
        held -= Fragmentation.frames(fragmentation);
        pool.release(slot);
        owner.displace(fragmentation);
    }

    /**
     * A neighbour has said what its MAC address is.
     *
     * @param asked whether it is an answer to the engine's question
     * @return whether the engine had asked for this address
     */
    boolean learn(int address, long mac, boolean asked, long nowNanos) {
        int entry = find(address);
        if (entry == NONE) {
            return false;
        }
        State state = states[entry];
        if (!asked) {
            if (state == State.REACHABLE && macs[entry] != mac) {
                begin(entry, State.PROBING, holders[entry], nowNanos);
                owner.askFor(address, 0);
            }
            return false;
        }
        if (!asks(state)) {
            return false;
        }
        turn(entry, State.REACHABLE, holders[entry]);
        macs[entry] = mac;
        due[entry] = nowNanos + REFRESH;
        release(entry, mac);
        return true;
    }

    private void release(int entry, long mac) {
        while (waiting[entry] > 0) {
            int slot = firstWaiting[entry];
            firstWaiting[entry] = pool.next(slot);
            waiting[entry]--;
            int fragmentation = pool.fragmentation(slot);
            held -= Fragmentation.frames(fragmentation);
            if (mac != 0) {
                owner.release(pool.frame(slot), pool.origin(slot), mac, fragmentation);
            } else {
                owner.giveUp(pool.frame(slot), pool.origin(slot), fragmentation);
            }
            pool.release(slot);
        }
    }

    /** Forgets every neighbour, and gives up what waits for one: the gateway is on another segment. */
    void forget(int newRouter) {
        for (int entry = 0; entry < CAPACITY; entry++) {
            if (states[entry] != State.FREE) {
                release(entry, 0);
                drop(entry);
            }
        }
        router = newRouter;
    }

    /** Whether questions are open. */
    boolean isBusy() {
        return busy > 0;
    }

    /** Asks again, and gives up on who does not answer. */
    void tick(long nowNanos) {
        if (busy == 0) {
            return;
        }
        for (int entry = 0; entry < CAPACITY; entry++) {
            State state = states[entry];
            if (!asks(state) || due[entry] - nowNanos > 0) {
                continue;
            }
            if (tries[entry] < TRIES) {
                tries[entry]++;
                due[entry] = nowNanos + RETRY;
                owner.askFor(addresses[entry], 0);
            } else if (state == State.PROBING
                    && addresses[entry] != router
                    && lastUse[entry] - due[entry] + TRIES * RETRY < 0) {
                // nobody has sent there since the probe began: forget it instead of calling it failed
                drop(entry);
            } else {
                turn(entry, State.FAILED, holders[entry]);
                due[entry] = nowNanos + HOLD_OFF;
                release(entry, 0);
            }
        }
    }

    /** A place for a new address: a free one, that of an entry nobody waits for, or that of whoever holds most. */
    private int claim(int address, int by, long nowNanos) {
        int entry = idle(nowNanos);
        if (entry == NONE) {
            entry = surplus(by);
        }
        if (entry == NONE) {
            return NONE;
        }
        while (waiting[entry] > 0) {
            displace(firstWaiting[entry]);
        }
        if (states[entry] != State.FREE) {
            drop(entry);
        }
        addresses[entry] = address;
        macs[entry] = 0;
        lastUse[entry] = nowNanos;
        int bucket = bucketOf(address);
        chain[entry] = buckets[bucket];
        buckets[bucket] = entry;
        return entry;
    }

    private int idle(long nowNanos) {
        for (int look = 0; look < 64; look++) {
            int candidate = hand;
            hand = (hand + 1) % CAPACITY;
            State state = states[candidate];
            boolean idle = addresses[candidate] != router
                    && ((state == State.FAILED && due[candidate] - nowNanos <= 0)
                            || (state == State.REACHABLE && lastUse[candidate] + REFRESH - nowNanos < 0));
            if (state == State.FREE || idle) {
                return candidate;
            }
        }
        return NONE;
    }

    private int surplus(int by) {
        int greediest = queues.greedierThan(by);
        return greediest == NONE || queues.held(greediest) <= queues.held(by) + 1
                ? NONE
                : queues.oldestUnanswered(greediest);
    }

    private void drop(int entry) {
        turn(entry, State.FREE, holders[entry]);
        int bucket = bucketOf(addresses[entry]);
        if (buckets[bucket] == entry) {
            buckets[bucket] = chain[entry];
            return;
        }
        int before = buckets[bucket];
        while (chain[before] != entry) {
            before = chain[before];
        }
        chain[before] = chain[entry];
    }
}
