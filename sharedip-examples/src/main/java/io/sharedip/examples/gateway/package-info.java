/**
 * {@code sharedip-gateway}: a gateway as a program, and a model for embedders of what goes around the library.
 *
 * <p>{@code GatewayMain} is the command line. {@code RunCommand} reads the file, takes the control socket, has {@code GatewayAssembly}
 * build the gateway, and waits for the end. The other commands talk to a running gateway over the control socket.
 */
@NullMarked
package io.sharedip.examples.gateway;

import org.jspecify.annotations.NullMarked;
