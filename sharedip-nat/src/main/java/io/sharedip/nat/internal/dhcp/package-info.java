/**
 * The DHCP server without sockets, clock and tables (RFC 2131): octets of a message go in, octets of an answer come out. There is no
 * pool of addresses, since every guest has its own bound to it; so there is nothing to remember between two messages.
 */
@NullMarked
package io.sharedip.nat.internal.dhcp;

import org.jspecify.annotations.NullMarked;
