package io.sharedip.netty.internal.dns;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import java.util.List;
import java.util.Map;

/**
 * Who asks, and what the gateway knows of its guests at this moment.
 *
 * @param guest who asks
 * @param guestAddress its IPv4 address; 0 if it is not known
 * @param gatewayAddress IPv4 address that it has asked; 0 if it is not known
 * @param guests all of them, with their addresses
 */
public record Asking(GuestId guest, int guestAddress, int gatewayAddress, Map<GuestId, List<Ipv4Address>> guests) {}
