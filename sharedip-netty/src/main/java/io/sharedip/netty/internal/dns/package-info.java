/**
 * The parts of {@link io.sharedip.netty.DnsForwarder}: messages, cache, what the gateway answers itself, and questions to servers.
 * Everything but {@code GuestConnection} belongs to the forwarder's own event loop.
 */
@NullMarked
package io.sharedip.netty.internal.dns;

import org.jspecify.annotations.NullMarked;
