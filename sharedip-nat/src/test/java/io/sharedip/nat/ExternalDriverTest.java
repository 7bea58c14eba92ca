package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.Guest;
import io.sharedip.LinkException;
import io.sharedip.SharedIp;
import io.sharedip.address.MacAddress;
import io.sharedip.driver.GatewayDriver;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.InProcessLink;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.ManualClock;
import io.sharedip.testing.ManualDriver;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.PlainLink;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A gateway that somebody else's thread drives. */
@Timeout(60)
class ExternalDriverTest {

    /** Drives on one thread of an executor, as an event loop would. */
    private static final class LoopDriver implements GatewayDriver {

        private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();
        private volatile Thread thread = Thread.currentThread();
        private volatile Turn turn = () -> -1;
        private volatile boolean stopped;

        LoopDriver() {
            CompletableFuture.runAsync(() -> thread = Thread.currentThread(), loop)
                    .join();
        }

        @Override
        public void start(Turn given) {
            turn = given;
            wakeup();
        }

        private void turn() {
            long due = stopped ? -1 : turn.take();
            if (due >= 0) {
                var unused = loop.schedule(this::turn, due, TimeUnit.NANOSECONDS);
            }
        }

        @Override
        public void wakeup() {
            try {
                loop.execute(this::turn);
            } catch (RejectedExecutionException e) {
                assertThat(stopped).isTrue();
            }
        }

