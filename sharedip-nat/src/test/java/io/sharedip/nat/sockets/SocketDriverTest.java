package io.sharedip.nat.sockets;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sharedip.Guest;
import io.sharedip.SharedIp;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.link.InProcessLink;
import io.sharedip.nat.NatGateway;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.ManualClock;
import io.sharedip.testing.ManualDriver;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A gateway with sockets, driven by whoever serves them. */
class SocketDriverTest {

    private static final long MILLI = 1_000_000;

    private final MemoryHost host = new MemoryHost();
    private final ManualDriver driver = (ManualDriver) host.driver();
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 10 * MILLI);
    private final InProcessLink link = InProcessLink.named("a");

    private NatGateway start(EventRecorder events) {
        return NatGateway.builder()
                .address(GatewayRig.SHARED)
                .routerMac(GatewayRig.ROUTER_MAC)
                .uplink(host)
                .clock(clock)
                .listener(events)
                .guest(Guest.of("a", "52:54:00:00:00:01", "10.0.0.2", link))
                .start();
    }

    @Test
    void its_turns_are_due_when_a_connections_timer_is_and_not_every_millisecond() {
        try (NatGateway gateway = start(new EventRecorder())) {
            assertThat(driver.turns()).isEqualTo(1_000 * MILLI);

            link.transmit(PacketBuilder.tcp()
                    .from("10.0.0.2", 4000)
                    .to(GatewayRig.SERVER, 80)
                    .flags(SYN)
                    .build());
            driver.turns();
            host.stream().establish();
            int before = driver.wakeups();
            host.gateway().wakeup();
            assertThat(driver.wakeups()).isGreaterThan(before);
            driver.turns();
            byte[] answer = link.receive();
            assertThat(answer).isNotNull();
            assertThat(ParsedPacket.of(answer).flags()).isEqualTo(SYN | ACK);

            int answers = 0;
            for (int turns = 0; turns < 12; turns++) {
                long due = driver.turns();
                clock.advance(Duration.ofNanos(due));
                answers += link.receive() == null ? 0 : 1;
            }
            driver.turns();
            answers += link.receive() == null ? 0 : 1;
            assertThat(answers).as("retransmissions in a dozen turns").isEqualTo(1);
            assertThat(gateway.stats().balances()).isTrue();
        }
        await().until(host::isClosed); // closed on the driver's own thread it ends beside it
        await().until(driver::isStopped);
    }

    @Test
    void what_the_host_has_to_say_reaches_listeners() {
        EventRecorder events = new EventRecorder();
        try (NatGateway gateway = start(events)) {
            host.gateway().hostChanged("the route is another one");
            SharedIpEvent.LinkNotice told = events.await(SharedIpEvent.LinkNotice.class);
            assertThat(told.message()).isEqualTo("the route is another one");
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
        }
    }
}
