package io.sharedip.event;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.filter.FilterRule;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.stats.DropReason;
import java.time.Instant;
import java.util.Optional;

/**
 * Something that happened in the gateway. Immutable and thread-safe. New kinds may be added in any release: end a
 * {@code switch} over events with a default.
 */
public sealed interface SharedIpEvent {

    /**
     * When it happened.
     *
     * @return wall-clock time, derived from the engine's clock
     */
    Instant at();

    /** Why a flow ended. */
    enum CloseReason {
        /** Its timer ran out. */
        EXPIRED,
        /** It made room for another one. */
        EVICTED,
        /** The forward it came through was removed. */
        FORWARD_REMOVED,
        /** Its guest, or the address its guest used, was removed. */
        GUEST_REMOVED,
        /** It was replaced by a new flow of the same tuple. */
        REPLACED,
        /** The shared address changed. */
        ADDRESS_CHANGED,
        /** New rules forbid it; only with sockets, which would otherwise stay open. */
        FORBIDDEN
    }

    /**
     * What may run full.
     *
     * @see TableFull
     */
    enum Limit {
        /** The table of flows. */
        FLOWS,
        /** The flows that one guest may have. */
        FLOWS_PER_GUEST,
        /** The outside ports of a protocol. */
        PORTS,
        /** The outside ports of a protocol that one guest may hold. */
        PORTS_PER_GUEST
    }

    /**
     * A flow began.
     *
     * @param at when
     * @param guest whose flow it is
     * @param protocol of the flow
     * @param inside the guest's endpoint; for ICMP the identifier is the port
     * @param outside the endpoint that the outside sees
     * @param peer the other side's endpoint as the guest sees it
     * @param byGuest true if the guest began it, false if it came through a forward or an open mapping
     */
    record FlowOpened(
            Instant at,
            GuestId guest,
            IpProtocol protocol,
            Endpoint inside,
            Endpoint outside,
            Endpoint peer,
            boolean byGuest)
            implements SharedIpEvent {}

    /**
     * A flow ended. Octets are those of IP packets.
     *
     * @param at when
     * @param guest whose flow it was
     * @param protocol of the flow
     * @param inside the guest's endpoint; for ICMP the identifier is the port
     * @param outside the endpoint that the outside saw, after an {@link AddressChanged} the new one
     * @param peer the other side's endpoint as the guest saw it
     * @param reason why
     * @param packetsOut from the guest
     * @param bytesOut from the guest
     * @param packetsIn to the guest
     * @param bytesIn to the guest
     */
    record FlowClosed(
            Instant at,
            GuestId guest,
            IpProtocol protocol,
            Endpoint inside,
            Endpoint outside,
            Endpoint peer,
            CloseReason reason,
            long packetsOut,
            long bytesOut,
            long packetsIn,
            long bytesIn)
            implements SharedIpEvent {}

    /**
     * A mapping began: an inside endpoint has got an outside port, and its first flow begins (RFC 8158 section 5: NAT44 BIB create).
     *
     * @param at when
     * @param guest whose mapping it is
     * @param protocol of the mapping
     * @param inside the guest's endpoint; for ICMP the identifier is the port
     * @param outside the endpoint that the outside sees
     * @param peer the outside endpoint for which the mapping was made. Other peers may use it too, unless mapping depends on address
     *     and port; the port is 0 for ICMP
     */
    record MappingCreated(
            Instant at, GuestId guest, IpProtocol protocol, Endpoint inside, Endpoint outside, Endpoint peer)
            implements SharedIpEvent {}

