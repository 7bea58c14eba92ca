package io.sharedip.netty.internal.sockets;

import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Looks at the host's addresses and routes once a second, on a thread of its own, since that takes system calls by the dozen. */
public final class AddressWatch {

    private static final long PERIOD_MILLIS = 1000;

    private final Listener listener;
    private final ScheduledExecutorService looking = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "sharedip-addresses");
        thread.setDaemon(true);
        return thread;
    });
    private volatile HostAddresses latest = HostAddresses.read();
    private volatile List<Integer> own = List.copyOf(latest.own());

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

    public AddressWatch(Listener listener) {
        this.listener = listener;
    }

    /** The host's addresses, without a watch. */
    public static List<Integer> addressesNow() {
        return List.copyOf(HostAddresses.read().own());
    }

    public void start() {
        var unused = looking.scheduleWithFixedDelay(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look() {
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
