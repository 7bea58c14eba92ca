package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Fragments from outside where a host has the shared address too, and its kernel receives every one of them. */
class FragmentsBesideHostTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String PRIVATE = "10.0.0.2";

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE).sharedWithHost();
    }

    private static int openedPort(GatewayRig rig) {
        rig.station("p").send(PacketBuilder.udp().from(PRIVATE, 4000).to(SERVER, 53));
        return rig.outside().takeOne().sourcePort();
    }

    private static List<byte[]> fragments(PacketBuilder packet) {
        return Fragmenter.cut(
                packet.from(SERVER, 53)
                        .fragment(0)
                        .payload(new byte[5_000])
                        .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                        .build(),
                1480);
    }

    private static void send(GatewayRig rig, List<byte[]> frames) {
        frames.forEach(frame -> rig.outside().sendRaw(frame.clone()));
    }

    private static List<byte[]> reversed(List<byte[]> frames) {
        List<byte[]> copy = new ArrayList<>(frames);
        Collections.reverse(copy);
        return copy;
    }

    @Test
    void rfc4787_req14_fragments_for_a_guest_reach_it_in_any_order() {
        try (GatewayRig rig = rig()) {
            int port = openedPort(rig);
            long left = rig.stats().leftToHost();
            send(rig, reversed(fragments(PacketBuilder.udp().to(SHARED, port))));
            assertThat(Fragmenter.join(rig.station("p").takeRaw()).payload()).hasSize(5_000);
            assertThat(rig.stats().leftToHost()).isEqualTo(left);
            assertThat(rig.nonZeroDrops()).isEmpty();
        }
    }

    @Test
    void fragments_for_the_host_are_left_to_it_whatever_their_order_and_take_no_room() {
        try (GatewayRig rig = rig()) {
            long left = rig.stats().leftToHost();
            List<byte[]> hosts = fragments(PacketBuilder.udp().to(SHARED, 2049));
            send(rig, hosts);
            assertThat(rig.stats().leftToHost()).isEqualTo(left + 4);
            assertThat(rig.stats().held()).isZero();
            send(rig, reversed(hosts));
            assertThat(rig.stats().leftToHost()).isEqualTo(left + 8);
            send(rig, fragments(PacketBuilder.icmp().to(SHARED, 0).echo(8, 1, 1)));
            send(rig, fragments(PacketBuilder.protocol(50).to(SHARED, 0)));
            assertThat(rig.stats().leftToHost()).isEqualTo(left + 16);
            assertThat(rig.nonZeroDrops()).isEmpty();
            assertThat(rig.outside().takeRaw()).isEmpty();
        }
    }

    @Test
    void what_cannot_be_judged_in_time_or_for_want_of_room_is_left_to_the_host() {
        try (GatewayRig rig = rig()) {
            long left = rig.stats().leftToHost();
            byte[] later = fragments(PacketBuilder.udp().to(SHARED, 2049)).get(1);
            for (int i = 0; i < 5_000; i++) {
                byte[] one = later.clone();
                Octets.put16(one, 18, i);
                rig.outside().sendRaw(Fragmenter.fixHeader(one));
            }
            assertThat(rig.stats().held()).isPositive();
            for (int i = 0; i < 20; i++) {
                rig.advance(Duration.ofSeconds(2));
            }
            assertThat(rig.stats().held()).isZero();
            assertThat(rig.stats().leftToHost()).isEqualTo(left + 5_000);
            assertThat(rig.nonZeroDrops()).isEmpty();
        }
    }

    @Test
    void rfc1122_the_kernel_says_itself_that_a_datagram_did_not_become_whole() {
        try (GatewayRig rig = rig()) {
            int port = openedPort(rig);
            send(rig, fragments(PacketBuilder.udp().to(SHARED, port)).subList(0, 2));
            rig.clock().advance(Duration.ofSeconds(30));
            rig.poll();
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(2);
        }
    }

    @Test
    void rfc1122_where_there_is_no_host_the_sender_is_told_11_1_about_a_port_of_a_guest_and_no_other() {
        try (GatewayRig rig = new GatewayRig().guest("p", "52:54:00:00:00:01", PRIVATE)) {
            int port = openedPort(rig);
            send(
                    rig,
                    fragments(PacketBuilder.udp().to(SHARED, 2049).identification(8))
                            .subList(0, 2));
            send(
                    rig,
                    fragments(PacketBuilder.udp().to(SHARED, port).identification(9))
                            .subList(0, 2));
            rig.clock().advance(Duration.ofSeconds(30));
            rig.poll();
            ParsedPacket error = rig.outside().takeOne();
            assertThat(error.icmpType() << 8 | error.icmpCode()).isEqualTo(0xb01);
            assertThat(error.source()).isEqualTo(SHARED);
            assertThat(error.inner().to()).isEqualTo(SHARED + ":" + port);
            assertThat(rig.drops(DropReason.FRAGMENT_TIMEOUT)).isEqualTo(4);
        }
    }

    @Test
    void an_identification_of_the_hosts_that_comes_round_to_a_guests_datagram_does_not_hide_it() {
        try (GatewayRig rig = rig()) {
            int port = openedPort(rig);
            send(
                    rig,
                    fragments(PacketBuilder.udp().to(SHARED, 2049).identification(9))
                            .subList(0, 2));
            send(rig, fragments(PacketBuilder.udp().to(SHARED, port).identification(9)));
            assertThat(Fragmenter.join(rig.station("p").takeRaw()).payload()).hasSize(5_000);
        }
    }

    @Test
    void hostile10_an_overlap_counts_as_dropped_if_it_was_for_a_guest_and_as_the_hosts_if_not_known() {
        try (GatewayRig rig = rig()) {
            int port = openedPort(rig);
            long left = rig.stats().leftToHost();
            List<byte[]> cut = fragments(PacketBuilder.udp().to(SHARED, port));
            byte[] other = cut.get(1).clone();
            other[100] ^= 1;
            send(rig, List.of(cut.get(0), cut.get(1), other, cut.get(2)));
            assertThat(rig.drops(DropReason.FRAGMENT_OVERLAP)).isEqualTo(4);
            Octets.put16(cut.get(1), 18, 99);
            Octets.put16(other, 18, 99);
            send(rig, List.of(Fragmenter.fixHeader(cut.get(1)), Fragmenter.fixHeader(other)));
            assertThat(rig.stats().leftToHost()).isEqualTo(left + 2);
        }
    }
}
