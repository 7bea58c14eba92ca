package io.sharedip.examples.gateway.config;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.IntPredicate;

/** The forms of single values that are stricter than those of the API, or that the API does not know. */
final class Forms {

    /** What Java takes on Linux: two less than {@code sun_path} has. */
    private static final int MOST_SOCKET_PATH_OCTETS = 106;

    private static final String CONNECT = "connect ";

    private Forms() {}

    static Ipv4Address hostAddress(String text) {
        Ipv4Address address = Ipv4Address.parse(text);
        if (address.bits() >>> 24 == 0 || address.isLoopback() || address.isMulticast() || address.isReserved()) {
            throw wrong(text, "is not an address that a machine can have", "use one like 192.0.2.10");
        }
        return address;
    }

    static IpPrefix segment(String text) {
        IpPrefix prefix = IpPrefix.parse(text);
        if (!prefix.isIpv4()) {
            throw wrong(text, "is not an IPv4 prefix", "write one such as 192.0.2.0/24");
        }
        if (prefix.length() > 30) {
            throw wrong(
                    text,
                    "is too small for an address, a router and guests",
                    "use a prefix length of 30 or less, such as /24");
        }
        if (prefix.length() < 8) {
            throw wrong(text, "is too large for a segment", "use a prefix length of 8 or more, such as /24");
        }
        return prefix;
    }

    static MacAddress stationMac(String text) {
        MacAddress mac = MacAddress.parse(text);
        if (mac.isMulticast() || mac.isZero()) {
            throw wrong(text, "is not the MAC address of one station", "use one like 52:54:00:00:00:01");
        }
        return mac;
    }

    static boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(text, "is neither true nor false", "write true or false");
        };
    }

    static Function<String, Integer> number(int min, int max) {
        return text -> {
            for (int i = 0; i < text.length(); i++) {
                if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                    throw new SyntaxException(
                            "number", text, i, "is not a whole number", "write digits only, " + min + " to " + max);
                }
            }
            long number = text.isEmpty() || text.length() > 10 ? -1 : Long.parseLong(text);
            if (number < min || number > max) {
                throw wrong(text, "is out of range", "use " + min + " to " + max);
            }
            return (int) number;
        };
    }

    static <E extends Enum<E>> Function<String, E> oneOf(List<E> values) {
        return oneOf(values, Forms::name);
    }

    static <E extends Enum<E>> Function<String, E> oneOf(List<E> values, Function<E, String> nameOf) {
        return text -> {
            List<String> names = values.stream().map(nameOf).toList();
            int index = names.indexOf(text);
            if (index < 0) {
                throw wrong(
                        text,
                        "is not known here",
                        Suggestion.before("use one of " + String.join(", ", names), text, names));
            }
            return values.get(index);
        };
    }

    private static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static String card(String text) {
        if (text.equals("any")) {
            throw wrong(text, "stands for all cards at once", "name one card; 'ip link' lists them");
        }
        int bad = firstOf(text, c -> Character.isWhitespace(c) || c == '/');
        if (bad >= 0 || text.isEmpty()) {
            throw new SyntaxException(
                    "card", text, Math.max(bad, 0), "is not the name of a card", "'ip link' lists the cards");
        }
        return text;
    }

    static Path socketPath(String text) {
        checkSocketPath(text, 0);
        return Path.of(text);
    }

    static Path filePath(String text) {
        if (text.isEmpty() || text.endsWith("/")) {
            throw new SyntaxException(
                    "path", text, text.length(), "lacks the name of a file", "write it, such as /var/lib/gw/state");
        }
        int bad = firstOf(text, Character::isISOControl);
        if (bad >= 0) {
            throw new SyntaxException("path", text, bad, "has a control character", "remove it");
        }
        return Path.of(text);
    }

    static String qemuStream(String text) {
        int start = text.startsWith(CONNECT) ? CONNECT.length() : 0;
        if (text.startsWith("unix:", start)) {
            checkSocketPath(text, start + "unix:".length());
        } else if (text.startsWith("tcp:", start)) {
            checkHostAndPort(text, start + "tcp:".length());
        } else {
            throw wrong(
                    text,
                    "is neither a unix nor a tcp socket",
                    "write unix:PATH or tcp:HOST:PORT, or one of them after 'connect '");
        }
        return text;
    }

    private static void checkSocketPath(String text, int from) {
        String path = text.substring(from);
        if (path.isEmpty() || path.endsWith("/")) {
            throw new SyntaxException(
                    "path", text, text.length(), "lacks the name of a socket", "write it, such as /run/gw/db.sock");
        }
        int bad = firstOf(path, Character::isISOControl);
        if (bad >= 0) {
            throw new SyntaxException("path", text, from + bad, "has a control character", "remove it");
        }
        if (path.getBytes(StandardCharsets.UTF_8).length > MOST_SOCKET_PATH_OCTETS) {
            throw new SyntaxException(
                    "path",
                    text,
                    from,
                    "has a path that is too long for a socket",
                    "use " + MOST_SOCKET_PATH_OCTETS + " octets or less");
        }
    }

    private static void checkHostAndPort(String text, int from) {
        int colon = text.lastIndexOf(':');
        if (colon <= from) {
            throw new SyntaxException("socket", text, text.length(), "lacks a host or a port", "write tcp:HOST:PORT");
        }
        String host = text.substring(from, colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (firstOf(host, Character::isWhitespace) >= 0 || (!bracketed && host.indexOf(':') >= 0)) {
            throw new SyntaxException(
                    "socket", text, from, "has a host that cannot be", "write tcp:127.0.0.1:PORT or tcp:[::1]:PORT");
        }
        if (!isPort(text.substring(colon + 1))) {
            throw new SyntaxException("socket", text, colon + 1, "has a port that cannot be", "use 1 to 65535");
        }
    }

    private static boolean isPort(String text) {
        try {
            return PortRange.parse(text).isSingle();
        } catch (SyntaxException e) {
            return false;
        }
    }

    private static int firstOf(String text, IntPredicate bad) {
        int index = (int) text.chars().takeWhile(bad.negate()).count();
        return index == text.length() ? -1 : index;
    }

    private static ConfigurationException wrong(String text, String problem, String cure) {
        return new ConfigurationException("value", text, problem, cure);
    }
}
