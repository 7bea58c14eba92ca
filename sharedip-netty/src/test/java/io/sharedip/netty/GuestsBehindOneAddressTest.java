package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sharedip.Guest;
import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.packet.Octets;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.uplink.PacketUplink;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three guests with the shared address, each on a stream socket of its own, through a running gateway. */
class GuestsBehindOneAddressTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;

    @Test
    void equal_tuples_of_three_guests_leave_by_different_ports_and_a_guest_that_reconnects_keeps_its_flow(
            @TempDir Path directory) throws Exception {
        InProcessLink up = InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
        Queue<SharedIpEvent> events = new ConcurrentLinkedQueue<>();
        NatGatewayBuilder builder = NatGateway.builder()
                .address(SHARED)
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn())
                .listener(events::add);
        for (int i = 1; i <= 3; i++) {
            builder.guest(Guest.of(
                    "g" + i,
                    "52:54:00:00:00:0" + i,
                    SHARED,
                    QemuStreamLink.listen("unix:" + directory.resolve("g" + i))));
        }
        try (NatGateway gateway = builder.start()) {
            int[] ports = new int[4];
            SocketChannel[] monitors = new SocketChannel[4];
            for (int i = 1; i <= 3; i++) {
                monitors[i] = connect(directory.resolve("g" + i));
                write(monitors[i], fromGuest(i, PacketBuilder.SYN));
                ParsedPacket out = nextPacket(up);
                assertThat(out.source()).isEqualTo(SHARED);
                assertThat(out.to()).isEqualTo(SERVER + ":80");
                ports[i] = out.sourcePort();
            }
            assertThat(List.of(ports[1], ports[2], ports[3])).doesNotHaveDuplicates();

            monitors[2].close();
            await().until(() -> events.stream().anyMatch(SharedIpEvent.LinkLost.class::isInstance));
            monitors[2] = connect(directory.resolve("g2"));
            await().until(() -> events.stream().anyMatch(SharedIpEvent.LinkRestored.class::isInstance));

            up.transmit(PacketBuilder.tcp()
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .from(SERVER, 80)
                    .to(SHARED, ports[2])
                    .flags(PacketBuilder.SYN | PacketBuilder.ACK)
                    .sequence(1, 1001)
                    .build());
            ParsedPacket in = ParsedPacket.of(read(monitors[2]));
            assertThat(in.from()).isEqualTo(SERVER + ":80");
            assertThat(in.to()).isEqualTo(SHARED + ":40000");

            write(monitors[2], fromGuest(2, PacketBuilder.ACK));
            assertThat(nextPacket(up).sourcePort()).as("the same flow").isEqualTo(ports[2]);
            assertThat(gateway.stats().balances()).isTrue();
            for (int i = 1; i <= 3; i++) {
                monitors[i].close();
            }
        }
    }

    private static byte[] fromGuest(int number, int flags) {
        return PacketBuilder.tcp()
                .macs(MacAddress.parse("52:54:00:00:00:0" + number), GatewayRig.ROUTER_MAC)
                .from(SHARED, 40000)
                .to(SERVER, 80)
                .flags(flags)
                .sequence(flags == PacketBuilder.SYN ? 1000 : 1001, flags == PacketBuilder.SYN ? 0 : 2)
                .build();
    }

    /** The next IPv4 packet on the uplink; answers ARP meanwhile. */
    private static ParsedPacket nextPacket(InProcessLink up) {
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

    private static SocketChannel connect(Path path) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(path));
        return channel;
    }

    private static void write(SocketChannel channel, byte[] frame) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(4 + frame.length)
                .putInt(frame.length)
                .put(frame)
                .flip();
        while (message.hasRemaining()) {
            channel.write(message);
        }
    }

    private static byte[] read(SocketChannel channel) throws IOException {
        ByteBuffer length = fill(channel, 4);
        return fill(channel, length.getInt()).array();
    }

    private static ByteBuffer fill(SocketChannel channel, int octets) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(octets);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new IOException("the gateway closed the connection");
            }
        }
        return buffer.flip();
    }
}
