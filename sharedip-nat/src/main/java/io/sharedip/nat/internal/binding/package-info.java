/** Which frames a guest's link may bring, and how its ARP is answered. Pure decisions; the engine acts on them. */
@NullMarked
package io.sharedip.nat.internal.binding;

import org.jspecify.annotations.NullMarked;
