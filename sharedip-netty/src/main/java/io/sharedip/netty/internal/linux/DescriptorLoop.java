package io.sharedip.netty.internal.linux;

import io.netty.channel.IoEventLoop;

/** What the sockets of one event loop share that are no channels. Event loop only. */
public final class DescriptorLoop implements AutoCloseable {

    private final Poller poller;
    private final Arrivals arrivals = new Arrivals();
    private final Departures departures = new Departures();
    private final ErrorQueue errors = new ErrorQueue();

    /**
     * Begins to watch.
     *
     * @param epoll whether the loop is one of epoll, which can watch by itself
     */
    public DescriptorLoop(IoEventLoop loop, boolean epoll) throws ErrnoException {
        this.poller = epoll ? new LoopPoller(loop) : new ThreadPoller(loop);
    }

    Poller poller() {
        return poller;
    }

    Arrivals arrivals() {
        return arrivals;
    }

    Departures departures() {
        return departures;
    }

    ErrorQueue errors() {
        return errors;
    }

    /** Sends what sockets have taken. */
    public void flush() {
        departures.flush();
    }

    /** Ends the watching. The sockets are to be closed before. */
    @Override
    public void close() {
        poller.close();
    }
}
