package io.sharedip.examples.demo;

import io.sharedip.examples.lab.LabException;
import java.util.Map;
import java.util.TreeMap;

/** Sums of counters, and what they rise by. */
final class Books {
    private Books() {}

    /** By how much counters are above what they were; those that are not are left out. */
    static Map<String, Long> increase(Map<String, Long> before, Map<String, Long> now) {
        Map<String, Long> increase = new TreeMap<>(now);
        before.forEach((reason, count) -> increase.merge(reason, -count, Long::sum));
        increase.values().removeIf(count -> count == 0);
        return increase;
    }

    /** Whether what became of the frames adds up to the frames that came. */
    static String balance(Map<String, Long> stats) {
        long known = add(stats, "forwarded", "answered", "leftToHost", "held", "dropped");
        if (add(stats, "framesIn") != known) {
            throw new LabException("framesIn is not the sum of what became of them: " + stats);
        }
        return "framesIn " + stats.get("framesIn") + " = forwarded " + stats.get("forwarded") + " + answered "
                + stats.get("answered") + " + leftToHost " + stats.get("leftToHost") + " + held " + stats.get("held")
                + " + dropped " + stats.get("dropped");
    }

    /** The sum of some counters. */
    static long add(Map<String, Long> counters, String... names) {
        long sum = 0;
        for (String name : names) {
            Long count = counters.get(name);
            if (count == null) {
                throw new LabException("there is no counter '" + name + "': " + counters);
            }
            sum += count;
        }
        return sum;
    }
}
