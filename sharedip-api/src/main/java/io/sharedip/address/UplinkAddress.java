package io.sharedip.address;

import io.sharedip.ConfigurationException;
import java.util.Objects;
import java.util.Optional;

/**
 * Where a gateway stands on its uplink: the shared address, the segment that it is on, and who else matters there.
 *
 * <p>Immutable and thread-safe.
 *
 * @param address the shared address, a machine's address in the segment
 * @param prefix the segment, IPv4 with 1 to 30 bits
 * @param router the next hop for everything outside the segment
 * @param alias stands for the shared address where a guest owns that itself; an address of the segment that nobody uses
 */
public record UplinkAddress(Ipv4Address address, IpPrefix prefix, Ipv4Address router, Optional<Ipv4Address> alias) {

    private static final String ADDRESS = "address";
    private static final String ROUTER = "router";
    private static final String ALIAS = "alias";

    /**
     * Checks what goes together.
     *
     * @param address in the segment
     * @param prefix of 1 to 30 bits
     * @param router in the segment, not the address
     * @param alias in the segment, neither the address nor the router
     * @throws ConfigurationException if something does not
     */
    public UplinkAddress {
        Objects.requireNonNull(address, ADDRESS);
        Objects.requireNonNull(router, ROUTER);
        if (!prefix.isIpv4() || prefix.length() < 1 || prefix.length() > 30) {
            throw new ConfigurationException(
                    "prefix", prefix.toString(), "is no segment with room for a router", "use 1 to 30 bits of IPv4");
        }
        requireMachine(ADDRESS, address, prefix);
        requireMachine(ROUTER, router, prefix);
        requireOther(ROUTER, router, ADDRESS, address);
        if (alias.isPresent()) {
            requireMachine(ALIAS, alias.get(), prefix);
            requireOther(ALIAS, alias.get(), ADDRESS, address);
            requireOther(ALIAS, alias.get(), ROUTER, router);
        }
    }

    /**
     * A place without an alias.
     *
     * @param address e.g. {@code "192.0.2.10"}
     * @param prefix e.g. {@code "192.0.2.0/24"}
     * @param router e.g. {@code "192.0.2.1"}
     * @return a new object
     * @throws ConfigurationException if a text cannot be parsed or something does not go together
     */
    public static UplinkAddress of(String address, String prefix, String router) {
        return new UplinkAddress(
                Ipv4Address.parse(address), IpPrefix.parse(prefix), Ipv4Address.parse(router), Optional.empty());
    }

    /**
     * This with an alias.
     *
     * @param value e.g. {@code "192.0.2.254"}
     * @return a new object
     * @throws ConfigurationException if the text cannot be parsed or the address cannot be an alias
     */
    public UplinkAddress withAlias(String value) {
        return new UplinkAddress(address, prefix, router, Optional.of(Ipv4Address.parse(value)));
    }

    /**
     * Checks that an address can be a machine's in a segment: not the network's own and not the broadcast address.
     *
     * @param setting that the address comes from
     * @param value the address
     * @param segment the segment
     * @throws ConfigurationException if it cannot
     */
    public static void requireMachine(String setting, Ipv4Address value, IpPrefix segment) {
        int host = value.bits() & ~segment.mask();
        if (!segment.contains(value) || host == 0 || host == ~segment.mask()) {
            throw new ConfigurationException(
                    setting, value.toString(), "is not a machine's address in " + segment, "use another one");
        }
    }

    /**
     * Checks that two settings name different addresses.
     *
     * @param setting that the address comes from
     * @param value the address
     * @param otherSetting that the other address comes from
     * @param other the other address
     * @throws ConfigurationException if they are equal
     */
    public static void requireOther(String setting, Ipv4Address value, String otherSetting, Ipv4Address other) {
        if (value.equals(other)) {
            throw new ConfigurationException(
                    setting, value.toString(), "is the " + otherSetting + " too", "use another one");
        }
    }

    /** The address with its prefix length, e.g. {@code 192.0.2.10/24}. */
    @Override
    public String toString() {
        return address + "/" + prefix.length();
    }
}
