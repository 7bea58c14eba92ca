/**
 * Links for the sockets of virtual machine monitors, the uplink of ordinary sockets, and the driver for gateways on an event loop, by Netty.
 *
 * <p>{@link io.sharedip.netty.QemuStreamLink} speaks the stream of QEMU's {@code -netdev stream} and {@code -netdev socket}:
 * each Ethernet frame behind its length, over TCP or a unix socket. One address for one guest is a
 * {@link io.sharedip.netty.QemuStreamLink#listen QemuStreamLink} by itself; one address for several guests is a
 * {@link io.sharedip.netty.QemuStreamListener}.
 *
 * <p>{@link io.sharedip.netty.SocketUplink} is the way out that needs no right and no native driver, and
 * {@link io.sharedip.netty.EventLoopDriver} drives a gateway on the loop of its sockets and links.
 */
@NullMarked
package io.sharedip.netty;

import org.jspecify.annotations.NullMarked;
