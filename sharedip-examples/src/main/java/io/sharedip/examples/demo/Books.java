package io.sharedip.examples.demo;

import io.sharedip.examples.lab.LabException;
import java.util.Map;

/** Sums of counters. */
final class Books {
    private Books() {}

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
