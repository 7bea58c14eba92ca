package io.sharedip.uplink;

import io.sharedip.ConfigurationException;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.link.Link;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The uplink on which translated frames are sent: a {@link Link} to the segment, the outside ports that the engine may use, and
 * how they are kept from the host.
 *
 * <p>Immutable; made by {@link #on(Link)} and the {@code with} methods. The link and the claims are owned by the gateway from
 * the moment it starts.
 */
public final class PacketUplink implements Uplink {

    /** The outside ports used unless others are named: above the ports that Linux hands to its own programs. */
    public static final PortRange DEFAULT_PORTS = PortRange.of(61000, 65535);

    private final Link link;
    private final String kind;
    private final @Nullable MacAddress macAddress;
    private final PortRange ports;
    private final @Nullable HostPortClaims claims;
    private final boolean addressIsOwn;

    private PacketUplink(
            Link link,
            String kind,
            @Nullable MacAddress macAddress,
            PortRange ports,
            @Nullable HostPortClaims claims,
            boolean addressIsOwn) {
        this.link = link;
        this.kind = kind;
        this.macAddress = macAddress;
        this.ports = ports;
        this.claims = claims;
        this.addressIsOwn = addressIsOwn;
    }

    /**
     * An uplink on a link, with the default ports and without claims.
     *
     * @param link to the segment
     * @return a new uplink
     */
    public static PacketUplink on(Link link) {
        Objects.requireNonNull(link, "link");
        String name = link.name();
        int colon = name.indexOf(':');
        return new PacketUplink(link, colon > 0 ? name.substring(0, colon) : name, null, DEFAULT_PORTS, null, false);
    }

    /**
     * An uplink whose frames bear another MAC address than the link's own.
     *
     * @param mac source of the frames that leave
     * @return a new uplink
     */
    public PacketUplink withMacAddress(MacAddress mac) {
        return new PacketUplink(link, kind, Objects.requireNonNull(mac, "mac"), ports, claims, addressIsOwn);
    }

    /**
     * An uplink with another pool of outside ports; the pool also bounds the identifiers of translated pings.
     *
     * @param pool the ports that flows begun by guests may use
     * @return a new uplink
     */
    public PacketUplink withPorts(PortRange pool) {
        return new PacketUplink(link, kind, macAddress, Objects.requireNonNull(pool, "pool"), claims, addressIsOwn);
    }

    /**
     * An uplink that shares its address with the host, whose ports are claimed before use.
     *
     * @param portClaims how ports are claimed
     * @return a new uplink
     */
    public PacketUplink withClaims(HostPortClaims portClaims) {
        return new PacketUplink(link, kind, macAddress, ports, Objects.requireNonNull(portClaims, "portClaims"), false);
    }

    /**
     * An uplink whose address no host uses: nothing is claimed, and the gateway answers ARP and pings for the address itself.
     *
     * @return a new uplink
     */
    public PacketUplink withAddressOfItsOwn() {
        return new PacketUplink(link, kind, macAddress, ports, null, true);
    }

    /**
     * Checks what can be checked before the link is open. Called by the gateway's builder.
     *
     * @throws ConfigurationException if the ports are neither claimed nor said to be the gateway's own
     */
    public void validate() {
        if (claims == null && !addressIsOwn) {
            throw new ConfigurationException(
                    "uplink.claims",
                    "none",
                    "leaves the host's kernel free to reset the guests' connections",
                    "claim the ports (PacketUplink.withClaims; claims: sockets or firewall) or say that no host uses the address"
                            + " (PacketUplink.withAddressOfItsOwn; address-is-own: true)");
        }
    }

    @Override
    public String kind() {
        return kind;
    }

    /**
     * The link to the segment.
     *
     * @return owned by the gateway once it has started
     */
    public Link link() {
        return link;
    }

    /**
     * The MAC address set by {@link #withMacAddress}.
     *
     * @return empty if the link's own is used
     */
    public Optional<MacAddress> macAddress() {
        return Optional.ofNullable(macAddress);
    }

    /**
     * The pool of outside ports.
     *
     * @return {@link #DEFAULT_PORTS} unless set
     */
    public PortRange ports() {
        return ports;
    }

    /**
     * How ports are claimed.
     *
     * @return empty if they are not
     */
    public Optional<HostPortClaims> claims() {
        return Optional.ofNullable(claims);
    }

    /**
     * Whether no host uses the address.
     *
     * @return true if the gateway alone answers for it
     */
    public boolean addressIsOwn() {
        return addressIsOwn;
    }
}
