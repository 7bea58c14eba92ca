/**
 * The gateway's end of a guest's TCP connection (RFC 9293), joined to a {@link io.sharedip.uplink.HostStream}. Sans-IO: segments, time
 * and octets of the stream go in, segments are pulled out.
 *
 * <p>Everything here is confined to the engine's thread, and knows nothing of the engine.
 */
@NullMarked
package io.sharedip.nat.internal.tcp;

import org.jspecify.annotations.NullMarked;
