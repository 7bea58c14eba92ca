/** The format of a snapshot, without engine and threads: see {@code docs/snapshot-format.md}. */
@NullMarked
package io.sharedip.nat.internal.snapshot;

import org.jspecify.annotations.NullMarked;
