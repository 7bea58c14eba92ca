package io.sharedip.nat.internal.ports;

import java.util.Arrays;
import java.util.Random;

/**
 * The free outside ports of one protocol. A port is kept when it is free; else one is drawn at random of the same class
 * (0-1023, 1024-65535) and, where one is left, the same parity (RFC 4787 REQ-3, REQ-4; unguessable: RFC 6056).
 *
 * <p>Free ports of a class and parity stand in an array in no order; drawing one swaps the last one into its place. So every
 * port is used to the last, in constant time.
 */
public final class PortAllocator {

    private static final int FIRST_OF_HIGH_CLASS = 1024;
    private static final int NOT_FREE = -1;

    private final Random random;
    private final int[][] free = {new int[512], new int[512], new int[32256], new int[32256]};
    private final int[] counts = new int[4];
    private final int[] place = new int[1 << 16];
    private final long[] owned = new long[1 << 10];
    private int ownedCount;

    /**
     * Makes an allocator without ports.
     *
     * @param random a secure source, except in tests that must repeat
     */
    public PortAllocator(Random random) {
        this.random = random;
        Arrays.fill(place, NOT_FREE);
    }

    private static int kind(int port) {
        return (port < FIRST_OF_HIGH_CLASS ? 0 : 2) | (port & 1);
    }

    /** Whether the port belongs to the pool, free or in use. */
    public boolean owns(int port) {
        return (owned[port >>> 6] & 1L << port) != 0;
    }

    /** How many ports are free. */
    public int available() {
        return counts[0] + counts[1] + counts[2] + counts[3];
    }

    /** How many ports belong to the pool. */
    public int size() {
        return ownedCount;
    }

    /** Adds a port to the pool, free; one that belongs to it already is left as it is. */
    public void add(int port) {
        if (!owns(port)) {
            owned[port >>> 6] |= 1L << port;
            ownedCount++;
            release(port);
        }
    }

    /** Takes a port out of the pool if it is free. @return whether it does not belong to the pool any more */
    public boolean withdraw(int port) {
        if (!owns(port)) {
            return true;
        }
        if (!take(port)) {
            return false;
        }
        owned[port >>> 6] &= ~(1L << port);
        ownedCount--;
        return true;
    }

    /** Takes a certain port. @return whether it was free */
    public boolean take(int port) {
        int at = place[port];
        if (at == NOT_FREE) {
            return false;
        }
        int kind = kind(port);
        int last = free[kind][--counts[kind]];
        free[kind][at] = last;
        place[last] = at;
        place[port] = NOT_FREE;
        return true;
    }

    /**
     * Takes a random port, like the wanted one if there is one left.
     *
     * @param wanted whose class is kept and whose parity is kept where possible
     * @return the port, or -1 if none of the class is free
     */
    public int takeLike(int wanted) {
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
        if (counts[kind] == 0) {
            return -1;
        }
        int port = free[kind][random.nextInt(counts[kind])];
        take(port);
        return port;
    }

    /** Gives a port of the pool back. */
    public void release(int port) {
        if (place[port] != NOT_FREE || !owns(port)) {
            return;
        }
        int kind = kind(port);
        place[port] = counts[kind];
        free[kind][counts[kind]++] = port;
    }
}
