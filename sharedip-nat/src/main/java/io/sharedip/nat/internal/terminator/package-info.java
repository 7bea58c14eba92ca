/**
 * Where guests' packets end if the way out is one of sockets: translated packets go in and calls of
 * {@link io.sharedip.uplink.FlowUplink} come out, and the other way round. Sans-IO, on the engine's thread.
 */
@NullMarked
package io.sharedip.nat.internal.terminator;

import org.jspecify.annotations.NullMarked;
