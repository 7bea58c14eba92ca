package io.sharedip.nat.sockets;

import static io.sharedip.testing.GatewayRig.OTHER_SERVER;
import static io.sharedip.testing.GatewayRig.SERVER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static io.sharedip.testing.PacketBuilder.ACK;
import static io.sharedip.testing.PacketBuilder.PSH;
import static io.sharedip.testing.PacketBuilder.RST;
import static io.sharedip.testing.PacketBuilder.SYN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent.BindingViolation;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.EventRecorder;
import io.sharedip.testing.Fragmenter;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.MemoryHost;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rows of hostile packets that take more than one frame of a guest, or an answer, where the way out is one of sockets. */
class HostileTrafficToSocketsTest {

    private static final String P = "10.0.0.2";
    private static final MacAddress P_MAC = MacAddress.parse("52:54:00:00:00:01");
    private static final MacAddress S_MAC = MacAddress.parse("52:54:00:00:00:02");

    private final EventRecorder events = new EventRecorder();
    private final MemoryHost host = new MemoryHost();
    private final GatewayRig rig = new GatewayRig()
            .sockets(host)
            .with(b -> b.listener(events))
            .guest("p", P_MAC.toString(), P)
            .guest("s", S_MAC.toString(), SHARED);

    @AfterEach
    void close() {
        rig.stats();
        rig.close();
    }

    private static byte[] payload(int length) {
        byte[] payload = new byte[length];
        new Random(length).nextBytes(payload);
        return payload;
    }

    private static PacketBuilder udp(int length) {
        return PacketBuilder.udp()
                .macs(P_MAC, GatewayRig.ROUTER_MAC)
                .from(P, 4000)
                .to(SERVER, 53)
                .fragment(0)
                .identification(0x4242)
                .payload(payload(length));
    }

    private void sendAll(List<byte[]> frames) {
        frames.forEach(rig.station("p")::sendRaw);
    }

    private void reachedNoSocket() {
        assertThat(host.streams()).isEmpty();
        assertThat(host.datagrams()).isEmpty();
        assertThat(host.echoes()).isEmpty();
        assertThat(host.listeners()).isEmpty();
        assertThat(rig.stats().flows()).isZero();
        assertThat(rig.stats().held()).isZero();
    }

    private TcpGuest established(int port) {
        TcpGuest guest = new TcpGuest(rig.station("p"), P, 40_000, SERVER, port).syn();
        host.stream().establish();
        rig.poll();
        guest.expect(SYN | ACK);
        return guest.acknowledge();
    }

    // ------------------------------------------------------------------------------------------------ checksums, flags

    @Test
    void hostile04_a_datagram_without_checksum_reaches_its_socket_whole_and_in_fragments() {
        rig.station("p").sendRaw(udp(100).withoutChecksum().build());
        sendAll(Fragmenter.cut(udp(3_000).withoutChecksum().build(), 1480));
        assertThat(host.onlyDatagrams().take())
                .extracting(MemoryHost.Datagram::payload)
                .containsExactly(payload(100), payload(3_000));
        assertThat(rig.nonZeroDrops()).isEmpty();
    }

    @Test
    void hostile08_a_syn_in_an_established_connection_changes_nothing() {
        TcpGuest guest = established(80);
        rig.station("p")
                .send(PacketBuilder.tcp()
                        .from(P, 40_000)
                        .to(SERVER, 80)
                        .flags(SYN)
                        .sequence(99_000, 0));
        // RFC 5961 section 4.2
        assertThat(rig.station("p").takeOne().flags()).isEqualTo(ACK);
        guest.say("goes on");
        assertThat(host.stream().read()).isEqualTo("goes on");
        assertThat(host.streams()).hasSize(1);
    }

