package io.sharedip.nat.internal.ports;

import java.util.Arrays;
import java.util.Random;

/**
 * The free outside ports of one protocol. A port is kept when it is free; else one is drawn at random of the same class
 * (0-1023, 1024-65535) and, where one is left, the same parity (RFC 4787 REQ-3, REQ-4; unguessable: RFC 6056).
 *
 * <p>Free ports of a class and parity stand in an array in no order; drawing one swaps the last one into its place. So every
 * port is used to the last, in constant time.
 *
 * <p>A port may rest before it is free again (RFC 6888 REQ-8). Resting ports queue in the order in which they came, which is that of
 * their release; whoever asks first lets out those whose time has come, each port once. A port that leaves the pool meanwhile rests on,
 * so that it is not fresh when it comes back.
 */
public final class PortAllocator {

    /** No port. */
    public static final int NONE = -1;

    private static final int FIRST_OF_HIGH_CLASS = 1024;
    private static final int IN_USE = -1;
    private static final int RESTING = -2;
    /** Head and tail of the queue; nobody has port 0. */
    private static final int QUEUE = 0;

    private final RandomDraws random;
    private final long restNanos;
    private final int[][] free = {new int[512], new int[512], new int[32256], new int[32256]};
    private final int[] counts = new int[4];
    private final int[] place = new int[1 << 16];
    private final long[] owned = new long[1 << 10];
    private final char[] nextResting;
    private final char[] previousResting;
    private final long[] restsUntil;
    private int ownedCount;

    /**
     * Makes an allocator without ports.
     *
     * @param random a secure source, except in tests that must repeat
     * @param restNanos how long a port {@linkplain #rest rests}, 0 or more
     */
    public PortAllocator(Random random, long restNanos) {
        this.random = new RandomDraws(random);
        this.restNanos = restNanos;
        Arrays.fill(place, IN_USE);
        int queued = restNanos > 0 ? 1 << 16 : 1;
        nextResting = new char[queued];
        previousResting = new char[queued];
        restsUntil = new long[queued];
    }

    private static int kind(int port) {
        return (port < FIRST_OF_HIGH_CLASS ? 0 : 2) | (port & 1);
    }

    /** Whether the port belongs to the pool, free, resting or in use. */
    public boolean owns(int port) {
        return (owned[port >>> 6] & 1L << port) != 0;
    }

    /** How many ports are free. Those that rest are not. */
    public int available(long nowNanos) {
        wake(nowNanos);
        return counts[0] + counts[1] + counts[2] + counts[3];
    }

    /** How many ports belong to the pool. */
    public int size() {
        return ownedCount;
    }

    /** Adds a port to the pool, free if it does not rest; one that belongs to it already is left as it is. */
    public void add(int port) {
        if (!owns(port)) {
            own(port);
            if (place[port] != RESTING) {
                makeFree(port);
            }
        }
    }

    /** Adds a port to the pool that somebody has used until now: it rests first. One that belongs to it already is left as it is. */
    public void addUsed(int port, long nowNanos) {
        if (!owns(port)) {
            own(port);
            if (place[port] == RESTING) {
                endRest(port);
            }
            rest(port, nowNanos);
        }
    }

    private void own(int port) {
        owned[port >>> 6] |= 1L << port;
        ownedCount++;
    }

    /** Takes a port out of the pool unless it is in use. @return whether it does not belong to the pool any more */
    public boolean withdraw(int port) {
        if (!owns(port)) {
            return true;
        }
        if (place[port] == IN_USE) {
            return false;
        }
        if (place[port] != RESTING) {
            use(port);
        }
        owned[port >>> 6] &= ~(1L << port);
        ownedCount--;
        return true;
    }

    /** Takes a certain port. @return whether it was free */
    public boolean take(int port, long nowNanos) {
        wake(nowNanos);
        if (place[port] < 0) {
            return false;
        }
        use(port);
        return true;
    }

    private void use(int port) {
        int at = place[port];
        int kind = kind(port);
        int last = free[kind][--counts[kind]];
        free[kind][at] = last;
        place[last] = at;
        place[port] = IN_USE;
    }

    /**
     * Takes a random port, like the wanted one if there is one left.
     *
     * @param wanted whose class is kept and whose parity is kept where possible
     * @return the port, or {@link #NONE} if none of the class is free
     */
    public int takeLike(int wanted, long nowNanos) {
        wake(nowNanos);
        int port = drawLike(wanted);
        if (port != NONE) {
            use(port);
        }
        return port;
    }

    /** As {@link #takeLike}, but leaves the port where it is: for ports that may be used more than once. */
    public int drawLike(int wanted) {
        int kind = kindLike(wanted);
        return counts[kind] == 0 ? NONE : free[kind][random.below(counts[kind])];
    }

    private int kindLike(int wanted) {
        int kind = kind(wanted);
        if (counts[kind] == 0) {
            kind ^= 1;
        }
        // a low port is a privilege that nothing outside depends on: with no low port in the pool a high one serves
        if (counts[kind] == 0 && kind < 2) {
            kind = 2 | (wanted & 1);
            if (counts[kind] == 0) {
                kind ^= 1;
            }
        }
        return kind;
    }

    /**
     * The free port that stands some places after another one among those of its class and parity.
     *
     * @param port free
     * @param places 0 or more
     * @return the same port again once all others have been named
     */
    public int after(int port, int places) {
        int kind = kind(port);
        return free[kind][(place[port] + places) % counts[kind]];
    }

    /** Gives a port of the pool back, to be used again at once. */
    public void release(int port) {
        if (place[port] == IN_USE && owns(port)) {
            makeFree(port);
        }
    }

    /** Gives a port of the pool back, to be used again after its rest. */
    public void rest(int port, long nowNanos) {
        if (restNanos == 0) {
            release(port);
        } else if (place[port] == IN_USE && owns(port)) {
            place[port] = RESTING;
            restsUntil[port] = nowNanos + restNanos;
            char last = previousResting[QUEUE];
            previousResting[port] = last;
            nextResting[port] = QUEUE;
            nextResting[last] = (char) port;
            previousResting[QUEUE] = (char) port;
        }
    }

    /** Lets every port out that rests. */
    public void endRests() {
        for (int port = nextResting[QUEUE]; port != QUEUE; port = nextResting[QUEUE]) {
            letOut(port);
        }
    }

    private void wake(long nowNanos) {
        for (int port = nextResting[QUEUE];
                port != QUEUE && restsUntil[port] - nowNanos <= 0;
                port = nextResting[QUEUE]) {
            letOut(port);
        }
    }

    private void letOut(int port) {
        endRest(port);
        if (owns(port)) {
            makeFree(port);
        }
    }

    private void endRest(int port) {
        char previous = previousResting[port];
        char next = nextResting[port];
        nextResting[previous] = next;
        previousResting[next] = previous;
        place[port] = IN_USE;
    }

    private void makeFree(int port) {
        int kind = kind(port);
        place[port] = counts[kind];
        free[kind][counts[kind]++] = port;
    }
}
