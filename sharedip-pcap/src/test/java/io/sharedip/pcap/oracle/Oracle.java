package io.sharedip.pcap.oracle;

import io.sharedip.pcap.oracle.Nat.Emission;
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

    /** Where two sides differ and may not. */
    record Divergence(int index, Step step, String what) {}

    private final Side kernel;
    private final Side engine;
    private final Map<Difference, Long> differences = new EnumMap<>(Difference.class);
    private long frames;
    private long forwarded;
    private long answered;
    private long dropped;
    private long skipped;
    private int plays;

    Oracle(Nat kernel, Nat engine) {
        this.kernel = new Side(kernel);
        this.engine = new Side(engine);
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
        List<TcpHistory.Earlier> earlier = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i).salted(plays);
            if (parted.contains(step.conversation())) {
                skipped += counts ? 1 : 0;
                continue;
            }
            List<Emission> k = kernel.play(step);
            List<Emission> e = engine.play(step);
            frames += counts ? 1 : 0;
            String what = Comparison.difference(step, k, e);
            if (what != null) {
                Difference intended = intended(step, fragments, earlier, k, e);
                if (intended == null) {
                    return new Divergence(i, step, what);
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
            }
        }
        return null;
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
