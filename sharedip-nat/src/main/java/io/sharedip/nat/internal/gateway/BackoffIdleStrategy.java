package io.sharedip.nat.internal.gateway;

import io.sharedip.nat.IdleStrategy;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Spins, then parks until woken. A wake-up that comes between the last look and the parking is not lost: a flag remembers it. */
public final class BackoffIdleStrategy implements IdleStrategy {

    private static final int SPINS = 50;
    private static final long LONGEST_NANOS = 10_000_000L;

    private int spins;
    private volatile boolean signalled;
    private volatile @Nullable Thread parked;

    @Override
    public void idle(int work) {
        if (work > 0) {
            spins = 0;
            return;
        }
        if (spins < SPINS) {
            spins++;
            Thread.onSpinWait();
            return;
        }
        parked = Thread.currentThread();
        if (!signalled) {
            LockSupport.parkNanos(this, LONGEST_NANOS);
        }
        parked = null;
        signalled = false;
    }

    @Override
    public void wakeup() {
        signalled = true;
        Thread sleeper = parked;
        if (sleeper != null) {
            LockSupport.unpark(sleeper);
        }
    }
}
