/**
 * The engine: the way of a frame from a link to a link, in one thread, without input or output of its own.
 *
 * <p>Read {@link io.sharedip.nat.internal.engine.Engine} from top to bottom; the order of its steps is the safety property.
 */
@NullMarked
package io.sharedip.nat.internal.engine;

import org.jspecify.annotations.NullMarked;
