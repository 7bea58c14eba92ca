package io.sharedip.nat;

import static io.sharedip.testing.DhcpExchange.ACK;
import static io.sharedip.testing.DhcpExchange.DECLINE;
import static io.sharedip.testing.DhcpExchange.DISCOVER;
import static io.sharedip.testing.DhcpExchange.INFORM;
import static io.sharedip.testing.DhcpExchange.NAK;
import static io.sharedip.testing.DhcpExchange.OFFER;
import static io.sharedip.testing.DhcpExchange.RELEASE;
import static io.sharedip.testing.DhcpExchange.REQUEST;
import static io.sharedip.testing.GatewayRig.ALIAS;
import static io.sharedip.testing.GatewayRig.ROUTER;
import static io.sharedip.testing.GatewayRig.SHARED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.dns.DomainName;
import io.sharedip.filter.FilterChain;
import io.sharedip.nat.DhcpSettings.Network;
import io.sharedip.stats.DropReason;
import io.sharedip.testing.DhcpExchange;
import io.sharedip.testing.DhcpExchange.Answer;
import io.sharedip.testing.GatewayRig;
import io.sharedip.testing.PacketBuilder;
import io.sharedip.testing.ParsedPacket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** DHCP on guests' links (RFC 2131, RFC 2132): who gets what, and who gets nothing. */
class DhcpTest {

    private static final MacAddress WEB = MacAddress.parse("52:54:00:00:00:01");
    private static final MacAddress OWN = MacAddress.parse("52:54:00:00:00:02");
    private static final String PRIVATE = "10.77.0.4";

    private final GatewayRig rig =
            new GatewayRig().guest("web", WEB.toString(), SHARED).guest("own", OWN.toString(), PRIVATE);

    @AfterEach
    void close() {
        rig.close();
    }

    private void serve(DhcpSettings settings) {
        rig.with(builder -> builder.dhcp(settings));
    }

    private ParsedPacket ask(String guest, DhcpExchange message) {
        rig.station(guest).sendRaw(message.frame());
        return rig.station(guest).takeOne();
    }

    private Answer answer(String guest, DhcpExchange message) {
        return Answer.of(ask(guest, message).payload());
    }

    private void unanswered(String guest, DhcpExchange message, DropReason why) {
        long before = rig.drops(why);
        rig.station(guest).sendRaw(message.frame());
        assertThat(rig.station(guest).takeRaw()).isEmpty();
        assertThat(rig.drops(why)).isEqualTo(before + 1);
    }

    private static DhcpExchange discover(MacAddress mac) {
        return DhcpExchange.message(mac, DISCOVER);
    }

    @Test
    void a_guest_gets_the_shared_address_and_what_it_needs_to_use_it() {
        serve(DhcpSettings.defaults()
                .withDnsServers(Ipv4Address.parse(ALIAS), Ipv4Address.parse("198.51.100.53"))
                .withDomain(DomainName.parse("guests.internal"))
                .withSearchDomains(DomainName.parse("guests.internal"), DomainName.parse("example.org")));

        Answer offer = answer("web", discover(WEB));

        assertThat(offer.type()).isEqualTo(OFFER);
        assertThat(offer.address()).isEqualTo(SHARED);
        assertThat(offer.addresses(54)).containsExactly(ALIAS);

        Answer ack = answer(
                "web", DhcpExchange.message(WEB, REQUEST).address(50, SHARED).address(54, ALIAS));

        assertThat(ack.type()).isEqualTo(ACK);
        assertThat(ack.address()).isEqualTo(SHARED);
        assertThat(ack.addresses(1)).containsExactly("255.255.255.0");
        assertThat(ack.addresses(3)).containsExactly(ROUTER);
        assertThat(ack.addresses(6)).containsExactly(ALIAS, "198.51.100.53");
        assertThat(ack.addresses(28)).containsExactly("192.0.2.255");
        assertThat(ack.number(26)).isEqualTo(1500);
        assertThat(List.of(ack.number(51), ack.number(58), ack.number(59))).containsExactly(3600, 1800, 3150);
        assertThat(ack.text(12)).isEqualTo("web");
        assertThat(ack.text(15)).isEqualTo("guests.internal");
        assertThat(ack.text(119)).isEqualTo("\6guests\10internal\0\7example\3org\0");
    }

