package io.sharedip.examples.gateway.config;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.dns.DnsSettings;
import io.sharedip.examples.gateway.config.GatewayFile.Capacity;
import io.sharedip.examples.gateway.config.GatewayFile.GuestSettings;
import io.sharedip.examples.gateway.config.GatewayFile.NatSettings;
import io.sharedip.examples.gateway.config.GatewayFile.TimeoutKey;
import io.sharedip.examples.gateway.config.GatewayFile.UplinkSettings;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.DhcpSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Knows the keys at the top of the file and puts the parts together. */
final class GatewayFileReader {

    static final int MOST_FLOWS = 4_000_000;

    private static final Duration SHORTEST_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration LONGEST_TIMEOUT = Duration.ofDays(30);
    private static final String EXAMPLE = "address: 192.0.2.10";

    private GatewayFileReader() {}

    static GatewayFile read(String text, Problems problems) throws BadConfigurationException {
        Optional<YamlNode> root = YamlTree.parse(text, problems);
        problems.throwIfAny();
        if (root.isEmpty()) {
            throw problems.only(Spot.START, "file", "is empty", "begin with keys and values such as " + EXAMPLE);
        }
        if (!(root.get() instanceof YamlNode.Mapping mapping)) {
            throw problems.only(
                    root.get().spot(), "file", "is not a group of keys", "write keys with values, such as " + EXAMPLE);
        }
        Optional<GatewayFile> file = read(new Section(mapping, "", problems));
        problems.throwIfAny();
        return file.orElseThrow();
    }

    /** Nothing if a part is missing; the mistake has been noted then. */
    private static Optional<GatewayFile> read(Section root) {
        Segment.Written written = Segment.Written.read(root);
        Optional<Path> control = root.text("control", "/run/gw/control.sock")
                .flatMap(s -> s.parse(Forms::socketPath))
                .map(Parsed::value);
        Optional<Path> state = root.text("state", "/var/lib/gw/state")
                .flatMap(s -> s.parse(Forms::filePath))
                .map(Parsed::value);
        Optional<Value> way = root.value("uplink");
        Optional<UplinkSettings> uplink = way.isEmpty()
                ? Optional.of(UplinkSettings.Sockets.DEFAULT)
                : way.flatMap(v -> v.section("uplink: { sockets: {} }")).flatMap(UplinkReader::read);
        boolean sockets =
                uplink.filter(UplinkSettings.Sockets.class::isInstance).isPresent();
        boolean card = uplink.filter(UplinkSettings.Card.class::isInstance).isPresent();
        Segment segment = card ? written.ofCard(root) : written.ofSockets(root);
        Capacity capacity = root.value("capacity")
                .flatMap(v -> v.section("capacity: { flows: 5000 }"))
                .map(GatewayFileReader::capacity)
                .orElse(Capacity.DEFAULT);
        Optional<Parsed<MacAddress>> routerMac =
                root.text("router-mac", "\"02:00:5e:00:00:01\"").flatMap(s -> s.parse(Forms::stationMac));
        GuestsReader guests =
                new GuestsReader(segment, routerMac.map(Parsed::value), uplink.flatMap(GatewayFileReader::card));
        List<GuestSettings> guestSettings = guests.read(root);
        PolicyReader policies = new PolicyReader(segment, guests.names(), sockets);
        List<PortForward> forwards = policies.forwards(root);
        FilterChain rules = policies.rules(root);
        List<Ipv4Address> addresses =
                guestSettings.stream().map(GuestSettings::address).toList();
        NatSettings nat = root.value("nat")
                .flatMap(v -> v.section("nat: { udp: { filtering: endpoint-independent } }"))
                .map(section ->
                        NatReader.read(section, new AddressPlanReader(segment, policies, addresses, sockets), sockets))
                .orElse(NatSettings.DEFAULT);
        Map<TimeoutKey, Duration> timeouts = root.value("timeouts")
                .flatMap(v -> v.section("timeouts: { udp: 300s }"))
                .map(GatewayFileReader::timeouts)
                .orElse(Map.of());
        Optional<DhcpSettings> dhcp = root.value("dhcp")
                .flatMap(v -> v.section("dhcp: { lease-time: 1h }"))
                .flatMap(DhcpReader::read);
        Optional<DnsSettings> dns = root.value("dns")
                .flatMap(v -> v.section("dns: { domain: guests.internal }"))
                .flatMap(new DnsReader(policies)::read);
        root.finish();
        return segment.address()
                .flatMap(address -> segment.prefix()
                        .flatMap(prefix -> segment.router()
                                .flatMap(router -> uplink.map(up -> new GatewayFile(
                                        address,
                                        prefix,
                                        router,
                                        segment.alias(),
                                        control,
                                        state,
                                        up,
                                        capacity,
                                        routerMac.map(Parsed::value),
                                        guestSettings,
                                        forwards,
                                        rules,
                                        nat,
                                        timeouts,
                                        dhcp,
                                        dns)))));
    }

    private static Optional<String> card(UplinkSettings uplink) {
        return uplink instanceof UplinkSettings.Card card ? Optional.of(card.card()) : Optional.empty();
    }

    private static Capacity capacity(Section section) {
        Optional<Parsed<Integer>> flows =
                section.text("flows", "5000").flatMap(s -> s.parse(Forms.number(1, MOST_FLOWS)));
        Optional<Parsed<Integer>> perGuest =
                section.text("flows-per-guest", "2000").flatMap(s -> s.parse(Forms.number(1, MOST_FLOWS)));
        section.finish();
        int all = flows.map(Parsed::value).orElse(Capacity.DEFAULT.flows());
        perGuest.filter(p -> p.value() > all)
                .ifPresent(
                        p -> p.setting().wrong("is more than all guests may have together, " + all, "use 1 to " + all));
        return new Capacity(all, perGuest.map(p -> OptionalInt.of(p.value())).orElse(OptionalInt.empty()));
    }

    private static Map<TimeoutKey, Duration> timeouts(Section section) {
        Map<TimeoutKey, Duration> timeouts = new EnumMap<>(TimeoutKey.class);
        for (TimeoutKey key : TimeoutKey.values()) {
            section.text(key.key(), "300s")
                    .flatMap(s -> s.parse(DurationText.between(SHORTEST_TIMEOUT, LONGEST_TIMEOUT)))
                    .ifPresent(p -> timeouts.put(key, p.value()));
        }
        section.finish();
        return timeouts;
    }
}
