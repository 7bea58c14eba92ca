package io.sharedip.netty.internal.sockets;

import io.sharedip.LinkException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Looks at the host's addresses and routes once a second, on a thread of its own, since that takes system calls by the dozen. While it
 * cannot see them, they are taken to be what they were.
 */
public final class AddressWatch {

    private static final long PERIOD_MILLIS = 1000;

    private final Listener listener;
    private final Consumer<String> notices;
    private final ScheduledExecutorService looking = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "sharedip-addresses");
        thread.setDaemon(true);
        return thread;
    });
    private volatile HostAddresses latest = firstLook();
    private volatile List<Integer> own = List.copyOf(latest.own());
    /** Whether the last look has failed. The watch's thread only. */
    private boolean blind;

    /** Hears of changes, on the watch's thread. */
    @FunctionalInterface
    public interface Listener {

        /**
         * Something has changed.
         *
         * @param gone addresses that the host no longer has
         * @param description one clause
         */
        void changed(List<Integer> gone, String description);
    }

    /**
     * Looks for the first time.
     *
     * @param notices is told when the addresses cannot be seen any more, on the watch's thread
     * @throws LinkException if they cannot be seen now
     */
    public AddressWatch(Listener listener, Consumer<String> notices) {
        this.listener = listener;
        this.notices = notices;
    }

    /**
     * The host's addresses, without a watch.
     *
     * @throws LinkException if they cannot be seen
     */
    public static List<Integer> addressesNow() {
        return List.copyOf(firstLook().own());
    }

    private static HostAddresses firstLook() {
        try {
            return HostAddresses.read();
        } catch (IOException e) {
            throw new LinkException(
                    "sockets",
                    "the host's own addresses, which guests must be kept from, cannot be read (" + e.getMessage() + ")",
                    Failures.isOutOfDescriptors(e) ? "raise the limit of open files (ulimit -n)" : null,
                    e);
        }
    }

    public void start() {
        var unused = looking.scheduleWithFixedDelay(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look() {
        try {
            lookOnce();
            blind = false;
        } catch (IOException | RuntimeException | LinkageError e) {
            // thrown on, it would end the watch
            if (!blind) {
                blind = true;
                notices.accept(
                        "the host's addresses cannot be read, and are taken to be what they were: " + e.getMessage());
            }
        }
    }

    private void lookOnce() throws IOException {
        HostAddresses before = latest;
        HostAddresses now = HostAddresses.read();
        String change = now.changeSince(before);
        if (!change.isEmpty()) {
            latest = now;
            own = List.copyOf(now.own());
            listener.changed(before.goneIn(now), change);
        }
    }

    public List<Integer> addresses() {
        return own;
    }

    /** Whether a packet to this address would reach the host itself. */
    public boolean isHost(int address) {
        return latest.contains(address);
    }

    public void stop() {
        looking.shutdownNow();
    }
}
