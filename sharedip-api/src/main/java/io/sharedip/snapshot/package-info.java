/**
 * What is asked of a snapshot's restoration, and what is reported. The format is in {@code docs/snapshot-format.md}; {@link
 * io.sharedip.SharedIp#snapshot} and {@link io.sharedip.SharedIp#restore} write and read it.
 */
@NullMarked
package io.sharedip.snapshot;

import org.jspecify.annotations.NullMarked;
