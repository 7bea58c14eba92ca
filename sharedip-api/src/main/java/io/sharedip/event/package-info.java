/**
 * What the gateway tells its listeners.
 *
 * <p>Events leave the engine through a bounded ring and reach {@link io.sharedip.event.SharedIpListener}s on a thread of their
 * own, so a slow listener never slows a packet; what does not fit is counted in
 * {@link io.sharedip.stats.SharedIpStats#eventsLost()}.
 */
@NullMarked
package io.sharedip.event;

import org.jspecify.annotations.NullMarked;
