package io.sharedip.netty.internal.linux;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;

/** Watches within an event loop of epoll. */
final class LoopPoller implements Poller {

    private final IoEventLoop loop;

    LoopPoller(IoEventLoop loop) {
        this.loop = loop;
    }

    @Override
    public Watch watch(int fd, Runnable ready) throws ErrnoException {
        Future<IoRegistration> registered = loop.register(new Handle(new FileDescriptor(fd), ready));
        if (!registered.isSuccess()) {
            throw new ErrnoException("register", 0);
        }
        IoRegistration registration = registered.getNow();
        registration.submit(EpollIoOps.EPOLLIN);
        return registration::cancel;
    }

    @Override
    public void close() {
        // the loop has all there is
    }

    /** A descriptor of ours in the loop's hands; only we close it. */
    private record Handle(FileDescriptor fd, Runnable ready) implements EpollIoHandle {

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            if (registration.isValid()) {
                ready.run();
            }
        }

        @Override
        public void close() {
            // its owner does
        }
    }
}
