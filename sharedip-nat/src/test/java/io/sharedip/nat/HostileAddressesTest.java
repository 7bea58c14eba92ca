package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.GatewayRig.Station;
import io.sharedip.testing.PacketBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets that lie about where they come from or go to, and ICMP errors that fit nothing. */
class HostileAddressesTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final String Q = "172.16.5.3";
    private static final String R = "192.168.7.4";
    private static final String OF_R = "192.0.2.20";

    private static GatewayRig rig() {
        return new GatewayRig()
                .guest("p", "52:54:00:00:00:01", P)
                .guest("q", "52:54:00:00:00:02", Q)
                .guest("r", "52:54:00:00:00:03", R)
                .guest("s", "52:54:00:00:00:04", SHARED)
                .with(b -> b.forward("udp 5000 -> p:5000").oneToOne(OF_R, "r").protocols());
    }

    private static void nothingPassed(GatewayRig rig, DropReason reason) {
        assertThat(rig.outside().take()).isEmpty();
        for (String guest : new String[] {"p", "q", "r", "s"}) {
            assertThat(rig.station(guest).take()).isEmpty();
        }
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(reason, 1L));
        assertThat(rig.stats().flows()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.2, 10.0.0.2, LAND",
        "192.0.2.10, 198.51.100.7, BINDING_ADDRESS",
        "172.16.5.3, 198.51.100.7, BINDING_ADDRESS",
        "192.0.2.20, 198.51.100.7, BINDING_ADDRESS",
        "192.0.2.254, 198.51.100.7, BINDING_ADDRESS",
        "127.0.0.1, 198.51.100.7, IP_SOURCE",
        "0.0.0.0, 198.51.100.7, IP_SOURCE",
        "224.0.0.1, 198.51.100.7, IP_SOURCE",
        "240.0.0.1, 198.51.100.7, IP_SOURCE",
        "255.255.255.255, 198.51.100.7, IP_SOURCE"
    })
    void hostile01_a_source_that_is_not_the_guests_or_nobodys_or_its_own_destination_is_dropped(
            String source, String destination, DropReason reason) {
        try (GatewayRig rig = rig()) {
            rig.outside().takeRaw();
            rig.station("p").send(PacketBuilder.udp().from(source, 4000).to(destination, 5000));
            nothingPassed(rig, reason);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.10, 192.0.2.10, LAND",
        "192.0.2.20, 192.0.2.10, LAND",
        "192.0.2.20, 192.0.2.20, LAND",
        "192.0.2.10, 192.0.2.20, LAND",
        "192.0.2.254, 192.0.2.10, SPOOFED_OUTSIDE_SOURCE",
        "127.0.0.1, 192.0.2.10, IP_SOURCE",
        "0.0.0.0, 192.0.2.10, IP_SOURCE",
        "224.0.0.1, 192.0.2.20, IP_SOURCE",
        "240.0.0.1, 192.0.2.10, IP_SOURCE",
        "192.0.2.255, 192.0.2.10, IP_SOURCE"
    })
    void hostile01_from_outside_the_gateways_own_addresses_and_nobodys_are_no_sources(
            String source, String destination, DropReason reason) {
        try (GatewayRig rig = rig()) {
            rig.outside().takeRaw();
            rig.outside().send(PacketBuilder.udp().from(source, 5000).to(destination, 5000));
            nothingPassed(rig, reason);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.2, 192.0.2.10, SPOOFED_OUTSIDE_SOURCE",
        "172.16.5.3, 192.0.2.10, SPOOFED_OUTSIDE_SOURCE",
        "192.168.7.4, 192.0.2.20, SPOOFED_OUTSIDE_SOURCE",
        "198.51.100.7, 10.0.0.2, INSIDE_DESTINATION",
        "198.51.100.7, 172.16.5.3, INSIDE_DESTINATION",
        "198.51.100.7, 192.168.7.4, INSIDE_DESTINATION",
        "198.51.100.7, 10.0.0.77, NOT_FOR_US",
        "198.51.100.7, 172.31.255.1, NOT_FOR_US",
        "198.51.100.7, 192.168.255.1, NOT_FOR_US"
    })
    void hostile16_from_outside_an_inside_source_or_a_private_destination_is_dropped(
            String source, String destination, DropReason reason) {
        try (GatewayRig rig = rig()) {
            rig.outside().takeRaw();
            rig.outside().send(PacketBuilder.udp().from(source, 4000).to(destination, 5000));
            nothingPassed(rig, reason);
        }
    }

    @Test
    void the_packets_that_the_hostile_ones_differ_from_pass() {
        try (GatewayRig rig = rig()) {
            rig.station("p").send(PacketBuilder.udp().from(P, 4000).to(SERVER, 5000));
            rig.station("p").take();
            rig.outside().send(PacketBuilder.udp().from(SERVER, 4000).to(SHARED, 5000));
            rig.outside().send(PacketBuilder.udp().from(SERVER, 4000).to(OF_R, 5000));
            assertThat(rig.outside().take()).hasSize(1);
            assertThat(rig.station("p").take()).hasSize(1);
            assertThat(rig.station("r").take()).hasSize(1);
            assertThat(rig.stats().dropped()).isZero();
        }
    }

    // ------------------------------------------------------------------------------------------------ errors

    /** What p has sent, as it left. */
    private static byte[] sent(GatewayRig rig) {
        rig.outside().takeRaw();
        rig.station("p").send(PacketBuilder.udp().from(P, 61_500).to(SERVER, 53).payload("question"));
        return rig.outside().takeOne().frame();
    }

    private static void errorIsDropped(GatewayRig rig, Station from, PacketBuilder error, DropReason reason) {
        from.send(error);
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(reason, 1L));
        assertThat(rig.station("p").take()).isEmpty();
        assertThat(rig.outside().take()).isEmpty();
    }

    private static PacketBuilder error(int type, int code, byte[] about, int quoted) {
        return PacketBuilder.icmp().from(GatewayRig.ROUTER, 0).to(SHARED, 0).error(type, code, 0, about, quoted);
    }

    @Test
    void hostile15_the_errors_that_the_hostile_ones_differ_from_pass() {
        try (GatewayRig rig = rig()) {
            rig.outside().send(error(3, 1, sent(rig), 28));
            assertThat(rig.station("p").takeOne().inner().from()).isEqualTo(P + ":61500");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"source", "destination", "source port", "destination port", "protocol"})
    void hostile15_an_error_about_what_nobody_has_sent_is_dropped(String changed) {
        try (GatewayRig rig = rig()) {
            byte[] about = sent(rig);
            switch (changed) {
                case "source" -> about[29] ^= 1;
                case "destination" -> about[33] ^= 1;
                case "source port" -> about[35] ^= 1;
                case "destination port" -> about[37] ^= 1;
                default -> about[23] = 6;
            }
            PacketBuilder.fixChecksums(about);
            errorIsDropped(rig, rig.outside(), error(3, 1, about, 28), DropReason.ICMP_NO_FLOW);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 19, 20, 27})
    void hostile15_an_error_that_quotes_too_little_is_dropped(int quoted) {
        try (GatewayRig rig = rig()) {
            errorIsDropped(rig, rig.outside(), error(3, 1, sent(rig), quoted), DropReason.ICMP_INNER);
        }
    }

    @Test
    void hostile15_an_error_whose_inner_header_is_broken_is_dropped() {
        try (GatewayRig rig = rig()) {
            byte[] about = sent(rig);
            about[22] ^= 1;
            errorIsDropped(rig, rig.outside(), error(3, 1, about, 28), DropReason.ICMP_INNER);
        }
    }

    @Test
    void hostile15_an_error_with_a_wrong_checksum_is_dropped() {
        try (GatewayRig rig = rig()) {
            byte[] frame = error(3, 1, sent(rig), 28)
                    .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                    .build();
            frame[36] ^= 1;
            rig.outside().sendRaw(frame);
            assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.ICMP_CHECKSUM, 1L));
            assertThat(rig.station("p").take()).isEmpty();
        }
    }

    @Test
    void hostile15_an_error_about_an_error_is_dropped() {
        try (GatewayRig rig = rig()) {
            byte[] about = PacketBuilder.icmp()
                    .from(SHARED, 0)
                    .to(SERVER, 0)
                    .error(3, 1, 0, sent(rig), 28)
                    .build();
            errorIsDropped(rig, rig.outside(), error(3, 1, about, 64), DropReason.ICMP_INNER);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5})
    void hostile15_a_redirect_or_source_quench_about_a_living_flow_is_dropped(int type) {
        try (GatewayRig rig = rig()) {
            errorIsDropped(rig, rig.outside(), error(type, 1, sent(rig), 28), DropReason.ICMP_TYPE);
        }
    }

    @Test
    void hostile15_an_error_to_another_of_the_gateways_addresses_than_the_packet_came_from_is_dropped() {
        try (GatewayRig rig = rig()) {
            errorIsDropped(rig, rig.outside(), error(3, 1, sent(rig), 28).to(OF_R, 0), DropReason.ICMP_NO_FLOW);
        }
    }

    @Test
    void hostile15_a_guests_error_about_another_guests_packet_is_dropped() {
        try (GatewayRig rig = rig()) {
            byte[] about = sent(rig);
            Octets.put32(about, 26, Octets.i32(about, 30));
            Octets.put32(about, 30, 0x0a000002);
            PacketBuilder.fixChecksums(about);
            errorIsDropped(
                    rig,
                    rig.station("q"),
                    PacketBuilder.icmp().from(Q, 0).to(SERVER, 0).error(3, 3, 0, about, 28),
                    DropReason.ICMP_INNER);
        }
    }
}
