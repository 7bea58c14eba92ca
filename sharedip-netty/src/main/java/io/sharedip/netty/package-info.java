/**
 * Links for the sockets of virtual machine monitors, by Netty.
 *
 * <p>{@link io.sharedip.netty.QemuStreamLink} speaks the stream of QEMU's {@code -netdev stream} and {@code -netdev socket}:
 * each Ethernet frame behind its length, over TCP or a unix socket. One address for one guest is a
 * {@link io.sharedip.netty.QemuStreamLink#listen QemuStreamLink} by itself; one address for several guests is a
 * {@link io.sharedip.netty.QemuStreamListener}.
 */
@NullMarked
package io.sharedip.netty;

import org.jspecify.annotations.NullMarked;
