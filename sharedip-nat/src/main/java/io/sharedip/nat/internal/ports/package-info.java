/** Outside ports: which are free, and which lead to a guest by a forward. */
@NullMarked
package io.sharedip.nat.internal.ports;

import org.jspecify.annotations.NullMarked;
