/** Time as the engine sees it: nanoseconds that are handed in, never read. */
@NullMarked
package io.sharedip.time;

import org.jspecify.annotations.NullMarked;
