/**
 * What the engine remembers: flows, the mappings they hang on, their timers, and the order in which they make room.
 *
 * <p>Everything lives in primitive arrays and is confined to the engine's thread.
 */
@NullMarked
package io.sharedip.nat.internal.flow;

import org.jspecify.annotations.NullMarked;
