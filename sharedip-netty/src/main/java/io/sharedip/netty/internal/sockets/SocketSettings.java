package io.sharedip.netty.internal.sockets;

import io.sharedip.address.Ipv4Address;
import org.jspecify.annotations.Nullable;

/**
 * What an uplink of sockets is set to.
 *
 * @param source address that outgoing sockets are bound to; null if the host chooses
 * @param streamBuffer the most octets that wait in a stream for the peer
 * @param datagramBuffer what the kernel is asked to keep for each UDP socket, in each direction, in octets
 * @param backlog of listeners
 */
public record SocketSettings(@Nullable Ipv4Address source, int streamBuffer, int datagramBuffer, int backlog) {

    /** What is used unless said otherwise. */
    public static final SocketSettings DEFAULTS = new SocketSettings(null, 1 << 18, 1 << 20, 1024);
}
