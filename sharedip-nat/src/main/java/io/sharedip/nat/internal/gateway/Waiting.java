package io.sharedip.nat.internal.gateway;

/** Waits that are bounded and keep the caller's interrupt status. */
final class Waiting {

    private Waiting() {}

    /** Waits for a thread to end. @return whether it did */
    static boolean join(Thread thread, long millis) {
        boolean interrupted = false;
        long deadline = System.nanoTime() + millis * 1_000_000;
        try {
            while (thread.isAlive()) {
                long left = (deadline - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return false;
                }
                try {
                    thread.join(left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            return true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