    @Test
    void any_number_of_guests_may_be_given_the_same_address() {
        GatewayRig many = new GatewayRig().with(builder -> builder.dhcp(DhcpSettings.defaults()));
        for (int i = 1; i <= 40; i++) {
            many.guest("g" + i, new MacAddress(0x525400000100L + i).toString(), SHARED);
        }
        try (many) {
            for (int i = 1; i <= 40; i++) {
                many.station("g" + i)
                        .sendRaw(discover(new MacAddress(0x525400000100L + i)).frame());
                Answer offer = Answer.of(many.station("g" + i).takeOne().payload());
                assertThat(offer.address()).isEqualTo(SHARED);
                assertThat(offer.text(12)).isEqualTo("g" + i);
            }
        }
    }

    @Test
    void a_guest_of_another_network_gets_a_router_within_it() {
        serve(DhcpSettings.defaults());

        Answer offer = answer("own", discover(OWN));

        assertThat(offer.address()).isEqualTo(PRIVATE);
        assertThat(offer.addresses(1)).containsExactly("255.255.255.0");
        assertThat(offer.addresses(3)).containsExactly("10.77.0.1");
    }

    @Test
    void the_longest_network_of_the_settings_that_holds_a_guests_address_counts() {
        serve(DhcpSettings.defaults()
                .withNetworks(
                        new Network(IpPrefix.parse("10.0.0.0/8"), Ipv4Address.parse("10.0.0.1")),
                        new Network(IpPrefix.parse("10.77.0.0/16"), Ipv4Address.parse("10.77.255.254"))));

        Answer offer = answer("own", discover(OWN));

        assertThat(offer.addresses(1)).containsExactly("255.255.0.0");
        assertThat(offer.addresses(3)).containsExactly("10.77.255.254");
    }

    @Test
    void a_guest_with_the_first_address_of_its_network_gets_the_last_as_its_router() {
        GatewayRig first = new GatewayRig()
                .guest("one", WEB.toString(), "10.1.2.1")
                .with(builder -> builder.dhcp(DhcpSettings.defaults()));
        try (first) {
            first.station("one").sendRaw(discover(WEB).frame());
            Answer offer = Answer.of(first.station("one").takeOne().payload());
            assertThat(offer.addresses(3)).containsExactly("10.1.2.254");
        }
    }

    @Test
    void an_answer_goes_to_the_future_address_at_the_clients_mac_address_or_to_everybody_if_asked() {
        serve(DhcpSettings.defaults());

        ParsedPacket unicast = ask("web", discover(WEB));
        assertThat(unicast.from()).isEqualTo(ALIAS + ":67");
        assertThat(unicast.to()).isEqualTo(SHARED + ":68");
        assertThat(unicast.destinationMac()).isEqualTo(WEB);
        assertThat(unicast.sourceMac()).isEqualTo(GatewayRig.ROUTER_MAC);
        assertThat(unicast.payload()).hasSizeGreaterThanOrEqualTo(300);

        ParsedPacket broadcast = ask("web", discover(WEB).broadcastFlag());
        assertThat(broadcast.to()).isEqualTo("255.255.255.255:68");
        assertThat(broadcast.destinationMac().toString()).isEqualTo("ff:ff:ff:ff:ff:ff");
    }

    @Test
    void renewing_rebinding_and_rebooting_clients_keep_their_address() {
        serve(DhcpSettings.defaults());

        ParsedPacket renewed =
                ask("web", DhcpExchange.message(WEB, REQUEST).from(SHARED).to(ALIAS));
        assertThat(Answer.of(renewed.payload()).type()).isEqualTo(ACK);
        assertThat(renewed.to()).isEqualTo(SHARED + ":68");

        assertThat(answer("web", DhcpExchange.message(WEB, REQUEST).from(SHARED))
                        .type())
                .isEqualTo(ACK);
        assertThat(answer("web", DhcpExchange.message(WEB, REQUEST).address(50, SHARED))
                        .type())
                .isEqualTo(ACK);
    }

