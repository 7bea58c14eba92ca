/**
 * Addresses, prefixes, ports and protocols as values.
 *
 * <p>Every type here is an immutable, thread-safe record around plain numbers, with one strict text form:
 *
 * <table>
 *   <caption>The types and their text forms</caption>
 *   <tr><th>type</th><th>text</th></tr>
 *   <tr><td>{@link io.sharedip.address.Ipv4Address}</td><td>{@code 192.0.2.10}</td></tr>
 *   <tr><td>{@link io.sharedip.address.Ipv6Address}</td><td>{@code 2001:db8::10}</td></tr>
 *   <tr><td>{@link io.sharedip.address.IpPrefix}</td><td>{@code 192.0.2.0/24}, {@code 2001:db8::/32}</td></tr>
 *   <tr><td>{@link io.sharedip.address.MacAddress}</td><td>{@code 52:54:00:00:00:01}</td></tr>
 *   <tr><td>{@link io.sharedip.address.Endpoint}</td><td>{@code 192.0.2.10:40001}, {@code [2001:db8::10]:443}</td></tr>
 *   <tr><td>{@link io.sharedip.address.PortRange}</td><td>{@code 80}, {@code 5000-5009}</td></tr>
 *   <tr><td>{@link io.sharedip.address.IpProtocol}</td><td>{@code tcp}, {@code udp}, {@code icmp}, {@code 47}</td></tr>
 * </table>
 *
 * <p>For each value {@code v}, {@code parse(v.toString())} equals {@code v}. A text that is not of the form is refused with a
 * {@link io.sharedip.SyntaxException}, numbers out of range with a {@link io.sharedip.ConfigurationException}; nothing is
 * guessed, no name is resolved.
 *
 * <p>An address never identifies a guest: {@link io.sharedip.GuestId} does, because many guests may have the same address.
 */
@NullMarked
package io.sharedip.address;

import org.jspecify.annotations.NullMarked;
