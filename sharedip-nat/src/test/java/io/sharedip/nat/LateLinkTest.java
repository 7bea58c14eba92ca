package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.InProcessLink;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.PacketUplink;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an unlucky link does to a running gateway. */
@Timeout(30)
class LateLinkTest {

    private final InProcessLink up = InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
    private final InProcessLink vm = InProcessLink.named("vm");

    private NatGatewayBuilder builder() {
        return NatGateway.builder()
                .address("192.0.2.10")
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn())
                .guest(Guest.of("vm", "52:54:00:00:00:01", "192.0.2.10", vm));
    }

    /** A link that delivers on the driver's thread. */
    private static final class PushLink implements Link {
        private @Nullable LinkHost host;

        @Override
        public String name() {
            return "push";
        }

        @Override
        public int mtu() {
            return 1500;
        }

        @Override
        public Optional<MacAddress> macAddress() {
            return Optional.empty();
        }

        @Override
        public void open(LinkHost opened) {
            host = opened;
        }

        @Override
        public int poll(FrameHandler handler, int limit) {
            return 0;
        }

        @Override
        public boolean send(Frame frame) {
            return true;
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}

        void push(byte[] octets) {
            Objects.requireNonNull(host).deliver(new Frame[] {Frame.of(octets)}, 1);
        }
    }

    @Test
    void a_link_that_still_delivers_after_its_guest_was_removed_begins_nothing() throws Exception {
        PushLink push = new PushLink();
        try (NatGateway gateway = builder()
                .guest(Guest.of("push", "52:54:00:00:00:02", "192.0.2.10", push))
                .build()) {
            var removed = gateway.removeGuest(GuestId.of("push")).toCompletableFuture();
            while (!removed.isDone()) {
                gateway.poll();
                TimeUnit.MILLISECONDS.sleep(1);
            }
            removed.get();
            push.push(PacketBuilder.udp()
                    .macs(MacAddress.parse("52:54:00:00:00:02"), GatewayRig.ROUTER_MAC)
                    .from("192.0.2.10", 4000)
                    .to(GatewayRig.SERVER, 53)
                    .build());
            gateway.tick(System.nanoTime());
            assertThat(gateway.stats().flows()).isZero();
            assertThat(gateway.stats().framesIn()).isZero();
        }
    }
}
