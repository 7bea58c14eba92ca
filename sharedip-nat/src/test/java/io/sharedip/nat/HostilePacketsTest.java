package io.sharedip.nat;

import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.FIN;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.MacAddress;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.Conversation;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of hostile packets: each is dropped for exactly its reason, and nothing leaves anywhere. */
class HostilePacketsTest {

    private static final String SHARED = GatewayRig.SHARED;
    private static final String SERVER = GatewayRig.SERVER;
    private static final String P = "10.0.0.2";
    private static final MacAddress P_MAC = MacAddress.parse("52:54:00:00:00:01");
    private static final int FORWARDED = 8080;

    private static Arguments fromGuest(String name, DropReason reason, byte[] frame) {
        return Arguments.of("from a guest: " + name, true, reason, frame);
    }

    private static Arguments fromOutside(String name, DropReason reason, byte[] frame) {
        return Arguments.of("from outside: " + name, false, reason, frame);
    }

    private static PacketBuilder udp() {
        return PacketBuilder.udp().from(P, 4000).to(SERVER, 53).payload("hello").macs(P_MAC, GatewayRig.ROUTER_MAC);
    }

    private static PacketBuilder tcp() {
        return PacketBuilder.tcp().from(P, 4000).to(SERVER, 80).macs(P_MAC, GatewayRig.ROUTER_MAC);
    }

