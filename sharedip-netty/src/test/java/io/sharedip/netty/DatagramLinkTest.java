package io.sharedip.netty;

import static io.sharedip.netty.Monitor.MAC_1;
import static io.sharedip.netty.Monitor.frame;
import static io.sharedip.netty.RecordingHost.PATIENCE;
import static io.sharedip.netty.RecordingHost.receive;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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
class DatagramLinkTest {

    enum Kind {
        UDP,
        UDP_EPOLL,
        UNIX
    }

    private static EventLoopGroup nio;
    private static EventLoopGroup epoll;

    @TempDir
    Path directory;

    private final RecordingHost host = new RecordingHost();
    private final List<AutoCloseable> toClose = new ArrayList<>();

    @BeforeAll
    static void start() {
        nio = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        epoll = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    }

    @AfterAll
    static void stop() {
        nio.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        epoll.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2000);
    }

    @AfterEach
    void closeAll() throws Exception {
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
    }

    /** What a monitor does, on a plain socket. */
    private interface Peer extends AutoCloseable {

        void send(byte[] datagram) throws IOException;

        /** Waits for a datagram; null if none comes. */
        byte[] read() throws IOException;

        @Override
        void close() throws IOException;
    }

    private static final class UdpPeer implements Peer {
        private final DatagramSocket socket;
        private final InetSocketAddress to;

        UdpPeer(InetSocketAddress to) throws IOException {
            this.to = to;
            socket = new DatagramSocket(0, InetAddress.getLoopbackAddress());
            socket.setReceiveBufferSize(1 << 20);
            socket.setSendBufferSize(1 << 20);
            socket.setSoTimeout((int) PATIENCE.toMillis());
        }

        @Override
        public void send(byte[] datagram) throws IOException {
            socket.send(new DatagramPacket(datagram, datagram.length, to));
        }

        @Override
        public byte[] read() throws IOException {
            DatagramPacket packet = new DatagramPacket(new byte[70_000], 70_000);
            socket.receive(packet);
            return Arrays.copyOf(packet.getData(), packet.getLength());
        }

        @Override
        public void close() {
            socket.close();
        }
    }

    private static final class UnixPeer implements Peer {
        private final Socket socket = Socket.newSocketDomainDgram();
        private final byte[] to;
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(70_000);

        UnixPeer(Path path, Path to) throws IOException {
            this.to = to.toString().getBytes(StandardCharsets.UTF_8);
            if (path != null) {
                socket.bind(new DomainSocketAddress(path.toString()));
            }
        }

        boolean trySend(byte[] datagram) throws IOException {
            buffer.clear().put(datagram);
            return socket.sendToDomainSocket(buffer, 0, datagram.length, to) > 0;
        }

        @Override
        public void send(byte[] datagram) throws IOException {
            buffer.clear().put(datagram);
            socket.sendToDomainSocket(buffer, 0, datagram.length, to);
        }

        @Override
        public byte[] read() {
            AtomicReference<byte[]> read = new AtomicReference<>();
            await().atMost(PATIENCE)
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> {
                        read.set(readNow());
                        return read.get() != null;
                    });
            return read.get();
        }

        byte[] readNow() throws IOException {
            var from = socket.recvFromDomainSocket(buffer, 0, buffer.capacity());
            if (from == null) {
                return null;
            }
            byte[] octets = new byte[from.receivedAmount()];
            buffer.get(0, octets);
            return octets;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private static EventLoopGroup group(Kind kind) {
        return kind == Kind.UDP ? nio : epoll;
    }

    private DatagramLink link(Kind kind) {
        return kind == Kind.UNIX
                ? DatagramLink.unix(directory.resolve("gw") + "->" + directory.resolve("vm"), epoll)
                : DatagramLink.udp("127.0.0.1:0", group(kind));
    }

    private DatagramLink open(DatagramLink link) {
        link.open(host);
        toClose.add(link::close);
        return link;
    }

    private Peer peer(Kind kind, DatagramLink link) throws IOException {
        Peer peer = kind == Kind.UNIX
                ? new UnixPeer(directory.resolve("vm"), directory.resolve("gw"))
                : new UdpPeer((InetSocketAddress) link.localAddress().orElseThrow());
        toClose.add(peer);
        return peer;
    }

    private UnixPeer unixPeer(String path) throws IOException {
        UnixPeer peer = new UnixPeer(path == null ? null : directory.resolve(path), directory.resolve("gw"));
        toClose.add(peer);
        return peer;
    }

    // frames

    @ParameterizedTest
    @EnumSource
    void eachFrameIsADatagramBothWays(Kind kind) throws Exception {
        DatagramLink link = open(link(kind).withMtu(9216));
        Peer peer = peer(kind, link);
        for (int length : new int[] {14, 42, 60, 1514, 9234, 65_507}) {
            byte[] frame = frame(MAC_1, length, length);
            peer.send(frame);
            assertThat(receive(link, 1).get(0)).isEqualTo(frame);
            assertThat(link.send(Frame.of(frame))).isTrue();
            link.flush();
            assertThat(peer.read()).isEqualTo(frame);
        }
        host.assertEvents();
    }

    @ParameterizedTest
    @EnumSource
    void aBatchGoesOutInOrder(Kind kind) throws Exception {
        DatagramLink link = open(link(kind));
        Peer peer = peer(kind, link);
        peer.send(frame(MAC_1, 0, 60));
        receive(link, 1);
        for (int i = 0; i < 100; i++) {
            assertThat(link.send(Frame.of(frame(MAC_1, i, 60 + i)))).isTrue();
        }
        link.flush();
        for (int i = 0; i < 100; i++) {
            assertThat(peer.read()).isEqualTo(frame(MAC_1, i, 60 + i));
        }
    }

    @ParameterizedTest
    @EnumSource
    void framesOfImpossibleLengthAreNotSent(Kind kind) throws Exception {
        DatagramLink link = open(link(kind));
        Peer peer = peer(kind, link);
        peer.send(frame(MAC_1, 1, 60));
        receive(link, 1);
        assertThat(link.send(Frame.of(new byte[0]))).isFalse();
        assertThat(link.send(Frame.of(new byte[13]))).isFalse();
        host.assertEvents();
        assertThat(link.send(Frame.of(new byte[69_633]))).isFalse();
        host.assertEvents("notice: a frame of 69633 octets was not sent");
        assertThat(link.send(Frame.of(frame(MAC_1, 5, 14)))).isTrue();
        link.flush();
        assertThat(peer.read()).isEqualTo(frame(MAC_1, 5, 14));
    }

    @ParameterizedTest
    @EnumSource
    void runtsAndEmptyDatagramsAreDroppedAndToldOnce(Kind kind) throws Exception {
        DatagramLink link = open(link(kind));
        Peer peer = peer(kind, link);
        peer.send(frame(MAC_1, 1, 60));
        receive(link, 1);
        peer.send(new byte[0]);
        peer.send(new byte[13]);
        peer.send(frame(MAC_1, 2, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(2);
        assertThat(host.events).hasSize(1);
        assertThat(host.events.get(0)).startsWith("notice: a datagram of ").contains("octets was dropped");
    }

    @Test
    void theLongestFrameOfAUnixSocketAndOneMore() throws Exception {
        DatagramLink link = open(link(Kind.UNIX));
        Peer peer = peer(Kind.UNIX, link);
        byte[] longest = frame(MAC_1, 1, 69_632);
        peer.send(longest);
        assertThat(receive(link, 1).get(0)).isEqualTo(longest);
        assertThat(link.send(Frame.of(longest))).isTrue();
        link.flush();
        assertThat(peer.read()).isEqualTo(longest);
        peer.send(frame(MAC_1, 2, 69_633));
        peer.send(frame(MAC_1, 3, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(3);
        host.awaitEvents("notice: a datagram of too many octets was dropped");
    }

    @ParameterizedTest
    @EnumSource
    void incomingFramesAreMarkedAsAsked(Kind kind) throws Exception {
        DatagramLink link = open(link(kind).withChecksums(ChecksumState.RECOMPUTE));
        peer(kind, link).send(frame(MAC_1, 1, 60));
        AtomicReference<ChecksumState> seen = new AtomicReference<>();
        await().atMost(PATIENCE).until(() -> link.poll((f, n) -> seen.set(f[0].checksumState()), 1) == 1);
        assertThat(seen).hasValue(ChecksumState.RECOMPUTE);
    }

    @ParameterizedTest
    @EnumSource
    void onTheEnginesOwnEventLoopTheFramesOfOneRoundAreOneBatch(Kind kind) throws Exception {
        EventLoopGroup group = group(kind);
        AtomicReference<Thread> loop = new AtomicReference<>();
        group.next().submit(() -> loop.set(Thread.currentThread())).get();
        host.onDriverThread = () -> Thread.currentThread() == loop.get();
        DatagramLink link = link(kind);
        host.engine = frame -> {
            assertThat(link.send(frame)).isTrue();
            link.flush();
        };
        group.next().submit(() -> open(link)).get();
        Peer peer = peer(kind, link);
        // the loop reads when all of it is there
        java.util.concurrent.CountDownLatch written = new java.util.concurrent.CountDownLatch(1);
        group.next().execute(() -> {
            try {
                written.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        for (int i = 0; i < 8; i++) {
            peer.send(frame(MAC_1, i, 60));
        }
        written.countDown();
        for (int i = 0; i < 8; i++) {
            assertThat(peer.read()).isEqualTo(frame(MAC_1, i, 60));
        }
        assertThat(host.batches).hasValue(1);
        assertThat(host.wakeups).hasValue(0);
    }

    // the peer

    @ParameterizedTest
    @EnumSource(names = {"UDP", "UDP_EPOLL"})
    void whoSendsTheFirstFrameIsThePeerAndOthersAreDropped(Kind kind) throws Exception {
        DatagramLink link = open(link(kind));
        assertThat(link.peer()).isEmpty();
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        assertThat(link.isWritable()).isTrue();
        Peer nonsense = peer(kind, link);
        nonsense.send(new byte[5]);
        nonsense.send(new byte[60]);
        host.awaitEvents("notice: a datagram from 127.0.0.1:");
        Peer peer = peer(kind, link);
        peer.send(frame(MAC_1, 1, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(1);
        assertThat(link.peer()).isPresent();
        nonsense.send(frame(MAC_1, 2, 60));
        peer.send(frame(MAC_1, 3, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(3);
        assertThat(host.events).hasSize(1);
    }

    @Test
    void aNamedPeerIsTheOnlyOneAndIsSentToUnasked() throws Exception {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            DatagramLink link = open(DatagramLink.udp("127.0.0.1:0->127.0.0.1:" + socket.getLocalPort(), nio));
            assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isTrue();
            link.flush();
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            socket.receive(packet);
            assertThat(packet.getLength()).isEqualTo(60);
            peer(Kind.UDP, link).send(frame(MAC_1, 2, 60));
            host.awaitEvents("notice: a datagram from 127.0.0.1:");
            assertThat(host.events.get(0)).contains("the guest is at 127.0.0.1:" + socket.getLocalPort());
            assertThat(link.poll((f, n) -> {}, 1)).isZero();
        }
    }

    @Test
    void aPeerOnAUnixSocketIsLearnedByItsHelloOrItsFirstFrame() throws Exception {
        DatagramLink link = open(DatagramLink.unix(directory.resolve("gw").toString(), epoll));
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isFalse();
        UnixPeer nobody = unixPeer(null);
        nobody.send(frame(MAC_1, 9, 60));
        host.awaitEvents("notice: a datagram from a socket without a path was dropped: let the monitor bind");
        UnixPeer peer = unixPeer("vm-1");
        peer.send("VFKT".getBytes(StandardCharsets.US_ASCII));
        await().atMost(PATIENCE).until(() -> link.peer().isPresent());
        assertThat(link.peer()).contains(UnixDomainSocketAddress.of(directory.resolve("vm-1")));
        assertThat(link.send(Frame.of(frame(MAC_1, 2, 60)))).isTrue();
        link.flush();
        assertThat(Monitor.number(peer.read())).isEqualTo(2);
        peer.send(frame(MAC_1, 3, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(3);

        // another is refused while this one lives, and the next one when it is gone
        UnixPeer other = unixPeer("vm-2");
        other.send(frame(MAC_1, 4, 60));
        peer.send(frame(MAC_1, 5, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(5);
        peer.close();
        await().atMost(PATIENCE).until(() -> {
            other.send(frame(MAC_1, 6, 60));
            return link.poll((f, n) -> assertThat(f[0].i32(2)).isEqualTo(6), 1) == 1;
        });
        assertThat(link.peer()).contains(UnixDomainSocketAddress.of(directory.resolve("vm-2")));
        host.assertEvents("notice: a datagram from a socket without");
    }

    @Test
    void aConnectedPeerIsAnswered() throws Exception {
        DatagramLink link = open(DatagramLink.unix(directory.resolve("gw").toString(), epoll));
        UnixPeer peer = unixPeer("vm");
        peer.socket.connect(new DomainSocketAddress(directory.resolve("gw").toString())); // as libkrun does
        peer.send(frame(MAC_1, 1, 60));
        receive(link, 1);
        assertThat(link.send(Frame.of(frame(MAC_1, 2, 60)))).isTrue();
        link.flush();
        assertThat(Monitor.number(peer.read())).isEqualTo(2);
    }

    @Test
    void aMonitorThatIsGoneIsDownAndUpWhenItIsBack() throws Exception {
        DatagramLink link = open(link(Kind.UNIX));
        assertThat(link.send(Frame.of(frame(MAC_1, 1, 60)))).isTrue();
        link.flush();
        host.awaitEvents("down: nobody receives at ");
        Peer peer = peer(Kind.UNIX, link);
        host.awaitEvents("down: ", "up"); // though it has sent nothing
        link.send(Frame.of(frame(MAC_1, 2, 60)));
        link.flush();
        assertThat(Monitor.number(peer.read())).isEqualTo(2);
        peer.close();
        link.send(Frame.of(frame(MAC_1, 3, 60)));
        link.flush();
        host.awaitEvents("down: ", "up", "down: nobody receives at ");
        Files.delete(directory.resolve("vm"));
        Peer again = peer(Kind.UNIX, link);
        again.send(frame(MAC_1, 4, 60));
        assertThat(Monitor.number(receive(link, 1).get(0))).isEqualTo(4);
        host.awaitEvents("down: ", "up", "down: ", "up");
        link.send(Frame.of(frame(MAC_1, 5, 60)));
        link.flush();
        assertThat(Monitor.number(again.read())).isEqualTo(5);
    }

    // room

    @Test
    void aUnixPeerThatDoesNotReadFillsTheQueueAndNoMore() throws Exception {
        DatagramLink link = open(link(Kind.UNIX).withQueue(1 << 18));
        UnixPeer peer = (UnixPeer) peer(Kind.UNIX, link);
        List<Integer> accepted = new ArrayList<>();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> {
            while (link.send(Frame.of(frame(MAC_1, accepted.size(), 1000)))) {
                accepted.add(accepted.size());
                link.flush();
            }
            return !link.isWritable();
        });
        // the ring and the system's buffers
        assertThat(accepted.size()).isLessThan(2000);
        for (int number : accepted) {
            assertThat(Monitor.number(peer.read())).isEqualTo(number);
        }
        await().atMost(PATIENCE).until(() -> host.wakeups.get() > 0 && link.isWritable());
        host.assertEvents();
    }

    @Test
    void aUnixPeerIsHeldUpByAFullRingAndNothingIsLost() throws Exception {
        DatagramLink link = open(link(Kind.UNIX).withQueue(1 << 18));
        UnixPeer peer = (UnixPeer) peer(Kind.UNIX, link);
        int sent = 0;
        int refused = 0;
        while (refused < 1000) {
            if (peer.trySend(frame(MAC_1, sent, 1000))) {
                sent++;
                refused = 0;
            } else {
                refused++;
                Thread.onSpinWait();
            }
        }
        assertThat(sent).isLessThan(2000);
        List<byte[]> arrived = receive(link, sent);
        for (int i = 0; i < sent; i++) {
            assertThat(Monitor.number(arrived.get(i))).isEqualTo(i);
        }
        peer.send(frame(MAC_1, 7, 60));
        assertThat(receive(link, 1)).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"UDP", "UDP_EPOLL"})
    void overUdpABurstBeyondAllBuffersIsBoundedAndTheLinkGoesOn(Kind kind) throws Exception {
        DatagramLink link = open(link(kind).withQueue(1 << 18));
        Peer peer = peer(kind, link);
        for (int i = 0; i < 5000; i++) {
            peer.send(frame(MAC_1, i, 1000));
        }
        int[] last = {-1};
        await().atMost(PATIENCE).until(() -> {
            while (link.poll((f, n) -> last[0] = f[n - 1].i32(2), 64) > 0) {
                // all that there is
            }
            peer.send(frame(MAC_1, 9999, 60));
            return last[0] == 9999;
        });
    }

    @Test
    void framesThatWereReadAndFindNoRoomAreToldOf() throws Exception {
        DatagramLink link = open(link(Kind.UDP).withQueue(1 << 18));
        Peer peer = peer(Kind.UDP, link);
        for (int round = 0; round < 2; round++) {
            // so that the loop finds all of them at once
            CountDownLatch sent = new CountDownLatch(1);
            Future<?> held = nio.submit(() -> {
                sent.await();
                return null;
            });
            for (int i = 0; i < 16; i++) {
                peer.send(frame(MAC_1, i, 12_000));
            }
            sent.countDown();
            held.get();
        }
        host.awaitEvents("notice: a datagram was lost");
    }

    // the socket

    @Test
    void theUnixSocketIsForItsOwnerAloneAndGoneAfterwards() throws Exception {
        DatagramLink link = open(link(Kind.UNIX));
        Path path = directory.resolve("gw");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        assertThat(link.localAddress()).contains(UnixDomainSocketAddress.of(path));
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> DatagramLink.unix(path.toString()).open(host))
                .withMessageContaining("is in use by another process");
        link.close();
        link.close();
        assertThat(directory).isEmptyDirectory();
        assertThat(link.localAddress()).isEmpty();
        assertThatIllegalStateException().isThrownBy(() -> link.open(host));
    }

    @Test
    void aDeadProcessesUnixSocketIsReplacedOnAThreadOfTheLinksOwn() throws Exception {
        new UnixPeer(directory.resolve("gw"), directory.resolve("vm")).close();
        assertThat(directory.resolve("gw")).exists();
        DatagramLink link = open(DatagramLink.unix(directory.resolve("gw").toString()));
        unixPeer("vm").send(frame(MAC_1, 1, 60));
        assertThat(receive(link, 1)).hasSize(1);
    }

    @Test
    void anAddressInUseIsSaidWithItsCure() throws Exception {
        DatagramLink first = open(DatagramLink.udp("127.0.0.1:0"));
        int port = ((InetSocketAddress) first.localAddress().orElseThrow()).getPort();
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> DatagramLink.udp("127.0.0.1:" + port, epoll).open(host))
                .withMessageContaining("port " + port + " of 127.0.0.1 is in use")
                .satisfies(e -> assertThat(e.cure()).isPresent());
        first.close();
        open(DatagramLink.udp("127.0.0.1:" + port, epoll));
    }

    @Test
    void aLoopWithoutUnixDatagramsIsRefusedWithTheCure() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> DatagramLink.unix("/run/gw.sock", nio))
                .withMessageContaining("has no unix datagrams")
                .withMessageContaining("EpollIoHandler");
    }

    @ParameterizedTest
    @ValueSource(ints = {67, 65_490})
    void theMtuIsWhatADatagramCarries(int bad) {
        DatagramLink link = DatagramLink.udp("127.0.0.1:0");
        assertThatExceptionOfType(ConfigurationException.class).isThrownBy(() -> link.withMtu(bad));
        assertThat(link.withMtu(65_489).mtu()).isEqualTo(65_489);
        assertThat(DatagramLink.unix("/run/gw.sock").withMtu(65_520).mtu()).isEqualTo(65_520);
    }
}
