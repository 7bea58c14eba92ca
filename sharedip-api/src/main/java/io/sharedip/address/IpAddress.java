package io.sharedip.address;

import io.sharedip.SyntaxException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * An address of version 4 or 6 of the Internet Protocol.
 *
 * <p>Immutable and thread-safe.
 */
public sealed interface IpAddress permits Ipv4Address, Ipv6Address {

    /**
     * Reads an address of either version.
     *
     * @param text dotted decimal as {@link Ipv4Address#parse} takes it, or, if there is a colon, the form that
     *     {@link Ipv6Address#parse} takes
     * @return the address
     * @throws SyntaxException if the text is neither
     */
    static IpAddress parse(String text) {
        Objects.requireNonNull(text, "text");
        int colon = text.indexOf(':');
        int dot = text.indexOf('.');
        return colon >= 0 && (dot < 0 || colon < dot) ? Ipv6Address.parse(text) : Ipv4Address.parse(text);
    }

    /**
     * The same address as the JDK's sockets have it. A scope (interface) of an IPv6 address is lost.
     *
     * @param address the JDK's address
     * @return the address as a value
     */
    static IpAddress of(InetAddress address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        if (address instanceof Inet4Address) {
            return new Ipv4Address(bytes.getInt());
        }
        return new Ipv6Address(bytes.getLong(), bytes.getLong());
    }

    /**
     * The address in the form that the JDK's sockets take. Nothing is looked up.
     *
     * @return the JDK's address, without host name and scope
     */
    InetAddress toInetAddress();

    /**
     * The address in network byte order.
     *
     * @return a new array of 4 or 16 bytes
     */
    byte[] toByteArray();

    /**
     * The length of an address of this version.
     *
     * @return 32 or 128, in bits
     */
    int bitLength();

    /**
     * Whether this names a group of receivers: {@code 224.0.0.0/4} (RFC 5771) or {@code ff00::/8} (RFC 4291, 2.7).
     *
     * @return true for a multicast address
     */
    boolean isMulticast();

    /**
     * Whether packets to this address never leave their host: {@code 127.0.0.0/8} (RFC 1122, 3.2.1.3) or {@code ::1}.
     *
     * @return true for a loopback address
     */
    boolean isLoopback();

    /**
     * Whether this is all zeros, which stands for "no address yet" and is never a destination.
     *
     * @return true for {@code 0.0.0.0} and {@code ::}
     */
    boolean isUnspecified();
}
