/**
 * What only the C library can do: read ICMP errors about datagrams, send many with one call, and open ping sockets. Needs JNA, and 64-bit
 * Linux; everything else asks {@link io.sharedip.netty.internal.linux.NativeSupport} first.
 */
@NullMarked
package io.sharedip.netty.internal.linux;

import org.jspecify.annotations.NullMarked;
