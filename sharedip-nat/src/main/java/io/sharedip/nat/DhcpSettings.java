package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.dns.DomainName;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What the gateway's DHCP server (RFC 2131, RFC 2132) tells guests. A guest is known by its link and MAC address, and gets the address
 * that is bound to it; so there is no pool, and any number of guests may be given the same address. The server answers on guests'
 * links only.
 *
 * <p>Immutable and thread-safe.
 *
 * @param leaseTime how long an address may be used without asking again; 1 h by default, 10 s to 30 days. A guest asks again after half
 *     of it
 * @param dnsServers what guests use as their DNS servers, 8 at most; empty, the default, stands for the gateway itself if it offers a
 *     service on port 53, else for none
 * @param mtu of the guest's interface, 576 to 65535; 0, the default, stands for the MTU of the guest's link
 * @param domain that guests belong to; none by default
 * @param searchDomains that a guest completes short names with, 8 at most (RFC 3397); none by default
 * @param networks of guests whose address is not in the gateway's segment. Such a guest is otherwise told to be in a network of 24 bits
 *     whose first address is its router, or the last one if the first is the guest's own
 * @param rapidCommit whether a guest that asks for it gets its address in two messages instead of four (RFC 4039); on by default
 * @param messagesPerSecond most messages of one guest that are looked at; 10 by default, 1 to 1000
 */
