/**
 * Port forwards: which packets from outside reach a guest that has not asked for them.
 *
 * <p>A {@link io.sharedip.forward.PortForward} sends what its {@link io.sharedip.forward.ForwardSelector} selects to ports of a
 * guest. Several selectors may match one packet; the most specific wins, in the order of
 * {@link io.sharedip.forward.ForwardSelector#BY_SPECIFICITY}. Two forwards with the same selector cannot live in one gateway:
 * the selector is what identifies a forward, and what it is removed by. Forwarded flows pass the filter chain like any other.
 *
 * <pre>{@code
 * PortForward web = PortForward.tcp(8080, GuestId.of("web"), 80);
 * PortForward same = PortForward.parse("tcp 8080 -> web:80");
 * PortForward voice = PortForward.parse("udp 192.0.2.10:5000-5009 from 198.51.100.0/24 -> pbx");
 * }</pre>
 *
 * <p>All types are immutable and thread-safe.
 */
@NullMarked
package io.sharedip.forward;

import org.jspecify.annotations.NullMarked;