    @Test
    void a_client_that_wants_an_address_not_bound_to_it_is_refused_by_broadcast() {
        serve(DhcpSettings.defaults());

        ParsedPacket rebooting = ask("web", DhcpExchange.message(WEB, REQUEST).address(50, "192.0.2.77"));
        Answer refusal = Answer.of(rebooting.payload());
        assertThat(refusal.type()).isEqualTo(NAK);
        assertThat(refusal.address()).isEqualTo("0.0.0.0");
        assertThat(refusal.options()).containsOnlyKeys(53, 54);
        assertThat(rebooting.to()).isEqualTo("255.255.255.255:68");

        assertThat(answer("web", DhcpExchange.message(WEB, REQUEST).from("192.0.2.77"))
                        .type())
                .isEqualTo(NAK);
    }

    @Test
    void a_guest_whose_address_was_changed_is_refused_the_old_one_and_offered_the_new() throws Exception {
        serve(DhcpSettings.defaults());
        rig.await(rig.gateway().bind(new Binding(GuestId.of("own"), OWN, Ipv4Address.parse("10.77.0.9"))));
        rig.await(rig.gateway().unbind(new Binding(GuestId.of("own"), OWN, Ipv4Address.parse(PRIVATE))));

        assertThat(answer(
                                "own",
                                DhcpExchange.message(OWN, REQUEST).from(PRIVATE).to(ALIAS))
                        .type())
                .isEqualTo(NAK);
        assertThat(answer("own", discover(OWN)).address()).isEqualTo("10.77.0.9");
    }

    @Test
    void a_request_that_selects_another_server_is_left_alone() {
        serve(DhcpSettings.defaults());
        unanswered(
                "web",
                DhcpExchange.message(WEB, REQUEST).address(50, SHARED).address(54, "192.0.2.3"),
                DropReason.DHCP_UNANSWERED);
    }

    @Test
    void inform_is_answered_with_all_but_address_and_lease() {
        serve(DhcpSettings.defaults());

        ParsedPacket told = ask("web", DhcpExchange.message(WEB, INFORM).from(SHARED));

        Answer ack = Answer.of(told.payload());
        assertThat(ack.type()).isEqualTo(ACK);
        assertThat(ack.address()).isEqualTo("0.0.0.0");
        assertThat(ack.options()).containsKeys(1, 3, 26).doesNotContainKeys(51, 58, 59);
        assertThat(told.to()).isEqualTo(SHARED + ":68");
        unanswered("web", DhcpExchange.message(WEB, INFORM).field(12, 0x0a000001), DropReason.DHCP_UNANSWERED);
    }

    @Test
    void release_is_taken_in_silence_and_a_declined_address_is_counted() {
        serve(DhcpSettings.defaults());
        unanswered(
                "web",
                DhcpExchange.message(WEB, RELEASE).from(SHARED).to(ALIAS).address(54, ALIAS),
                DropReason.DHCP_UNANSWERED);
        unanswered(
                "web",
                DhcpExchange.message(WEB, DECLINE).address(50, SHARED).address(54, ALIAS),
                DropReason.DHCP_DECLINED);
        assertThat(answer("web", discover(WEB)).address()).isEqualTo(SHARED);
    }

    @Test
    void rfc4039_a_client_that_asks_for_it_gets_its_address_in_two_messages() {
        serve(DhcpSettings.defaults());
        Answer ack = answer("web", discover(WEB).option(80));
        assertThat(ack.type()).isEqualTo(ACK);
        assertThat(ack.options()).containsKey(80);
    }

    @Test
    void rapid_commit_can_be_switched_off() {
        serve(DhcpSettings.defaults().withRapidCommit(false));
        Answer offer = answer("web", discover(WEB).option(80));
        assertThat(offer.type()).isEqualTo(OFFER);
        assertThat(offer.options()).doesNotContainKey(80);
    }