    /**
     * A mapping ended with its last flow (RFC 8158 section 5: NAT44 BIB delete). The counters are the sums of all flows that it ever
     * had. Octets are those of IP packets.
     *
     * @param at when
     * @param guest whose mapping it was
     * @param protocol of the mapping
     * @param inside the guest's endpoint; for ICMP the identifier is the port
     * @param outside the endpoint that the outside saw, as in the mapping's {@link MappingCreated}: if the mapping outlived an
     *     {@link AddressChanged}, the outside saw the new address with this port from then on
     * @param peer the outside endpoint for which the mapping was made
     * @param reason why the last flow ended
     * @param packetsOut from the guest
     * @param bytesOut from the guest
     * @param packetsIn to the guest
     * @param bytesIn to the guest
     */
    record MappingDeleted(
            Instant at,
            GuestId guest,
            IpProtocol protocol,
            Endpoint inside,
            Endpoint outside,
            Endpoint peer,
            CloseReason reason,
            long packetsOut,
            long bytesOut,
            long packetsIn,
            long bytesIn)
            implements SharedIpEvent {}

    /**
     * A forward could not be added, or an outside port could not be claimed, because the host uses the port.
     *
     * @param at when
     * @param protocol TCP or UDP
     * @param port the first port concerned
     * @param description who holds it, as far as it is known
     */
    record ForwardConflict(Instant at, IpProtocol protocol, int port, String description) implements SharedIpEvent {}

    /**
     * A frame came from a MAC or IP address that its link may not use, or an ARP packet lied.
     *
     * @param at when
     * @param link name of the link
     * @param guest whose link it is, empty on the uplink
     * @param reason what was wrong
     * @param mac the source of the frame
     * @param address the IPv4 source, or the ARP sender
     */
    record BindingViolation(
            Instant at, String link, Optional<GuestId> guest, DropReason reason, MacAddress mac, Ipv4Address address)
            implements SharedIpEvent {}

    /**
     * A new flow was refused because a limit was reached. Told at most once a second for each limit and guest.
     *
     * @param at when
     * @param guest whose flow was refused
     * @param limit what is full
     */
    record TableFull(Instant at, GuestId guest, Limit limit) implements SharedIpEvent {}

    /**
     * A rule with {@code log} matched.
     *
     * @param at when
     * @param rule that matched
     * @param guest concerned, empty if none
     * @param protocol of the packet
     * @param source as the rule saw it
     * @param destination as the rule saw it
     */
    record RuleLogged(
            Instant at,
            FilterRule rule,
            Optional<GuestId> guest,
            IpProtocol protocol,
            Endpoint source,
            Endpoint destination)
            implements SharedIpEvent {}

    /**
     * A link was lost; flows stay, and it is expected back.
     *
     * @param at when
     * @param link name of the link
     * @param reason one clause
     */
    record LinkLost(Instant at, String link, String reason) implements SharedIpEvent {}

    /**
     * A lost link came back.
     *
     * @param at when
     * @param link name of the link
     */
    record LinkRestored(Instant at, String link) implements SharedIpEvent {}

    /**
     * Something on a link that is worth knowing: a second connection was refused, a length was impossible.
     *
     * @param at when
     * @param link name of the link
     * @param message one sentence
     */
    record LinkNotice(Instant at, String link, String message) implements SharedIpEvent {}

    /**
     * The shared address changed. Mappings and flows that are kept are not told of one by one: from now on the outside sees them under the
     * new address, with the ports that they had.
     *
     * @param at when
     * @param before the old address
     * @param after the new address
     * @param flowsKept how many flows go on under the new address
     */
    record AddressChanged(Instant at, Ipv4Address before, Ipv4Address after, int flowsKept) implements SharedIpEvent {}

    /**
     * A snapshot was restored. Its flows are not told one by one: whoever wrote the snapshot told of their beginning. Its mappings are
     * ({@link MappingCreated}), so that the events of each gateway say by themselves whose each port is.
     *
     * @param at when
     * @param report what became of it
     */
    record SnapshotRestored(Instant at, RestoreReport report) implements SharedIpEvent {}

    /**
     * The gateway's driver died; nothing passes any more.
     *
     * @param at when
     * @param cause what killed it
     */
    record GatewayFailed(Instant at, Throwable cause) implements SharedIpEvent {}
}
