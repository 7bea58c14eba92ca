package io.sharedip.nat.internal.ports;

import io.sharedip.packet.Octets;
import java.util.Random;

/**
 * Small random numbers out of a source that is slow, locked and makes garbage at each question, as secure ones are: it is asked for many
 * octets at once, and two of them make a number.
 */
final class RandomDraws {

    private static final int OCTETS = 1024;
    private static final int BITS = 16;
    private static final int LOW_BITS = (1 << BITS) - 1;

    private final Random source;
    private final byte[] drawn = new byte[OCTETS];
    private int at = OCTETS;

    /**
     * Draws nothing yet.
     *
     * @param source a secure one, except in tests that must repeat
     */
    RandomDraws(Random source) {
        this.source = source;
    }

    private int next() {
        if (at == OCTETS) {
            source.nextBytes(drawn);
            at = 0;
        }
        int bits = Octets.u16(drawn, at);
        at += 2;
        return bits;
    }

    /**
     * A number from 0 to below a bound, each as likely as any other (D. Lemire, "Fast Random Integer Generation in an Interval").
     *
     * @param bound 1 to 65,536
     */
    int below(int bound) {
        long product = (long) next() * bound;
        if ((product & LOW_BITS) < bound) {
            int surplus = (1 << BITS) % bound;
            while ((product & LOW_BITS) < surplus) {
                product = (long) next() * bound;
            }
        }
        return (int) (product >>> BITS);
    }
}
