package io.sharedip.netty.internal.linux;

/** Tells sockets that are no channels when there is something to read, on the event loop. Event loop only. */
interface Poller extends AutoCloseable {

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
}
