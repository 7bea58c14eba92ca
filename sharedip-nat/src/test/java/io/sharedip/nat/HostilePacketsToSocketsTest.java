package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of hostile packets, those of guests, where the way out is one of sockets: the same is dropped, and no socket is opened. */
class HostilePacketsToSocketsTest {

    static Stream<Arguments> ofGuests() {
        return HostilePacketsTest.rows().stream().filter(row -> (boolean) row.get()[1]);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("ofGuests")
    void a_hostile_packet_of_a_guest_is_dropped_for_exactly_its_reason_and_reaches_no_socket(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        MemoryHost host = new MemoryHost();
        try (GatewayRig rig = new GatewayRig()
                .sockets(host)
                .guest("p", "52:54:00:00:00:01", "10.0.0.2")
                .with(b -> b.capacity(16).flowsPerGuest(16).forward("udp 8080 -> p:80"))) {
            rig.station("p").sendRaw(frame);
            assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(reason, 1L));
            assertThat(host.streams()).isEmpty();
            assertThat(host.echoes()).isEmpty();
            assertThat(host.datagrams().keySet()).containsExactly(8080);
            assertThat(host.datagrams(8080).take()).isEmpty();
            // a connection that cannot go on is told so
            assertThat(rig.station("p").takeRaw()).hasSizeLessThanOrEqualTo(reason == DropReason.TCP_NO_FLOW ? 1 : 0);
            assertThat(rig.stats().flows()).isZero();
        }
    }
}
