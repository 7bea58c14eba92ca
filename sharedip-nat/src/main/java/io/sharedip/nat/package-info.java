/**
 * The gateway: {@link io.sharedip.nat.NatGateway#builder()} is where an embedder starts.
 */
@NullMarked
package io.sharedip.nat;

import org.jspecify.annotations.NullMarked;
