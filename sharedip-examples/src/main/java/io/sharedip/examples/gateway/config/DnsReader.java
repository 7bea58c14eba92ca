package io.sharedip.examples.gateway.config;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.dns.DnsRecord;
import io.sharedip.dns.DnsRoute;
import io.sharedip.dns.DnsSettings;
import io.sharedip.dns.DnsView;
import io.sharedip.dns.DomainName;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Reads {@code dns}. */
final class DnsReader {

    private static final int MOST_QUERIES = 100_000;
    private static final int MOST_ENTRIES = 10_000_000;
    private static final int MOST_OCTETS = 1 << 30;

    private final PolicyReader names;

    /** For a file whose guests have been read. */
    DnsReader(PolicyReader names) {
        this.names = names;
    }

    /** Nothing if the settings contradict one another; the mistake has been noted then. */
    Optional<DnsSettings> read(Section dns) {
        DnsSettings defaults = DnsSettings.defaults();
        DnsSettings.Builder builder = DnsSettings.builder().common(view(dns));
        one(dns, "domain", "guests.internal", DomainName::parse).ifPresent(builder::domain);
        views(dns, builder);
        one(dns, "queries-per-second", "200", Forms.number(1, MOST_QUERIES)).ifPresent(builder::queriesPerSecond);
        Duration least = one(dns, "min-ttl", "0s", DurationText.between(Duration.ZERO, Duration.ofHours(1)))
                .orElse(defaults.minTtl());
        Duration most = one(dns, "max-ttl", "1d", DurationText.between(Duration.ZERO, Duration.ofDays(7)))
                .orElse(defaults.maxTtl());
        builder.ttl(least, most);
        dns.value("cache").flatMap(v -> v.section("cache: { entries: 10000 }")).ifPresent(cache -> {
            int entries = one(cache, "entries", "10000", Forms.number(0, MOST_ENTRIES))
                    .orElse(defaults.cacheEntries());
            int octets = one(cache, "octets", "8388608", Forms.number(0, MOST_OCTETS))
                    .orElse(defaults.cacheOctets());
            builder.cache(entries, octets);
            cache.finish();
        });
        one(dns, "timeout", "2s", DurationText.between(Duration.ofSeconds(1), Duration.ofSeconds(10)))
                .ifPresent(builder::timeout);
        one(dns, "resolv-conf", "/etc/resolv.conf", Forms::filePath).ifPresent(builder::resolvConf);
        dns.finish();
        try {
            return Optional.of(builder.build());
        } catch (ConfigurationException e) {
            dns.wrong(
                    e.setting().orElse("dns") + " " + e.value().orElse("") + " " + e.problem(),
                    e.cure().orElse("change it"));
            return Optional.empty();
        }
    }

    private void views(Section dns, DnsSettings.Builder builder) {
        String example = "{ guest: web, blocked: [ads.example] }";
        Set<GuestId> seen = new HashSet<>();
        for (Value item : dns.value("views").map(v -> v.items(example)).orElse(List.of())) {
            item.section(example).ifPresent(section -> {
                Optional<Parsed<GuestId>> guest =
                        section.requiredText("guest", "web", "name the guest").flatMap(s -> s.parse(GuestId::of));
                DnsView view = view(section);
                section.finish();
                guest.ifPresent(g -> {
                    names.checkGuest(g.setting(), g.value(), 0);
                    if (!seen.add(g.value())) {
                        g.setting().wrong("has a view already", "put both into one");
                    }
                    builder.view(g.value(), view);
                });
            });
        }
    }

    private static DnsView view(Section section) {
        return new DnsView(
                items(section, "answers", "web.example.org A 192.0.2.5", DnsRecord::parse),
                items(section, "blocked", "ads.example", DomainName::parse),
                items(section, "routes", "corp.example -> 10.0.0.53", DnsRoute::parse));
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
