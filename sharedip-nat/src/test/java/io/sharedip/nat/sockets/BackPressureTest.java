package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.link.FrameHandler;
import io.sharedip.packet.Frame;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.MemoryHost.Stream;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import io.sharedip.testing.PlainLink;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who gets to send, and how much, when guests' links are slow. */
class BackPressureTest {

    private static final String IN = "10.0.0.2";

    /** A link that takes as many frames as it is told to. */
    private static final class SlowLink extends PlainLink {

        private final Deque<byte[]> toGateway = new ArrayDeque<>();
        private final List<ParsedPacket> sent = new ArrayList<>();
        private int room = 1_000_000;

        SlowLink(String name) {
            super(name, GatewayRig.ROUTER_MAC);
        }

        @Override
        public int poll(FrameHandler handler, int limit) {
            int count = 0;
            while (!toGateway.isEmpty() && count < limit) {
                handler.onFrames(new Frame[] {Frame.of(toGateway.remove())}, 1);
                count++;
            }
            return count;
        }

        @Override
        public boolean isWritable() {
            return room > 0;
        }

        @Override
        public boolean send(Frame frame) {
            assertThat(room).as("room when sent to").isPositive();
            room--;
            sent.add(ParsedPacket.of(frame.toByteArray()));
            return true;
        }
    }

    private final MemoryHost host = new MemoryHost();
    private final SlowLink slow = new SlowLink("slow");
    private final SlowLink other = new SlowLink("other");
    private final GatewayRig rig = new GatewayRig()
            .sockets(host)
            .guest("slow", "52:54:00:00:00:01", IN, slow)
            .guest("other", "52:54:00:00:00:02", "10.0.0.3", other);

    private Stream connect(SlowLink link, String mac, String address, int port) {
        PacketBuilder packet = PacketBuilder.tcp()
                .macs(io.sharedip.address.MacAddress.parse(mac), GatewayRig.ROUTER_MAC)
                .from(address, port)
                .to(SERVER, 80)
                .tcpOptions((byte) 2, (byte) 4, (byte) 5, (byte) 0xb4);
        link.toGateway.add(packet.flags(SYN).sequence(1_000, 0).build());
        rig.poll();
        Stream stream = host.stream();
        stream.establish();
        rig.poll();
        ParsedPacket answer = link.sent.remove(link.sent.size() - 1);
        link.toGateway.add(packet.flags(ACK)
                .tcpOptions()
                .sequence(1_001, answer.sequence() + 1)
                .build());
        rig.poll();
        return stream;
    }

    @Test
    void a_link_that_takes_nothing_is_sent_nothing_and_does_not_hold_up_others() {
        try (rig) {
            Stream one = connect(slow, "52:54:00:00:00:01", IN, 4000);
            Stream two = connect(other, "52:54:00:00:00:02", "10.0.0.3", 4000);
            slow.room = 0;
            one.send(new byte[10_000]);
            two.send(new byte[10_000]);
            rig.poll();
            assertThat(slow.sent).isEmpty();
            assertThat(other.sent).hasSize(7);
            // what cannot be sent is not taken for lost either
            rig.advance(Duration.ofMinutes(5));
            assertThat(one.end()).isEqualTo(MemoryHost.End.OPEN);
            slow.room = 3;
            rig.poll();
            assertThat(slow.sent).hasSize(3);
            slow.room = 1_000;
            rig.poll();
            assertThat(slow.sent.stream().mapToInt(p -> p.payload().length).sum())
                    .isEqualTo(10_000);
            assertThat(slow.sent.stream().mapToLong(ParsedPacket::sequence).distinct())
                    .hasSize(7);
        }
    }

    @Test
    void connections_of_one_guest_take_turns() {
        try (rig) {
            Stream one = connect(slow, "52:54:00:00:00:01", IN, 4000);
            Stream two = connect(slow, "52:54:00:00:00:01", IN, 4001);
            slow.room = 0;
            one.send(new byte[14_000]);
            two.send(new byte[14_000]);
            rig.poll();
            slow.room = 12;
            rig.poll();
            assertThat(slow.sent).extracting(ParsedPacket::destinationPort).contains(4000, 4001);
        }
    }
}