    @Test
    void rfc6842_the_client_identifier_comes_back_however_long_it_is() {
        serve(DhcpSettings.defaults().withDomain(DomainName.parse("guests.internal")));
        int[] identifier = new int[250];
        identifier[0] = 255;
        identifier[249] = 7;

        ParsedPacket packet = ask("web", discover(WEB).option(61, identifier));

        Answer offer = Answer.of(packet.payload());
        assertThat(offer.options().get(61)).hasSize(250).endsWith((byte) 7);
        assertThat(offer.options()).containsKeys(1, 3, 51);
        assertThat(packet.totalLength()).isLessThanOrEqualTo(576);
    }

    @Test
    void options_in_the_fields_for_names_are_read_as_option_52_says() {
        serve(DhcpSettings.defaults());
        // the requested address stands in "file", the server in "sname"
        DhcpExchange request = DhcpExchange.message(WEB, REQUEST)
                .option(52, 3)
                .octets(108, 50, 4, 192, 0, 2, 10, 255)
                .octets(44, 54, 4, 192, 0, 2, 254, 255);
        assertThat(answer("web", request).type()).isEqualTo(ACK);
    }

    @Test
    void option_52_within_the_fields_that_it_opens_is_refused() {
        serve(DhcpSettings.defaults());
        unanswered("web", discover(WEB).option(52, 1).octets(108, 52, 1, 2, 255), DropReason.DHCP_MALFORMED);
    }

    @Test
    void mtu_lease_and_dns_server_are_as_set() {
        serve(DhcpSettings.defaults().withMtu(9000).withLeaseTime(Duration.ofSeconds(60)));
        Answer offer = answer("web", discover(WEB));
        assertThat(offer.number(26)).isEqualTo(9000);
        assertThat(offer.number(51)).isEqualTo(60);
        assertThat(offer.options()).as("no DNS service, no DNS server").doesNotContainKey(6);
    }

    @Test
    void hostile22_a_message_that_is_broken_or_too_long_is_dropped() {
        serve(DhcpSettings.defaults().withMessagesPerSecond(100));
        unanswered("web", discover(WEB).octets(0, 2), DropReason.DHCP_MALFORMED);
        unanswered("web", discover(WEB).octets(1, 6), DropReason.DHCP_MALFORMED);
        unanswered("web", discover(WEB).octets(2, 16), DropReason.DHCP_MALFORMED);
        unanswered("web", discover(WEB).field(236, 0), DropReason.DHCP_MALFORMED);
        unanswered("web", discover(WEB).field(24, 0x0a000001), DropReason.DHCP_MALFORMED);
        unanswered("web", discover(WEB).option(53, 1), DropReason.DHCP_MALFORMED);
        unanswered("web", discover(WEB).option(50, 1, 2, 3), DropReason.DHCP_MALFORMED);
        unanswered("web", DhcpExchange.message(WEB, 99), DropReason.DHCP_MALFORMED);
        unanswered("web", DhcpExchange.message(WEB, OFFER), DropReason.DHCP_MALFORMED);
        unanswered("web", DhcpExchange.message(WEB, REQUEST), DropReason.DHCP_MALFORMED);
        DhcpExchange tooLong = discover(WEB);
        for (int i = 0; i < 5; i++) {
            tooLong.option(43, new int[250]);
        }
        unanswered("web", tooLong, DropReason.DHCP_MALFORMED);
        PacketBuilder cut = discover(WEB).packet().payload(new byte[239]);
        rig.station("web").sendRaw(cut.build());
        assertThat(rig.drops(DropReason.DHCP_MALFORMED)).isEqualTo(12);
    }

    @Test
    void a_guest_that_claims_to_be_another_one_gets_nothing() {
        serve(DhcpSettings.defaults());
        // another guest's MAC address in the frame, in the message
        unanswered("web", discover(OWN), DropReason.BINDING_MAC);
        DhcpExchange mixed = discover(WEB).octets(28, 0x52, 0x54, 0, 0, 0, 2);
        unanswered("web", mixed, DropReason.BINDING_MAC);
        assertThat(rig.station("own").takeRaw()).isEmpty();
        unanswered("web", discover(WEB).from("192.0.2.77"), DropReason.BINDING_ADDRESS);
    }