        @Override
        public void run(Runnable action) {
            if (Thread.currentThread() == thread) {
                action.run();
                return;
            }
            Future<?> done = loop.submit(action);
            try {
                done.get();
            } catch (java.util.concurrent.ExecutionException e) {
                if (e.getCause() instanceof RuntimeException thrown) {
                    throw thrown;
                }
                throw new AssertionError(e);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void stop() {
            stopped = true;
            loop.shutdown();
        }
    }

    /** A link that belongs to the driver's thread. */
    private static class LoopLink extends PlainLink {

        private LinkHost host;
        private Thread opened;

        LoopLink() {
            super("loop", GatewayRig.ROUTER_MAC);
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
        public void open(LinkHost gateway) {
            host = gateway;
            opened = Thread.currentThread();
        }
    }

    private static NatGatewayBuilder builder(InProcessLink up) {
        return NatGateway.builder()
                .address(GatewayRig.SHARED)
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn());
    }

    private static InProcessLink up() {
        return InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
    }

    @Test
    void it_is_made_and_driven_on_the_drivers_thread_and_links_of_that_thread_deliver_directly() {
        LoopDriver driver = new LoopDriver();
        LoopLink link = new LoopLink();
        InProcessLink up = up();
        try (NatGateway gateway = builder(up)
                .driver(driver)
                .guest(Guest.of("a", "52:54:00:00:00:01", "10.0.0.2", link))
                .start()) {
            assertThat(link.opened).isSameAs(driver.thread);
            assertThat(link.host.onDriverThread()).isFalse();
            byte[] frame = PacketBuilder.udp()
                    .from("10.0.0.2", 4000)
                    .to(GatewayRig.SERVER, 53)
                    .build();
            driver.run(() -> {
                assertThat(link.host.onDriverThread()).isTrue();
                link.host.deliver(new Frame[] {Frame.of(frame)}, 1);
            });
            assertThat(gateway.flows().toCompletableFuture().join()).hasSize(1);
            await().until(() -> gateway.stats().framesIn() == 1);
            assertThatThrownBy(gateway::poll)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("build()");
        }
        assertThat(driver.loop.isShutdown()).isTrue();
    }

    @Test
    void a_link_that_is_flushed_by_the_engine_does_not_deliver_from_within() {
        LoopDriver driver = new LoopDriver();
        List<Boolean> mayDeliver = new CopyOnWriteArrayList<>();
        LoopLink link = new LoopLink() {
            @Override
            public void flush() {
                mayDeliver.add(super.host.onDriverThread());
            }
        };
        byte[] request = GatewayRig.arp(1, MacAddress.parse("52:54:00:00:00:01"), "10.0.0.2", GatewayRig.ROUTER);
        try (NatGateway gateway = builder(up())
                .driver(driver)
                .guest(Guest.of("a", "52:54:00:00:00:01", "10.0.0.2", link))
                .start()) {
            driver.run(() -> link.host.deliver(new Frame[] {Frame.of(request)}, 1));
            assertThat(mayDeliver).isNotEmpty().containsOnly(false);
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }

    @Test
    void it_can_be_closed_on_the_drivers_own_thread() {
        LoopDriver driver = new LoopDriver();
        NatGateway gateway = builder(up()).driver(driver).start();
        driver.run(gateway::close);
        assertThat(gateway.state()).isEqualTo(SharedIp.State.CLOSED);
        await().until(driver.loop::isShutdown);
    }

    @Test
    void a_mistake_in_the_settings_is_thrown_by_start_and_stops_the_driver() {
        LoopDriver driver = new LoopDriver();
        assertThatThrownBy(() -> builder(up()).driver(driver).capacity(0).start())
                .isInstanceOf(ConfigurationException.class);
        assertThat(driver.loop.isShutdown()).isTrue();
    }

    @Test
    void a_link_that_cannot_be_opened_stops_the_driver() {
        ManualDriver driver = new ManualDriver();
        LoopLink broken = new LoopLink() {
            @Override
            public void open(LinkHost host) {
                throw new LinkException("loop", "is broken", "mend it", null);
            }
        };
        assertThatThrownBy(() -> builder(up())
                        .driver(driver)
                        .guest(Guest.of("a", "52:54:00:00:00:01", "10.0.0.2", broken))
                        .start())
                .isInstanceOf(LinkException.class);
        assertThat(driver.isStopped()).isTrue();
    }

    @Test
    void whoever_names_a_driver_does_not_drive() {
        ManualDriver driver = new ManualDriver();
        assertThatThrownBy(() -> builder(up()).driver(driver).build())
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("start()");
        assertThat(driver.isStopped()).isTrue();
    }

    @Test
    void turns_are_rare_when_nothing_happens_and_a_change_wakes_the_driver() throws Exception {
        ManualDriver driver = new ManualDriver();
        ManualClock clock = new ManualClock(Long.MAX_VALUE - 1_000_000);
        InProcessLink up = up();
        InProcessLink in = InProcessLink.named("a");
        try (NatGateway gateway = builder(up)
                .clock(clock)
                .driver(driver)
                .guest(Guest.of("a", "52:54:00:00:00:01", "10.0.0.2", in))
                .start()) {
            driver.turns();
            byte[] request = up.receive();
            assertThat(request).isNotNull();
            up.transmit(GatewayRig.arpReply(request, GatewayRig.NEXT_HOP_MAC));
            assertThat(driver.turns()).isEqualTo(Duration.ofMillis(1).toNanos());
            clock.advance(Duration.ofMillis(1));
            assertThat(driver.turns()).isEqualTo(Duration.ofSeconds(1).toNanos());

            int before = driver.wakeups();
            var flows = gateway.flows().toCompletableFuture();
            assertThat(driver.wakeups()).isGreaterThan(before);
            driver.turns();
            assertThat(flows.get()).isEmpty();

            in.transmit(PacketBuilder.udp()
                    .from("10.0.0.2", 4000)
                    .to(GatewayRig.SERVER, 53)
                    .build());
            assertThat(driver.turns()).isEqualTo(Duration.ofMillis(1).toNanos());
            clock.advance(Duration.ofMillis(1));
            assertThat(driver.turns()).isEqualTo(Duration.ofMillis(100).toNanos());
            assertThat(gateway.stats().flows()).isEqualTo(1);
        }
        assertThat(driver.turn()).isNegative();
        await().until(driver::isStopped);
    }

    @Test
    void a_clock_that_throws_fails_the_gateway_and_ends_its_turns() {
        ManualDriver driver = new ManualDriver();
        AtomicReference<RuntimeException> broken = new AtomicReference<>();
        try (NatGateway gateway = builder(up())
                .clock(() -> {
                    RuntimeException thrown = broken.get();
                    if (thrown != null) {
                        throw thrown;
                    }
                    return 0;
                })
                .driver(driver)
                .start()) {
            broken.set(new IllegalStateException("stopped"));
            assertThat(driver.turn()).isNegative();
            assertThat(gateway.state()).isEqualTo(SharedIp.State.FAILED);
            assertThat(gateway.failure()).containsSame(broken.get());
        }
    }
}
