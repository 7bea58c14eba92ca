/**
 * What a cable plugs into: the SPI of every adapter, and the link that needs none.
 *
 * <p>A {@link io.sharedip.link.Link} moves whole Ethernet frames in batches. The same interface serves links that are read by
 * the engine's thread and links that push from a thread of their own: the latter put a {@link io.sharedip.link.FrameRing}
 * between their thread and {@link io.sharedip.link.Link#poll}. This package is an SPI: implement {@code Link} to bring frames
 * from something new.
 */
@NullMarked
package io.sharedip.link;

import org.jspecify.annotations.NullMarked;
