package io.sharedip.dns;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway's DNS server tells guests, and within which bounds.
 *
 * <p>Immutable and thread-safe.
 */
public final class DnsSettings {

    private static final DnsSettings DEFAULTS = builder().build();

    private final DnsView common;
    private final Map<GuestId, DnsView> views;
    private final @Nullable DomainName domain;
    private final int queriesPerSecond;
    private final Duration minTtl;
    private final Duration maxTtl;
    private final int cacheEntries;
    private final int cacheOctets;
    private final Duration timeout;
    private final Path resolvConf;

    private DnsSettings(Builder builder) {
        common = builder.common;
        views = Map.copyOf(builder.views);
        domain = builder.domain;
        queriesPerSecond = builder.queriesPerSecond;
        minTtl = builder.minTtl;
        maxTtl = builder.maxTtl;
        cacheEntries = builder.cacheEntries;
        cacheOctets = builder.cacheOctets;
        timeout = builder.timeout;
        resolvConf = builder.resolvConf;
    }

    /**
     * Everything goes to the servers of the host, within the bounds that the builder's methods name.
     *
     * @return always the same object
     */
    public static DnsSettings defaults() {
        return DEFAULTS;
    }

    /**
     * Begins settings.
     *
     * @return a builder with the defaults that its methods name
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * What is said to all guests.
     *
     * @return behind each guest's own view
     */
    public DnsView common() {
        return common;
    }

    /**
     * What is said to one guest.
     *
     * @param guest who asks
     * @return {@link DnsView#EMPTY} if it has no view of its own
     */
    public DnsView view(GuestId guest) {
        return views.getOrDefault(guest, DnsView.EMPTY);
    }

    /**
     * The views of guests.
     *
     * @return those that have one
     */
    public Map<GuestId, DnsView> views() {
        return views;
    }

    /**
     * The domain in which guests are known by their names.
     *
     * @return empty if they are not
     */
    public Optional<DomainName> domain() {
        return Optional.ofNullable(domain);
    }

    /**
     * How many questions of one guest are looked at.
     *
     * @return in a second
     */
    public int queriesPerSecond() {
        return queriesPerSecond;
    }

    /**
     * For how long an answer is kept at least.
     *
     * @return zero or more
     */
    public Duration minTtl() {
        return minTtl;
    }

    /**
     * For how long an answer is kept at most.
     *
     * @return not less than {@link #minTtl}
     */
    public Duration maxTtl() {
        return maxTtl;
    }

    /**
     * How many answers are kept.
     *
     * @return 0 for none
     */
    public int cacheEntries() {
        return cacheEntries;
    }

    /**
     * How much memory the kept answers take, about.
     *
     * @return in octets
     */
    public int cacheOctets() {
        return cacheOctets;
    }

    /**
     * How long one server is waited for before the next is asked.
     *
     * @return of one attempt
     */
    public Duration timeout() {
        return timeout;
    }

    /**
     * The file that names the servers of the host.
     *
     * @return read again when it has changed
     */
    public Path resolvConf() {
        return resolvConf;
    }

    /** Collects settings. Not thread-safe. */
    public static final class Builder {

        private DnsView common = DnsView.EMPTY;
        private final Map<GuestId, DnsView> views = new HashMap<>();
        private @Nullable DomainName domain;
        private int queriesPerSecond = 200;
        private Duration minTtl = Duration.ZERO;
        private Duration maxTtl = Duration.ofDays(1);
        private int cacheEntries = 10_000;
        private int cacheOctets = 8 << 20;
        private Duration timeout = Duration.ofSeconds(2);
        private Path resolvConf = Path.of("/etc/resolv.conf");

        private Builder() {}

        /**
         * Sets what is said to all guests; by default nothing of the gateway's own.
         *
         * @param view behind each guest's own view
         * @return this
         */
        public Builder common(DnsView view) {
            common = Objects.requireNonNull(view, "view");
            return this;
        }

        /**
         * Sets what is said to one guest.
         *
         * @param guest who asks
         * @param view looked at before the common one
         * @return this
         */
        public Builder view(GuestId guest, DnsView view) {
            views.put(Objects.requireNonNull(guest, "guest"), Objects.requireNonNull(view, "view"));
            return this;
        }

        /**
         * Sets the domain in which guests are known by their names; none by default. The guest {@code web} is then
         * {@code web.guests.internal}, its addresses lead back to this name, and no question about the domain goes upstream. A guest
         * that asks for another one with its own address is told the gateway's address that it has asked: the alias.
         *
         * @param name e.g. {@code guests.internal}
         * @return this
         */
        public Builder domain(DomainName name) {
            domain = Objects.requireNonNull(name, "name");
            return this;
        }

        /**
         * Sets how many questions of one guest are looked at in a second; 200 by default, and twice as many at once.
         *
         * @param most 1 to 100,000
         * @return this
         */
        public Builder queriesPerSecond(int most) {
            queriesPerSecond = most;
            return this;
        }

        /**
         * Sets for how long answers are kept, whatever they say themselves; 0 s to 1 day by default. That a name does not exist is kept
         * for 1 h at most (RFC 2308 section 5).
         *
         * @param least 0 s to 1 h
         * @param most {@code least} to 7 days
         * @return this
         */
        public Builder ttl(Duration least, Duration most) {
            minTtl = Objects.requireNonNull(least, "least");
            maxTtl = Objects.requireNonNull(most, "most");
            return this;
        }

        /**
         * Sets how many answers are kept, and how much memory they take together, about; 10,000 and 8 MiB by default. The one that has not
         * been asked for longest goes first.
         *
         * @param entries 0 to 10,000,000
         * @param octets 0 to 1 GiB
         * @return this
         */
        public Builder cache(int entries, int octets) {
            cacheEntries = entries;
            cacheOctets = octets;
            return this;
        }

        /**
         * Sets how long one server is waited for before the next is asked; 2 s by default. A question is given up after four attempts.
         *
         * @param value 100 ms to 10 s
         * @return this
         */
        public Builder timeout(Duration value) {
            timeout = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Sets the file that names the servers of the host; {@code /etc/resolv.conf} by default.
         *
         * @param file read again when it has changed
         * @return this
         */
        public Builder resolvConf(Path file) {
            resolvConf = Objects.requireNonNull(file, "file");
            return this;
        }

        /**
         * Checks the settings.
         *
         * @return immutable
         * @throws ConfigurationException if something is out of range
         */
        public DnsSettings build() {
            check("queries-per-second", queriesPerSecond, 1, 100_000);
            check("cache.entries", cacheEntries, 0, 10_000_000);
            check("cache.octets", cacheOctets, 0, 1 << 30);
            check("timeout", timeout.toMillis(), 100, 10_000);
            check("min-ttl", minTtl.toSeconds(), 0, 3600);
            check("max-ttl", maxTtl.toSeconds(), minTtl.toSeconds(), 7 * 86_400);
            return new DnsSettings(this);
        }

        private static void check(String key, long value, long least, long most) {
            if (value < least || value > most) {
                throw new ConfigurationException(
                        "dns." + key, String.valueOf(value), "is out of range", "use " + least + " to " + most);
            }
        }
    }
}
