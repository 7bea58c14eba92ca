package io.sharedip.nat.internal.gateway;

import io.sharedip.address.PortRange;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Those blocks of one protocol's pool that wait to be claimed. One whose claim failed goes to the end, and each failure in a row doubles
 * the pause before the next attempt: a host that refuses a few blocks gives the others soon, and one that refuses all is asked seldom.
 * Thread-safe: the driver asks what is due while another thread claims.
 */
final class PoolBlocks {

    private static final long FIRST_PAUSE_NANOS = 125_000_000L;
    /** Up to 8 seconds. */
    private static final int MOST_DOUBLINGS = 6;

    private final List<PortRange> all;
    private final Deque<PortRange> waiting;
    private int failures;
    private long retryNanos;

    /** Lets blocks wait, which will be claimed in their order. */
    PoolBlocks(List<PortRange> all) {
        this.all = List.copyOf(all);
        waiting = new ArrayDeque<>(all);
    }

    /** Whether a block waits whose time has come. */
    synchronized boolean isDue(long nowNanos) {
        return !waiting.isEmpty() && (failures == 0 || retryNanos - nowNanos <= 0);
    }

    /** Whether a block waits and nothing speaks against its being claimed as soon as it is due. */
    synchronized boolean areComing() {
        return !waiting.isEmpty() && failures == 0;
    }

    /** Takes the next block, due or not. @return null if none waits */
    synchronized @Nullable PortRange take() {
        return waiting.poll();
    }

    /** Takes those blocks that hold certain ports. */
    synchronized List<PortRange> takeAround(BitSet wanted) {
        List<PortRange> taken = waiting.stream()
                .filter(block -> {
                    int next = wanted.nextSetBit(block.first());
                    return next >= 0 && next <= block.last();
                })
                .toList();
        waiting.removeAll(taken);
        return taken;
    }

    /** Puts a block back, without any effect on when the next one is due. */
    synchronized void putBack(PortRange block) {
        waiting.add(block);
    }

    /** Puts a block back whose claim failed. @return whether this is the first failure in a row */
    synchronized boolean failed(PortRange block, long nowNanos) {
        waiting.add(block);
        retryNanos = nowNanos + (FIRST_PAUSE_NANOS << Math.min(failures, MOST_DOUBLINGS));
        return failures++ == 0;
    }

    /** The next block is due at once. */
    synchronized void succeeded() {
        failures = 0;
    }

    /** Lets every block wait that has a port which is not claimed; the first is due at once. */
    synchronized void awaitAllBut(BitSet claimed) {
        waiting.clear();
        all.stream()
                .filter(block -> claimed.nextClearBit(block.first()) <= block.last())
                .forEach(waiting::add);
        failures = 0;
    }
}
