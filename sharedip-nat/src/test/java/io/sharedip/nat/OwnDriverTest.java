package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sharedip.ConfigurationException;
import io.sharedip.GatewayClosedException;
import io.sharedip.SharedIp;
import io.sharedip.link.InProcessLink;
import io.sharedip.testing.GatewayRig;
import io.sharedip.uplink.HostPortClaims;
import io.sharedip.uplink.PacketUplink;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A gateway whose driver is a thread of its own, and one that is refused before it has any. */
class OwnDriverTest {

    private static NatGatewayBuilder builder() {
        InProcessLink up = InProcessLink.named("up").withMacAddress(GatewayRig.UPLINK_MAC);
        return NatGateway.builder()
                .address(GatewayRig.SHARED)
                .prefix("192.0.2.0/24")
                .router(GatewayRig.ROUTER)
                .uplink(PacketUplink.on(up).withAddressOfItsOwn());
    }

    @Test
    void nobody_else_can_drive_it_and_it_goes_on() {
        try (NatGateway gateway = builder().start()) {
            for (int i = 0; i < 1_000; i++) {
                assertThatThrownBy(gateway::poll)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("build()");
                assertThatThrownBy(() -> gateway.tick(0)).isInstanceOf(IllegalStateException.class);
            }
            assertThat(gateway.state()).isEqualTo(SharedIp.State.RUNNING);
            assertThat(gateway.flows().toCompletableFuture().join()).isEmpty();
        }
    }

    @Test
    void an_idle_strategy_that_throws_fails_the_gateway_and_the_handle_says_why() {
        IllegalStateException cause = new IllegalStateException("not sleepy");
        IdleStrategy broken = work -> {
            throw cause;
        };
        try (NatGateway gateway = builder().idleStrategy(broken).start()) {
            await().until(() -> gateway.state() == SharedIp.State.FAILED);
            assertThat(gateway.failure()).containsSame(cause);
            assertThatThrownBy(() -> gateway.flows().toCompletableFuture().join())
                    .hasCauseInstanceOf(GatewayClosedException.class);
        }
    }

    @Test
    void a_mistake_in_the_settings_closes_links_and_claims_too() {
        AtomicInteger closed = new AtomicInteger();
        HostPortClaims claims = (HostPortClaims) Proxy.newProxyInstance(
                HostPortClaims.class.getClassLoader(), new Class<?>[] {HostPortClaims.class}, (proxy, method, args) -> {
                    assertThat(method.getName()).isEqualTo("close");
                    return closed.incrementAndGet();
                });
        PacketUplink uplink = PacketUplink.on(InProcessLink.named("up")).withClaims(claims);
        assertThatThrownBy(() -> builder().uplink(uplink).capacity(0).start())
                .isInstanceOf(ConfigurationException.class);
        assertThat(closed).hasValue(1);
    }
}
