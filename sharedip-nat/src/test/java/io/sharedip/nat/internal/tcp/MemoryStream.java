package io.sharedip.nat.internal.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A stream whose program reads and writes when the test lets it. What it says is a pattern: octet {@code i} is {@link #octet}; what it
 * hears is compared with the pattern of the other side at once and not kept.
 */
final class MemoryStream implements HostStream {

    /** Instead of the peer's seed: whatever is heard is right. */
    static final int ANYTHING = -1;

    private static final int CHUNK = 40_000;

    private final int capacity;
    private final int ownSeed;
    private final int peerSeed;
    private @Nullable Handler handler;
    private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
    private boolean wasLow;

    private long requested;
    private long said;
    private long toSay;
    private boolean finSaid;
    private long heard;
    private int waiting;

    boolean finHeard;
    boolean closed;
    boolean reset;
    long mostRequested;

    MemoryStream(int capacity, int ownSeed, int peerSeed) {
        this.capacity = capacity;
        this.ownSeed = ownSeed;
        this.peerSeed = peerSeed;
    }

    static byte octet(int seed, long position) {
        long x = (position + seed) * 0x9e3779b97f4a7c15L;
        return (byte) (x >>> 56);
    }

    void serve(Handler newHandler) {
        handler = newHandler;
    }

    private Handler handler() {
        return java.util.Objects.requireNonNull(handler);
    }

    /** Lets the program say so much more, and FIN behind it if so wished. */
    void say(long octets) {
        toSay += octets;
    }

    long heard() {
        return heard;
    }

    long said() {
        return said;
    }

    /** What the gateway has handed over and the program has not read. */
    int waiting() {
        return waiting;
    }

    boolean hasSaidAll() {
        return said == toSay;
    }

    /** Says what has been asked for. @return whether anything was said */
    boolean speak() {
        boolean spoke = false;
        while (!closed && !reset && !finSaid && requested > 0 && said < toSay) {
            int length = (int) Math.min(Math.min(requested, toSay - said), CHUNK);
            chunk.clear();
            for (int i = 0; i < length; i++) {
                chunk.put(octet(ownSeed, said + i));
            }
            chunk.flip();
            requested -= length;
            said += length;
            handler().received(chunk);
            assertThat(chunk.hasRemaining()).isFalse();
            spoke = true;
        }
        return spoke;
    }

    void sayFin() {
        if (!finSaid && !closed && !reset) {
            finSaid = true;
            handler().endOfInput();
        }
    }

    void breakDown(Failure failure) {
        if (!closed && !reset) {
            reset = true;
            handler().failed(failure);
        }
    }

    /** Lets the program read. */
    void read(int octets) {
        waiting -= Math.min(waiting, octets);
        if (wasLow && waiting <= capacity / 2 && !closed && !reset) {
            wasLow = false;
            handler().writable();
        }
    }

    @Override
    public int write(byte[] octets, int offset, int length) {
        assertThat(finHeard || closed || reset).isFalse();
        int taken = Math.min(length, room());
        for (int i = 0; i < taken && peerSeed != ANYTHING; i++) {
            if (octets[offset + i] != octet(peerSeed, heard + i)) {
                throw new AssertionError("octet " + (heard + i) + " is wrong");
            }
        }
        heard += taken;
        waiting += taken;
        wasLow |= room() < capacity / 2;
        return taken;
    }

    @Override
    public int room() {
        return capacity - waiting;
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public void shutdownOutput() {
        assertThat(finHeard).isFalse();
        finHeard = true;
    }

    @Override
    public void request(int octets) {
        assertThat(octets).isPositive();
        requested += octets;
        mostRequested = Math.max(mostRequested, requested);
    }

    @Override
    public void reset() {
        assertThat(reset || closed).isFalse();
        reset = true;
    }

    @Override
    public void close() {
        assertThat(reset || closed).isFalse();
        closed = true;
    }
}
