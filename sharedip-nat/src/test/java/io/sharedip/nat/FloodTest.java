package io.sharedip.nat;

import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.event.SharedIpEvent;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One guest, or the outside, floods; the three other guests go on as if nothing were. */
class FloodTest {

    private static final String F = "10.0.0.9";
    private static final String[] NAMES = {"a", "b", "c"};
    private static final int FLOOD = 20_000;

    private static GatewayRig rig(int capacity, int perGuest) {
        return rig().with(b -> b.capacity(capacity).flowsPerGuest(perGuest));
    }

    private static GatewayRig rig() {
        GatewayRig rig = new GatewayRig().guest("f", "52:54:00:00:00:09", F);
        for (int i = 0; i < NAMES.length; i++) {
            rig.guest(NAMES[i], "52:54:00:00:00:0" + (1 + i), address(i));
        }
        return rig;
    }

    private static String address(int guest) {
        return "10.0.0." + (1 + guest);
    }

    private static Conversation tcp(GatewayRig rig, int guest, int port) {
        return Conversation.tcp(rig, NAMES[guest], address(guest), port, GatewayRig.SERVER, 80);
    }

    private static Conversation udp(GatewayRig rig, int guest, int port) {
        return Conversation.udp(rig, NAMES[guest], address(guest), port, GatewayRig.SERVER, 53);
    }

    /** Old and half-begun flows of the others outlive the flood, and new ones succeed all through. */
    private static void endure(GatewayRig rig, IntConsumer flood) {
        List<Conversation> old = new ArrayList<>();
        List<Conversation> waiting = new ArrayList<>();
        for (int guest = 0; guest < NAMES.length; guest++) {
            for (int i = 0; i < 10; i++) {
                old.add(tcp(rig, guest, 3000 + i).handshake());
                Conversation asked = udp(rig, guest, 3000 + i);
                asked.out();
                assertThat(asked.in()).isNotNull();
                old.add(asked);
                Conversation half = tcp(rig, guest, 3100 + i);
                assertThat(half.out(SYN)).isNotNull();
                waiting.add(half);
            }
        }
        for (int i = 0; i < FLOOD; i++) {
            flood.accept(i);
            if (i % 1000 == 999) {
                rig.station("f").takeRaw();
                for (int guest = 0; guest < NAMES.length; guest++) {
                    old.add(tcp(rig, guest, 5000 + i / 1000).handshake());
                    Conversation asked = udp(rig, guest, 5000 + i / 1000);
                    assertThat(asked.out()).isNotNull();
                    assertThat(asked.in()).isNotNull();
                    old.add(asked);
                }
            }
        }
        assertThat(waiting).allMatch(talk -> talk.in(SYN | ACK) != null && talk.out(ACK) != null);
        assertThat(old).allMatch(talk -> talk.in() != null && talk.out() != null);
    }

    /** With room in the table, with a full table, and with ports that run out first. */
    @ParameterizedTest
    @CsvSource({"5000, 2000, 61000", "600, 600, 61000", "5000, 5000, 65036", "5000, 2000, 65036"})
    void hostile20_a_flood_of_one_guest_leaves_old_and_new_flows_of_the_others_alone(
            int capacity, int perGuest, int firstPort) {
        Random random = new Random(3);
        try (GatewayRig rig = rig(capacity, perGuest).ports(firstPort, 65535)) {
            endure(rig, i -> {
                PacketBuilder packet = i % 3 == 0 ? PacketBuilder.udp() : PacketBuilder.tcp();
                rig.station("f")
                        .send(packet.from(F, 1024 + random.nextInt(60_000))
                                .to("198.18." + random.nextInt(250) + '.' + (1 + random.nextInt(250)), 80));
                rig.outside().takeRaw();
            });
            assertThat(rig.stats().flows()).isLessThanOrEqualTo(capacity);
        }
    }

