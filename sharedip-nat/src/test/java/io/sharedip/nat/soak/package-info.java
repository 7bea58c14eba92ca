/** A day of traffic on a virtual clock, checked against a ledger of every flow's deadline. */
@NullMarked
package io.sharedip.nat.soak;

import org.jspecify.annotations.NullMarked;
