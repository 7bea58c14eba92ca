package io.sharedip.netty.internal.transport;

import static io.netty.channel.epoll.EpollIoOps.EPOLLET;
import static io.netty.channel.epoll.EpollIoOps.EPOLLIN;
import static io.netty.channel.epoll.EpollIoOps.EPOLLOUT;
import static io.netty.channel.epoll.EpollIoOps.EPOLLRDHUP;
import static io.netty.channel.epoll.EpollIoOps.NONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoOps;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the kernel is told of the changes that channels ask for. */
class KeepingEpollTest {

    private final Kernel kernel = new Kernel();
    private final KeepingEpoll epoll = new KeepingEpoll(kernel);
    private final Handle handle = new Handle();
    private IoRegistration registration;

    @BeforeEach
    void register() throws Exception {
        registration = epoll.register(handle);
    }

    private void ask(EpollIoOps first, EpollIoOps... more) {
        EpollIoOps all = first;
        for (EpollIoOps each : more) {
            all = all.with(each);
        }
        registration.submit(all);
    }

    private void goRound() {
        epoll.run(new Blocking());
    }

    @Test
    void what_is_watched_for_the_first_time_is_told_at_once() {
        ask(EPOLLIN, EPOLLRDHUP);
        assertThat(kernel.told).containsExactly(EPOLLIN.with(EPOLLRDHUP));
    }

    @Test
    void what_waits_for_nothing_yet_is_not_watched() {
        ask(NONE);
        ask(EPOLLIN);
        assertThat(kernel.told).containsExactly(NONE, EPOLLIN);
    }

    @Test
    void changes_are_told_as_one_before_the_loop_waits() {
        ask(EPOLLRDHUP);
        ask(EPOLLRDHUP, EPOLLIN);
        ask(EPOLLRDHUP, EPOLLIN, EPOLLOUT);
        ask(EPOLLIN, EPOLLOUT);
        assertThat(kernel.told).containsExactly(EPOLLRDHUP);
        goRound();
        goRound();
        assertThat(kernel.told).containsExactly(EPOLLRDHUP, EPOLLIN.with(EPOLLOUT));
        assertThat(kernel.toldAtLastWait).isEqualTo(2);
    }

    @Test
    void changes_that_come_to_nothing_are_not_told() {
        ask(EPOLLIN, EPOLLRDHUP);
        ask(EPOLLRDHUP);
        ask(EPOLLIN, EPOLLRDHUP);
        goRound();
        assertThat(kernel.told).hasSize(1);
    }

    @Test
    void what_waits_for_nothing_any_more_goes_on_waiting_for_errors() {
        ask(EPOLLIN);
        ask(NONE);
        goRound();
        ask(EPOLLOUT);
        goRound();
        assertThat(kernel.told).containsExactly(EPOLLIN, EPOLLET, EPOLLOUT);
    }

    @Test
    void a_connection_that_is_made_is_told_of_once_and_then_costs_one_change() {
        ask(EPOLLOUT, EPOLLRDHUP);
        goRound();
        ask(EPOLLRDHUP);
        goRound();
        assertThat(kernel.told).containsExactly(EPOLLOUT.with(EPOLLRDHUP).with(EPOLLET));
        ask(EPOLLRDHUP, EPOLLIN);
        goRound();
        assertThat(kernel.told).hasSize(2).last().isEqualTo(EPOLLRDHUP.with(EPOLLIN));
    }

    @Test
    void a_connection_that_is_full_as_soon_as_it_is_made_waits_for_room_again() {
        ask(EPOLLOUT, EPOLLRDHUP);
        goRound();
        ask(EPOLLRDHUP);
        ask(EPOLLOUT, EPOLLRDHUP);
        goRound();
        assertThat(kernel.told).hasSize(2).last().isEqualTo(EPOLLOUT.with(EPOLLRDHUP));
    }

    @Test
    void what_has_ended_before_the_loop_waits_is_not_told_of() {
        ask(EPOLLIN);
        ask(NONE);
        registration.cancel();
        goRound();
        assertThat(kernel.told).containsExactly(EPOLLIN);
    }

    @Test
    void what_the_kernel_refuses_to_watch_ends() {
        kernel.refuses = true;
        assertThatThrownBy(() -> ask(EPOLLIN)).isInstanceOf(UncheckedIOException.class);
        kernel.refuses = false;
        ask(EPOLLIN);
        assertThat(handle.closed).isFalse();
        kernel.refuses = true;
        ask(EPOLLIN, EPOLLOUT);
        goRound();
        assertThat(handle.closed).isTrue();
    }

    private static final class Blocking implements IoHandlerContext {

        @Override
        public boolean canBlock() {
            return true;
        }

        @Override
        public long delayNanos(long currentTimeNanos) {
            return 0;
        }

        @Override
        public long deadlineNanos() {
            return -1;
        }
    }

    private static final class Handle implements IoHandle {

        private boolean closed;

        @Override
        public void handle(IoRegistration registration, IoEvent event) {}

        @Override
        public void close() {
            closed = true;
        }
    }

    /** In the place of Netty's handler. */
    private static final class Kernel implements IoHandler {

        private final List<EpollIoOps> told = new ArrayList<>();
        private boolean refuses;
        private int toldAtLastWait;

        @Override
        public int run(IoHandlerContext context) {
            toldAtLastWait = told.size();
            return 0;
        }

        @Override
        public void prepareToDestroy() {}

        @Override
        public void destroy() {}

        @Override
        public void wakeup() {}

        @Override
        public boolean isCompatible(Class<? extends IoHandle> handleType) {
            return true;
        }

        @Override
        public IoRegistration register(IoHandle handle) {
            return new IoRegistration() {

                private boolean cancelled;

                @Override
                @SuppressWarnings("TypeParameterUnusedInFormals") // as it is overridden
                public <T> T attachment() {
                    throw new UnsupportedOperationException();
                }

                @Override
                public long submit(IoOps ops) {
                    if (refuses) {
                        throw new UncheckedIOException(new IOException("no room"));
                    }
                    told.add((EpollIoOps) ops);
                    return 0;
                }

                @Override
                public boolean isValid() {
                    return !cancelled;
                }

                @Override
                public boolean cancel() {
                    cancelled = true;
                    return true;
                }
            };
        }
    }
}
