package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Incremental checksums against a full recomputation: {@link ParsedPacket} computes every checksum of a random translated packet
 * from scratch.
 */
class ChecksumPropertyTest {

    private static final int PACKETS = 4_000;
    private static final long SEED = 20_260_101;

    @Test
    void rfc1624_and_case10_every_translated_packet_has_right_checksums_whatever_is_in_it() {
        Random random = new Random(SEED);
        try (GatewayRig rig = new GatewayRig()
                .guest("p", "52:54:00:00:00:01", "10.0.0.2")
                .guest("s", "52:54:00:00:00:03", GatewayRig.SHARED)
                .with(builder -> builder.capacity(20_000)
                        .flowsPerGuest(10_000)
                        .tcpTracking(TcpTracking.defaults().withWindowChecks(false)))) {
            for (int i = 0; i < PACKETS; i++) {
                boolean shared = random.nextBoolean();
                String name = shared ? "s" : "p";
                String inside = shared ? GatewayRig.SHARED : "10.0.0.2";
                String peer = "198." + random.nextInt(256) + '.' + random.nextInt(256) + '.' + random.nextInt(256);
                int port = 1 + random.nextInt(2_000);
                int peerPort = 1 + random.nextInt(65_535);
                int protocol = random.nextInt(3);
                rig.station(name)
                        .send(packet(random, protocol, true).from(inside, port).to(peer, peerPort));
                List<ParsedPacket> out = rig.outside().take();
                assertThat(out).hasSize(1);
                int outsidePort = out.get(0).sourcePort();
                assertThat(out.get(0).source()).isEqualTo(GatewayRig.SHARED);
                rig.outside()
                        .send(packet(random, protocol, false)
                                .echo(0, outsidePort, i & 0xffff)
                                .from(peer, peerPort)
                                .to(GatewayRig.SHARED, outsidePort)
                                .flags(PacketBuilder.ACK | PacketBuilder.SYN));
                assertThat(rig.station(name).take()).hasSize(1);
            }
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    private static PacketBuilder packet(Random random, int protocol, boolean request) {
        byte[] payload = new byte[random.nextInt(random.nextInt(10) == 0 ? 1_400 : 40)];
        switch (random.nextInt(4)) {
            case 0 -> {
                // zeros
            }
            case 1 -> Arrays.fill(payload, (byte) 0xff);
            default -> random.nextBytes(payload);
        }
        PacketBuilder packet = switch (protocol) {
            case 0 -> PacketBuilder.tcp();
            case 1 -> PacketBuilder.udp();
            default -> PacketBuilder.icmp().echo(request ? 8 : 0, 1 + random.nextInt(300), random.nextInt(65_536));
        };
        packet.payload(payload)
                .ttl(2 + random.nextInt(254))
                .identification(random.nextInt(65_536))
                .window(random.nextInt(65_536))
                .sequence(random.nextInt() & 0xffffffffL, random.nextInt() & 0xffffffffL);
        if (random.nextInt(4) == 0) {
            packet.options(
                    (byte) 7, (byte) 7, (byte) 4, (byte) random.nextInt(), (byte) 0, (byte) 0, (byte) 0, (byte) 0);
        }
        if (random.nextInt(8) == 0) {
            packet.padding(random.nextInt(20));
        }
        return packet;
    }
}
