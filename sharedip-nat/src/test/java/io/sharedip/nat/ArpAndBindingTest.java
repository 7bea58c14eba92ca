package io.sharedip.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.event.SharedIpEvent.BindingViolation;
import io.sharedip.packet.Octets;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ARP on both sides, and what a guest may send. */
class ArpAndBindingTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String PRIVATE = "10.0.0.2";
    private static final MacAddress P = MacAddress.parse("52:54:00:00:00:01");
    private static final MacAddress S = MacAddress.parse("52:54:00:00:00:02");
    private static final MacAddress STRANGER = MacAddress.parse("52:54:00:00:00:66");

    private static GatewayRig rig() {
        return new GatewayRig().guest("p", P.toString(), PRIVATE).guest("s", S.toString(), SHARED);
    }

    // -------------------------------------------------------------------------------------------- from guests

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.1", "192.0.2.2", "192.0.2.200", "192.0.2.254"})
    void a_guest_that_asks_for_any_address_of_the_segment_is_told_the_router_mac(String target) {
        try (GatewayRig rig = rig()) {
            rig.station("s").sendRaw(GatewayRig.arp(1, S, SHARED, target));
            List<byte[]> answers = rig.station("s").takeRaw();
            assertThat(answers).hasSize(1);
            byte[] reply = answers.get(0);
            assertThat(Octets.u48(reply, 0)).isEqualTo(S.bits());
            assertThat(Octets.u48(reply, 6)).isEqualTo(GatewayRig.ROUTER_MAC.bits());
            assertThat(Octets.u16(reply, 20)).isEqualTo(2);
            assertThat(Octets.u48(reply, 22)).isEqualTo(GatewayRig.ROUTER_MAC.bits());
            assertThat(Octets.i32(reply, 28))
                    .isEqualTo(Ipv4Address.parse(target).bits());
            assertThat(Octets.u48(reply, 32)).isEqualTo(S.bits());
            assertThat(Octets.i32(reply, 38))
                    .isEqualTo(Ipv4Address.parse(SHARED).bits());
            assertThat(rig.outside().takeRaw()).isEmpty();
        }
    }

    @Test
    void a_private_guest_may_ask_for_the_shared_address() {
        try (GatewayRig rig = rig()) {
            rig.station("p").sendRaw(GatewayRig.arp(1, P, PRIVATE, SHARED));
            assertThat(rig.station("p").takeRaw()).hasSize(1);
        }
    }

    @Test
    void rfc5227_a_probe_for_a_foreign_address_is_answered_and_one_for_the_guests_own_is_not() {
        try (GatewayRig rig = rig()) {
            rig.station("s").sendRaw(GatewayRig.arp(1, S, "0.0.0.0", "192.0.2.50"));
            assertThat(rig.station("s").takeRaw()).hasSize(1);
            rig.station("s").sendRaw(GatewayRig.arp(1, S, "0.0.0.0", SHARED));
            assertThat(rig.station("s").takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_UNANSWERED);
        }
    }

    @Test
    void rfc5227_an_announcement_of_the_guests_own_address_is_no_violation() throws Exception {
        try (GatewayRig rig = rig()) {
            rig.station("s").sendRaw(GatewayRig.arp(1, S, SHARED, SHARED));
            rig.station("s").sendRaw(GatewayRig.arp(2, S, SHARED, SHARED));
            assertThat(rig.station("s").takeRaw()).isEmpty();
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_UNANSWERED);
            assertThat(violations(rig, "s")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.3.1", "10.0.0.1", "8.8.8.8", "192.0.2.0", "192.0.2.255"})
    void an_address_outside_the_segment_and_network_and_broadcast_are_not_answered(String target) {
        try (GatewayRig rig = rig()) {
            rig.station("s").sendRaw(GatewayRig.arp(1, S, SHARED, target));
            assertThat(rig.station("s").takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_UNANSWERED);
        }
    }

    private static long violations(GatewayRig rig, String guest) throws Exception {
        return rig.await(rig.gateway().bindings()).stream()
                .filter(b -> b.binding().guest().name().equals(guest))
                .mapToLong(BindingStatus::violations)
                .sum();
    }

    @ParameterizedTest
    @CsvSource({
        // operation, Ethernet source, ARP sender MAC, ARP sender, ARP target, reason
        "1, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.77, 192.0.2.1, ARP_SPOOFED",
        "1, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.1, 192.0.2.1, ARP_SPOOFED",
        "1, 52:54:00:00:00:02, 52:54:00:00:00:66, 192.0.2.10, 192.0.2.1, ARP_SENDER_MISMATCH",
        "1, 52:54:00:00:00:66, 52:54:00:00:00:66, 192.0.2.10, 192.0.2.1, BINDING_MAC",
        "1, 52:54:00:00:00:01, 52:54:00:00:00:01, 10.0.0.2, 192.0.2.1, BINDING_MAC",
        "2, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.10, 192.0.2.1, ARP_UNSOLICITED"
    })
    void hostile19_an_arp_packet_that_lies_is_dropped_counted_and_told(
            int operation, String ether, String senderMac, String sender, String target, DropReason reason)
            throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig().with(b -> b.listener(events))) {
            byte[] frame = GatewayRig.arp(operation, MacAddress.parse(senderMac), sender, target);
            Octets.put48(frame, 6, MacAddress.parse(ether).bits());
            rig.station("s").sendRaw(frame);
            assertThat(rig.station("s").takeRaw()).isEmpty();
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(reason);
            assertThat(violations(rig, "s")).isEqualTo(1);
            BindingViolation told = events.await(BindingViolation.class);
            assertThat(told.reason()).isEqualTo(reason);
            assertThat(told.link()).isEqualTo("s");
            assertThat(told.guest()).contains(GuestId.of("s"));
            assertThat(told.mac()).isEqualTo(MacAddress.parse(ether));
            assertThat(told.address()).isEqualTo(Ipv4Address.parse(sender));
        }
    }

    @ParameterizedTest
    @CsvSource({"14, 2", "16, 34525", "18, 2048", "18, 1540", "20, 0", "20, 3", "20, 65535"})
    void hostile19_malformed_arp_is_dropped(int place, int value) {
        try (GatewayRig rig = rig()) {
            byte[] frame = GatewayRig.arp(1, S, SHARED, "192.0.2.1");
            Octets.put16(frame, place, value == 1540 ? 0x0604 + 1 : value);
            rig.station("s").sendRaw(frame);
            assertThat(rig.station("s").takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_MALFORMED);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "52:54:00:00:00:66, 192.0.2.10, BINDING_MAC",
        "52:54:00:00:00:01, 10.0.0.2, BINDING_MAC",
        "52:54:00:00:00:02, 10.0.0.2, BINDING_ADDRESS",
        "52:54:00:00:00:02, 198.51.100.7, BINDING_ADDRESS",
        "52:54:00:00:00:02, 192.0.2.254, BINDING_ADDRESS",
        "52:54:00:00:00:02, 192.0.2.1, BINDING_ADDRESS"
    })
    void case22_and_hostile17_a_packet_from_an_unbound_pair_is_dropped_counted_and_told(
            String mac, String address, DropReason reason) throws Exception {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig().with(b -> b.listener(events))) {
            rig.station("s")
                    .sendRaw(PacketBuilder.udp()
                            .from(address, 4000)
                            .to(SERVER, 53)
                            .macs(MacAddress.parse(mac), GatewayRig.ROUTER_MAC)
                            .build());
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(reason);
            assertThat(violations(rig, "s")).isEqualTo(1);
            BindingViolation told = events.await(BindingViolation.class);
            assertThat(told.reason()).isEqualTo(reason);
            assertThat(told.address()).isEqualTo(Ipv4Address.parse(address));
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void a_guest_cannot_speak_for_its_neighbour_by_address() {
        try (GatewayRig rig = rig()) {
            rig.station("s")
                    .sendRaw(PacketBuilder.tcp()
                            .from(PRIVATE, 4000)
                            .to(SERVER, 80)
                            .macs(S, GatewayRig.ROUTER_MAC)
                            .build());
            assertThat(rig.outside().take()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.BINDING_ADDRESS);
        }
    }

    @Test
    void a_further_binding_lets_a_guest_use_a_second_address_and_its_removal_ends_its_flows() throws Exception {
        try (GatewayRig rig = rig()) {
            Binding second = new Binding(GuestId.of("s"), S, Ipv4Address.parse("10.0.0.9"));
            Conversation talk = Conversation.udp(rig, "s", "10.0.0.9", 4000, SERVER, 53);
            Conversation first = Conversation.udp(rig, "s", SHARED, 4000, SERVER, 53);
            assertThat(talk.out()).isNull();
            rig.await(rig.gateway().bind(second));
            assertThat(talk.out()).isNotNull();
            assertThat(first.out()).isNotNull();
            assertThat(talk.outsidePort()).isNotEqualTo(first.outsidePort());
            assertThat(talk.in().to()).isEqualTo("10.0.0.9:4000");
            assertThat(rig.await(rig.gateway().bindings())).hasSize(3);
            rig.await(rig.gateway().unbind(second));
            assertThat(talk.in()).isNull();
            assertThat(talk.out()).isNull();
            assertThat(first.in()).isNotNull();
            assertThat(rig.stats().flows()).isEqualTo(1);
        }
    }

    @Test
    void a_wrong_binding_is_refused_and_changes_nothing() {
        try (GatewayRig rig = rig()) {
            Binding wrongMac = new Binding(GuestId.of("s"), STRANGER, Ipv4Address.parse("10.0.0.9"));
            Binding nobody = new Binding(GuestId.of("nobody"), STRANGER, Ipv4Address.parse("10.0.0.9"));
            Binding last = new Binding(GuestId.of("s"), S, Ipv4Address.parse(SHARED));
            Binding missing = new Binding(GuestId.of("s"), S, Ipv4Address.parse("10.0.0.9"));
            Binding router = new Binding(GuestId.of("s"), S, Ipv4Address.parse("192.0.2.1"));
            Binding alias = new Binding(GuestId.of("s"), S, Ipv4Address.parse("192.0.2.254"));
            for (Binding binding : List.of(wrongMac, nobody, last, router, alias)) {
                refused(() -> rig.await(rig.gateway().bind(binding)));
            }
            for (Binding binding : List.of(wrongMac, nobody, last, missing)) {
                refused(() -> rig.await(rig.gateway().unbind(binding)));
            }
            assertThat(Conversation.udp(rig, "s", SHARED, 4000, SERVER, 53).out())
                    .isNotNull();
        }
    }

    private static void refused(ThrowableAssert.ThrowingCallable change) {
        Assertions.assertThatThrownBy(change)
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(io.sharedip.ConfigurationException.class, e -> {
                    assertThat(e.setting()).isPresent();
                    assertThat(e.value()).isPresent();
                    assertThat(e.cure()).isPresent();
                });
    }

    // -------------------------------------------------------------------------------------------- on the uplink

    @Test
    void the_gateway_answers_arp_for_its_own_address() {
        try (GatewayRig rig = rig()) {
            rig.outside().takeRaw();
            for (String asker : List.of("192.0.2.50", "0.0.0.0")) {
                rig.outside().sendRaw(GatewayRig.arp(1, STRANGER, asker, SHARED));
                byte[] reply = rig.outside().takeRaw().get(0);
                assertThat(Octets.u16(reply, 20)).isEqualTo(2);
                assertThat(Octets.u48(reply, 0)).isEqualTo(STRANGER.bits());
                assertThat(Octets.u48(reply, 22)).isEqualTo(GatewayRig.UPLINK_MAC.bits());
                assertThat(Octets.i32(reply, 28))
                        .isEqualTo(Ipv4Address.parse(SHARED).bits());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.254", "192.0.2.50", "10.0.0.2"})
    void the_gateway_answers_arp_for_no_other_address_on_the_uplink(String target) {
        try (GatewayRig rig = rig()) {
            rig.outside().takeRaw();
            rig.outside().sendRaw(GatewayRig.arp(1, STRANGER, "192.0.2.50", target));
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_UNANSWERED);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void hostile19_a_machine_that_claims_the_shared_address_is_ignored_and_told_of(int operation) {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig().with(b -> b.listener(events))) {
            rig.outside().takeRaw();
            rig.outside().sendRaw(GatewayRig.arp(operation, STRANGER, SHARED, SHARED));
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_SPOOFED);
            BindingViolation told = events.await(BindingViolation.class);
            assertThat(told.link()).isEqualTo("up");
            assertThat(told.guest()).isEmpty();
            assertThat(told.mac()).isEqualTo(STRANGER);
        }
    }

    @Test
    void hostile19_an_unsolicited_reply_does_not_change_a_neighbour() {
        try (GatewayRig rig = rig()) {
            byte[] lie = GatewayRig.arp(2, STRANGER, GatewayRig.ROUTER, SHARED);
            Octets.put48(lie, 32, GatewayRig.UPLINK_MAC.bits());
            rig.outside().sendRaw(lie);
            rig.outside().takeRaw();
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 53);
            assertThat(talk.out().destinationMac()).isEqualTo(GatewayRig.NEXT_HOP_MAC);
            rig.outside().sendRaw(GatewayRig.arp(2, STRANGER, GatewayRig.ROUTER, GatewayRig.ROUTER));
            assertThat(talk.out().destinationMac()).isEqualTo(GatewayRig.NEXT_HOP_MAC);
            assertThat(rig.drops(DropReason.ARP_UNSOLICITED)).isGreaterThanOrEqualTo(1);
        }
    }

    @Test
    void hostile19_a_reply_nobody_asked_for_from_an_unknown_machine_is_dropped() {
        try (GatewayRig rig = rig()) {
            rig.outside().sendRaw(GatewayRig.arp(2, STRANGER, "192.0.2.66", SHARED));
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_UNSOLICITED);
        }
    }

    @Test
    void hostile19_an_arp_sender_unlike_the_ethernet_source_is_dropped_on_the_uplink_too() {
        EventRecorder events = new EventRecorder();
        try (GatewayRig rig = rig().with(b -> b.listener(events))) {
            byte[] frame = GatewayRig.arp(1, STRANGER, "192.0.2.50", SHARED);
            Octets.put48(frame, 6, GatewayRig.NEXT_HOP_MAC.bits());
            rig.outside().takeRaw();
            rig.outside().sendRaw(frame);
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.ARP_SENDER_MISMATCH);
            events.await(BindingViolation.class);
        }
    }

    @Test
    void hostile22_an_arp_storm_changes_nothing_and_makes_no_state() {
        try (GatewayRig rig = rig()) {
            for (int i = 0; i < 5000; i++) {
                rig.outside()
                        .sendRaw(GatewayRig.arp(
                                1 + i % 2,
                                new MacAddress(0x020000000000L + i),
                                "192.0.2." + (100 + i % 100),
                                "192.0.2." + (100 + i % 100)));
            }
            assertThat(rig.outside().takeRaw()).isEmpty();
            Conversation talk = Conversation.udp(rig, "p", PRIVATE, 4000, SERVER, 53);
            assertThat(talk.out().destinationMac()).isEqualTo(GatewayRig.NEXT_HOP_MAC);
        }
    }
}
