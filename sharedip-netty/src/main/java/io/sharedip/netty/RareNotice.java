package io.sharedip.netty;

import io.sharedip.link.LinkHost;
import org.jspecify.annotations.Nullable;

/**
 * Tells the gateway of something that a guest can do again and again: at once the first time, then at most every ten seconds, with how
 * often it has happened meanwhile. One thread at a time.
 */
final class RareNotice {

    private static final long PAUSE_NANOS = 10_000_000_000L;

    private boolean told;
    private long last;
    private long untold;

    /** Tells it, or counts it. */
    void tell(@Nullable LinkHost host, String message) {
        long now = System.nanoTime();
        if (host == null || (told && now - last < PAUSE_NANOS)) {
            untold++;
            return;
        }
        host.notice(untold == 0 ? message : message + " (and " + untold + " times before)");
        told = true;
        last = now;
        untold = 0;
    }
}
