package io.sharedip.examples.lab;

import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import io.sharedip.pcap.PcapLink;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Cables on which frames are late, lost, doubled and overtaken by others, as on a long and bad way. Run as a program on a lab
 * machine of which every cable leads in by one card and out by another; it says {@code ready}, and how often it did what when it is
 * ended. (The kernel's own way, the netem queue, is a module that not every kernel has.)
 */
public final class RoughWire {
    private static final int BATCH = 64;
    private static final int MOST_WAITING = 100_000;
    private static final long IDLE_NANOS = 100_000;
    private static final int PER_MILLE = 1000;

    /** What is done to frames. The numbers are per mille. */
    private record Roughness(long delayNanos, int lost, int doubled, int overtaken) {}

    private record Late(long due, long order, Frame frame, Link to) {}

    private final Roughness roughness;
    private final Random random;
    private final long start = System.nanoTime();
    private final List<Link> links = new ArrayList<>();
    private final List<FrameHandler> directions = new ArrayList<>();
    private final PriorityQueue<Late> waiting = new PriorityQueue<>(
            Comparator.<Late>comparingLong(late -> late.due - start).thenComparingLong(late -> late.order));
    private long order;
    private long lost;
    private long doubled;
    private long overtaken;
    private long full;
    private volatile boolean ended;

    private RoughWire(Roughness roughness, long seed) {
        this.roughness = roughness;
        this.random = new Random(seed);
    }

    /**
     * Runs until it is asked to end.
     *
     * @param args delay in milliseconds; how many frames of a thousand are lost, doubled, and overtaken; a seed; then for each
     *     cable the two cards
     */
    public static void main(String[] args) {
        RoughWire wire = new RoughWire(
                new Roughness(
                        TimeUnit.MILLISECONDS.toNanos(Integer.parseInt(args[0])),
                        Integer.parseInt(args[1]),
                        Integer.parseInt(args[2]),
                        Integer.parseInt(args[3])),
                Long.parseLong(args[4]));
        for (int index = 5; index + 1 < args.length; index += 2) {
            wire.join(args[index], args[index + 1]);
        }
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> wire.end(main)));
        System.out.println("ready");
        wire.run();
    }

    private void end(Thread main) {
        ended = true;
        try {
            main.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void join(String oneCard, String otherCard) {
        Link one = PcapLink.uplink(oneCard);
        Link other = PcapLink.uplink(otherCard);
        Driver driver = new Driver(Thread.currentThread());
        one.open(driver);
        other.open(driver);
        links.add(one);
        directions.add((frames, count) -> accept(frames, count, other));
        links.add(other);
        directions.add((frames, count) -> accept(frames, count, one));
    }

    private void run() {
        while (!ended) {
            int work = 0;
            for (int index = 0; index < links.size(); index++) {
                work += links.get(index).poll(directions.get(index), BATCH);
            }
            if (work + release() == 0) {
                LockSupport.parkNanos(this, IDLE_NANOS);
            }
        }
        System.out.println("lost " + lost + " doubled " + doubled + " overtaken " + overtaken + " full " + full);
    }

    private void accept(Frame[] frames, int count, Link to) {
        long now = System.nanoTime();
        for (int index = 0; index < count; index++) {
            if (happens(roughness.lost)) {
                lost++;
                continue;
            }
            Frame copy = Frame.copyOf(frames[index]);
            boolean late = happens(roughness.overtaken);
            if (late) {
                overtaken++;
            }
            add(now, late, copy, to);
            if (happens(roughness.doubled)) {
                doubled++;
                add(now, true, copy, to);
            }
        }
    }

    private void add(long now, boolean late, Frame frame, Link to) {
        if (waiting.size() == MOST_WAITING) {
            full++;
            return;
        }
        long extra = late ? TimeUnit.MICROSECONDS.toNanos(200 + random.nextInt(5000)) : 0;
        waiting.add(new Late(now + roughness.delayNanos + extra, order++, frame, to));
    }

    private boolean happens(int perMille) {
        return random.nextInt(PER_MILLE) < perMille;
    }

    private int release() {
        int released = 0;
        long now = System.nanoTime();
        while (!waiting.isEmpty() && waiting.peek().due - now <= 0) {
            Late late = waiting.remove();
            late.to.send(late.frame);
            released++;
        }
        return released;
    }

    /** Wakes the one thread there is. */
    private record Driver(Thread thread) implements LinkHost {
        @Override
        public void wakeup() {
            LockSupport.unpark(thread);
        }

        @Override
        public boolean onDriverThread() {
            return Thread.currentThread() == thread;
        }

        @Override
        public void deliver(Frame[] frames, int count) {
            throw new IllegalStateException("these links are polled");
        }

        @Override
        public void up() {}

        @Override
        public void down(String reason) {
            System.err.println(reason);
        }

        @Override
        public void notice(String message) {
            System.err.println(message);
        }
    }
}
