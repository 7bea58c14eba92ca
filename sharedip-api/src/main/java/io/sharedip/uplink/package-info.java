/**
 * The way out: how guests' traffic reaches the outside, and how the outside ports are kept from the host.
 *
 * <p>An {@link io.sharedip.uplink.Uplink} is either a {@link io.sharedip.uplink.PacketUplink}, on which the engine sends
 * translated frames, or a {@link io.sharedip.uplink.FlowUplink}, which terminates flows onto something else (host sockets).
 * This package is an SPI: implement {@link io.sharedip.uplink.HostPortClaims} for another operating system, or
 * {@code FlowUplink} for another way out.
 */
@NullMarked
package io.sharedip.uplink;

import org.jspecify.annotations.NullMarked;
