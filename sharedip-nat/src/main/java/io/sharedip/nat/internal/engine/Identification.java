package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.u16;

import io.sharedip.nat.internal.flow.FlowKey;
import io.sharedip.nat.internal.flow.KeyedHash;
import io.sharedip.packet.Checksum;
import java.util.Random;

/**
 * The identifications of datagrams that may be fragmented (RFC 6864 section 5.3.1). Guests behind one address count on their own, so two
 * of them may use the same value towards the same destination at the same time; the destination would put pieces of both together. What
 * is not atomic therefore gets a value of the gateway's own counters, of which each pair of addresses and protocol has one, with a start
 * that cannot be guessed. Atomic datagrams keep theirs.
 */
final class Identification {

    private static final int COUNTERS = 2048;

    private final char[] next = new char[COUNTERS];
    private final KeyedHash hash;

    Identification(Random random) {
        hash = new KeyedHash(random);
        for (int i = 0; i < COUNTERS; i++) {
            next[i] = (char) random.nextInt(1 << 16);
        }
    }

    /** Gives a translated packet a new identification unless it is atomic. */
    void renew(PacketContext c) {
        if (c.fragmentation == Fragmentation.WHOLE && c.dontFragment()) {
            return;
        }
        final byte[] a = c.octets;
        final int ip = c.ip;
        int old = u16(a, ip + 4);
        int value = next(i32(a, ip + 12), i32(a, ip + 16), c.protocol);
        put16(a, ip + 4, value);
        put16(a, ip + 10, Checksum.update(u16(a, ip + 10), Checksum.delta16(old, value)));
    }

    /** The next value for a pair of addresses and a protocol; none repeats before 65,536 have been used. */
    int next(int source, int destination, int protocol) {
        int h = hash.hash(FlowKey.addresses(source, destination), protocol);
        // who shares a counter still sees a sequence of its own
        return (h >>> 16) + next[h & COUNTERS - 1]++ & 0xffff;
    }
}
