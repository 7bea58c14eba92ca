/**
 * Snapshots of what the gateway does: counters, flows, forwards, rules and bindings, and the reason of every drop. All types are
 * immutable values.
 */
@NullMarked
package io.sharedip.stats;

import org.jspecify.annotations.NullMarked;
