package io.sharedip.stats;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import java.time.Duration;

/**
 * A flow at one moment. Octets are those of IP packets.
 *
 * @param guest whose flow it is
 * @param protocol of the flow
 * @param inside the guest's endpoint; for ICMP the identifier is the port
 * @param outside the endpoint that the outside sees
 * @param peer the other side's endpoint as the guest sees it
 * @param state where it stands
 * @param packetsOut from the guest
 * @param bytesOut from the guest
 * @param packetsIn to the guest
 * @param bytesIn to the guest
 * @param expiresIn until it is forgotten if no packet comes, never negative
 */
public record FlowStatus(
        GuestId guest,
        IpProtocol protocol,
        Endpoint inside,
        Endpoint outside,
        Endpoint peer,
        TrackedState state,
        long packetsOut,
        long bytesOut,
        long packetsIn,
        long bytesIn,
        Duration expiresIn) {}
