package io.sharedip.netty;

import static io.sharedip.netty.Monitor.MAC_1;
import static io.sharedip.netty.Monitor.frame;
import static io.sharedip.netty.Monitor.length;
import static io.sharedip.netty.Monitor.stream;
import static io.sharedip.netty.RecordingHost.PATIENCE;
import static io.sharedip.netty.RecordingHost.receive;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.local.LocalIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class QemuStreamLinkTest {

    enum Transport {
        UNIX,
        TCP,
        UNIX_EPOLL,
        TCP_EPOLL;

        EventLoopGroup group() {
            return name().endsWith("EPOLL") ? epoll : group;
        }
    }

    private static EventLoopGroup group;
    private static EventLoopGroup epoll;

    @TempDir
    Path directory;

    private final RecordingHost host = new RecordingHost();
    private final List<AutoCloseable> toClose = new ArrayList<>();

    @BeforeAll
    static void start() {
        group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        epoll = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    }

    @AfterAll
    static void stop() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        epoll.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable closeable : toClose) {
            closeable.close();
        }
    }

    /** Runs on a thread of its own: the common pool may have a single thread, and these actions wait for one another. */
    private static CompletableFuture<Void> alongside(Runnable action) {
        return CompletableFuture.runAsync(action, task -> new Thread(task, "alongside").start());
    }

    private String address(Transport transport) {
        return transport.name().startsWith("UNIX") ? "unix:" + directory.resolve("vm.sock") : "tcp:127.0.0.1:0";
    }

    private QemuStreamLink open(QemuStreamLink link) {
        link.open(host);
        toClose.add(link::close);
        return link;
    }

    private QemuStreamLink open(Transport transport) {
        return open(QemuStreamLink.listen(address(transport), transport.group()));
    }

    private Monitor connect(QemuStreamLink link) {
        Monitor monitor = Monitor.connect(link.localAddress().orElseThrow());
        toClose.add(monitor);
        return monitor;
    }

    private Monitor connected(QemuStreamLink link) {
        Monitor monitor = connect(link);
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(1)).until(link::isConnected);
        return monitor;
    }

    /** Returns when the event loop has read whatever had been written: each task waits for one round of reads at least. */
    private static void letTheLoopRead(Transport transport) {
        for (int i = 0; i < 2; i++) {
            transport.group().next().submit(() -> {}).syncUninterruptibly();
        }
    }

    private static void assertFrames(List<byte[]> actual, byte[]... expected) {
        assertThat(actual).hasSize(expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual.get(i)).isEqualTo(expected[i]);
        }
    }

    // reading

    @ParameterizedTest
    @EnumSource
    void framesComeOutOfAStreamSplitInTwoAnywhere(Transport transport) {
        QemuStreamLink link = open(transport);
        Monitor monitor = connected(link);
        byte[][] frames = {frame(MAC_1, 1, 14), frame(MAC_1, 2, 60), frame(MAC_1, 3, 15), frame(MAC_1, 4, 77)};
        byte[] octets = stream(frames);
        for (int split = 0; split <= octets.length; split++) {
            monitor.write(octets, 0, split);
            letTheLoopRead(transport);
            monitor.write(octets, split, octets.length);
            assertFrames(receive(link, frames.length), frames);
        }
        host.assertEvents();
    }

    @ParameterizedTest
    @EnumSource
    void framesComeOutOfAStreamOctetByOctet(Transport transport) {
        QemuStreamLink link = open(transport);
        Monitor monitor = connected(link);
        byte[][] frames = {frame(MAC_1, 1, 14), frame(MAC_1, 2, 300), frame(MAC_1, 3, 60)};
        byte[] octets = stream(frames);
        for (int i = 0; i < octets.length; i++) {
            monitor.write(octets, i, i + 1);
            letTheLoopRead(transport);
        }
        assertFrames(receive(link, frames.length), frames);
    }

    @ParameterizedTest
    @EnumSource
    void fiftyFramesComeOutOfOneWriteWithFewWakeups(Transport transport) {
        QemuStreamLink link = open(transport);
        Monitor monitor = connected(link);
        byte[][] frames = new byte[50][];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = frame(MAC_1, i, 60 + i);
        }
        monitor.send(frames);
        assertFrames(receive(link, frames.length), frames);
        await().atMost(PATIENCE).until(() -> host.wakeups.get() > 0);
        assertThat(host.wakeups.get()).isLessThan(10);
    }

    @ParameterizedTest
    @EnumSource
    void theLargestFrameGoesBothWays(Transport transport) {
        QemuStreamLink link = open(transport);
        Monitor monitor = connected(link);
        // more than fit into one read, so that every way of lying in the buffer comes up
        for (int i = 0; i < 20; i++) {
            byte[] large = frame(MAC_1, i, 69_632 - (i % 3));
            byte[] small = frame(MAC_1, i, 14 + i);
            CompletableFuture<Void> writing = alongside(() -> monitor.send(large, small));
            assertFrames(receive(link, 2), large, small);
            writing.join();
            assertThat(link.send(Frame.of(large))).isTrue();
            assertThat(link.send(Frame.of(small))).isTrue();
            link.flush();
            assertThat(monitor.read()).isEqualTo(large);
            assertThat(monitor.read()).isEqualTo(small);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 13, 69_633, Integer.MAX_VALUE, -1, 0x000e0000})
    void aBadLengthClosesTheConnectionAndTheNextOneWorks(int bad) {
        QemuStreamLink link = open(Transport.UNIX);
        Monitor first = connected(link);
        byte[] good = frame(MAC_1, 1, 60);
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        octets.writeBytes(stream(good));
        octets.writeBytes(length(bad));
        octets.writeBytes(new byte[20]);
        first.write(octets.toByteArray());
        assertFrames(receive(link, 1), good);
        assertThat(first.read()).isNull();
        String problem = "the guest announced a frame of " + (bad & 0xffffffffL) + " octets";
        host.awaitEvents("notice: " + problem, "down: " + problem);

        Monitor second = connected(link);
        second.send(good);
        assertFrames(receive(link, 1), good);
        host.awaitEvents("notice: ", "down: ", "up");
    }

    @Test
    void incomingFramesAreMarkedAsAsked() {
        for (ChecksumState state : ChecksumState.values()) {
            QemuStreamLink link =
                    open(QemuStreamLink.listen("tcp:127.0.0.1:0", group).withChecksums(state));
            connected(link).send(frame(MAC_1, 1, 60));
            AtomicReference<ChecksumState> seen = new AtomicReference<>();
            await().atMost(PATIENCE).until(() -> link.poll((f, n) -> seen.set(f[0].checksumState()), 1) == 1);
            assertThat(seen).hasValue(state);
        }
        QemuStreamLink plain = open(Transport.TCP);
        connected(plain).send(frame(MAC_1, 1, 60));
        AtomicReference<ChecksumState> seen = new AtomicReference<>();
        await().atMost(PATIENCE).until(() -> plain.poll((f, n) -> seen.set(f[0].checksumState()), 1) == 1);
        assertThat(seen).hasValue(ChecksumState.COMPLETE);
    }

    @ParameterizedTest
    @EnumSource
    void aBurstBeyondTheRingHoldsTheMonitorUpAndLosesNothing(Transport transport) throws Exception {
        QemuStreamLink link = open(
                QemuStreamLink.listen(address(transport), transport.group()).withQueue(1 << 18));
        Monitor monitor = connected(link);
        int count = 40_000; // 40 MB, far beyond the ring and every buffer of the system
        AtomicLong sent = new AtomicLong();
        CompletableFuture<Void> guest = alongside(() -> {
            for (int i = 0; i < count; i++) {
                monitor.send(frame(MAC_1, i, 1000));
                sent.incrementAndGet();
            }
        });
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(40)).until(new StandsStill(sent));
        assertThat(sent.get()).isLessThan(count);
        int[] next = {0};
        while (next[0] < count && !Thread.currentThread().isInterrupted()) { // as the timeout does
            link.poll(
                    (frames, n) -> {
                        for (int i = 0; i < n; i++) {
                            assertThat(frames[i].i32(2)).isEqualTo(next[0]++);
                            assertThat(frames[i].length()).isEqualTo(1000);
                        }
                    },
                    64);
        }
        assertThat(next[0]).isEqualTo(count);
        guest.get(10, TimeUnit.SECONDS);
        host.assertEvents();
    }

    /** True when a counter has not moved for three looks. */
    private static final class StandsStill implements java.util.concurrent.Callable<Boolean> {
        private final AtomicLong counter;
        private long last = -1;
        private int looks;

        StandsStill(AtomicLong counter) {
            this.counter = counter;
        }

        @Override
        public Boolean call() {
            long now = counter.get();
            looks = now == last && now > 0 ? looks + 1 : 0;
            last = now;
            return looks == 3;
        }
    }

    // connections

    @Test
    void beforeTheFirstConnectionThereIsNoPeerAndNoEvent() {
        QemuStreamLink link = open(Transport.TCP);
        assertThat(link.isConnected()).isFalse();
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        link.flush();
        assertThat(link.poll((frames, count) -> {}, 64)).isZero();
        connected(link);
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isTrue();
        host.assertEvents();
    }

    @ParameterizedTest
    @EnumSource
    void aReconnectIsDownThenUpAndOldFramesAreGone(Transport transport) {
        QemuStreamLink link = open(transport);
        for (int i = 0; i < 5; i++) {
            Monitor monitor = connected(link);
            assertThat(link.send(Frame.of(frame(MAC_1, i, 60)))).isTrue();
            link.flush();
            assertThat(Monitor.number(monitor.read())).isEqualTo(i);
            // begun and never finished by either side
            monitor.write(new byte[] {0, 0, 1, 0, 9, 9});
            link.send(Frame.of(frame(MAC_1, 1000, 600)));
            monitor.close();
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(1)).until(() -> !link.isConnected());
            assertThat(link.send(Frame.of(frame(MAC_1, 2000, 600)))).isFalse();
            link.flush();
        }
        host.awaitEvents(
                "down: the guest closed the connection",
                "up",
                "down: ",
                "up",
                "down: ",
                "up",
                "down: ",
                "up",
                "down: ");
    }

    @ParameterizedTest
    @EnumSource
    void aSecondConnectionIsRefusedAndTheFirstGoesOn(Transport transport) {
        QemuStreamLink link = open(transport);
        Monitor first = connected(link);
        List<Monitor> others = List.of(connect(link), connect(link), connect(link));
        for (Monitor other : others) {
            assertThat(other.read()).isNull();
        }
        host.awaitEvents("notice: a second connection", "notice: a second connection", "notice: a second connection");
        byte[] frame = frame(MAC_1, 7, 100);
        first.send(frame);
        assertFrames(receive(link, 1), frame);
        assertThat(link.send(Frame.of(frame))).isTrue();
        link.flush();
        assertThat(first.read()).isEqualTo(frame);
    }

    @ParameterizedTest
    @EnumSource
    void aMonitorThatIsRestartedAtOnceIsNotRefused(Transport transport) {
        QemuStreamLink link = open(transport);
        Monitor monitor = connected(link);
        for (int i = 0; i < 100; i++) {
            monitor.close();
            monitor = connect(link);
            byte[] frame = frame(MAC_1, i, 60);
            monitor.send(frame);
            assertFrames(receive(link, 1), frame);
        }
        assertThat(host.events).hasSize(200).noneMatch(e -> e.startsWith("notice"));
    }

    // writing

    @Test
    void framesOfImpossibleLengthAreNotSent() {
        QemuStreamLink link = open(Transport.TCP);
        Monitor monitor = connected(link);
        assertThat(link.send(Frame.of(new byte[0]))).isFalse();
        assertThat(link.send(Frame.of(new byte[13]))).isFalse();
        assertThat(link.send(Frame.of(new byte[69_633]))).isFalse();
        assertThat(link.send(Frame.of(frame(MAC_1, 5, 14)))).isTrue();
        link.flush();
        assertThat(monitor.read()).isEqualTo(frame(MAC_1, 5, 14));
    }

    @ParameterizedTest
    @EnumSource
    void aGuestThatDoesNotReadFillsTheQueueAndNoMore(Transport transport) throws Exception {
        int queue = 1 << 18;
        QemuStreamLink link = open(
                QemuStreamLink.listen(address(transport), transport.group()).withQueue(queue));
        Monitor monitor = connected(link);
        int[] accepted = {0};
        int[] refusedInARow = {0};
        // until the system's buffers are full as well
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> {
            int before = accepted[0];
            while (link.send(Frame.of(frame(MAC_1, accepted[0], 1000)))) {
                accepted[0]++;
                if (accepted[0] % 32 == 0) {
                    link.flush();
                }
            }
            link.flush();
            refusedInARow[0] = accepted[0] == before ? refusedInARow[0] + 1 : 0;
            return refusedInARow[0] == 20;
        });
        StreamConnection connection = link.connection();
        long pending = connection
                .channel()
                .eventLoop()
                .submit(() -> connection.channel().unsafe().outboundBuffer().totalPendingWriteBytes())
                .get();
        assertThat(pending).isLessThanOrEqualTo((1 << 16) + 1024);
        assertThat(link.isWritable()).isFalse();
        assertThat(host.wakeups).hasValue(0);

        for (int i = 0; i < accepted[0]; i++) {
            assertThat(monitor.read()).isEqualTo(frame(MAC_1, i, 1000));
        }
        await().atMost(PATIENCE).until(() -> host.wakeups.get() > 0);
        await().atMost(PATIENCE).until(link::isWritable);
        byte[] later = frame(MAC_1, 123, 60);
        assertThat(link.send(Frame.of(later))).isTrue();
        link.flush();
        assertThat(monitor.read()).isEqualTo(later);
        host.assertEvents();
    }

    // threads

    @ParameterizedTest
    @EnumSource
    void onTheEnginesOwnEventLoopFramesGoStraightToIt(Transport transport) throws Exception {
        EventLoopGroup group = transport.group();
        Thread loop = loopThread(group);
        host.onDriverThread = () -> Thread.currentThread() == loop;
        QemuStreamLink link = QemuStreamLink.listen(address(transport), group);
        host.engine = frame -> {
            frame.put8(13, 0x77);
            assertThat(link.send(frame)).isTrue();
            link.flush();
        };
        group.next().submit(() -> open(link)).get();
        Monitor monitor = connected(link);
        for (int i = 0; i < 200; i++) {
            byte[] frame = frame(MAC_1, i, 60 + i);
            monitor.send(frame);
            frame[13] = 0x77;
            assertThat(monitor.read()).isEqualTo(frame);
        }
        assertThat(host.delivered).hasSize(200);
        assertThat(host.wakeups).hasValue(0);
        group.next().submit(link::close).get();
        assertThat(monitor.read()).isNull();
    }

    @ParameterizedTest
    @EnumSource
    void onTheEnginesOwnEventLoopTheFramesOfOneReadAreOneBatch(Transport transport) throws Exception {
        EventLoopGroup group = transport.group();
        Thread loop = loopThread(group);
        host.onDriverThread = () -> Thread.currentThread() == loop;
        QemuStreamLink link = QemuStreamLink.listen(address(transport), group);
        group.next().submit(() -> open(link)).get();
        Monitor monitor = connected(link);
        byte[][] frames = new byte[60][];
        for (int i = 0; i < frames.length; i++) {
            frames[i] = frame(MAC_1, i, 60 + i);
        }
        CountDownLatch written = new CountDownLatch(1);
        // the loop reads when all of it is there
        group.next().execute(() -> {
            try {
                written.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        monitor.send(frames);
        written.countDown();
        await().atMost(PATIENCE).until(() -> host.delivered.size() == frames.length);
        assertFrames(host.delivered, frames);
        assertThat(host.batches).hasValue(1);
    }

    private static Thread loopThread(EventLoopGroup group) {
        AtomicReference<Thread> thread = new AtomicReference<>();
        group.next().submit(() -> thread.set(Thread.currentThread())).syncUninterruptibly();
        return thread.get();
    }

    @ParameterizedTest
    @EnumSource
    void loadBothWaysWithReconnectsLosesNoBoundary(Transport transport) throws Exception {
        QemuStreamLink link = open(
                QemuStreamLink.listen(address(transport), transport.group()).withQueue(1 << 18));
        AtomicLong arrived = new AtomicLong();
        CountDownLatch stop = new CountDownLatch(1);
        CompletableFuture<Void> driver = alongside(() -> {
            int number = 0;
            while (stop.getCount() > 0) {
                link.poll(
                        (frames, n) -> {
                            for (int i = 0; i < n; i++) {
                                byte[] got = frames[i].toByteArray();
                                assertThat(got).isEqualTo(frame(MAC_1, Monitor.number(got), got.length));
                                arrived.incrementAndGet();
                            }
                        },
                        64);
                for (int i = 0; i < 16; i++) {
                    number++;
                    link.send(Frame.of(frame(MAC_1, number, 14 + number % 1500)));
                }
                link.flush();
            }
        });
        CompletableFuture<Void> onlooker = alongside(() -> {
            while (stop.getCount() > 0) {
                assertThat(link.localAddress()).isPresent();
                link.isConnected();
                Thread.yield();
            }
        });
        long expected = 0;
        for (int round = 0; round < 8; round++) {
            Monitor monitor = connect(link);
            CompletableFuture<Void> writer = alongside(() -> {
                for (int i = 0; i < 2000; i++) {
                    monitor.send(frame(MAC_1, i, 14 + i % 3000));
                }
            });
            int last = 0;
            for (int i = 0; i < 2000; i++) {
                byte[] got = monitor.read();
                int number = Monitor.number(got);
                assertThat(number).isGreaterThan(last);
                assertThat(got).isEqualTo(frame(MAC_1, number, 14 + number % 1500));
                last = number;
            }
            writer.get(20, TimeUnit.SECONDS);
            expected += 2000;
            long all = expected;
            await().atMost(PATIENCE).until(() -> arrived.get() == all);
            monitor.close(); // while the driver is sending
        }
        stop.countDown();
        driver.get(10, TimeUnit.SECONDS);
        onlooker.get(10, TimeUnit.SECONDS);
        assertThat(host.events).noneMatch(e -> e.startsWith("notice"));
    }

    // lifetime

    @ParameterizedTest
    @EnumSource
    void closeEndsTheConnectionInTimeAndTwiceIsOnce(Transport transport) {
        QemuStreamLink link = open(QemuStreamLink.listen(address(transport), transport.group()));
        Monitor monitor = connected(link);
        link.send(Frame.of(frame(MAC_1, 1, 60)));
        long before = System.nanoTime();
        link.close();
        link.close();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(1));
        assertThat(monitor.read()).isNull();
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        link.flush();
        assertThat(link.poll((frames, count) -> {}, 64)).isZero();
        assertThat(link.isConnected()).isFalse();
        assertThat(link.localAddress()).isEmpty();
        host.assertEvents();
        assertThatIllegalStateException().isThrownBy(() -> link.open(host));
    }

    @Test
    void closeIsInTimeEvenIfTheEventLoopIsStuck() throws Exception {
        EventLoopGroup stuck = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        CountDownLatch release = new CountDownLatch(1);
        try {
            QemuStreamLink link = open(QemuStreamLink.listen(address(Transport.UNIX), stuck));
            connected(link);
            CountDownLatch inIt = new CountDownLatch(1);
            stuck.execute(() -> {
                inIt.countDown();
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            inIt.await();
            long before = System.nanoTime();
            link.close();
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(1));
        } finally {
            release.countDown();
            stuck.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        }
    }

    @Test
    void anEventLoopGroupThatEndsFirstIsALostLinkAndDoesNoHarm() {
        EventLoopGroup passing = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        QemuStreamLink link = open(QemuStreamLink.listen(address(Transport.UNIX), passing));
        connected(link);
        passing.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        host.awaitEvents("down: ");
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        link.flush();
        link.close();
        QemuStreamLink late = QemuStreamLink.listen(address(Transport.UNIX), passing);
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> late.open(host))
                .withMessageContaining("shut down");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aGroupOfAnUnknownTransportIsRefused() {
        EventLoopGroup other = new MultiThreadIoEventLoopGroup(1, LocalIoHandler.newFactory());
        try {
            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(() -> QemuStreamLink.listen("tcp:127.0.0.1:0", other))
                    .withMessageContaining("NioIoHandler");
        } finally {
            other.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        }
    }

    @Test
    void aGivenGroupIsNotShutDownAndAnOwnOneIs() {
        open(Transport.UNIX).close();
        assertThat(group.isShuttingDown()).isFalse();
        QemuStreamLink own = open(QemuStreamLink.listen("tcp:127.0.0.1:0"));
        connected(own);
        assertThat(qemuThreads()).isNotEmpty().allMatch(Thread::isDaemon);
        own.close();
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(qemuThreads()).isEmpty());
    }

    private static List<Thread> qemuThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("sharedip-qemu"))
                .toList();
    }

    @Test
    void aPortInUseIsSaidWithItsCure() {
        QemuStreamLink first = open(Transport.TCP);
        int port = ((java.net.InetSocketAddress) first.localAddress().orElseThrow()).getPort();
        QemuStreamLink second = QemuStreamLink.listen("tcp:127.0.0.1:" + port);
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> second.open(host))
                .withMessageContaining("port " + port + " of 127.0.0.1 is in use by another program")
                .satisfies(e -> assertThat(e.cure()).isPresent());
        second.close();
        first.close();
        open(QemuStreamLink.listen("tcp:127.0.0.1:" + port)).close();
    }

    @Test
    void anAddressOfAnotherMachineOrOfNobodyIsSaid() {
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> QemuStreamLink.listen("tcp:203.0.113.1:5001").open(host))
                .withMessageContaining("203.0.113.1 is not an address of this machine");
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> QemuStreamLink.listen("tcp:[::zz]:5001").open(host))
                .withMessageContaining("the host '::zz' is not known");
    }

    @Test
    void settingsAreCheckedAndKept() {
        QemuStreamLink link = QemuStreamLink.listen("tcp:127.0.0.1:0");
        assertThat(link.mtu()).isEqualTo(1500);
        assertThat(link.macAddress()).isEmpty();
        assertThat(link.acceptsSuperFrames()).isFalse();
        QemuStreamLink other =
                link.withMtu(9000).withChecksums(ChecksumState.RECOMPUTE).withQueue(300_000);
        assertThat(other.mtu()).isEqualTo(9000);
        assertThat(other.checksums()).isEqualTo(ChecksumState.RECOMPUTE);
        for (int bad : new int[] {67, 65521}) {
            assertThatExceptionOfType(ConfigurationException.class).isThrownBy(() -> link.withMtu(bad));
        }
        for (int bad : new int[] {(1 << 18) - 1, (1 << 30) + 1}) {
            assertThatExceptionOfType(ConfigurationException.class).isThrownBy(() -> link.withQueue(bad));
        }
    }
}