    @ParameterizedTest
    @CsvSource({"5000, 2000", "600, 600"})
    void hostile20_a_flood_from_outside_through_a_forward_leaves_old_and_new_flows_alone(int capacity, int perGuest) {
        try (GatewayRig rig =
                rig(capacity, perGuest).with(b -> b.forward("tcp 8080 -> f:80").forward("tcp 8081 -> a:80"))) {
            endure(rig, i -> {
                rig.outside()
                        .send(PacketBuilder.tcp()
                                .from("198.18." + i / 250 % 250 + '.' + (1 + i % 250), 1024 + i)
                                .to(SHARED, 8080 + i % 2));
                rig.station("a").takeRaw();
            });
        }
    }

    private static String peer(int i) {
        return "198.18." + i / 250 % 250 + '.' + (1 + i % 250);
    }

    /** What is answered never gives way, so that the quota alone stands between the flood and the others. */
    @Test
    void hostile20_a_flood_of_one_guest_that_is_answered_leaves_old_and_new_flows_of_the_others_alone() {
        try (GatewayRig rig = rig()) {
            endure(rig, i -> {
                Conversation talk = i % 2 == 0
                        ? Conversation.udp(rig, "f", F, 1024 + i, peer(i), 53)
                        : Conversation.tcp(rig, "f", F, 1024 + i, peer(i), 80);
                if (talk.out(SYN) != null) {
                    assertThat(talk.in(SYN | ACK)).isNotNull();
                    assertThat(talk.out(ACK)).isNotNull();
                }
            });
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_GUEST_FLOWS);
        }
    }

    @Test
    void hostile20_a_flood_from_outside_that_is_answered_leaves_old_and_new_flows_of_the_others_alone() {
        try (GatewayRig rig = rig().with(b -> b.forward("tcp 8080 -> f:80").forward("udp 8080 -> f:80"))) {
            endure(rig, i -> {
                Conversation talk = (i % 2 == 0
                                ? Conversation.udp(rig, "f", F, 80, peer(i), 1024 + i)
                                : Conversation.tcp(rig, "f", F, 80, peer(i), 1024 + i))
                        .outsidePort(8080);
                if (talk.in(SYN) != null) {
                    assertThat(talk.out(SYN | ACK)).isNotNull();
                    assertThat(talk.in(ACK)).isNotNull();
                }
            });
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.LIMIT_GUEST_FLOWS);
        }
    }

    @Test
    void hostile20_at_most_one_flow_gives_way_to_each_packet_of_a_flood() {
        AtomicInteger evicted = new AtomicInteger();
        try (GatewayRig rig = rig(500, 400)
                .ports(65436, 65535)
                .with(b -> b.listener(event -> {
                    if (event instanceof SharedIpEvent.FlowClosed closed
                            && closed.reason() == SharedIpEvent.CloseReason.EVICTED) {
                        evicted.incrementAndGet();
                    }
                }))) {
            int sent = 0;
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 50; i++) {
                    rig.station("f")
                            .send(PacketBuilder.tcp().from(F, 1024 + sent++).to(GatewayRig.SERVER, 80));
                }
                List<ParsedPacket> seen = rig.outside().take();
                assertThat(seen).hasSize(50);
            }
            assertThat(rig.stats().flows()).isEqualTo(100);
        }
        assertThat(evicted.get()).isEqualTo(20 * 50 - 100);
    }

    @Test
    void hostile20_a_mapping_with_thousands_of_unanswered_flows_is_paid_for_once() {
        try (GatewayRig rig = rig(5000, 4000).ports(65534, 65535)) {
            // one endpoint, many peers: one port
            for (int i = 0; i < 3000; i++) {
                rig.station("f")
                        .send(PacketBuilder.udp().from(F, 2000).to("198.18." + i / 250 + '.' + (1 + i % 250), 9));
            }
            rig.station("f").send(PacketBuilder.udp().from(F, 2001).to(GatewayRig.SERVER, 9));
            assertThat(rig.stats().flows()).isEqualTo(3001);
            rig.outside().take();
            // the next endpoint takes the port of the first mapping, which goes as a whole
            assertThat(udp(rig, 0, 7).out()).isNotNull();
            assertThat(rig.stats().flows()).isEqualTo(2);
            assertThat(rig.stats().mappings()).isEqualTo(2);
        }
    }
}
