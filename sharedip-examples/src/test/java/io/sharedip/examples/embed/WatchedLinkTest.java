package io.sharedip.examples.embed;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.Guest;
import io.sharedip.address.MacAddress;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.packet.ChecksumState;
import io.sharedip.stats.FlowStatus;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.PacketUplink;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WatchedLinkTest {

    private static final MacAddress GUEST = MacAddress.parse("52:54:00:00:00:01");

    private final InProcessLink card = InProcessLink.named("vm");

    private byte[] echoRequest() {
        return PacketBuilder.icmp()
                .macs(GUEST, MacAddress.parse("02:5e:00:00:02:0a"))
                .from("192.0.2.10", 0)
                .to("192.0.2.1", 0)
                .echo(8, 4660, 1)
                .build();
    }

    @Test
    void the_sniffer_prints_what_the_guest_sends_and_gets() {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (NatGateway gateway = Sniffer.gateway(card, new PrintStream(printed, true, StandardCharsets.UTF_8))
                .start()) {
            card.transmit(echoRequest());
            Awaitility.await()
                    .untilAsserted(() -> assertThat(
                                    printed.toString(StandardCharsets.UTF_8).lines())
                            .anyMatch(
                                    line -> line.startsWith("guest > 52:54:00:00:00:01 > 02:5e:00:00:02:0a type 0800"))
                            .anyMatch(line -> line.startsWith("guest < ") && line.contains("type 0800")));
            assertThat(gateway.stats().framesIn()).isPositive();
        }
    }

    /** Destination port 81 becomes 80 before the gateway sees it, and what goes to port 25 is swallowed. */
    @Test
    void a_watcher_rewrites_and_swallows_frames() {
        InProcessLink up = InProcessLink.named("up").withMacAddress(MacAddress.parse("02:00:5e:00:00:10"));
        int port = 14 + 20 + 2;
        WatchedLink watched = new WatchedLink(card, (fromGuest, frame) -> {
            if (fromGuest && frame.length() > port && frame.u16(port) == 81) {
                frame.put16(port, 80);
                frame.checksumState(ChecksumState.RECOMPUTE);
            }
            return !fromGuest || frame.length() <= port || frame.u16(port) != 25;
        });
        try (NatGateway gateway = NatGateway.builder()
                .address("192.0.2.10")
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .uplink(PacketUplink.on(up).withAddressOfItsOwn())
                .guest(Guest.of("vm", GUEST.toString(), "192.0.2.10", watched))
                .start()) {
            card.transmit(syn(25));
            card.transmit(syn(81));
            Awaitility.await().until(() -> !flows(gateway).isEmpty());

            assertThat(flows(gateway))
                    .singleElement()
                    .satisfies(flow -> assertThat(flow.peer().port()).isEqualTo(80));
            assertThat(gateway.stats().framesIn()).isEqualTo(1);
        }
    }

    private static List<FlowStatus> flows(NatGateway gateway) {
        return gateway.flows().toCompletableFuture().join();
    }

    private static byte[] syn(int port) {
        return PacketBuilder.tcp()
                .macs(GUEST, MacAddress.parse("02:5e:00:00:02:0a"))
                .from("192.0.2.10", 40001)
                .to("198.51.100.7", port)
                .flags(2)
                .build();
    }
}
