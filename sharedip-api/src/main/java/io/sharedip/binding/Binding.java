package io.sharedip.binding;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;

/**
 * Permission for a guest to use an IPv4 address together with its MAC address. What a guest sends from any other pair is
 * dropped and counted. Several guests may be bound to the same IPv4 address, the shared address included; a MAC address belongs to
 * one guest.
 *
 * <p>Immutable and thread-safe.
 *
 * @param guest whose link may use the pair
 * @param mac a unicast address
 * @param address a unicast address
 */
public record Binding(GuestId guest, MacAddress mac, Ipv4Address address) {

    /**
     * Checks the addresses.
     *
     * @param guest identity
     * @param mac to be checked
     * @param address to be checked
     * @throws ConfigurationException if one of them is not a unicast address
     */
    public Binding {
        if (mac.isMulticast() || mac.bits() == 0) {
            throw new ConfigurationException(
                    "guest " + guest + ": mac",
                    mac.toString(),
                    "is not a unicast MAC address",
                    "use one like 52:54:00:00:00:01");
        }
        if (!isUnicast(address)) {
            throw new ConfigurationException(
                    "guest " + guest + ": address",
                    address.toString(),
                    "is not an address that a machine can have",
                    "use the shared address or a private one like 10.0.0.2");
        }
    }

    private static boolean isUnicast(Ipv4Address address) {
        int first = address.bits() >>> 24;
        return first != 0 && first != 127 && first < 224;
    }
}