    @Test
    void hostile22_one_guests_flood_of_messages_is_bounded_and_leaves_others_alone() {
        serve(DhcpSettings.defaults().withMessagesPerSecond(5));
        for (int i = 0; i < 100; i++) {
            rig.station("web").sendRaw(discover(WEB).frame());
        }
        assertThat(rig.station("web").take()).hasSize(5);
        assertThat(rig.drops(DropReason.DHCP_LIMIT)).isEqualTo(95);
        assertThat(answer("own", discover(OWN)).address()).isEqualTo(PRIVATE);
        rig.advance(Duration.ofSeconds(1));
        assertThat(answer("web", discover(WEB)).address()).isEqualTo(SHARED);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 67, 69, 4000})
    void nothing_but_dhcp_passes_from_a_guest_without_address(int port) {
        serve(DhcpSettings.defaults());
        rig.station("web").sendRaw(discover(WEB).packet().from("0.0.0.0", port).build());
        rig.station("web")
                .sendRaw(discover(WEB)
                        .packet()
                        .to("255.255.255.255", port == 67 ? 53 : port)
                        .build());
        rig.station("web").sendRaw(discover(WEB).packet().to("198.51.100.7", 67).build());
        rig.station("web").sendRaw(discover(WEB).packet().to(ALIAS, 67).build());
        assertThat(rig.station("web").takeRaw()).isEmpty();
        assertThat(rig.outside().take()).isEmpty();
        assertThat(rig.drops(DropReason.IP_SOURCE)).isEqualTo(4);
    }

    @Test
    void dhcp_to_a_machine_outside_is_translated_as_any_datagram() {
        serve(DhcpSettings.defaults());
        rig.station("web")
                .send(DhcpExchange.message(WEB, REQUEST)
                        .from(SHARED)
                        .to("198.51.100.7")
                        .packet());
        assertThat(rig.outside().takeOne().to()).isEqualTo("198.51.100.7:67");
    }

    @Test
    void a_wrong_checksum_is_told_as_such() {
        serve(DhcpSettings.defaults());
        byte[] frame = discover(WEB).frame();
        frame[50] ^= 1;
        rig.station("web").sendRaw(frame);
        assertThat(rig.drops(DropReason.UDP_CHECKSUM)).isEqualTo(1);
    }

    @Test
    void rules_do_not_keep_a_guest_from_its_address() {
        rig.with(builder -> builder.rules(FilterChain.parse("default drop")));
        serve(DhcpSettings.defaults());
        assertThat(answer("web", discover(WEB)).address()).isEqualTo(SHARED);
    }

    @Test
    void without_dhcp_a_guest_without_address_is_nobody() {
        rig.station("web").sendRaw(discover(WEB).frame());
        assertThat(rig.station("web").takeRaw()).isEmpty();
        assertThat(rig.drops(DropReason.IP_SOURCE)).isEqualTo(1);
    }

    @Test
    void nobody_outside_is_answered() {
        serve(DhcpSettings.defaults());
        rig.outside().sendRaw(discover(GatewayRig.NEXT_HOP_MAC).frame());
        assertThat(rig.outside().take()).isEmpty();
    }

    @Test
    void settings_out_of_range_are_refused() {
        DhcpSettings settings = DhcpSettings.defaults();
        assertThatThrownBy(() -> settings.withLeaseTime(Duration.ofSeconds(9)))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("dhcp.lease-time");
        assertThatThrownBy(() -> settings.withMtu(575)).hasMessageContaining("dhcp.mtu");
        assertThatThrownBy(() -> settings.withMessagesPerSecond(0)).hasMessageContaining("dhcp.messages-per-second");
        assertThatThrownBy(() -> new Network(IpPrefix.parse("10.0.0.0/24"), Ipv4Address.parse("10.0.1.1")))
                .hasMessageContaining("10.0.1.1");
        Network network = new Network(IpPrefix.parse("10.0.0.0/24"), Ipv4Address.parse("10.0.0.1"));
        assertThatThrownBy(() -> settings.withNetworks(network, network)).hasMessageContaining("twice");
    }
}
