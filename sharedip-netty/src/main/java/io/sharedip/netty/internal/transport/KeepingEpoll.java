package io.sharedip.netty.internal.transport;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Netty's epoll, which never forgets a descriptor that is still registered, and tells the kernel of changes once for each round.
 *
 * <p>Netty (4.2.18) takes a descriptor that waits for nothing out of the kernel's set, and then fails to change what is no longer there. So
 * a connection whose peer has closed its half could not wait for room to write: its output was ended in the middle. Here such a descriptor
 * stays, and waits for errors alone, each told once.
 *
 * <p>A short connection changes its mind often about what it waits for, which matters only when the loop is about to wait. So changes are
 * gathered until then, and those that have come to nothing are never told. One that is being connected is told of it once: that it waits
 * for this no longer is not worth telling.
 */
final class KeepingEpoll implements IoHandler {

    private final IoHandler epoll;
    private final List<Registration> changed = new ArrayList<>();

    KeepingEpoll(IoHandler epoll) {
        this.epoll = epoll;
    }

    static IoHandlerFactory newFactory() {
        IoHandlerFactory factory = EpollIoHandler.newFactory();
        return executor -> new KeepingEpoll(factory.newHandler(executor));
    }

    @Override
    public void initialize() {
        epoll.initialize();
    }

    @Override
    public int run(IoHandlerContext context) {
        for (int i = 0; i < changed.size(); i++) {
            changed.get(i).tell();
        }
        changed.clear();
        return epoll.run(context);
    }

    @Override
    public void prepareToDestroy() {
        epoll.prepareToDestroy();
    }

    @Override
    public void destroy() {
        epoll.destroy();
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        return new Registration(handle, epoll.register(handle));
    }

    @Override
    public void wakeup() {
        epoll.wakeup();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return epoll.isCompatible(handleType);
    }

    /** Event loop only, as whoever submits is. */
    private final class Registration implements IoRegistration {

        private final IoHandle handle;
        private final IoRegistration inner;
        /** What the kernel has been told; nothing as long as it has not been asked for anything. */
        private EpollIoOps told = EpollIoOps.NONE;

        private EpollIoOps wanted = EpollIoOps.NONE;
        private boolean wantsMore;
        private boolean queued;

        private Registration(IoHandle handle, IoRegistration inner) {
            this.handle = handle;
            this.inner = inner;
        }

        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // as it is overridden
        public <T> T attachment() {
            return inner.attachment();
        }

        @Override
        public long submit(IoOps ops) {
            EpollIoOps now = (EpollIoOps) ops;
            if (EpollIoOps.NONE.equals(told)) {
                EpollIoOps first = now.contains(EpollIoOps.EPOLLOUT) ? now.with(EpollIoOps.EPOLLET) : now;
                long result = inner.submit(first);
                wanted = now;
                told = first;
                return result;
            }
            wantsMore |= (now.value() & ~wanted.value()) != 0;
            wanted = now;
            if (!queued) {
                queued = true;
                changed.add(this);
            }
            return now.value();
        }

        private void tell() {
            queued = false;
            boolean more = wantsMore;
            wantsMore = false;
            EpollIoOps next = EpollIoOps.NONE.equals(wanted) ? EpollIoOps.EPOLLET : wanted;
            // what is told once does no harm if nobody waits for it
            boolean fewerOfThoseToldOnce = !more && told.contains(EpollIoOps.EPOLLET);
            if (next.equals(told) || fewerOfThoseToldOnce || !inner.isValid()) {
                return;
            }
            told = next;
            try {
                inner.submit(next);
            } catch (UncheckedIOException e) {
                end();
            }
        }

        /** The kernel does not watch it, so nobody would hear of its end. */
        private void end() {
            try {
                handle.close();
            } catch (Exception e) {
                // there is nothing left of it
            }
        }

        @Override
        public boolean isValid() {
            return inner.isValid();
        }

        @Override
        public boolean cancel() {
            return inner.cancel();
        }
    }
}
