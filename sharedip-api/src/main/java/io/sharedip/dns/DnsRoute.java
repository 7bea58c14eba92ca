package io.sharedip.dns;

import io.sharedip.ConfigurationException;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Where questions about the names of one domain go. Its text form is {@code DOMAIN -> SERVERS}, e.g.
 * {@code corp.example -> 10.0.0.53, 10.0.0.54:5353}; {@code .} stands for all other names.
 *
 * <p>Immutable and thread-safe.
 *
 * @param domain names within it go this way, unless a longer one goes another
 * @param servers asked in order, 1 to 8; an IPv6 address with a port stands in brackets
 */
public record DnsRoute(DomainName domain, List<Endpoint> servers) {

    private static final String SETTING = "dns upstream";
    private static final String CURE = "write DOMAIN -> SERVERS, such as corp.example -> 10.0.0.53, 10.0.0.54:5353";
    private static final String ARROW = "->";
    private static final int MOST_SERVERS = 8;
    private static final int PORT = 53;

    /**
     * Checks the servers.
     *
     * @param domain names within it
     * @param servers 1 to 8
     * @throws ConfigurationException if there are none, too many, or one that cannot be asked
     */
    public DnsRoute {
        Objects.requireNonNull(domain, "domain");
        servers = List.copyOf(servers);
        if (servers.isEmpty() || servers.size() > MOST_SERVERS) {
            throw new ConfigurationException(SETTING, domain.toString(), "has not 1 to 8 servers", CURE);
        }
        for (Endpoint server : servers) {
            if (server.port() == 0
                    || server.address().isUnspecified()
                    || server.address().isMulticast()) {
                throw new ConfigurationException(SETTING, server.toString(), "is no server that can be asked", CURE);
            }
        }
    }

    /**
     * Reads the text form.
     *
     * @param text {@code DOMAIN -> SERVERS}
     * @return the route
     * @throws ConfigurationException if it is anything else
     */
    public static DnsRoute parse(String text) {
        int arrow = text.indexOf(ARROW);
        if (arrow < 0) {
            throw new ConfigurationException(SETTING, text, "lacks '->' and servers", CURE);
        }
        List<Endpoint> servers = new ArrayList<>();
        for (String server : text.substring(arrow + ARROW.length()).split(",", -1)) {
            servers.add(server(server.strip()));
        }
        return new DnsRoute(DomainName.parse(text.substring(0, arrow).strip()), servers);
    }

    private static Endpoint server(String text) {
        boolean withPort =
                text.startsWith("[") || (text.indexOf(':') >= 0 && text.indexOf(':') == text.lastIndexOf(':'));
        return withPort ? Endpoint.parse(text) : new Endpoint(IpAddress.parse(text), PORT);
    }

    /** The form that {@link #parse} reads. */
    @Override
    public String toString() {
        List<String> texts = new ArrayList<>();
        for (Endpoint server : servers) {
            texts.add(server.port() == PORT ? server.address().toString() : server.toString());
        }
        return domain + " " + ARROW + " " + String.join(", ", texts);
    }
}
