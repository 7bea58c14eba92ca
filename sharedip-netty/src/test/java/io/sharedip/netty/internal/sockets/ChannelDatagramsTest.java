package io.sharedip.netty.internal.sockets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.sharedip.PortClaimException;
import io.sharedip.address.Ipv4Address;
import io.sharedip.netty.internal.transport.Transport;
import io.sharedip.uplink.HostDatagrams;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** UDP where JNA is missing, which in the other tests it is not. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChannelDatagramsTest {

    private static final int LOOPBACK = Ipv4Address.of(127, 0, 0, 1).bits();

    private final List<byte[]> received = new CopyOnWriteArrayList<>();
    private final List<String> senders = new CopyOnWriteArrayList<>();
    private final HostDatagrams.Handler handler = new HostDatagrams.Handler() {
        @Override
        public void received(int peer, int port, ByteBuffer payload) {
            byte[] copy = new byte[payload.remaining()];
            payload.get(copy);
            senders.add(Ipv4Address.ofBits(peer) + ":" + port);
            received.add(copy);
        }

        @Override
        public void unreachable(int peer, int port, int type, int code, int mtu) {}
    };

    private static Transport transport(String name) {
        return Objects.requireNonNull(
                switch (name) {
                    case "epoll" -> Transport.epoll();
                    case "io_uring" -> Transport.ioUring();
                    default -> Transport.nio();
                });
    }

    @ParameterizedTest
    @ValueSource(strings = {"nio", "epoll", "io_uring"})
    void datagrams_go_both_ways_within_bounds(String name) throws Exception {
        Transport transport = transport(name);
        IoEventLoopGroup group = transport.newLoop("test");
        IoEventLoop loop = group.next();
        try (DatagramSocket peer = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            peer.setSoTimeout(20_000);
            Sockets sockets =
                    call(loop, () -> new Sockets(loop, transport, SocketSettings.DEFAULTS, address -> false, () -> {}));
            ChannelDatagrams socket = call(loop, () -> ChannelDatagrams.open(sockets, null, 0, handler));
            for (int length : new int[] {1, 1472, 1473, HostDatagrams.LONGEST}) {
                byte[] payload = new byte[length];
                new Random(length).nextBytes(payload);
                assertThat(call(loop, () -> {
                            boolean taken = socket.send(LOOPBACK, peer.getLocalPort(), payload, 0, length);
                            sockets.flush();
                            return taken;
                        }))
                        .isTrue();
                DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
                peer.receive(packet);
                assertThat(packet.getLength()).isEqualTo(length);
                received.clear();
                peer.send(new DatagramPacket(payload, length, InetAddress.getLoopbackAddress(), socket.localPort()));
                await().until(() -> received.size() == 1);
                assertThat(received.get(0)).isEqualTo(payload);
                assertThat(senders).last().isEqualTo("127.0.0.1:" + peer.getLocalPort());
            }
            assertThat(sockets.counts().byName()).containsEntry("unsent", 0L);
            call(loop, () -> {
                ChannelDatagrams other = ChannelDatagrams.open(sockets, null, 0, handler);
                boolean taken = other.send(LOOPBACK, 9, new byte[1], 0, 1);
                other.close();
                return taken;
            });
            await().until(() -> sockets.counts().byName().get("unsent") == 1);
            int most = SocketSettings.DEFAULTS.datagramBuffer() / 60_000;
            assertThat(call(loop, () -> {
                        int taken = 0;
                        while (taken <= most && socket.send(LOOPBACK, 9, new byte[60_000], 0, 60_000)) {
                            taken++;
                        }
                        return taken;
                    }))
                    .isEqualTo(most);
            assertThatThrownBy(
                            () -> call(loop, () -> ChannelDatagrams.open(sockets, null, socket.localPort(), handler)))
                    .hasCauseInstanceOf(PortClaimException.class);
            call(loop, () -> {
                sockets.close();
                return socket.send(LOOPBACK, 9, new byte[1], 0, 1);
            });
        } finally {
            group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(2000);
        }
    }

    private static <T> T call(IoEventLoop loop, Callable<T> action) throws Exception {
        return loop.submit(action).get();
    }
}
