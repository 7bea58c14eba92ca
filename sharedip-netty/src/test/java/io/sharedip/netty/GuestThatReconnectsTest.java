package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import io.sharedip.Guest;
import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.link.InProcessLink;
import io.sharedip.link.Link;
import io.sharedip.nat.NatGateway;
import io.sharedip.packet.Octets;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.PacketUplink;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A guest whose monitor goes away and comes back keeps its binding, its flows and its forwards, whatever the link. */
@Timeout(60)
class GuestThatReconnectsTest {

    private static final MacAddress GUEST = MacAddress.parse("52:54:00:00:00:01");
    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;

    @TempDir
    Path directory;

    private final Queue<SharedIpEvent> events = new ConcurrentLinkedQueue<>();
    private final InProcessLink up = InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);

    /** A monitor's side of a link. */
    private interface Wire {

        void connect() throws IOException;

        void disconnect() throws IOException;

        void send(byte[] frame) throws IOException;

        byte[] read() throws IOException;
    }

    private void keepsEverything(Link link, Wire wire, boolean tellsDown) throws Exception {
        try (NatGateway gateway = NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn())
                .guest(Guest.of("g1", GUEST.toString(), SHARED, link))
                .forward("tcp 8080 -> g1:80")
                .listener(events::add)
                .start()) {
            wire.connect();
            wire.send(fromGuest(1000, 0, PacketBuilder.SYN));
            int port = nextPacket().sourcePort();

            wire.disconnect();
            if (tellsDown) {
                // a frame for the guest finds nobody
                up.transmit(fromServer(port));
                await().until(() -> events.stream().anyMatch(SharedIpEvent.LinkLost.class::isInstance));
            }
            wire.connect();
            wire.send(fromGuest(1000, 0, PacketBuilder.SYN));
            assertThat(nextPacket().sourcePort()).as("the same flow").isEqualTo(port);
            if (tellsDown) {
                await().until(() -> events.stream().anyMatch(SharedIpEvent.LinkRestored.class::isInstance));
            }

            up.transmit(fromServer(port));
            ParsedPacket in = ParsedPacket.of(wire.read());
            assertThat(in.from()).isEqualTo(SERVER + ":80");
            assertThat(in.to()).isEqualTo(SHARED + ":40000");

            up.transmit(PacketBuilder.tcp()
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .from(SERVER, 50000)
                    .to(SHARED, 8080)
                    .flags(PacketBuilder.SYN)
                    .sequence(1, 0)
                    .build());
            ParsedPacket forwarded = ParsedPacket.of(wire.read());
            while (forwarded.to().equals(in.to())) {
                // what was sent while nobody was there may have come after all
                forwarded = ParsedPacket.of(wire.read());
            }
            assertThat(forwarded.to()).as("the forward").isEqualTo(SHARED + ":80");
            assertThat(gateway.stats().balances()).isTrue();
            wire.disconnect();
        }
    }

    private static byte[] fromGuest(int sequence, int acknowledgment, int flags) {
        return PacketBuilder.tcp()
                .macs(GUEST, GatewayRig.ROUTER_MAC)
                .from(SHARED, 40000)
                .to(SERVER, 80)
                .flags(flags)
                .sequence(sequence, acknowledgment)
                .build();
    }

    private static byte[] fromServer(int port) {
        return PacketBuilder.tcp()
                .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                .from(SERVER, 80)
                .to(SHARED, port)
                .flags(PacketBuilder.SYN | PacketBuilder.ACK)
                .sequence(1, 1001)
                .build();
    }

    /** The next IPv4 packet on the uplink; answers ARP meanwhile. */
    private ParsedPacket nextPacket() {
        return await().until(
                        () -> {
                            byte[] frame = up.receive();
                            if (frame != null && Octets.u16(frame, 12) == 0x0806) {
                                up.transmit(GatewayRig.arpReply(frame, GatewayRig.NEXT_HOP_MAC));
                                return null;
                            }
                            return frame == null ? null : ParsedPacket.of(frame);
                        },
                        packet -> packet != null);
    }

    /** A stream, whichever side listens. */
    private abstract static class StreamWire implements Wire {
        Monitor monitor;

        @Override
        public void disconnect() {
            monitor.close();
        }

        @Override
        public void send(byte[] frame) {
            monitor.send(frame);
        }

        @Override
        public byte[] read() {
            return monitor.read();
        }
    }

    @Test
    void overAStreamThatTheMonitorConnects() throws Exception {
        Path path = directory.resolve("gw");
        keepsEverything(
                QemuStreamLink.listen("unix:" + path),
                new StreamWire() {
                    @Override
                    public void connect() {
                        monitor = Monitor.connect(UnixDomainSocketAddress.of(path));
                    }
                },
                true);
    }

    @Test
    void overAStreamThatTheMonitorListensFor() throws Exception {
        Path path = directory.resolve("vm");
        try (ServerSocketChannel listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listening.bind(UnixDomainSocketAddress.of(path));
            keepsEverything(
                    QemuStreamLink.connect("unix:" + path),
                    new StreamWire() {
                        @Override
                        public void connect() throws IOException {
                            monitor = new Monitor(listening.accept());
                        }
                    },
                    true);
        }
    }

    @Test
    void overUdp() throws Exception {
        DatagramLink link = DatagramLink.udp("127.0.0.1:0");
        keepsEverything(
                link,
                new Wire() {
                    private DatagramSocket socket;
                    private int port;

                    @Override
                    public void connect() throws IOException {
                        socket = new DatagramSocket(port, InetAddress.getLoopbackAddress());
                        port = socket.getLocalPort();
                    }

                    @Override
                    public void disconnect() {
                        socket.close();
                    }

                    @Override
                    public void send(byte[] frame) throws IOException {
                        InetSocketAddress to =
                                (InetSocketAddress) link.localAddress().orElseThrow();
                        socket.send(new DatagramPacket(frame, frame.length, to));
                    }

                    @Override
                    public byte[] read() throws IOException {
                        DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
                        socket.receive(packet);
                        return Arrays.copyOf(packet.getData(), packet.getLength());
                    }
                },
                false);
    }

    @Test
    void overUnixDatagrams() throws Exception {
        Path gateway = directory.resolve("gw");
        Path monitor = directory.resolve("vm");
        keepsEverything(
                DatagramLink.unix(gateway + "->" + monitor),
                new Wire() {
                    private final ByteBuffer buffer = ByteBuffer.allocateDirect(2000);
                    private Socket socket;

                    @Override
                    public void connect() throws IOException {
                        Files.deleteIfExists(monitor);
                        socket = Socket.newSocketDomainDgram();
                        socket.bind(new DomainSocketAddress(monitor.toString()));
                    }

                    @Override
                    public void disconnect() throws IOException {
                        socket.close();
                    }

                    @Override
                    public void send(byte[] frame) throws IOException {
                        buffer.clear().put(frame);
                        byte[] to = gateway.toString().getBytes(StandardCharsets.UTF_8);
                        assertThat(socket.sendToDomainSocket(buffer, 0, frame.length, to))
                                .isEqualTo(frame.length);
                    }

                    @Override
                    public byte[] read() {
                        var received = await().until(
                                        () -> socket.recvFromDomainSocket(buffer, 0, buffer.capacity()),
                                        r -> r != null);
                        byte[] octets = new byte[received.receivedAmount()];
                        buffer.get(0, octets);
                        return octets;
                    }
                },
                true);
    }
}