public record DhcpSettings(
        Duration leaseTime,
        List<Ipv4Address> dnsServers,
        int mtu,
        Optional<DomainName> domain,
        List<DomainName> searchDomains,
        List<Network> networks,
        boolean rapidCommit,
        int messagesPerSecond) {

    /**
     * A network of guests.
     *
     * @param prefix 8 to 30 bits
     * @param router of it as guests are told; the gateway answers for it whoever it is
     */
    public record Network(IpPrefix prefix, Ipv4Address router) {

        /**
         * Checks the parts.
         *
         * @param prefix 8 to 30 bits
         * @param router one of its machines
         * @throws ConfigurationException if the prefix is out of range, or the router no machine of it
         */
        public Network {
            Objects.requireNonNull(router, "router");
            if (!prefix.isIpv4() || prefix.length() < 8 || prefix.length() > 30) {
                throw new ConfigurationException(
                        "dhcp.networks",
                        prefix.toString(),
                        "is no IPv4 prefix of 8 to 30 bits",
                        "use one like 10.0.0.0/24");
            }
            int host = router.bits() & ~prefix.mask();
            if (!prefix.contains(router) || host == 0 || host == ~prefix.mask()) {
                throw new ConfigurationException(
                        "dhcp.networks",
                        router.toString(),
                        "is no machine of " + prefix,
                        "name the router that guests of the network are to use");
            }
        }
    }

    private static final Duration SHORTEST_LEASE = Duration.ofSeconds(10);
    private static final Duration LONGEST_LEASE = Duration.ofDays(30);
    private static final int LEAST_MTU = 576;
    private static final int MOST_MTU = 65_535;
    private static final int MOST_SERVERS = 8;
    private static final int MOST_MESSAGES = 1000;
    /** What one option holds. */
    private static final int LONGEST_OPTION = 255;

    private static final DhcpSettings DEFAULTS =
            new DhcpSettings(Duration.ofHours(1), List.of(), 0, Optional.empty(), List.of(), List.of(), true, 10);

    /**
     * Checks the ranges.
     *
     * @param leaseTime 10 s to 30 days
     * @param dnsServers 8 at most
     * @param mtu 576 to 65535, or 0
     * @param domain of guests
     * @param searchDomains 8 at most, and not more than 255 octets on the wire
     * @param networks with different prefixes
     * @param rapidCommit whether two messages may do
     * @param messagesPerSecond 1 to 1000
     * @throws ConfigurationException if something is out of range
     */
    public DhcpSettings {
        if (leaseTime.compareTo(SHORTEST_LEASE) < 0 || leaseTime.compareTo(LONGEST_LEASE) > 0) {
            throw refused("lease-time", leaseTime.toString(), "is out of range", "use 10 s to 30 days");
        }
        dnsServers = List.copyOf(dnsServers);
        if (dnsServers.size() > MOST_SERVERS) {
            throw refused("dns-servers", dnsServers.toString(), "are too many", "use 8 at most");
        }
        if (mtu != 0 && (mtu < LEAST_MTU || mtu > MOST_MTU)) {
            throw refused("mtu", String.valueOf(mtu), "is out of range", "use 576 to 65535, or 0 for that of the link");
        }
        Objects.requireNonNull(domain, "domain");
        searchDomains = List.copyOf(searchDomains);
        if (searchDomains.size() > MOST_SERVERS
                || searchDomains.stream().mapToInt(DomainName::length).sum() > LONGEST_OPTION) {
            throw refused(
                    "search-domains",
                    searchDomains.toString(),
                    "are too many",
                    "use 8 at most, of 255 octets together");
        }
        networks = List.copyOf(networks);
        Set<IpPrefix> prefixes = new HashSet<>();
        for (Network network : networks) {
            if (!prefixes.add(network.prefix())) {
                throw refused("networks", network.prefix().toString(), "is named twice", "name each network once");
            }
        }
        if (messagesPerSecond < 1 || messagesPerSecond > MOST_MESSAGES) {
            throw refused("messages-per-second", String.valueOf(messagesPerSecond), "is out of range", "use 1 to 1000");
        }
    }

    private static ConfigurationException refused(String key, String value, String problem, String cure) {
        return new ConfigurationException("dhcp." + key, value, problem, cure);
    }

    /**
     * The defaults given above.
     *
     * @return always the same object
     */
    public static DhcpSettings defaults() {
        return DEFAULTS;
    }

    /**
     * These with another {@link #leaseTime}.
     *
     * @param value 10 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public DhcpSettings withLeaseTime(Duration value) {
        return new DhcpSettings(
                value, dnsServers, mtu, domain, searchDomains, networks, rapidCommit, messagesPerSecond);
    }

    /**
     * These with other {@link #dnsServers}.
     *
     * @param servers 8 at most
     * @return a new object
     * @throws ConfigurationException if there are more
     */
    public DhcpSettings withDnsServers(Ipv4Address... servers) {
        return new DhcpSettings(
                leaseTime, List.of(servers), mtu, domain, searchDomains, networks, rapidCommit, messagesPerSecond);
    }

    /**
     * These with another {@link #mtu}.
     *
     * @param octets 576 to 65535, or 0 for that of the guest's link
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public DhcpSettings withMtu(int octets) {
        return new DhcpSettings(
                leaseTime, dnsServers, octets, domain, searchDomains, networks, rapidCommit, messagesPerSecond);
    }

    /**
     * These with another {@link #domain}.
     *
     * @param name that guests belong to
     * @return a new object
     */
    public DhcpSettings withDomain(DomainName name) {
        return new DhcpSettings(
                leaseTime, dnsServers, mtu, Optional.of(name), searchDomains, networks, rapidCommit, messagesPerSecond);
    }

    /**
     * These with other {@link #searchDomains}.
     *
     * @param names in the order in which they are tried
     * @return a new object
     * @throws ConfigurationException if there are too many
     */
    public DhcpSettings withSearchDomains(DomainName... names) {
        return new DhcpSettings(
                leaseTime, dnsServers, mtu, domain, List.of(names), networks, rapidCommit, messagesPerSecond);
    }

    /**
     * These with other {@link #networks}.
     *
     * @param values with different prefixes; the longest that contains a guest's address counts
     * @return a new object
     * @throws ConfigurationException if a prefix is named twice
     */
    public DhcpSettings withNetworks(Network... values) {
        return new DhcpSettings(
                leaseTime, dnsServers, mtu, domain, searchDomains, List.of(values), rapidCommit, messagesPerSecond);
    }

    /**
     * These with another {@link #rapidCommit}.
     *
     * @param on whether two messages may do
     * @return a new object
     */
    public DhcpSettings withRapidCommit(boolean on) {
        return new DhcpSettings(leaseTime, dnsServers, mtu, domain, searchDomains, networks, on, messagesPerSecond);
    }

    /**
     * These with another {@link #messagesPerSecond}.
     *
     * @param most 1 to 1000
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public DhcpSettings withMessagesPerSecond(int most) {
        return new DhcpSettings(leaseTime, dnsServers, mtu, domain, searchDomains, networks, rapidCommit, most);
    }
}
