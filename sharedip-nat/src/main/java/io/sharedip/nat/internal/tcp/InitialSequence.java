package io.sharedip.nat.internal.tcp;

import java.util.Random;

/**
 * Initial sequence numbers that cannot be guessed (RFC 6528): a clock of 4 microseconds plus a keyed hash of the connection (SipHash-2-4);
 * and the offsets of timestamps, likewise (RFC 7323 section 5.4 leaves them open; a random one hides how long the machine has been up).
 */
public final class InitialSequence {

    private final long k0;
    private final long k1;

    /**
     * Draws the key.
     *
     * @param random a secure source, except in tests that must repeat
     */
    public InitialSequence(Random random) {
        k0 = random.nextLong();
        k1 = random.nextLong();
    }

    /**
     * The initial sequence number of a connection.
     *
     * @param addresses both of them
     * @param ports both of them, and whatever else tells connections apart
     * @param nowNanos the gateway's time
     * @return any number
     */
    public int sequence(long addresses, long ports, long nowNanos) {
        return (int) hash(addresses, ports) + (int) (nowNanos >> 12);
    }

    /**
     * Where the timestamps of a connection begin.
     *
     * @param addresses both of them
     * @param ports as in {@link #sequence}
     * @return any number
     */
    public int timestampOffset(long addresses, long ports) {
        return (int) (hash(addresses, ports) >>> 32);
    }

    private long hash(long a, long b) {
        long v0 = k0 ^ 0x736f6d6570736575L;
        long v1 = k1 ^ 0x646f72616e646f6dL;
        long v2 = k0 ^ 0x6c7967656e657261L;
        long v3 = k1 ^ 0x7465646279746573L;
        // two words of message, the word that holds its length, and the finish
        for (int word = 0; word < 4; word++) {
            long m = word == 0 ? a : word == 1 ? b : word == 2 ? 16L << 56 : 0;
            v3 ^= m;
            if (word == 3) {
                v2 ^= 0xff;
            }
            int rounds = word == 3 ? 4 : 2;
            for (int i = 0; i < rounds; i++) {
                v0 += v1;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v3;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 += v3;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 += v1;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= m;
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }
}
