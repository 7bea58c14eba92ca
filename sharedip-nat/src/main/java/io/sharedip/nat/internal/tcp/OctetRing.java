package io.sharedip.nat.internal.tcp;

import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;

/** Octets that are found by their sequence number. Has no memory until it is needed, and grows by doubling. */
final class OctetRing {

    private static final byte[] NONE = {};

    private byte[] octets = NONE;

    int capacity() {
        return octets.length;
    }

    /** Sees to it that so many octets from {@code base} on have a place; {@code used} of them are kept. */
    void ensure(RingPool pool, int base, int used, int needed) {
        if (needed > octets.length) {
            grow(pool, base, used, needed);
        }
    }

    private void grow(RingPool pool, int base, int used, int needed) {
        byte[] old = octets;
        byte[] larger = pool.take(RingPool.sizeFor(needed));
        if (old.length > 0) {
            octets = larger;
            int from = base & old.length - 1;
            int first = Math.min(used, old.length - from);
            put(base, old, from, first);
            put(base + first, old, 0, used - first);
            pool.giveBack(old);
        }
        octets = larger;
    }

    void put(int sequence, byte[] source, int offset, int length) {
        int at = sequence & octets.length - 1;
        int first = Math.min(length, octets.length - at);
        System.arraycopy(source, offset, octets, at, first);
        System.arraycopy(source, offset + first, octets, 0, length - first);
    }

    void put(int sequence, ByteBuffer source, int length) {
        int at = sequence & octets.length - 1;
        int first = Math.min(length, octets.length - at);
        source.get(octets, at, first);
        source.get(octets, 0, length - first);
    }

    void get(int sequence, byte[] target, int offset, int length) {
        int at = sequence & octets.length - 1;
        int first = Math.min(length, octets.length - at);
        System.arraycopy(octets, at, target, offset, first);
        System.arraycopy(octets, 0, target, offset + first, length - first);
    }

    /** Writes octets to a stream. @return how many it took */
    int writeTo(HostStream stream, int sequence, int length) {
        int at = sequence & octets.length - 1;
        int first = Math.min(length, octets.length - at);
        int taken = stream.write(octets, at, first);
        if (taken == first && length > first) {
            taken += stream.write(octets, 0, length - first);
        }
        return taken;
    }

    void release(RingPool pool) {
        if (octets.length > 0) {
            pool.giveBack(octets);
            octets = NONE;
        }
    }
}
