package io.sharedip.netty.internal.linux;

import io.netty.channel.IoEventLoop;

/** Tells sockets that are no channels when there is something to read, on the event loop. Event loop only. */
public interface Poller extends AutoCloseable {

    /** One socket that is watched. */
    interface Watch {

        /** Ends it; to be called before the descriptor is closed. */
        void end();
    }

    /**
     * Watches a descriptor.
     *
     * @param ready called whenever there is something to read or an error to tell, again and again until it is read
     */
    Watch watch(int fd, Runnable ready) throws ErrnoException;

    @Override
    void close();

    /** A poller for a loop: within it if it is one of epoll, else with a thread of its own. */
    static Poller on(IoEventLoop loop, boolean epoll) throws ErrnoException {
        return epoll ? new LoopPoller(loop) : new ThreadPoller(loop);
    }
}
