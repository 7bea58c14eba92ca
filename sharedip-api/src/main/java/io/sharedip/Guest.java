package io.sharedip;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.binding.Binding;
import io.sharedip.link.Link;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A guest as it is given to a gateway: its identity, its MAC address, the IPv4 addresses it may use, and its link.
 *
 * <p>Immutable, except that the link is a live object owned by the gateway from the moment the guest is added.
 *
 * @param id unique within the gateway
 * @param mac the guest's MAC address, unique within the gateway
 * @param addresses one or more; the first is where forwards lead unless they say otherwise
 * @param link where the guest is plugged in; each guest has its own
 */
public record Guest(GuestId id, MacAddress mac, List<Ipv4Address> addresses, Link link) {

    /**
     * Checks the parts.
     *
     * @param id identity
     * @param mac MAC address
     * @param addresses one or more
     * @param link of this guest alone
     * @throws ConfigurationException if there is no address, one is doubled or not a unicast address, or the MAC address is not
     * a unicast address
     */
    public Guest {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(link, "link");
        addresses = List.copyOf(addresses);
        if (addresses.isEmpty()) {
            throw new ConfigurationException(
                    "guest " + id + ": address",
                    null,
                    "is missing",
                    "give the guest the shared address or a private one");
        }
        if (addresses.stream().distinct().count() != addresses.size()) {
            throw new ConfigurationException(
                    "guest " + id + ": address",
                    addresses.toString(),
                    "holds an address twice",
                    "name each address once");
        }
        for (Ipv4Address address : addresses) {
            new Binding(id, mac, address);
        }
    }

    /**
     * A guest with one address.
     *
     * @param name the guest's name, see {@link GuestId}
     * @param mac its MAC address, e.g. {@code "52:54:00:00:00:01"}
     * @param address its IPv4 address, e.g. {@code "192.0.2.10"}
     * @param link where it is plugged in
     * @return a new guest
     * @throws ConfigurationException if one of the texts cannot be parsed
     */
    public static Guest of(String name, String mac, String address, Link link) {
        return new Guest(GuestId.of(name), MacAddress.parse(mac), List.of(Ipv4Address.parse(address)), link);
    }

    /**
     * The guest's bindings.
     *
     * @return one for each address, in order
     */
    public List<Binding> bindings() {
        List<Binding> bindings = new ArrayList<>();
        for (Ipv4Address address : addresses) {
            bindings.add(new Binding(id, mac, address));
        }
        return List.copyOf(bindings);
    }
}
