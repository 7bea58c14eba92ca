package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import org.junit.jupiter.api.Test;

/** Row 1: guests that all carry the shared address, with equal ports, to the same server. */
class SharedAddressTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("a", "52:54:00:00:00:01", SHARED)
                .guest("b", "52:54:00:00:00:02", SHARED)
                .guest("c", "52:54:00:00:00:03", SHARED);
    }

    @Test
    void equal_tuples_of_three_guests_show_as_three_outside_ports_and_answers_find_back() {
        try (GatewayRig rig = rig()) {
            int[] outsidePorts = new int[3];
            String[] names = {"a", "b", "c"};
            for (int i = 0; i < 3; i++) {
                rig.station(names[i])
                        .send(PacketBuilder.tcp().from(SHARED, 40000).to(SERVER, 80));
                ParsedPacket out = rig.outside().takeOne();
                assertThat(out.source()).isEqualTo(SHARED);
                assertThat(out.to()).isEqualTo(SERVER + ":80");
                assertThat(out.ttl()).isEqualTo(63);
                assertThat(out.sourceMac()).isEqualTo(GatewayRig.UPLINK_MAC);
                assertThat(out.destinationMac()).isEqualTo(GatewayRig.NEXT_HOP_MAC);
                outsidePorts[i] = out.sourcePort();
            }
            assertThat(outsidePorts).doesNotHaveDuplicates();
            for (int i = 0; i < 3; i++) {
                rig.outside()
                        .send(PacketBuilder.tcp()
                                .from(SERVER, 80)
                                .to(SHARED, outsidePorts[i])
                                .flags(PacketBuilder.SYN | PacketBuilder.ACK)
                                .sequence(1, 1001));
                ParsedPacket in = rig.station(names[i]).takeOne();
                assertThat(in.from()).isEqualTo(SERVER + ":80");
                assertThat(in.to()).isEqualTo(SHARED + ":40000");
                assertThat(in.sourceMac()).isEqualTo(GatewayRig.ROUTER_MAC);
                assertThat(in.destinationMac()).isEqualTo(rig.station(names[i]).mac());
            }
            assertThat(rig.stats().flows()).isEqualTo(3);
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    @Test
    void a_spoofed_source_never_leaves_and_raises_exactly_its_reason() {
        try (GatewayRig rig = rig()) {
            rig.station("a").send(PacketBuilder.udp().from("10.9.9.9", 4000).to(SERVER, 53));
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.BINDING_ADDRESS);
        }
    }
}
