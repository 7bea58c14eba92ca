package io.sharedip.netty;

import static io.sharedip.netty.UplinkRig.LOOPBACK;
import static io.sharedip.netty.UplinkRig.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.PortClaimException;
import io.sharedip.uplink.HostDatagrams;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** UDP sockets against plain ones on the loopback. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(NothingLeaks.class)
class SocketUplinkDatagramTest {

    private static final InetAddress LOCAL = InetAddress.getLoopbackAddress();

    private static byte[] random(int length) {
        byte[] octets = new byte[length];
        new Random(length).nextBytes(octets);
        return octets;
    }

    private static DatagramSocket peer() throws IOException {
        DatagramSocket socket = new DatagramSocket(new InetSocketAddress(LOCAL, 0));
        socket.setSoTimeout(20_000);
        socket.setReceiveBufferSize(1 << 20);
        socket.setSendBufferSize(1 << 20);
        return socket;
    }

    private static DatagramPacket receive(DatagramSocket peer) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
        peer.receive(packet);
        return packet;
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void datagrams_of_any_length_go_both_ways(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                DatagramSocket peer = peer()) {
            DatagramEvents socket = rig.bind();
            for (int length : new int[] {0, 1, 1472, 1473, 20_000, HostDatagrams.LONGEST}) {
                byte[] payload = random(length);
                assertThat(socket.send(LOOPBACK, peer.getLocalPort(), payload)).isTrue();
                DatagramPacket packet = receive(peer);
                assertThat(packet.getPort()).isEqualTo(socket.socket.localPort());
                assertThat(java.util.Arrays.copyOf(packet.getData(), packet.getLength()))
                        .isEqualTo(payload);

                int before = socket.received.size();
                int turns = rig.turns.get();
                peer.send(new DatagramPacket(payload, length, LOCAL, socket.socket.localPort()));
                until(() -> socket.received.size() > before && rig.turns.get() > turns);
                DatagramEvents.Datagram datagram = socket.received.get(before);
                assertThat(datagram.payload()).isEqualTo(payload);
                assertThat(datagram.peer()).isEqualTo(LOOPBACK);
                assertThat(datagram.port()).isEqualTo(peer.getLocalPort());
            }
            assertThat(rig.get(() -> socket.socket.send(LOOPBACK, 1, new byte[65_508], 0, 65_508)))
                    .isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void many_datagrams_of_one_turn_keep_their_order_and_their_peers(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                DatagramSocket one = peer();
                DatagramSocket other = peer()) {
            DatagramEvents socket = rig.bind();
            rig.run(() -> {
                for (int i = 0; i < 100; i++) {
                    DatagramSocket peer = i % 2 == 0 ? one : other;
                    assertThat(socket.socket.send(LOOPBACK, peer.getLocalPort(), new byte[] {9, (byte) i, 9}, 1, 1))
                            .isTrue();
                }
            });
            for (int i = 0; i < 100; i++) {
                DatagramPacket packet = receive(i % 2 == 0 ? one : other);
                assertThat(packet.getLength()).isEqualTo(1);
                assertThat(packet.getData()[0]).isEqualTo((byte) i);
                one.send(new DatagramPacket(new byte[] {(byte) i}, 1, LOCAL, socket.socket.localPort()));
            }
            until(() -> socket.received.size() == 100);
            for (int i = 0; i < 100; i++) {
                assertThat(socket.received.get(i).payload()).containsExactly(i);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void long_datagrams_of_one_turn_arrive_whole_and_in_order(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                DatagramSocket peer = peer()) {
            DatagramEvents socket = rig.bind();
            rig.run(() -> {
                for (int i = 0; i < 4; i++) {
                    assertThat(socket.socket.send(LOOPBACK, peer.getLocalPort(), random(40_000 + i), 0, 40_000 + i))
                            .isTrue();
                }
            });
            for (int i = 0; i < 4; i++) {
                DatagramPacket packet = receive(peer);
                assertThat(java.util.Arrays.copyOf(packet.getData(), packet.getLength()))
                        .isEqualTo(random(40_000 + i));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_datagram_that_the_kernel_refuses_takes_none_of_its_turn_with_it(SocketTransport transport)
            throws IOException {
        int broadcast = -1;
        SocketUplink uplink = SocketUplink.create().withTransport(transport);
        try (UplinkRig rig = new UplinkRig(uplink);
                DatagramSocket peer = peer()) {
            DatagramEvents one = rig.bind();
            DatagramEvents other = rig.bind();
            rig.run(() -> {
                for (int i = 0; i < 6; i++) {
                    HostDatagrams socket = i % 3 == 2 ? other.socket : one.socket;
                    assertThat(socket.send(broadcast, 9, new byte[1], 0, 1)).isTrue();
                    assertThat(socket.send(LOOPBACK, peer.getLocalPort(), new byte[] {(byte) i}, 0, 1))
                            .isTrue();
                }
            });
            List<Integer> ofOne = new ArrayList<>();
            List<Integer> ofOther = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                DatagramPacket packet = receive(peer);
                (packet.getPort() == one.socket.localPort() ? ofOne : ofOther).add((int) packet.getData()[0]);
            }
            assertThat(ofOne).containsExactly(0, 1, 3, 4);
            assertThat(ofOther).containsExactly(2, 5);
            until(() ->
                    one.errors.size() + other.errors.size() + uplink.counters().get("unsent") == 6);
            rig.letItHappen();
            assertThat(one.errors.size()
                            + other.errors.size()
                            + uplink.counters().get("unsent"))
                    .isEqualTo(6);
            if (!one.errors.isEmpty()) {
                assertThat(one.errors).containsOnly("255.255.255.255:9 3/13").hasSize(4);
                assertThat(other.errors).containsOnly("255.255.255.255:9 3/13").hasSize(2);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void datagrams_that_find_no_room_in_a_sockets_buffer_are_counted(SocketTransport transport) throws IOException {
        int many = 2_000;
        SocketUplink small = SocketUplink.create().withTransport(transport).withDatagramBuffer(16_384);
        try (UplinkRig rig = new UplinkRig(small);
                DatagramSocket peer = peer()) {
            assertThat(small.counters()).containsEntry("open", 0L).containsEntry("overflowed", 0L);
            DatagramEvents socket = rig.bind();
            DatagramPacket packet = new DatagramPacket(new byte[1000], 1000, LOCAL, socket.socket.localPort());
            // while the loop is busy nobody reads
            rig.run(() -> {
                for (int i = 0; i < many; i++) {
                    try {
                        peer.send(packet);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            });
            until(() -> {
                // the socket tells with what comes next
                peer.send(packet);
                return small.counters().get("overflowed") > 0;
            });
            until(() -> socket.received.size() + small.counters().get("overflowed") >= many);
            assertThat(small.counters()).containsEntry("open", 1L).containsEntry("unsent", 0L);
            rig.run(socket.socket::close);
            assertThat(small.counters()).containsEntry("open", 0L);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_port_that_the_host_uses_is_not_shared(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            DatagramSocket held = peer();
            int port = held.getLocalPort();
            assertThat(rig.tryBind(port)).isNull();
            assertThatThrownBy(() -> rig.run(() -> rig.uplink.bind(Optional.empty(), port, new DatagramEvents(rig))))
                    .isInstanceOf(PortClaimException.class)
                    .hasMessageContaining("udp " + port)
                    .hasMessageContaining("is held by program 'java' (process "
                            + ProcessHandle.current().pid());
            held.close();
            HostDatagrams mine = rig.tryBind(port);
            assertThat(mine.localPort()).isEqualTo(port);
            assertThat(rig.tryBind(port)).isNull();
            assertThatThrownBy(() -> new DatagramSocket(port)).isInstanceOf(IOException.class);
            rig.run(mine::close);
            rig.run(mine::close);
            rig.letItHappen();
            new DatagramSocket(port).close();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_closed_port_is_told_as_an_icmp_error_about_that_peer_and_the_others_are_served(SocketTransport transport)
            throws IOException {
        int closed;
        try (DatagramSocket gone = peer()) {
            closed = gone.getLocalPort();
        }
        try (UplinkRig rig = UplinkRig.on(transport);
                DatagramSocket peer = peer()) {
            DatagramEvents socket = rig.bind();
            rig.run(() -> {
                for (int i = 0; i < 3; i++) {
                    assertThat(socket.socket.send(LOOPBACK, closed, new byte[1], 0, 1))
                            .isTrue();
                    assertThat(socket.socket.send(LOOPBACK, peer.getLocalPort(), new byte[] {(byte) i}, 0, 1))
                            .isTrue();
                }
            });
            for (int i = 0; i < 3; i++) {
                assertThat(receive(peer).getData()[0]).isEqualTo((byte) i);
            }
            until(() -> socket.errors.size() == 3);
            assertThat(socket.errors).containsOnly("127.0.0.1:" + closed + " 3/3");
            peer.send(new DatagramPacket(new byte[1], 1, LOCAL, socket.socket.localPort()));
            until(() -> socket.received.size() == 1);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_closed_socket_sends_and_tells_nothing(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                DatagramSocket peer = peer()) {
            DatagramEvents socket = rig.bind();
            rig.run(() -> {
                assertThat(socket.socket.send(LOOPBACK, peer.getLocalPort(), new byte[1], 0, 1))
                        .isTrue();
                socket.socket.close();
                assertThat(socket.socket.send(LOOPBACK, peer.getLocalPort(), new byte[1], 0, 1))
                        .isFalse();
            });
            peer.send(new DatagramPacket(new byte[1], 1, LOCAL, socket.socket.localPort()));
            rig.letItHappen();
            assertThat(socket.received).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void another_thread_is_refused(SocketTransport transport) {
        try (UplinkRig rig = UplinkRig.on(transport)) {
            DatagramEvents socket = rig.bind();
            assertThatThrownBy(() -> socket.socket.send(LOOPBACK, 9, new byte[1], 0, 1))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> socket.socket.close()).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> rig.uplink.tryBind(4000, socket)).isInstanceOf(IllegalStateException.class);
        }
    }
}