    @Test
    void hostile09_resets_and_data_out_of_the_window_change_nothing() {
        TcpGuest guest = new TcpGuest(rig.station("p"), P, 40_000, SERVER, 80).syn();
        host.stream().establish();
        rig.poll();
        long next = 7_001;
        long expected = guest.expect(SYN | ACK).sequence() + 1;
        guest.acknowledge();
        for (long wrong : new long[] {next - 1, next + 1, next + 10_000_000, next - 10_000_000}) {
            rig.station("p").send(guest.segment(RST, "").sequence(wrong, 0));
        }
        for (long wrong : new long[] {next + 10_000_000, next - 10_000_000}) {
            rig.station("p").send(guest.segment(ACK | PSH, "wrong").sequence(wrong, expected));
        }
        rig.station("p").discard();
        guest.say("right");
        assertThat(host.stream().read()).isEqualTo("right");
        assertThat(host.stream().end()).isEqualTo(MemoryHost.End.OPEN);
        assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.TCP_RST_WINDOW, DropReason.TCP_WINDOW);
    }

    // ------------------------------------------------------------------------------------------------ fragments

    private static byte[] at(byte[] fragment, int word) {
        byte[] copy = fragment.clone();
        Octets.put16(copy, 20, word);
        return Fragmenter.fixHeader(copy);
    }

    private void refused(DropReason why, List<byte[]> frames) {
        sendAll(frames);
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(why, (long) frames.size()));
        reachedNoSocket();
    }

    @ParameterizedTest
    @CsvSource({"992, 1000", "8, 1000", "400, 8", "0, 2000", "0, 992"})
    void hostile10_an_overlapped_datagram_reaches_no_socket_nor_does_what_comes_of_it_later(int offset, int octets) {
        byte[] whole = udp(3_000).build();
        List<byte[]> cut = Fragmenter.cut(whole, 1000);
        List<byte[]> frames = new ArrayList<>(List.of(cut.get(0), Fragmenter.piece(whole, offset, octets)));
        frames.addAll(cut);
        refused(DropReason.FRAGMENT_OVERLAP, frames);
    }

    @Test
    void hostile10_teardrop_reaches_no_socket() {
        byte[] whole = udp(200).build();
        refused(
                DropReason.FRAGMENT_INVALID,
                List.of(Fragmenter.piece(whole, 0, 40), at(Fragmenter.piece(whole, 24, 4), 3)));
    }

    @Test
    void hostile10_fragments_past_65535_or_misaligned_reach_no_socket() {
        byte[] whole = udp(3_000).build();
        List<byte[]> cut = Fragmenter.cut(whole, 1000);
        byte[] other = udp(3_000).identification(2).build();
        refused(
                DropReason.FRAGMENT_INVALID,
                List.of(
                        cut.get(0),
                        at(Fragmenter.piece(whole, 2000, 1008), 8191),
                        Fragmenter.piece(other, 0, 1000),
                        Fragmenter.piece(other, 1000, 1001)));
    }

    @Test
    void hostile11_duplicates_of_fragments_are_ignored_and_the_socket_gets_the_datagram_once() {
        List<byte[]> cut = Fragmenter.cut(udp(5_000).build(), 1480);
        for (byte[] fragment : cut.subList(0, 3)) {
            sendAll(List.of(fragment, fragment));
        }
        sendAll(List.of(cut.get(0), cut.get(3)));
        List<MemoryHost.Datagram> sent = host.onlyDatagrams().take();
        assertThat(sent).extracting(MemoryHost.Datagram::payload).containsExactly(payload(5_000));
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.FRAGMENT_DUPLICATE, 4L));
    }

    @Test
    void hostile12_a_syn_whose_first_fragment_has_8_octets_connects_once_it_is_whole() {
        TcpGuest guest = new TcpGuest(rig.station("p"), P, 40_000, SERVER, 80);
        byte[] syn = guest.segment(SYN, "")
                .macs(P_MAC, GatewayRig.ROUTER_MAC)
                .fragment(0)
                .build();
        List<byte[]> cut = Fragmenter.cut(syn, 8);
        sendAll(cut.subList(0, cut.size() - 1));
        assertThat(host.streams()).isEmpty();
        sendAll(cut.subList(cut.size() - 1, cut.size()));
        assertThat(host.stream().peer()).isEqualTo(SERVER + ":80");
        host.stream().establish();
        rig.poll();
        assertThat(rig.station("p").takeOne().flags()).isEqualTo(SYN | ACK);
        assertThat(rig.nonZeroDrops()).isEmpty();
    }

    // ------------------------------------------------------------------------------------------------ time to live

    @ParameterizedTest
    @CsvSource({"tcp, 0", "tcp, 1", "udp, 0", "udp, 1", "icmp, 0", "icmp, 1"})
    void hostile14_an_expired_time_to_live_is_answered_with_11_0_and_reaches_no_socket(String protocol, int ttl) {
        PacketBuilder packet = switch (protocol) {
            case "tcp" -> PacketBuilder.tcp().from(P, 4000).to(SERVER, 80);
            case "udp" -> PacketBuilder.udp().from(P, 4000).to(SERVER, 53);
            default -> PacketBuilder.icmp().from(P, 0).to(SERVER, 0).echo(8, 77, 1);
        };
        byte[] sent = packet.ttl(ttl).macs(P_MAC, GatewayRig.ROUTER_MAC).build();
        rig.station("p").sendRaw(sent.clone());
        ParsedPacket error = rig.station("p").takeOne();
        assertThat(error.icmpType()).isEqualTo(11);
        assertThat(error.icmpCode()).isZero();
        assertThat(error.payload()).isEqualTo(Arrays.copyOfRange(sent, 14, sent.length));
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.TTL_EXPIRED, 1L));
        reachedNoSocket();
    }

    // ------------------------------------------------------------------------------------------------ ARP

    @ParameterizedTest
    @CsvSource({
        // operation, Ethernet source, ARP sender MAC, ARP sender, reason
        "1, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.77, ARP_SPOOFED",
        "1, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.1, ARP_SPOOFED",
        "1, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.254, ARP_SPOOFED",
        "1, 52:54:00:00:00:02, 52:54:00:00:00:66, 192.0.2.10, ARP_SENDER_MISMATCH",
        "1, 52:54:00:00:00:66, 52:54:00:00:00:66, 192.0.2.10, BINDING_MAC",
        "1, 52:54:00:00:00:01, 52:54:00:00:00:01, 10.0.0.2, BINDING_MAC",
        "2, 52:54:00:00:00:02, 52:54:00:00:00:02, 192.0.2.10, ARP_UNSOLICITED"
    })
    void hostile19_an_arp_packet_of_a_guest_that_lies_is_dropped_counted_and_told(
            int operation, String ether, String senderMac, String sender, DropReason reason) {
        byte[] frame = GatewayRig.arp(operation, MacAddress.parse(senderMac), sender, GatewayRig.ROUTER);
        Octets.put48(frame, 6, MacAddress.parse(ether).bits());
        rig.station("s").sendRaw(frame);
        assertThat(rig.station("s").takeRaw()).isEmpty();
        assertThat(rig.station("p").takeRaw()).isEmpty();
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(reason, 1L));
        assertThat(events.await(BindingViolation.class).reason()).isEqualTo(reason);
        reachedNoSocket();
    }

    @Test
    void hostile22_a_storm_of_arp_and_of_mac_addresses_of_a_guest_makes_no_state() {
        for (int i = 0; i < 5_000; i++) {
            MacAddress mac = new MacAddress(0x020000000000L + i);
            rig.station("s").sendRaw(GatewayRig.arp(1 + i % 2, mac, "192.0.2." + i % 250, "192.0.2." + i % 250));
            rig.station("s")
                    .sendRaw(PacketBuilder.udp()
                            .macs(mac, GatewayRig.ROUTER_MAC)
                            .from(SHARED, 4000)
                            .to(SERVER, 53)
                            .build());
        }
        assertThat(rig.nonZeroDrops()).containsOnlyKeys(DropReason.BINDING_MAC);
        reachedNoSocket();
        rig.station("p").sendRaw(udp(100).build());
        assertThat(host.onlyDatagrams().take()).hasSize(1);
    }

    // ------------------------------------------------------------------------------------------------ payloads

    @ParameterizedTest
    @ValueSource(
            strings = {
                "REGISTER sip:x SIP/2.0\r\nContact: <sip:a@10.0.0.2:22;transport=tcp>\r\n\r\n",
                "PORT 10,0,0,2,238,79\r\n",
                "\001DCC SEND x 167772162 22 1\001\r\n"
            })
    void hostile21_a_protocol_spelled_into_a_payload_reaches_the_socket_unchanged_and_opens_nothing(String spelled) {
        established(5060).say(spelled);
        assertThat(host.stream().read()).isEqualTo(spelled);
        rig.station("p").send(PacketBuilder.udp().from(P, 5060).to(SERVER, 5060).payload(spelled));
        assertThat(host.onlyDatagrams().takeTexts()).containsExactly(SERVER + ":5060 " + spelled);
        assertThat(host.listeners()).isEmpty();
        assertThat(host.streams()).hasSize(1);
        rig.station("p").discard();
        host.onlyDatagrams().receive(OTHER_SERVER, 5060, "may I");
        assertThat(rig.station("p").take()).isEmpty();
        assertThat(rig.nonZeroDrops()).containsExactly(Map.entry(DropReason.FILTERED_BY_MAPPING, 1L));
        assertThat(rig.stats().flows()).isEqualTo(2);
    }
}
