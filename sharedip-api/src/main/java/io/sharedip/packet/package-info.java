/**
 * Frames and the header views over them.
 *
 * <p>A {@link io.sharedip.packet.Frame} is a window on a {@code byte[]}; a view is a reusable cursor on one header inside it.
 * Neither copies, allocates per packet or checks a header's sense: whoever receives a frame validates it once and then
 * trusts it. All multi-byte fields are big-endian (network order) and unsigned accessors are named by width.
 *
 * <p>Nothing here is thread-safe: a frame belongs to one thread at a time.
 */
@NullMarked
package io.sharedip.packet;

import org.jspecify.annotations.NullMarked;
