package io.sharedip.netty;

import static io.sharedip.netty.UplinkRig.LOOPBACK;
import static io.sharedip.netty.UplinkRig.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.address.Ipv4Address;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Streams that the uplink opens, against plain sockets on the loopback. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(NothingLeaks.class)
class SocketUplinkStreamTest {

    private static final InetAddress LOCAL = InetAddress.getLoopbackAddress();

    private static byte[] random(int length) {
        byte[] octets = new byte[length];
        new Random(length).nextBytes(octets);
        return octets;
    }

    private static ServerSocket server() throws IOException {
        return new ServerSocket(0, 50, LOCAL);
    }

    private static int freePort() throws IOException {
        try (ServerSocket server = server()) {
            return server.getLocalPort();
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void octets_go_both_ways_and_each_way_is_closed_on_its_own(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(stream.localPort).isEqualTo(peer.getPort());
                assertThat(stream.write(random(1000))).isEqualTo(1000);
                assertThat(peer.getInputStream().readNBytes(1000)).isEqualTo(random(1000));

                stream.call(() -> stream.stream.shutdownOutput());
                assertThat(peer.getInputStream().read()).isEqualTo(-1);
                assertThat(stream.room()).isZero();
                assertThat(stream.write(random(10))).isZero();

                stream.request(5000);
                peer.getOutputStream().write(random(5000));
                until(() -> stream.received.get() == 5000);
                assertThat(stream.octets()).isEqualTo(random(5000));
                stream.request(1);
                peer.shutdownOutput();
                stream.await("end");
                rig.close(stream.stream);
                rig.letItHappen();
                assertThat(stream.events).containsExactly("connected", "end");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void what_comes_on_two_streams_at_once_is_not_mixed_up(SocketTransport transport) throws IOException {
        byte[] first = random(200_000);
        byte[] second = random(200_001);
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents one = rig.connected(server.getLocalPort());
            StreamEvents two = rig.connected(server.getLocalPort());
            try (Socket peerOfOne = server.accept();
                    Socket peerOfTwo = server.accept()) {
                one.requestAgain = 700;
                two.requestAgain = 70_000;
                one.request(1);
                two.request(3);
                for (int at = 0; at < 200_000; at += 1000) {
                    peerOfOne.getOutputStream().write(first, at, 1000);
                    peerOfTwo.getOutputStream().write(second, at, 1000);
                }
                until(() -> one.received.get() == 200_000 && two.received.get() == 200_000);
                assertThat(one.octets()).isEqualTo(first);
                assertThat(two.octets()).isEqualTo(Arrays.copyOf(second, 200_000));
                rig.close(one.stream);
                rig.close(two.stream);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void the_gateway_takes_a_turn_after_whatever_a_stream_has_told_it(SocketTransport transport) throws Exception {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            int before = rig.turns.get();
            StreamEvents opened = rig.connected(server.getLocalPort());
            until(() -> rig.turns.get() > before);
            try (Socket peer = server.accept()) {
                opened.request(10);
                rig.untilTurnAfter(() -> peer.getOutputStream().write(random(5)), () -> opened.received.get() == 5);
                rig.untilTurnAfter(peer::shutdownOutput, () -> opened.events.contains("end"));
                rig.close(opened.stream);
            }
            int port = freePort();
            int beforeFailure = rig.turns.get();
            rig.connect(port).await("failed REFUSED");
            until(() -> rig.turns.get() > beforeFailure);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void the_peer_may_close_first_and_still_be_written_to(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                stream.request(100);
                peer.getOutputStream().write(random(10));
                peer.shutdownOutput();
                stream.await("end");
                assertThat(stream.octets()).isEqualTo(random(10));
                stream.write(random(100_000));
                stream.call(() -> stream.stream.shutdownOutput());
                assertThat(peer.getInputStream().readAllBytes()).isEqualTo(random(100_000));
                rig.close(stream.stream);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void all_of_it_is_read_slowly_after_both_sides_have_finished(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            Socket peer = server.accept();
            byte[] sent = random(60_000);
            stream.call(() -> stream.stream.shutdownOutput());
            assertThat(peer.getInputStream().read()).isEqualTo(-1);
            stream.request(1);
            peer.getOutputStream().write(sent);
            until(() -> stream.received.get() == 1);
            peer.close();
            rig.letItHappen();
            for (int more = 1; more < sent.length; more += 9_999) {
                int expected = Math.min(sent.length, more + 9_999);
                stream.request(9_999);
                until(() -> stream.received.get() >= expected);
            }
            stream.await("end");
            assertThat(stream.octets()).isEqualTo(sent);
            assertThat(stream.events).containsExactly("connected", "end");
            rig.close(stream.stream);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_peer_that_has_closed_gets_all_of_much_that_it_reads_slowly(SocketTransport transport) throws Exception {
        int octets = 20_000_000;
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                stream.request(1_000_000);
                peer.shutdownOutput();
                stream.await("end");
                byte[] block = random(10_000);
                int written = 0;
                for (int taken = block.length; taken == block.length; written += taken) {
                    taken = stream.write(block);
                }
                CompletableFuture<Long> read = CompletableFuture.supplyAsync(() -> count(peer));
                while (written < octets) {
                    written += stream.write(block);
                }
                stream.call(() -> stream.stream.shutdownOutput());

                assertThat(read.get()).isEqualTo(written);
                assertThat(stream.events).containsOnly("connected", "end", "writable");
                rig.close(stream.stream);
            }
        }
    }

    private static long count(Socket peer) {
        long count = 0;
        byte[] room = new byte[10_000];
        try {
            for (int length = 0; length >= 0; length = peer.getInputStream().read(room)) {
                count += length;
            }
        } catch (IOException e) {
            return -count;
        }
        return count;
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void nothing_comes_that_was_not_requested(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                byte[] sent = random(150_000);
                peer.getOutputStream().write(sent, 0, 50_000);
                rig.letItHappen();
                assertThat(stream.received).hasValue(0);
                stream.request(1);
                until(() -> stream.received.get() == 1);
                stream.request(300);
                stream.request(699);
                until(() -> stream.received.get() == 1000);
                peer.getOutputStream().write(sent, 50_000, 100_000);
                // the end of the stream is behind what nobody has asked for
                peer.shutdownOutput();
                rig.letItHappen();
                assertThat(stream.received).hasValue(1000);
                assertThat(stream.events).containsExactly("connected");
                stream.requestAgain = 2000;
                stream.request(2000);
                stream.await("end");
                assertThat(stream.octets()).isEqualTo(sent);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void what_a_peer_has_sent_before_it_closed_may_be_read_slowly_and_it_may_be_written_to(SocketTransport transport)
            throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                byte[] sent = random(20_000);
                stream.request(1000);
                peer.getOutputStream().write(sent);
                peer.shutdownOutput();
                for (int read = 1000; read <= sent.length; read += 1000) {
                    int expected = read;
                    until(() -> stream.received.get() == expected);
                    rig.letItHappen();
                    stream.request(1000);
                }
                stream.await("end");
                assertThat(stream.octets()).isEqualTo(sent);

                int taken = 0;
                for (int more = 1; more > 0; taken += more) {
                    more = stream.write(random(1 << 20));
                    rig.letItHappen();
                }
                assertThat(peer.getInputStream().readNBytes(taken)).hasSize(taken);
                until(() -> stream.write(random(10)) == 10);
                assertThat(stream.events).doesNotContain("failed RESET");
                rig.close(stream.stream);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_peer_that_does_not_read_holds_the_writer_up(SocketTransport transport) throws IOException {
        try (UplinkRig rig = new UplinkRig(
                        SocketUplink.create().withTransport(transport).withStreamBuffer(1 << 16));
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                byte[] data = random(20_000);
                int written = 0;
                // the kernel's buffers grow for a while
                do {
                    written += stream.write(data);
                    rig.letItHappen();
                } while (stream.room() > 0);
                assertThat(rig.get(() -> stream.stream.capacity())).isEqualTo(1 << 16);
                peer.getInputStream().readNBytes(written);
                until(() -> stream.roomTold() > stream.roomToldBeforeWrite);
                until(() -> stream.room() == 1 << 16);
                assertThat(stream.write(data)).isEqualTo(data.length);
                peer.getInputStream().readNBytes(data.length);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void single_octets_that_wait_for_a_slow_peer_arrive_in_order_and_before_the_end(SocketTransport transport)
            throws IOException {
        byte[] block = random(100_000);
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                do {
                    sent.write(block, 0, stream.write(block));
                    rig.letItHappen();
                } while (stream.room() > 0);
                CompletableFuture<byte[]> read = CompletableFuture.supplyAsync(() -> all(peer));
                for (int turn = 0; turn < 20; turn++) {
                    until(() -> stream.room() >= 1000);
                    rig.run(() -> {
                        for (int i = 0; i < 1000; i++) {
                            sent.write(block, i, stream.stream.write(block, i, 1));
                            rig.uplink.flush();
                        }
                    });
                }
                stream.call(() -> stream.stream.shutdownOutput());

                assertThat(read.join()).isEqualTo(sent.toByteArray());
                assertThat(stream.events).containsOnly("connected", "writable");
                rig.close(stream.stream);
            }
        }
    }

    private static byte[] all(Socket peer) {
        try {
            return peer.getInputStream().readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void there_is_no_room_before_it_is_connected_and_reading_may_be_asked_for(SocketTransport transport)
            throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents events = new StreamEvents(rig);
            rig.run(() -> {
                events.stream = rig.uplink.connect(LOOPBACK, server.getLocalPort(), 0, events);
                assertThat(events.stream.room()).isZero();
                assertThat(events.stream.write(new byte[5], 0, 5)).isZero();
                events.stream.request(3);
                events.inCall = false;
            });
            events.await("connected");
            try (Socket peer = server.accept()) {
                peer.getOutputStream().write(new byte[] {1, 2, 3, 4});
                until(() -> events.received.get() == 3);
                assertThat(events.octets()).containsExactly(1, 2, 3);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_closed_port_refuses(SocketTransport transport) throws IOException {
        int port = freePort();
        try (UplinkRig rig = UplinkRig.on(transport)) {
            StreamEvents stream = rig.connect(port);
            stream.await("failed REFUSED");
            assertThat(stream.events).hasSize(1);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_reset_of_the_peer_is_told(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            stream.request(1);
            Socket peer = server.accept();
            peer.setSoLinger(true, 0);
            peer.close();
            stream.await("failed RESET");
            assertThat(stream.room()).isZero();
            assertThat(stream.write(new byte[1])).isZero();
            rig.close(stream.stream);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_reset_reaches_the_peer_even_with_octets_on_the_way(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                stream.write(random(200_000));
                stream.call(() -> stream.stream.reset());
                assertThatThrownBy(() -> peer.getInputStream().readAllBytes())
                        .isInstanceOf(SocketException.class)
                        .hasMessageContaining("reset");
                rig.letItHappen();
                assertThat(stream.events).doesNotContain("end").noneMatch(event -> event.startsWith("failed"));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void close_sends_everything_first(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            try (Socket peer = server.accept()) {
                byte[] data = random(200_000);
                stream.call(() -> {
                    assertThat(stream.stream.write(data, 0, data.length)).isEqualTo(data.length);
                    stream.stream.close();
                    assertThat(stream.stream.write(data, 0, 1)).isZero();
                });
                assertThat(peer.getInputStream().readAllBytes()).isEqualTo(data);
                assertThat(stream.events).doesNotContain("end");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_closed_connection_is_not_held_any_longer(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            for (int last : new int[] {0, 1_000_000}) {
                WeakReference<StreamEvents> closed = closed(rig, server, last);
                until(() -> {
                    System.gc();
                    return closed.refersTo(null);
                });
            }
        }
    }

    /** A connection that was closed right after its last octets, which the peer has read. */
    private static WeakReference<StreamEvents> closed(UplinkRig rig, ServerSocket server, int last) throws IOException {
        StreamEvents stream = rig.connected(server.getLocalPort());
        try (Socket peer = server.accept()) {
            byte[] octets = new byte[last];
            rig.run(() -> {
                stream.stream.write(octets, 0, octets.length);
                stream.stream.close();
            });
            peer.getInputStream().readAllBytes();
        }
        return new WeakReference<>(stream);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void the_port_that_was_asked_for_is_kept_if_the_host_can_spare_it(SocketTransport transport) throws IOException {
        int port = freePort();
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server();
                ServerSocket taken = server()) {
            StreamEvents kept = rig.connect(LOOPBACK, server.getLocalPort(), port);
            kept.await("connected");
            assertThat(kept.localPort).isEqualTo(port);
            Socket first = server.accept();

            StreamEvents sameTuple = rig.connect(LOOPBACK, server.getLocalPort(), port);
            sameTuple.await("connected");
            assertThat(sameTuple.localPort).isNotEqualTo(port);

            StreamEvents listenedOn = rig.connect(LOOPBACK, server.getLocalPort(), taken.getLocalPort());
            listenedOn.await("connected");
            assertThat(listenedOn.localPort).isNotEqualTo(taken.getLocalPort());
            // the peer closes first and has the TIME_WAIT
            first.close();
            for (StreamEvents stream : new StreamEvents[] {kept, sameTuple, listenedOn}) {
                stream.call(() -> stream.stream.reset());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_connection_to_ones_own_port_does_not_meet_itself(SocketTransport transport) throws IOException {
        int port = freePort();
        try (UplinkRig rig = UplinkRig.on(transport)) {
            StreamEvents stream = rig.connect(LOOPBACK, port, port);
            stream.await("failed REFUSED");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void an_outgoing_connection_has_the_source_address_that_was_set(SocketTransport transport) throws IOException {
        Ipv4Address source = Ipv4Address.of(127, 9, 8, 7);
        try (UplinkRig rig = new UplinkRig(
                        SocketUplink.create().withTransport(transport).withSource(source));
                ServerSocket server = server()) {
            int port = freePort();
            for (int wanted : new int[] {0, port}) {
                StreamEvents stream = rig.connect(LOOPBACK, server.getLocalPort(), wanted);
                stream.await("connected");
                try (Socket peer = server.accept()) {
                    assertThat(peer.getInetAddress()).isEqualTo(source.toInetAddress());
                    assertThat(wanted == 0 || peer.getPort() == port).isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void what_is_left_is_reset_when_the_uplink_closes(SocketTransport transport) throws IOException {
        try (ServerSocket server = server()) {
            UplinkRig rig = UplinkRig.on(transport);
            StreamEvents stream = rig.connected(server.getLocalPort());
            StreamEvents under = new StreamEvents(rig);
            try (Socket peer = server.accept()) {
                rig.uplink.driver().run(() -> {
                    under.stream = rig.uplink.connect(LOOPBACK, server.getLocalPort(), 0, under);
                    rig.uplink.close();
                    under.inCall = false;
                });
                assertThatThrownBy(() -> peer.getInputStream().read()).isInstanceOf(SocketException.class);
                assertThat(stream.events).containsExactly("connected");
                assertThat(under.events).isEmpty();
                assertThatThrownBy(() -> rig.connect(1))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("not open");
            } finally {
                rig.close();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void another_thread_is_refused(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            assertThatThrownBy(() -> stream.stream.write(new byte[1], 0, 1)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> stream.stream.request(1)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> stream.stream.close()).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(rig.uplink::flush).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> rig.uplink.connect(LOOPBACK, 1, 0, stream))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void a_reset_is_told_to_a_stream_that_writes_while_it_does_not_read(SocketTransport transport) throws IOException {
        try (UplinkRig rig = UplinkRig.on(transport);
                ServerSocket server = server()) {
            StreamEvents stream = rig.connected(server.getLocalPort());
            Socket peer = server.accept();
            peer.getOutputStream().write(random(5000));
            peer.setSoLinger(true, 0);
            peer.close();
            until(() -> {
                stream.write(new byte[1]);
                return stream.events.contains("failed RESET");
            });
        }
    }
}
