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
import org.junit.jupiter.params.provider.ValueSource;

/** The rows of hostile packets that single frames of guests show, where the way out is one of sockets: the same is dropped, and no socket is opened. */
class HostilePacketsToSocketsTest {

    static Stream<Arguments> ofGuests() {
        return HostilePacketsTest.rows().stream().filter(row -> (boolean) row.get()[1]);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 6, 7, 13, 15, 17, 18})
    void the_frames_of_guests_show_every_row_that_is_named_here(int row) {
        assertThat(HostilePacketsTest.row(row).filter(each -> (boolean) each.get()[1]))
                .isNotEmpty();
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("ofGuests")
    void
            hostile01_and_hostile02_and_hostile03_and_hostile05_and_hostile06_and_hostile07_and_hostile13_and_hostile15_and_hostile17_and_hostile18_reach_no_socket(
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
