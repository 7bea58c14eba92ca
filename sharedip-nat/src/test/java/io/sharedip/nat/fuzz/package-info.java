/** Fuzzing: octets become programs of frames, and after every frame the engine's promises are checked. */
@NullMarked
package io.sharedip.nat.fuzz;

import org.jspecify.annotations.NullMarked;
