/**
 * A test bench of real machines: Linux network namespaces, each with its own stack, cabled together with virtual Ethernet.
 *
 * <p>{@link io.sharedip.examples.lab.Lab} makes and removes the machines, {@link io.sharedip.examples.lab.OneAddressNetwork}
 * is the network in which a host and its guests share one address, and {@link io.sharedip.examples.lab.GatewayProcess} is the
 * gateway under test. Everything stays inside the namespaces: no packet reaches a real network.
 */
@NullMarked
package io.sharedip.examples.lab;

import org.jspecify.annotations.NullMarked;
