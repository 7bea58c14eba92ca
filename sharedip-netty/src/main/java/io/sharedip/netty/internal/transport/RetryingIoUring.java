package io.sharedip.netty.internal.transport;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Netty's io_uring, which goes on sending to a peer that has closed its half. When such a peer is slow, Netty (4.2.18) asks the kernel to
 * tell when there is room. The kernel answers at once that the peer has closed its half, whatever it was asked for, and nothing is sent any
 * more. Here that answer makes Netty try again, a little later.
 */
@SuppressWarnings("FutureReturnValueIgnored") // of a task that cannot fail
final class RetryingIoUring implements IoHandler {

    private static final byte POLL_ADD = 6;
    private static final int POLL_IN = 1;
    private static final int POLL_OUT = 4;
    private static final int POLL_RDHUP = 0x2000;

    private static final int RETRY_MILLIS = 5;

    private final IoHandler ring;
    private final ScheduledExecutorService loop;

    private RetryingIoUring(IoHandler ring, ScheduledExecutorService loop) {
        this.ring = ring;
        this.loop = loop;
    }

    static IoHandlerFactory newFactory() {
        IoHandlerFactory factory = IoUringIoHandler.newFactory();
        return executor -> of(factory.newHandler(executor), executor);
    }

    private static IoHandler of(IoHandler ring, ThreadAwareExecutor executor) {
        // every event loop of Netty's is one
        return executor instanceof ScheduledExecutorService loop ? new RetryingIoUring(ring, loop) : ring;
    }

    @Override
    public void initialize() {
        ring.initialize();
    }

    @Override
    public int run(IoHandlerContext context) {
        return ring.run(context);
    }

    @Override
    public void prepareToDestroy() {
        ring.prepareToDestroy();
    }

    @Override
    public void destroy() {
        ring.destroy();
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        return ring.register(handle instanceof IoUringIoHandle of ? new Retrying(of) : handle);
    }

    @Override
    public void wakeup() {
        ring.wakeup();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return ring.isCompatible(handleType);
    }

    @SuppressWarnings("try") // as what it wraps
    private final class Retrying implements IoUringIoHandle {

        private final IoUringIoHandle handle;
        /** The first time it is what Netty has asked for, once for each connection. */
        private boolean heardThatPeerHasFinished;

        private Retrying(IoUringIoHandle handle) {
            this.handle = handle;
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            IoUringIoEvent completion = (IoUringIoEvent) event;
            int result = completion.res();
            if (completion.opcode() == POLL_ADD
                    && result > 0
                    && (result & POLL_RDHUP) != 0
                    && (result & (POLL_IN | POLL_OUT)) == 0) {
                if (heardThatPeerHasFinished) {
                    tryLater(registration, completion);
                    return;
                }
                heardThatPeerHasFinished = true;
            }
            handle.handle(registration, event);
        }

        private void tryLater(IoRegistration registration, IoUringIoEvent completion) {
            IoUringIoEvent room =
                    new IoUringIoEvent(POLL_OUT, completion.flags(), completion.opcode(), completion.userData());
            loop.schedule(() -> handle.handle(registration, room), RETRY_MILLIS, TimeUnit.MILLISECONDS);
        }

        @Override
        public void registered() {
            handle.registered();
        }

        @Override
        public void unregistered() {
            handle.unregistered();
        }

        @Override
        public void close() throws Exception {
            handle.close();
        }
    }
}
