package io.sharedip.nat.internal.tcp;

import java.util.PriorityQueue;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** One way of a link that loses, delays, overtakes and repeats segments, as its seed wants it. */
final class LossyPath {

    private record Travelling(long arrival, long number, Segment segment) {}

    private final PriorityQueue<Travelling> travelling = new PriorityQueue<>((a, b) -> {
        int byArrival = Long.signum(a.arrival() - b.arrival());
        return byArrival != 0 ? byArrival : Long.compare(a.number(), b.number());
    });
    private final Random random;
    private final double loss;
    private final double duplicates;
    private final double reordering;
    private final long delay;
    private long number;

    LossyPath(Random random, double loss, double duplicates, double reordering, long delay) {
        this.random = random;
        this.loss = loss;
        this.duplicates = duplicates;
        this.reordering = reordering;
        this.delay = delay;
    }

    void send(Segment s, long now) {
        if (random.nextDouble() < loss) {
            return;
        }
        queue(s, now);
        if (random.nextDouble() < duplicates) {
            queue(s, now);
        }
    }

    private void queue(Segment s, long now) {
        long takes = random.nextDouble() < reordering ? (long) (random.nextDouble() * 3 * delay) : delay;
        travelling.add(new Travelling(now + takes, number++, s));
    }

    /** How long until something arrives. */
    long delay(long now) {
        Travelling first = travelling.peek();
        return first == null ? Long.MAX_VALUE : Math.max(0, first.arrival() - now);
    }

    @Nullable
    Segment arrival(long now) {
        Travelling first = travelling.peek();
        if (first == null || first.arrival() - now > 0) {
            return null;
        }
        travelling.poll();
        return first.segment();
    }
}
