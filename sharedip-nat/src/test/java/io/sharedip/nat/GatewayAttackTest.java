package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.GatewayClosedException;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.SharedIp;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.event.SharedIpListener;
import io.sharedip.forward.PortForward;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.InProcessLink;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.uplink.HostPortClaims;
import io.sharedip.uplink.PacketUplink;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What careless or unlucky embedders, links and listeners do to a running gateway. */
@Timeout(30)
class GatewayAttackTest {

    private final InProcessLink up = InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
    private final InProcessLink vm = InProcessLink.named("vm");

    private NatGateway.Builder builder() {
        return NatGateway.builder()
                .address("192.0.2.10")
                .prefix("192.0.2.0/24")
                .router("192.0.2.1")
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn())
                .guest(Guest.of("vm", "52:54:00:00:00:01", "192.0.2.10", vm));
    }

    @Test
    void a_driver_whose_idle_strategy_throws_says_so() throws Exception {
        AtomicBoolean broken = new AtomicBoolean();
        try (NatGateway gateway = builder()
                .idleStrategy(work -> {
                    if (broken.get()) {
                        throw new IllegalStateException("broken");
                    }
                })
                .start()) {
            gateway.rules().toCompletableFuture().get(5, TimeUnit.SECONDS);
            broken.set(true);
            while (gateway.state() == SharedIp.State.RUNNING) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
            assertThat(gateway.failure())
                    .get()
                    .extracting(Throwable::getMessage)
                    .isEqualTo("broken");
            assertThatThrownBy(() -> gateway.rules().toCompletableFuture().get(5, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(GatewayClosedException.class);
        }
    }

    @Test
    void a_gateway_with_a_driver_of_its_own_is_not_driven_by_others() throws Exception {
        try (NatGateway gateway = builder().start()) {
            for (int i = 0; i < 2_000; i++) {
                assertThatThrownBy(gateway::poll).isInstanceOf(IllegalStateException.class);
            }
            gateway.rules().toCompletableFuture().get(5, TimeUnit.SECONDS);
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }

    @Test
    void a_change_that_waits_for_the_control_thread_completes_when_the_gateway_is_closed() throws Exception {
        CountDownLatch claiming = new CountDownLatch(1);
        HostPortClaims slow = new HostPortClaims() {
            @Override
            public String kind() {
                return "slow";
            }

            @Override
            public void open(Ipv4Address address) {}

            @Override
            public List<PortRange> claim(IpProtocol protocol, PortRange ports) {
                if (ports.isSingle()) {
                    claiming.countDown();
                    try {
                        TimeUnit.SECONDS.sleep(20);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
                return List.of(ports);
            }

            @Override
            public void release(IpProtocol protocol, PortRange ports) {}

            @Override
            public boolean reservesPorts() {
                return true;
            }

            @Override
            public void close() {}
        };
        NatGateway gateway =
                builder().uplink(PacketUplink.on(up).withClaims(slow)).start();
        CompletableFuture<Void> first =
                gateway.addForward(PortForward.parse("tcp 8080 -> vm:80")).toCompletableFuture();
        assertThat(claiming.await(5, TimeUnit.SECONDS)).isTrue();
        CompletableFuture<Void> second =
                gateway.addForward(PortForward.parse("tcp 8081 -> vm:81")).toCompletableFuture();
        TimeUnit.MILLISECONDS.sleep(100);
        gateway.close();
        assertThatThrownBy(() -> first.get(5, TimeUnit.SECONDS)).hasCauseInstanceOf(GatewayClosedException.class);
        assertThatThrownBy(() -> second.get(5, TimeUnit.SECONDS)).hasCauseInstanceOf(GatewayClosedException.class);
    }

    @Test
    void a_listener_that_overflows_the_stack_does_not_silence_the_others() throws Exception {
        CountDownLatch heard = new CountDownLatch(2);
        SharedIpListener bad = event -> {
            throw new StackOverflowError();
        };
        try (NatGateway gateway =
                builder().listener(bad).listener(event -> heard.countDown()).start()) {
            for (int i = 0; i < 2; i++) {
                vm.transmit(PacketBuilder.udp()
                        .macs(MacAddress.parse("52:54:00:00:00:77"), GatewayRig.ROUTER_MAC)
                        .from("192.0.2.10", 4000)
                        .to(GatewayRig.SERVER, 53)
                        .build());
                TimeUnit.MILLISECONDS.sleep(50);
            }
            assertThat(heard.await(5, TimeUnit.SECONDS)).isTrue();
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
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
    void a_link_that_still_delivers_after_its_guest_was_removed_begins_nothing() {
        PushLink push = new PushLink();
        try (NatGateway gateway = builder()
                .guest(Guest.of("push", "52:54:00:00:00:02", "192.0.2.10", push))
                .build()) {
            gateway.poll();
            var removed = gateway.removeGuest(GuestId.of("push"));
            gateway.tick(System.nanoTime());
            push.push(PacketBuilder.udp()
                    .macs(MacAddress.parse("52:54:00:00:00:02"), GatewayRig.ROUTER_MAC)
                    .from("192.0.2.10", 4000)
                    .to(GatewayRig.SERVER, 53)
                    .build());
            gateway.tick(System.nanoTime());
            assertThat(gateway.stats().flows()).isZero();
            assertThat(gateway.stats().framesIn()).isZero();
            assertThat(removed.toCompletableFuture()).isNotCompletedExceptionally();
        }
    }
}