    private static PacketBuilder call() {
        return PacketBuilder.tcp()
                .from(SERVER, 5555)
                .to(SHARED, FORWARDED)
                .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC);
    }

    /** A frame changed by hand, with right checksums. */
    private static byte[] fixed(PacketBuilder packet, Consumer<byte[]> change) {
        byte[] frame = packet.build();
        change.accept(frame);
        PacketBuilder.fixChecksums(frame);
        return frame;
    }

    /** A frame changed by hand, with the checksums as they were. */
    private static byte[] broken(PacketBuilder packet, Consumer<byte[]> change) {
        byte[] frame = packet.build();
        change.accept(frame);
        return frame;
    }

    private static byte[] ipSum(byte[] frame) {
        int header = (frame[14] & 0xf) * 4;
        Octets.put16(frame, 24, 0);
        Octets.put16(frame, 24, ~Checksum.sum(frame, 14, header));
        return frame;
    }

    private static byte[] tagged(byte[] frame, int type) {
        byte[] a = new byte[frame.length + 4];
        System.arraycopy(frame, 0, a, 0, 12);
        Octets.put16(a, 12, type);
        Octets.put16(a, 14, 5);
        System.arraycopy(frame, 12, a, 16, frame.length - 12);
        return a;
    }

    static List<Arguments> rows() {
        List<Arguments> rows = new ArrayList<>();
        // addresses
        rows.add(fromGuest("LAND", DropReason.LAND, udp().to(P, 4000).build()));
        for (String source : List.of("127.0.0.1", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255")) {
            rows.add(fromGuest(
                    "source " + source,
                    DropReason.IP_SOURCE,
                    udp().from(source, 4000).build()));
            rows.add(fromOutside(
                    "source " + source,
                    DropReason.IP_SOURCE,
                    call().from(source, 4000).build()));
        }
        rows.add(fromGuest(
                "source not bound",
                DropReason.BINDING_ADDRESS,
                udp().from("10.0.0.99", 1).build()));
        rows.add(fromGuest(
                "the shared address as source",
                DropReason.BINDING_ADDRESS,
                udp().from(SHARED, 1).build()));
        for (String destination : List.of("127.0.0.1", "0.0.0.0", "240.0.0.1")) {
            rows.add(fromGuest(
                    "destination " + destination,
                    DropReason.IP_DESTINATION,
                    udp().to(destination, 53).build()));
        }
        for (String destination : List.of("224.0.0.251", "255.255.255.255", "192.0.2.255")) {
            rows.add(fromGuest(
                    "destination " + destination,
                    DropReason.IP_MULTICAST,
                    udp().to(destination, 53).build()));
            rows.add(fromOutside(
                    "destination " + destination,
                    DropReason.IP_MULTICAST,
                    call().to(destination, 53).build()));
        }
        rows.add(fromOutside(
                "LAND", DropReason.LAND, call().from(SHARED, FORWARDED).build()));
        rows.add(fromOutside(
                "an inside source",
                DropReason.SPOOFED_OUTSIDE_SOURCE,
                call().from(P, 1).build()));
        rows.add(fromOutside(
                "the alias as source",
                DropReason.SPOOFED_OUTSIDE_SOURCE,
                call().from(GatewayRig.ALIAS, 1).build()));
        rows.add(fromOutside(
                "an inside destination",
                DropReason.INSIDE_DESTINATION,
                call().to(P, 80).build()));
        rows.add(fromOutside(
                "another destination",
                DropReason.NOT_FOR_US,
                call().to("10.9.9.9", 80).build()));
        rows.add(fromOutside(
                "the alias as destination",
                DropReason.NOT_FOR_US,
                call().to(GatewayRig.ALIAS, FORWARDED).build()));
        // Ethernet
        MacAddress group = MacAddress.parse("01:00:5e:00:00:01");
        MacAddress broadcast = MacAddress.parse("ff:ff:ff:ff:ff:ff");
        MacAddress stranger = MacAddress.parse("02:11:22:33:44:55");
        MacAddress zero = new MacAddress(0);
        for (MacAddress mac : List.of(group, broadcast)) {
            rows.add(fromGuest(
                    "unicast to " + mac,
                    DropReason.GROUP_MAC_UNICAST_IP,
                    udp().macs(P_MAC, mac).build()));
            rows.add(fromOutside(
                    "unicast to " + mac,
                    DropReason.GROUP_MAC_UNICAST_IP,
                    call().macs(GatewayRig.NEXT_HOP_MAC, mac).build()));
        }
        rows.add(fromGuest(
                "foreign destination MAC",
                DropReason.ETHERNET_DESTINATION,
                udp().macs(P_MAC, stranger).build()));
        rows.add(fromOutside(
                "foreign destination MAC",
                DropReason.ETHERNET_DESTINATION,
                call().macs(GatewayRig.NEXT_HOP_MAC, stranger).build()));
        for (MacAddress mac : List.of(group, broadcast, zero)) {
            rows.add(fromGuest(
                    "from " + mac,
                    DropReason.ETHERNET_SOURCE,
                    udp().macs(mac, GatewayRig.ROUTER_MAC).build()));
            rows.add(fromOutside(
                    "from " + mac,
                    DropReason.ETHERNET_SOURCE,
                    call().macs(mac, GatewayRig.UPLINK_MAC).build()));
        }
        rows.add(fromGuest(
                "unbound source MAC",
                DropReason.BINDING_MAC,
                udp().macs(stranger, GatewayRig.ROUTER_MAC).build()));
        rows.add(fromOutside(
                "the gateway's own MAC as source",
                DropReason.ETHERNET_SOURCE,
                call().macs(GatewayRig.UPLINK_MAC, GatewayRig.UPLINK_MAC).build()));
        for (int tag : new int[] {0x8100, 0x88a8, 0x9100}) {
            rows.add(fromGuest("VLAN " + tag, DropReason.VLAN_TAG, tagged(udp().build(), tag)));
            rows.add(fromOutside("VLAN " + tag, DropReason.VLAN_TAG, tagged(call().build(), tag)));
        }
        rows.add(fromGuest("IPv6", DropReason.IPV6_UNSUPPORTED, broken(udp(), a -> Octets.put16(a, 12, 0x86dd))));
        rows.add(fromGuest(
                "another type", DropReason.ETHERTYPE_UNSUPPORTED, broken(udp(), a -> Octets.put16(a, 12, 0x88cc))));
        rows.add(fromGuest(
                "a length instead of a type",
                DropReason.ETHERTYPE_UNSUPPORTED,
                broken(udp(), a -> Octets.put16(a, 12, 60))));
        // IPv4
        rows.add(fromGuest("version 6", DropReason.IP_VERSION, broken(udp(), a -> a[14] = 0x65)));
        rows.add(fromGuest("version 0", DropReason.IP_VERSION, broken(udp(), a -> a[14] = 0x05)));
        rows.add(fromGuest("IHL 4", DropReason.IP_HEADER_LENGTH, broken(udp(), a -> a[14] = 0x44)));
        rows.add(fromGuest("IHL past the end", DropReason.IP_HEADER_LENGTH, broken(udp(), a -> a[14] = 0x4f)));
        rows.add(fromGuest(
                "total length short", DropReason.IP_TOTAL_LENGTH, ipSum(broken(udp(), a -> Octets.put16(a, 16, 19)))));
        rows.add(fromGuest(
                "total length long", DropReason.IP_TOTAL_LENGTH, ipSum(broken(udp(), a -> Octets.put16(a, 16, 34)))));
        rows.add(fromGuest("header checksum", DropReason.IP_CHECKSUM, broken(udp(), a -> a[24] ^= 1)));
        rows.add(fromOutside("header checksum", DropReason.IP_CHECKSUM, broken(call(), a -> a[24] ^= 1)));
        for (byte type : new byte[] {(byte) 131, (byte) 137}) {
            rows.add(fromGuest(
                    "source route " + (type & 0xff),
                    DropReason.IP_OPTION,
                    udp().options(type, (byte) 7, (byte) 4, (byte) 198, (byte) 51, (byte) 100, (byte) 9, (byte) 0)
                            .build()));
        }
        rows.add(fromGuest(
                "option of length 1",
                DropReason.IP_OPTION,
                udp().options((byte) 7, (byte) 1, (byte) 0, (byte) 0).build()));
        rows.add(fromGuest(
                "option past the header",
                DropReason.IP_OPTION,
                udp().options((byte) 7, (byte) 9, (byte) 0, (byte) 0).build()));
        rows.add(fromGuest(
                "option without length",
                DropReason.IP_OPTION,
                udp().options((byte) 1, (byte) 1, (byte) 1, (byte) 7).build()));
        rows.add(fromGuest(
                "misaligned fragment",
                DropReason.FRAGMENT_INVALID,
                udp().payload(new byte[9]).fragment(0x2000).build()));
        rows.add(fromGuest(
                "fragment past 65535",
                DropReason.FRAGMENT_INVALID,
                udp().fragment(0x1fff).build()));
        rows.add(fromOutside(
                "misaligned fragment",
                DropReason.FRAGMENT_INVALID,
                call().payload(new byte[9]).fragment(0x2000).build()));
        // transport
        rows.add(fromGuest("TCP truncated", DropReason.TCP_HEADER, ipSum(broken(tcp(), a -> Octets.put16(a, 16, 39)))));
        rows.add(fromGuest("TCP offset 4", DropReason.TCP_HEADER, fixed(tcp(), a -> a[46] = 0x40)));
        rows.add(fromGuest("TCP offset past the end", DropReason.TCP_HEADER, fixed(tcp(), a -> a[46] = 0x60)));
        rows.add(fromGuest("UDP truncated", DropReason.UDP_LENGTH, ipSum(broken(udp(), a -> Octets.put16(a, 16, 27)))));
        rows.add(fromGuest("UDP length 7", DropReason.UDP_LENGTH, fixed(udp(), a -> Octets.put16(a, 38, 7))));
        rows.add(fromGuest(
                "UDP length past the end", DropReason.UDP_LENGTH, fixed(udp(), a -> Octets.put16(a, 38, 14))));
        rows.add(fromGuest("TCP checksum", DropReason.TCP_CHECKSUM, broken(tcp(), a -> a[50] ^= 1)));
        rows.add(fromOutside("TCP checksum", DropReason.TCP_CHECKSUM, broken(call(), a -> a[50] ^= 1)));
        rows.add(fromGuest("UDP checksum", DropReason.UDP_CHECKSUM, broken(udp(), a -> a[40] ^= 1)));
        rows.add(fromGuest(
                "TCP from port 0", DropReason.PORT_ZERO, tcp().from(P, 0).build()));
        rows.add(fromGuest(
                "TCP to port 0", DropReason.PORT_ZERO, tcp().to(SERVER, 0).build()));
        rows.add(fromGuest(
                "UDP from port 0", DropReason.PORT_ZERO, udp().from(P, 0).build()));
        rows.add(fromGuest(
                "UDP to port 0", DropReason.PORT_ZERO, udp().to(SERVER, 0).build()));
        rows.add(fromOutside(
                "from port 0", DropReason.PORT_ZERO, call().from(SERVER, 0).build()));
        for (int flags :
                new int[] {0, FIN, SYN | FIN, SYN | RST, FIN | RST, 8, 32, FIN | 8 | 32, 63, SYN | FIN | ACK}) {
            rows.add(fromGuest(
                    "flags " + flags, DropReason.TCP_FLAGS, tcp().flags(flags).build()));
            rows.add(fromOutside(
                    "flags " + flags, DropReason.TCP_FLAGS, call().flags(flags).build()));
        }
        for (int flags : new int[] {ACK, FIN | ACK, RST, RST | ACK, SYN | ACK}) {
            rows.add(fromGuest(
                    "stateless " + flags,
                    DropReason.TCP_NO_FLOW,
                    tcp().flags(flags).build()));
            rows.add(fromOutside(
                    "stateless " + flags,
                    DropReason.TCP_NO_FLOW,
                    call().flags(flags).build()));
        }
        // ICMP
        PacketBuilder ping =
                PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 7, 1).macs(P_MAC, GatewayRig.ROUTER_MAC);
        rows.add(fromGuest(
                "ICMP truncated", DropReason.ICMP_HEADER, ipSum(broken(ping, a -> Octets.put16(a, 16, 27)))));
        rows.add(fromGuest("ICMP checksum", DropReason.ICMP_CHECKSUM, broken(ping, a -> a[36] ^= 1)));
        rows.add(fromGuest(
                "stray echo reply",
                DropReason.ICMP_NO_FLOW,
                PacketBuilder.icmp()
                        .from(P, 0)
                        .to(SERVER, 0)
                        .echo(0, 7, 1)
                        .macs(P_MAC, GatewayRig.ROUTER_MAC)
                        .build()));
        byte[] unknown = PacketBuilder.udp().from(SHARED, 61_001).to(SERVER, 53).build();
        byte[] gre = PacketBuilder.protocol(47)
                .from(SHARED, 0)
                .to(SERVER, 0)
                .payload("12345678")
                .build();
        byte[] late = PacketBuilder.udp()
                .from(SHARED, 61_001)
                .to(SERVER, 53)
                .fragment(50)
                .build();
        byte[] anError = PacketBuilder.icmp()
                .from(SHARED, 0)
                .to(SERVER, 0)
                .error(3, 3, 0, unknown, 28)
                .build();
        rows.add(fromOutside("error about nothing known", DropReason.ICMP_NO_FLOW, error(3, unknown, 100)));
        rows.add(fromOutside("error with a short inner", DropReason.ICMP_INNER, error(3, unknown, 27)));
        rows.add(fromOutside("error with no inner", DropReason.ICMP_INNER, error(3, unknown, 0)));
        rows.add(fromOutside("error about GRE", DropReason.ICMP_NO_FLOW, error(3, gre, 100)));
        rows.add(fromOutside("error about a later fragment", DropReason.ICMP_INNER, error(3, late, 100)));
        rows.add(fromOutside("error about an error", DropReason.ICMP_INNER, error(3, anError, 100)));
        rows.add(fromOutside("redirect", DropReason.ICMP_TYPE, error(5, unknown, 100)));
        rows.add(fromOutside("source quench", DropReason.ICMP_TYPE, error(4, unknown, 100)));
        byte[] foreign =
                PacketBuilder.udp().from("192.0.2.77", 61_001).to(SERVER, 53).build();
        rows.add(fromOutside("error about another machine", DropReason.ICMP_NO_FLOW, error(3, foreign, 100)));
        // lengths
        for (int length : new int[] {0, 1, 13}) {
            rows.add(fromGuest("frame of " + length, DropReason.FRAME_TOO_SHORT, new byte[length]));
            rows.add(fromOutside("frame of " + length, DropReason.FRAME_TOO_SHORT, new byte[length]));
        }
        rows.add(fromGuest("header cut off", DropReason.FRAME_TOO_SHORT, Arrays.copyOf(udp().build(), 33)));
        return rows;
    }

    private static byte[] error(int type, byte[] about, int quoted) {
        return PacketBuilder.icmp()
                .from("192.0.2.1", 0)
                .to(SHARED, 0)
                .error(type, 1, 0, about, quoted)
                .macs(GatewayRig.NEXT_HOP_MAC, GatewayRig.UPLINK_MAC)
                .build();
    }

    /** The rows of the table of hostile packets that single frames show, and the reasons for which they are dropped. */
    private static final Map<Integer, Set<DropReason>> REASONS = Map.ofEntries(
            Map.entry(1, Set.of(DropReason.LAND, DropReason.IP_SOURCE, DropReason.BINDING_ADDRESS)),
            Map.entry(
                    2,
                    Set.of(
                            DropReason.IP_VERSION,
                            DropReason.IP_HEADER_LENGTH,
                            DropReason.IP_TOTAL_LENGTH,
                            DropReason.IP_CHECKSUM,
                            DropReason.FRAME_TOO_SHORT)),
            Map.entry(3, Set.of(DropReason.TCP_HEADER, DropReason.UDP_LENGTH, DropReason.ICMP_HEADER)),
            Map.entry(5, Set.of(DropReason.TCP_CHECKSUM, DropReason.UDP_CHECKSUM, DropReason.ICMP_CHECKSUM)),
            Map.entry(6, Set.of(DropReason.PORT_ZERO)),
            Map.entry(7, Set.of(DropReason.TCP_FLAGS, DropReason.TCP_NO_FLOW)),
            Map.entry(13, Set.of(DropReason.IP_OPTION)),
            Map.entry(15, Set.of(DropReason.ICMP_NO_FLOW, DropReason.ICMP_INNER, DropReason.ICMP_TYPE)),
            Map.entry(
                    16,
                    Set.of(DropReason.SPOOFED_OUTSIDE_SOURCE, DropReason.INSIDE_DESTINATION, DropReason.NOT_FOR_US)),
            Map.entry(
                    17,
                    Set.of(
                            DropReason.GROUP_MAC_UNICAST_IP,
                            DropReason.ETHERNET_DESTINATION,
                            DropReason.ETHERNET_SOURCE,
                            DropReason.BINDING_MAC)),
            Map.entry(18, Set.of(DropReason.VLAN_TAG)));

    static Stream<Arguments> row(int number) {
        return rows().stream().filter(row -> REASONS.get(number).contains((DropReason) row.get()[2]));
    }

    static Stream<Arguments> others() {
        return rows().stream().filter(row -> REASONS.values().stream().noneMatch(r -> r.contains(row.get()[2])));
    }

    static Stream<Arguments> senders() {
        return row(1);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("senders")
    void hostile01_a_source_that_cannot_be_is_dropped(String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> ipHeaders() {
        return row(2);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("ipHeaders")
    void hostile02_a_broken_ip_header_is_dropped(String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> transportHeaders() {
        return row(3);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("transportHeaders")
    void hostile03_a_broken_transport_header_is_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> checksums() {
        return row(5);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("checksums")
    void hostile05_a_wrong_transport_checksum_is_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> portsZero() {
        return row(6);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("portsZero")
    void hostile06_port_0_is_dropped(String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> flags() {
        return row(7);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("flags")
    void hostile07_senseless_flags_and_segments_without_a_connection_are_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> options() {
        return row(13);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("options")
    void hostile13_source_routing_and_malformed_options_are_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> icmpErrors() {
        return row(15);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("icmpErrors")
    void hostile15_an_icmp_message_that_fits_nothing_is_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> wrongSides() {
        return row(16);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("wrongSides")
    void hostile16_what_shows_an_inside_address_outside_is_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> macs() {
        return row(17);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("macs")
    void hostile17_a_frame_with_the_wrong_mac_addresses_is_dropped(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    static Stream<Arguments> tags() {
        return row(18);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("tags")
    void hostile18_a_vlan_tag_is_dropped(String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @MethodSource("others")
    void any_other_hostile_packet_is_dropped_for_exactly_its_reason(
            String name, boolean fromGuest, DropReason reason, byte[] frame) {
        isDroppedFor(fromGuest, reason, frame);
    }

    private static void isDroppedFor(boolean fromGuest, DropReason reason, byte[] frame) {
        try (GatewayRig rig = new GatewayRig()
                .guest("p", P_MAC.toString(), P)
                .with(b -> b.capacity(16).flowsPerGuest(16).forward("tcp 8080 -> p:80"))) {
            rig.outside().takeRaw();
            (fromGuest ? rig.station("p") : rig.outside()).sendRaw(frame);
            assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(reason, 1L));
            assertThat(rig.outside().takeRaw()).isEmpty();
            assertThat(rig.station("p").takeRaw()).isEmpty();
            assertThat(rig.stats().flows()).isZero();
        }
    }

    @Test
    void the_frames_that_the_hostile_ones_are_made_of_are_good() {
        try (GatewayRig rig =
                new GatewayRig().guest("p", P_MAC.toString(), P).with(b -> b.forward("tcp 8080 -> p:80"))) {
            rig.outside().take();
            rig.station("p").sendRaw(udp().build());
            rig.station("p").sendRaw(tcp().build());
            rig.outside().sendRaw(call().build());
            assertThat(rig.outside().take()).hasSize(2);
            assertThat(rig.station("p").take()).hasSize(1);
        }
    }

    @Test
    void hostile21_protocols_spelled_into_payloads_open_nothing() {
        try (GatewayRig rig = new GatewayRig().guest("p", P_MAC.toString(), P)) {
            Conversation sip =
                    Conversation.tcp(rig, "p", P, 40_000, SERVER, 5060).handshake();
            rig.station("p")
                    .send(PacketBuilder.tcp()
                            .from(P, 40_000)
                            .to(SERVER, 5060)
                            .flags(ACK | 8)
                            .payload("REGISTER sip:x SIP/2.0\r\nContact: <sip:a@10.0.0.2:22;transport=tcp>\r\n\r\n"));
            rig.station("p").send(tcp().to(SERVER, 21).payload("PORT 10,0,0,2,238,79\r\n"));
            assertThat(rig.outside().take()).isNotEmpty();
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 5060).to(SHARED, 22));
            rig.outside().send(PacketBuilder.tcp().from(SERVER, 20).to(SHARED, 61_007));
            assertThat(rig.station("p").take()).isEmpty();
            assertThat(sip.in()).isNotNull();
            assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.NO_MAPPING);
        }
    }
}
