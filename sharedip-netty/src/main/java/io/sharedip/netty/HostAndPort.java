package io.sharedip.netty;

import io.netty.channel.socket.SocketProtocolFamily;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;

/** A host, by name or address, and a port. */
record HostAndPort(String host, int port) {

    /**
     * Reads them from a part of a text.
     *
     * @param scheme what stands before them, for messages
     */
    static HostAndPort parse(String setting, String text, int from, int to, String scheme, String forms) {
        int colon = text.lastIndexOf(':', to - 1);
        if (colon < from) {
            throw new SyntaxException(setting, text, to, "has no port", forms);
        }
        String host = text.substring(from, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (bracketed) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw new SyntaxException(
                    setting,
                    text,
                    from + host.indexOf(':'),
                    "has a colon in its host",
                    "put an IPv6 address into brackets: " + scheme + "[::1]:5001");
        }
        if (host.isBlank()) {
            throw new SyntaxException(
                    setting,
                    text,
                    from,
                    "has no host",
                    "name the address, such as " + scheme + "127.0.0.1:5001 for this machine alone");
        }
        String digits = text.substring(colon + 1, to);
        int port = 0;
        boolean number = !digits.isEmpty() && digits.length() <= 5;
        for (int i = 0; number && i < digits.length(); i++) {
            char c = digits.charAt(i);
            number = c >= '0' && c <= '9';
            port = 10 * port + (c - '0');
        }
        if (!number || port > 65535) {
            throw new SyntaxException(setting, text, colon + 1, "has no port that is a number of 0 to 65535", forms);
        }
        return new HostAndPort(host, port);
    }

    InetAddress lookUp(String link, String cure) {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new LinkException(link, "the host '" + host + "' is not known", cure, e);
        }
    }

    /** Says why this could not be bound. */
    LinkException explain(String link, IOException e) {
        String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        if (message.contains("permission") || message.contains("denied")) {
            return new LinkException(
                    link,
                    "this process may not listen on port " + port,
                    port < 1024
                            ? "choose a port of 1024 or more, or give the process CAP_NET_BIND_SERVICE"
                            : "choose another port",
                    e);
        }
        if (message.contains("assign")) {
            return new LinkException(
                    link, host + " is not an address of this machine", "listen on 127.0.0.1 or on a card's address", e);
        }
        if (message.contains("in use")) {
            return new LinkException(
                    link,
                    "port " + port + " of " + host + " is in use by another program",
                    "stop that program (ss -lntup names it) or choose another port",
                    e);
        }
        return new LinkException(link, "cannot listen: " + e.getMessage(), null, e);
    }

    static SocketProtocolFamily family(InetAddress address) {
        return address instanceof Inet6Address ? SocketProtocolFamily.INET6 : SocketProtocolFamily.INET;
    }
}
