/** Gateways whose way out is one of sockets, on a host in memory. */
@NullMarked
package io.sharedip.nat.sockets;

import org.jspecify.annotations.NullMarked;
