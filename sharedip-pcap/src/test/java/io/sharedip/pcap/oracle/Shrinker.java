package io.sharedip.pcap.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Delta debugging: finds a short part of a list that still fails, from which nothing more can be left out. */
final class Shrinker {

    private Shrinker() {}

    /**
     * Shrinks a list.
     *
     * @param list that fails
     * @param fails whether a list fails; asked about parts of the list in their order
     * @return a part that fails, of which no single item can be left out
     */
    static <T> List<T> shrink(List<T> list, Predicate<List<T>> fails) {
        List<T> best = list;
        int size = Math.max(1, best.size() / 2);
        while (true) {
            boolean shorter = false;
            for (int at = 0; at < best.size(); ) {
                List<T> rest = new ArrayList<>(best.subList(0, at));
                rest.addAll(best.subList(Math.min(best.size(), at + size), best.size()));
                if (!rest.isEmpty() && fails.test(rest)) {
                    best = rest;
                    shorter = true;
                } else {
                    at += size;
                }
            }
            if (size > 1) {
                size = Math.max(1, size / 2);
            } else if (!shorter) {
                return best;
            }
        }
    }
}
