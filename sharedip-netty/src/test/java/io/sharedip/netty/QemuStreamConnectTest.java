package io.sharedip.netty;

import static io.sharedip.netty.Monitor.MAC_1;
import static io.sharedip.netty.Monitor.frame;
import static io.sharedip.netty.RecordingHost.PATIENCE;
import static io.sharedip.netty.RecordingHost.receive;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.sharedip.LinkException;
import io.sharedip.packet.Frame;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The monitor listens and the link connects. */
@Timeout(60)
class QemuStreamConnectTest {

    enum Kind {
        UNIX,
        TCP,
        UNIX_EPOLL,
        TCP_EPOLL
    }

    @TempDir
    Path directory;

    private final RecordingHost host = new RecordingHost();
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private SocketAddress address;

    @AfterEach
    void closeAll() throws Exception {
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
    }

    private ServerSocketChannel listen(Kind kind) throws IOException {
        ServerSocketChannel listening;
        if (kind.name().startsWith("UNIX")) {
            address = UnixDomainSocketAddress.of(directory.resolve("vm.sock"));
            Files.deleteIfExists(directory.resolve("vm.sock"));
            listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        } else {
            if (address == null) {
                address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
            }
            listening = ServerSocketChannel.open();
            listening.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        }
        listening.bind(address);
        address = listening.getLocalAddress();
        toClose.add(listening);
        return listening;
    }

    private Monitor accept(ServerSocketChannel listening) throws IOException {
        Monitor monitor = new Monitor(listening.accept());
        toClose.add(monitor);
        return monitor;
    }

    private QemuStreamLink open(Kind kind) {
        String text = address instanceof InetSocketAddress tcp
                ? "tcp:127.0.0.1:" + tcp.getPort()
                : "unix:" + directory.resolve("vm.sock");
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                1, kind.name().endsWith("EPOLL") ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        toClose.add(() -> group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000));
        QemuStreamLink link = QemuStreamLink.connect(text, group);
        link.open(host);
        toClose.add(link::close);
        return link;
    }

    private static void awaitConnection(QemuStreamLink link) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(1)).until(link::isConnected);
    }

    @ParameterizedTest
    @EnumSource
    void framesGoBothWaysAndAReconnectIsDownThenUp(Kind kind) throws Exception {
        ServerSocketChannel listening = listen(kind);
        QemuStreamLink link = open(kind);
        assertThat(link.localAddress()).isEmpty();
        for (int i = 0; i < 3; i++) {
            Monitor monitor = accept(listening);
            awaitConnection(link);
            byte[] large = frame(MAC_1, i, 69_632);
            byte[] small = frame(MAC_1, i, 14);
            Thread writer = new Thread(() -> monitor.send(small, large));
            writer.start();
            List<byte[]> arrived = receive(link, 2);
            writer.join();
            assertThat(arrived.get(0)).isEqualTo(small);
            assertThat(arrived.get(1)).isEqualTo(large);
            assertThat(link.send(Frame.of(large))).isTrue();
            link.flush();
            assertThat(monitor.read()).isEqualTo(large);
            monitor.close();
        }
        host.awaitEvents(
                "down: the guest closed", "up", "down: the guest closed", "up", "down: the guest closed", "up");
    }

    @ParameterizedTest
    @EnumSource
    void aMonitorThatIsNotThereIsToldOnceAndTriedAgain(Kind kind) throws Exception {
        listen(kind).close();
        QemuStreamLink link = open(kind);
        host.awaitEvents("down: nobody answers at ");
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        assertThat(link.isWritable()).isTrue();
        ServerSocketChannel listening = listen(kind);
        Monitor monitor = accept(listening);
        monitor.send(frame(MAC_1, 1, 60));
        assertThat(receive(link, 1).get(0)).isEqualTo(frame(MAC_1, 1, 60));
        host.assertEvents("down: nobody answers at ", "up");
        listening.close();
        monitor.close();
        host.awaitEvents("down: nobody answers at ", "up", "down: the guest closed the connection");
        accept(listen(kind)).send(frame(MAC_1, 2, 60));
        assertThat(receive(link, 1).get(0)).isEqualTo(frame(MAC_1, 2, 60));
    }

    @ParameterizedTest
    @EnumSource
    void closeEndsTheConnectionAndTheAttempts(Kind kind) throws Exception {
        ServerSocketChannel listening = listen(kind);
        QemuStreamLink link = open(kind);
        Monitor monitor = accept(listening);
        awaitConnection(link);
        link.close();
        link.close();
        assertThat(monitor.read()).isNull();
        assertThat(link.isConnected()).isFalse();
        host.assertEvents();
        listening.configureBlocking(false);
        assertThat(listening.accept()).isNull();
    }

    @Test
    void closeIsFineWhileNobodyAnswers() throws Exception {
        listen(Kind.UNIX).close();
        QemuStreamLink link = QemuStreamLink.connect("unix:" + directory.resolve("vm.sock"));
        link.open(host);
        host.awaitEvents("down: ");
        link.close();
        host.assertEvents("down: ");
    }

    @Test
    void anUnknownHostIsSaidWhenTheLinkIsOpened() {
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> QemuStreamLink.connect("tcp:[::zz]:5001").open(host))
                .withMessageContaining("the host '::zz' is not known");
    }

    @Test
    void aBadLengthClosesTheConnectionAndTheNextOneWorks() throws Exception {
        ServerSocketChannel listening = listen(Kind.UNIX);
        QemuStreamLink link = open(Kind.UNIX);
        Monitor first = accept(listening);
        first.write(Monitor.length(69_633));
        assertThat(first.read()).isNull();
        Monitor second = accept(listening);
        second.send(frame(MAC_1, 1, 60));
        assertThat(receive(link, 1)).hasSize(1);
        host.awaitEvents("notice: the guest announced", "down: the guest announced", "up");
    }
}
