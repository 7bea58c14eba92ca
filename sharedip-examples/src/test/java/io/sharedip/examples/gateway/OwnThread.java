package io.sharedip.examples.gateway;

/** Runs what takes long on a thread of its own: the common pool, the default, may have but one thread, which others need. */
final class OwnThread {

    private OwnThread() {}

    static void start(Runnable task) {
        Thread thread = new Thread(task, "test");
        thread.setDaemon(true);
        thread.start();
    }
}
