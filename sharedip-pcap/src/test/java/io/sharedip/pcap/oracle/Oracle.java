package io.sharedip.pcap.oracle;

import io.sharedip.pcap.oracle.Nat.Emission;
import io.sharedip.time.NanoClock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Plays cases on both sides and counts. */
final class Oracle {

    /**
     * Where two sides differ and may not.
     *
     * @param pauseNanos since the first fragment of the datagram that the step belongs to; 0 if it is no fragment
     */
    record Divergence(int index, Step step, String what, long pauseNanos) {}

    /** What became of a seed. */
    enum Verdict {
        /** Both sides said the same, but for intended differences. */
        AGREE,
        /** They differed once, not again, and the kernel had time to forget a fragment. */
        FORGIVEN,
        DIFFER
    }

    /**
     * What became of a seed, and why.
     *
     * @param again whether a difference came back when the case was played again
     */
    record Judgement(Verdict verdict, @Nullable Divergence found, boolean again) {}

    /** The kernel's timer for fragments is one second, counted in ticks; no other timer that it has ends within a case. */
    private static final long PAUSE_NANOS = 500_000_000;

    private static final int REPLAYS = 3;

    private final Side kernel;
    private final Side engine;
    private final Map<Difference, Long> differences = new EnumMap<>(Difference.class);
    private long frames;
    private long forwarded;
    private long answered;
    private long dropped;
    private long skipped;
    private int plays;
    private final NanoClock clock;

    Oracle(Nat kernel, Nat engine) {
        this(kernel, engine, System::nanoTime);
    }

    Oracle(Nat kernel, Nat engine, NanoClock clock) {
        this.kernel = new Side(kernel);
        this.engine = new Side(engine);
        this.clock = clock;
    }

    /**
     * Plays a case, and again if the sides differ. What does not come back may still be a fault, which hangs on identifications, chance
     * or what was before: it is forgiven only where the kernel may have let a fragment go meanwhile.
     */
    Judgement judge(List<Step> steps) {
        Divergence found = play(steps, true);
        if (found == null) {
            return new Judgement(Verdict.AGREE, null, false);
        }
        boolean again = false;
        for (int i = 0; i < REPLAYS && !again; i++) {
            Divergence next = play(steps, false);
            again = next != null && next.pauseNanos() < PAUSE_NANOS;
        }
        boolean explained = !again && found.pauseNanos() >= PAUSE_NANOS;
        return new Judgement(explained ? Verdict.FORGIVEN : Verdict.DIFFER, found, again);
    }

    /**
     * Plays a case from the start.
     *
     * @param counts whether it counts in the report
     * @return where the sides differ first, or null
     */
    @Nullable
    Divergence play(List<Step> steps, boolean counts) {
        kernel.reset();
        engine.reset();
        plays++;
        Set<Integer> parted = new HashSet<>();
        List<byte[]> fragments = new ArrayList<>();
        List<Long> times = new ArrayList<>();
        List<TcpHistory.Earlier> earlier = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i).salted(plays);
            if (parted.contains(step.conversation())) {
                skipped += counts ? 1 : 0;
                continue;
            }
            long now = clock.nanoTime();
            List<Emission> k = kernel.play(step);
            List<Emission> e = engine.play(step);
            frames += counts ? 1 : 0;
            String what = Comparison.difference(step, k, e);
            if (what != null) {
                Difference intended = intended(step, fragments, earlier, k, e);
                if (intended == null) {
                    return new Divergence(i, step, what, pause(step, fragments, times, clock.nanoTime()));
                }
                if (counts) {
                    differences.merge(intended, 1L, Long::sum);
                }
                if (step.conversation() >= 0 && intended.partsWays) {
                    // what comes after depends on this packet
                    parted.add(step.conversation());
                }
            } else if (counts) {
                count(step, k);
            }
            boolean fragment = Wire.isFragment(step.frame());
            Packet packet = Packet.of(step.frame());
            if (packet != null) {
                Step whole = fragment ? step.with(Packet.whole(packet.datagram(fragments)).octets) : step;
                earlier.add(new TcpHistory.Earlier(whole, isForwarded(step, e)));
            }
            if (fragment) {
                fragments.add(step.frame());
                times.add(now);
            }
        }
        return null;
    }

    private static long pause(Step step, List<byte[]> fragments, List<Long> times, long now) {
        Packet packet = Packet.of(step.frame());
        if (packet == null || !packet.isFragment()) {
            return 0;
        }
        for (int i = 0; i < fragments.size(); i++) {
            Packet earlier = Packet.of(fragments.get(i));
            if (earlier != null && packet.isOfTheDatagramOf(earlier)) {
                return now - times.get(i);
            }
        }
        return 0;
    }

    private static @Nullable Difference intended(
            Step step,
            List<byte[]> fragments,
            List<TcpHistory.Earlier> earlier,
            List<Emission> kernel,
            List<Emission> engine) {
        List<Emission> k = Comparison.withoutIdentifications(step, kernel);
        List<Emission> e = Comparison.withoutIdentifications(step, engine);
        return Comparison.difference(step, k, e) == null
                ? Difference.IDENTIFICATION
                : Difference.of(step, fragments, earlier, k, e);
    }

    private static boolean isForwarded(Step step, List<Emission> out) {
        return !out.isEmpty() && !Comparison.isOwn(step, out.get(0));
    }

    private void count(Step step, List<Emission> out) {
        if (out.isEmpty()) {
            dropped++;
        } else if (Comparison.isOwn(step, out.get(0))) {
            answered++;
        } else {
            forwarded++;
        }
    }

    long frames() {
        return frames;
    }

    Map<Difference, Long> differences() {
        return differences;
    }

    /** The shortest part of a case at whose last step the sides differ still. */
    List<Step> shrunk(List<Step> steps, Divergence found) {
        List<Step> upTo = steps.subList(0, found.index() + 1);
        Step last = upTo.get(found.index());
        return Shrinker.shrink(upTo, part -> {
            Divergence d = part.get(part.size() - 1) == last ? play(part, false) : null;
            return d != null && d.index() == part.size() - 1;
        });
    }

    String report() {
        StringBuilder s = new StringBuilder();
        s.append(frames).append(" frames compared: ").append(forwarded).append(" forwarded by both, ");
        s.append(answered).append(" answered by both, ").append(dropped).append(" dropped by both, ");
        s.append(differences.values().stream().mapToLong(Long::longValue).sum()).append(" intended differences");
        s.append(" (").append(skipped).append(" frames left out after one)\n");
        Arrays.stream(Difference.values())
                .forEach(d -> s.append(String.format(
                        "%8d  %-14s %s%n",
                        differences.getOrDefault(d, 0L),
                        d.row,
                        differences.containsKey(d) ? d.text : d.text + " (NEVER SEEN)")));
        return s.toString();
    }
}
