package io.sharedip.examples.gateway;

import io.sharedip.stats.SharedIpStats;
import java.time.Duration;

/** What {@code run} prints every few seconds. Remembers the last counters for the rates. */
final class StatusLine {

    private long framesIn;
    private long forwarded;
    private long dropped;

    String next(SharedIpStats stats, Duration elapsed) {
        String line = "status: flows=" + stats.flows() + "/" + stats.capacity()
                + " in=" + rate(stats.framesIn() - framesIn, elapsed)
                + " forwarded=" + rate(stats.forwarded() - forwarded, elapsed)
                + " dropped=" + rate(stats.dropped() - dropped, elapsed)
                + " (all: in=" + stats.framesIn() + " forwarded=" + stats.forwarded() + " answered=" + stats.answered()
                + " left-to-host=" + stats.leftToHost() + " held=" + stats.held() + " dropped=" + stats.dropped() + ")";
        framesIn = stats.framesIn();
        forwarded = stats.forwarded();
        dropped = stats.dropped();
        return line;
    }

    private static String rate(long count, Duration elapsed) {
        return Math.round(count * 1000.0 / Math.max(1, elapsed.toMillis())) + "/s";
    }
}
