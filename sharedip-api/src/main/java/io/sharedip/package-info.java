/**
 * The running gateway as its embedder sees it.
 *
 * <p>{@link io.sharedip.SharedIp} is the thread-safe handle of a gateway that lets guests (virtual machines, containers,
 * emulated machines) and the host they run on live behind one IP address. A {@link io.sharedip.Guest} is known by its
 * {@link io.sharedip.GuestId}, never by an address: any number of guests may carry the same address, the host's included.
 *
 * <p>All errors that sharedip throws are {@link io.sharedip.SharedIpException}s; each names the setting, the value and the
 * cure where there is one.
 */
@NullMarked
package io.sharedip;

import org.jspecify.annotations.NullMarked;
