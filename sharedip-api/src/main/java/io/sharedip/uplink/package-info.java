/**
 * The way out: how guests' traffic reaches the outside, and how the outside ports are kept from the host.
 *
 * <p>An {@link io.sharedip.uplink.Uplink} is either a {@link io.sharedip.uplink.PacketUplink}, on which the engine sends
 * translated frames, or a {@link io.sharedip.uplink.FlowUplink}, whose sockets carry what guests send once the gateway has
 * terminated it. This package is an SPI: implement {@link io.sharedip.uplink.HostPortClaims} for another operating system, or
 * {@code FlowUplink} for another kind of sockets.
 */
@NullMarked
package io.sharedip.uplink;

import org.jspecify.annotations.NullMarked;
