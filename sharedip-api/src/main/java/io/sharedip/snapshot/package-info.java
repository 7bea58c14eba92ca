/**
 * How a snapshot is to be restored, and what is told of one that was written or restored. Its format is in {@code
 * docs/snapshot-format.md}.
 */
@NullMarked
package io.sharedip.snapshot;

import org.jspecify.annotations.NullMarked;
