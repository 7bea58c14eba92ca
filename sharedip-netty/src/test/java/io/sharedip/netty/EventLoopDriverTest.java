package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.sharedip.ConfigurationException;
import io.sharedip.driver.GatewayDriver.Turn;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class EventLoopDriverTest {

    private static final long NEVER = TimeUnit.DAYS.toNanos(1);

    /** Counts turns, and answers as told. */
    private static final class Counting implements Turn {

        final AtomicInteger turns = new AtomicInteger();
        final AtomicReference<Thread> thread = new AtomicReference<>();
        volatile long due = NEVER;

        @Override
        public long take() {
            turns.incrementAndGet();
            thread.set(Thread.currentThread());
            return due;
        }
    }

    @ParameterizedTest
    @EnumSource
    void turns_are_given_at_the_start_and_when_woken_on_one_thread(SocketTransport transport) {
        EventLoopDriver driver = EventLoopDriver.ownLoop(transport);
        Counting turn = new Counting();
        driver.wakeup();
        driver.start(turn);
        await().until(() -> turn.turns.get() == 1);
        driver.run(() -> assertThat(Thread.currentThread()).isSameAs(turn.thread.get()));
        assertThat(turn.thread.get().getName()).startsWith("sharedip-loop");
        assertThat(turn.thread.get().isDaemon()).isTrue();
        driver.wakeup();
        await().until(() -> turn.turns.get() == 2);
        driver.stop();
        assertThat(((EventLoop) driver.group()).isTerminated()).isTrue();
        if (transport != SocketTransport.AUTO) {
            assertThat(driver.transport()).isEqualTo(transport);
        }
    }

    @Test
    void any_number_of_wakeups_before_a_turn_count_as_one() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        Counting turn = new Counting();
        driver.start(turn);
        await().until(() -> turn.turns.get() == 1);
        driver.run(() -> {
            for (int i = 0; i < 100; i++) {
                driver.wakeup();
            }
        });
        driver.run(() -> {});
        assertThat(turn.turns).hasValue(2);
        driver.stop();
    }

    @Test
    void a_turn_comes_when_it_is_due_though_a_later_one_was_asked_for_before() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        Counting turn = new Counting();
        driver.start(turn);
        await().until(() -> turn.turns.get() == 1);
        turn.due = TimeUnit.MILLISECONDS.toNanos(1);
        driver.wakeup();
        await().until(() -> turn.turns.get() >= 10);
        driver.stop();
    }

    @Test
    void an_alarm_that_has_become_too_early_gives_no_turn() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        Counting turn = new Counting();
        driver.start(() -> {
            turn.take();
            if (turn.turns.get() == 1) {
                driver.wakeup();
                return TimeUnit.MILLISECONDS.toNanos(20);
            }
            return NEVER;
        });
        await().until(() -> turn.turns.get() == 2);
        CountDownLatch later = new CountDownLatch(1);
        ((EventLoop) driver.group()).schedule(later::countDown, 60, TimeUnit.MILLISECONDS);
        await().until(() -> later.getCount() == 0);
        assertThat(turn.turns).hasValue(2);
        driver.stop();
    }

    @Test
    void a_turn_that_is_due_at_once_and_wakeups_without_end_leave_time_for_the_channels(@TempDir Path directory) {
        EventLoopDriver driver = EventLoopDriver.ownLoop(SocketTransport.NIO);
        Counting turn = new Counting();
        driver.start(() -> {
            turn.take();
            driver.wakeup();
            return 0;
        });
        RecordingHost host = new RecordingHost();
        host.onDriverThread = ((EventLoop) driver.group())::inEventLoop;
        QemuStreamLink link = QemuStreamLink.listen("unix:" + directory.resolve("vm"), driver.group());
        link.open(host);
        try (Monitor monitor = Monitor.connect(link.localAddress().orElseThrow())) {
            for (int i = 0; i < 20; i++) {
                int before = turn.turns.get();
                monitor.send(Monitor.frame(Monitor.MAC_1, i, 60));
                int wanted = i + 1;
                await().until(() -> host.delivered.size() == wanted);
                await().until(() -> turn.turns.get() > before);
            }
        }
        link.close();
        driver.stop();
    }

    @Test
    void no_turn_begins_once_stop_has_returned() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        Counting turn = new Counting();
        turn.due = 0;
        driver.start(turn);
        await().until(() -> turn.turns.get() > 100);
        driver.stop();
        int turns = turn.turns.get();
        driver.wakeup();
        assertThat(turn.turns).hasValue(turns);
        driver.stop();
        assertThatThrownBy(() -> driver.run(() -> {})).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void stop_from_within_a_turn_ends_the_turns_and_the_loop() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        AtomicInteger turns = new AtomicInteger();
        driver.start(() -> {
            turns.incrementAndGet();
            driver.stop();
            return 0;
        });
        await().until(((EventLoop) driver.group())::isTerminated);
        assertThat(turns).hasValue(1);
    }

    @Test
    void a_negative_answer_ends_the_turns_until_somebody_wakes_the_driver() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        Counting turn = new Counting();
        turn.due = -1;
        driver.start(turn);
        await().until(() -> turn.turns.get() == 1);
        driver.run(() -> {});
        driver.wakeup();
        await().until(() -> turn.turns.get() == 2);
        driver.stop();
    }

    @Test
    void run_is_inline_on_the_loop_and_throws_what_the_action_throws() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        driver.run(() -> {
            AtomicReference<String> order = new AtomicReference<>("");
            driver.run(() -> order.set("inner"));
            assertThat(order).hasValue("inner");
        });
        IllegalArgumentException thrown = new IllegalArgumentException("no");
        assertThatThrownBy(() -> driver.run(() -> {
                    throw thrown;
                }))
                .isSameAs(thrown);
        driver.stop();
    }

    @Test
    void it_drives_one_gateway() {
        EventLoopDriver driver = EventLoopDriver.ownLoop();
        driver.start(new Counting());
        assertThatThrownBy(() -> driver.start(new Counting())).isInstanceOf(IllegalStateException.class);
        driver.stop();
    }

    @Test
    void the_embedders_loop_is_used_and_left_running() {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
        EventLoop mine = group.next();
        EventLoopDriver driver = mine.submit(() -> EventLoopDriver.on(group))
                .syncUninterruptibly()
                .getNow();
        assertThat(driver.group()).isSameAs(mine);
        assertThat(driver.transport()).isEqualTo(SocketTransport.NIO);
        Counting turn = new Counting();
        driver.start(turn);
        await().until(() -> turn.turns.get() == 1);
        driver.stop();
        assertThat(mine.isShuttingDown()).isFalse();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        driver.stop();
    }

    @Test
    void a_group_of_another_kind_is_refused() {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
        assertThatThrownBy(() -> EventLoopDriver.on(group))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("NioIoHandler");
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
    }
}
