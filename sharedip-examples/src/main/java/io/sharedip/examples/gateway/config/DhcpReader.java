package io.sharedip.examples.gateway.config;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DomainName;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.DhcpSettings.Network;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Reads {@code dhcp}. */
final class DhcpReader {

    private static final String ARROW = "->";
    private static final Duration SHORTEST_LEASE = Duration.ofSeconds(10);
    private static final Duration LONGEST_LEASE = Duration.ofDays(30);

    private DhcpReader() {}

    /** Nothing if the settings contradict one another; the mistake has been noted then. */
    static Optional<DhcpSettings> read(Section dhcp) {
        DhcpSettings defaults = DhcpSettings.defaults();
        Duration lease = one(dhcp, "lease-time", "1h", DurationText.between(SHORTEST_LEASE, LONGEST_LEASE))
                .orElse(defaults.leaseTime());
        List<Ipv4Address> servers = items(dhcp, "dns-servers", "192.0.2.254", Forms::hostAddress);
        int mtu = one(dhcp, "mtu", "1500", Forms.number(576, 65_535)).orElse(defaults.mtu());
        Optional<DomainName> domain = one(dhcp, "domain", "guests.internal", DomainName::parse);
        List<DomainName> search = items(dhcp, "search-domains", "guests.internal", DomainName::parse);
        List<Network> networks = items(dhcp, "networks", "10.0.0.0/24 -> 10.0.0.1", DhcpReader::network);
        boolean rapidCommit = one(dhcp, "rapid-commit", "true", Forms::bool).orElse(defaults.rapidCommit());
        int messages =
                one(dhcp, "messages-per-second", "10", Forms.number(1, 1000)).orElse(defaults.messagesPerSecond());
        dhcp.finish();
        try {
            return Optional.of(new DhcpSettings(lease, servers, mtu, domain, search, networks, rapidCommit, messages));
        } catch (ConfigurationException e) {
            dhcp.wrong(
                    e.setting().orElse("dhcp") + " " + e.value().orElse("") + " " + e.problem(),
                    e.cure().orElse("change it"));
            return Optional.empty();
        }
    }

    private static Network network(String text) {
        int arrow = text.indexOf(ARROW);
        if (arrow < 0) {
            throw new SyntaxException(
                    "network",
                    text,
                    text.length(),
                    "lacks '->' and a router",
                    "write PREFIX -> ROUTER, such as 10.0.0.0/24 -> 10.0.0.1");
        }
        return new Network(
                IpPrefix.parse(text.substring(0, arrow).strip()),
                Ipv4Address.parse(text.substring(arrow + ARROW.length()).strip()));
    }

    private static <T> Optional<T> one(Section section, String key, String example, Function<String, T> form) {
        return section.text(key, example).flatMap(s -> s.parse(form)).map(Parsed::value);
    }

    private static <T> List<T> items(Section section, String key, String example, Function<String, T> form) {
        List<T> all = new ArrayList<>();
        for (Value item : section.value(key).map(v -> v.items(example)).orElse(List.of())) {
            item.text(example).flatMap(s -> s.parse(form)).map(Parsed::value).ifPresent(all::add);
        }
        return all;
    }
}
