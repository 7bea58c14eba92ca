package io.sharedip.address;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.Numbers;
import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * One end of a flow: an address and the number that tells flows of this address apart.
 *
 * <p>Immutable and thread-safe.
 *
 * @param address the address
 * @param port the TCP or UDP port, or the identifier of an ICMP query (RFC 5508, 3), which may be 0; 0 to 65535
 */
public record Endpoint(IpAddress address, int port) {

    private static final String SETTING = "endpoint";
    private static final String CURE = "write ADDRESS:PORT, such as 192.0.2.10:443 or [2001:db8::10]:443";
    private static final Numbers PORT = new Numbers(SETTING, "a port", 0, PortRange.MAX_PORT);

    /**
     * Checks the range of the port.
     *
     * @param address the address
     * @param port the port or ICMP identifier, 0 to 65535
     * @throws ConfigurationException if the port is out of range
     */
    public Endpoint {
        Objects.requireNonNull(address, "address");
        if (port < 0 || port > PortRange.MAX_PORT) {
            throw new ConfigurationException(
                    SETTING, text(address, port), "has a port out of range", "use 0 to " + PortRange.MAX_PORT);
        }
    }

    /**
     * Reads an endpoint.
     *
     * @param text such as {@code 192.0.2.10:443} or {@code [2001:db8::10]:443}
     * @return the endpoint
     * @throws SyntaxException if the text is anything else
     */
    public static Endpoint parse(String text) {
        Objects.requireNonNull(text, "text");
        boolean bracketed = text.startsWith("[");
        int from = bracketed ? 1 : 0;
        int to = bracketed ? text.indexOf(']') : text.indexOf(':');
        if (to < 0) {
            throw new SyntaxException(
                    SETTING, text, text.length(), bracketed ? "lacks the closing ']'" : "lacks ':' and a port", CURE);
        }
        IpAddress address = address(text, from, to, bracketed);
        int colon = bracketed ? to + 1 : to;
        if (colon == text.length() || text.charAt(colon) != ':') {
            throw new SyntaxException(SETTING, text, colon, "lacks ':' and a port", CURE);
        }
        return new Endpoint(address, PORT.parse(text, colon + 1, text.length()));
    }

    private static IpAddress address(String text, int from, int to, boolean bracketed) {
        String part = text.substring(from, to);
        try {
            return bracketed ? Ipv6Address.parse(part) : Ipv4Address.parse(part);
        } catch (SyntaxException e) {
            throw new SyntaxException(SETTING, text, from + e.position(), e.problem(), CURE);
        }
    }

    /**
     * The endpoint in the form that the JDK's sockets take. Nothing is looked up.
     *
     * @return the JDK's socket address
     */
    public InetSocketAddress toSocketAddress() {
        return new InetSocketAddress(address.toInetAddress(), port);
    }

    private static String text(IpAddress address, int port) {
        return address instanceof Ipv4Address ? address + ":" + port : "[" + address + "]:" + port;
    }

    /**
     * Address and port with a colon between; an IPv6 address stands in brackets (RFC 5952, 6).
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return text(address, port);
    }
}
