/**
 * Links for the sockets of virtual machine monitors, the uplink of ordinary sockets, and the driver for gateways on an event loop, by Netty.
 *
 * <p>{@link io.sharedip.netty.QemuStreamLink} speaks the stream of QEMU's {@code -netdev stream} and {@code -netdev socket}:
 * each Ethernet frame behind its length, over TCP or a unix socket. One address for one guest is a
 * {@link io.sharedip.netty.QemuStreamLink#listen QemuStreamLink} by itself; one address for several guests is a
 * {@link io.sharedip.netty.QemuStreamListener}. {@link io.sharedip.netty.DatagramLink} takes a datagram for each frame, over UDP or a unix
 * socket, and {@link io.sharedip.netty.StdioLink} frames over standard input and output.
 *
 * <p>{@link io.sharedip.netty.SocketUplink} is the way out that needs no right and no native driver, and
 * {@link io.sharedip.netty.EventLoopDriver} drives a gateway on the loop of its sockets and links.
 */
@NullMarked
package io.sharedip.netty;

import org.jspecify.annotations.NullMarked;
