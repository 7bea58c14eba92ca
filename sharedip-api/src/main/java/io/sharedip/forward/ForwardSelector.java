package io.sharedip.forward;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.internal.text.TextScanner;
import io.sharedip.internal.text.Word;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Which packets from outside a forward takes. It identifies the forward within a gateway.
 *
 * <p>The text form is what stands left of the arrow of a {@link PortForward}: {@code (tcp|udp) [ADDRESS:]PORTS [from PREFIX]},
 * such as {@code tcp 8080} or {@code udp 192.0.2.10:5000-5009 from 198.51.100.0/24}.
 *
 * <p>Immutable and thread-safe.
 *
 * @param protocol TCP or UDP
 * @param address the outside address that was called, where a gateway has several; empty for each of them
 * @param outside the ports that were called
 * @param from who may call, an IPv4 prefix; empty for everybody. Others do not see the forward: a less specific one, or none,
 *     applies to them
 */
public record ForwardSelector(
        IpProtocol protocol, Optional<Ipv4Address> address, PortRange outside, Optional<IpPrefix> from) {

    /**
     * The most specific first, which is the order in which forwards are tried: a single port of one address, a single port of
     * any address, a range of one address, a range of any address; within each, those with {@code from} before those without,
     * and a longer prefix before a shorter one. Where two of these are alike the smaller range comes first; the rest (protocol,
     * port, address, network) only makes the order total and consistent with {@code equals}.
     */
    public static final Comparator<ForwardSelector> BY_SPECIFICITY = Comparator.comparing(
                    (ForwardSelector s) -> !s.outside.isSingle())
            .thenComparing(s -> s.address.isEmpty())
            .thenComparing(s -> -s.from.map(IpPrefix::length).orElse(-1))
            .thenComparing(s -> s.outside.size())
            .thenComparing(s -> s.protocol.number())
            .thenComparing(ForwardSelector::outside)
            .thenComparing(s -> s.address.orElse(Ipv4Address.UNSPECIFIED))
            .thenComparing(s -> s.from.map(ForwardSelector::ipv4Network).orElse(Ipv4Address.UNSPECIFIED));

    static final String SETTING = "forward";

    private static final String PROTOCOLS = "tcp or udp";
    private static final String PORTS = "a port or range such as 8080 or 5000-5009, or ADDRESS:PORTS";

    /**
     * Refuses what no packet could match.
     *
     * @param protocol TCP or UDP
     * @param address the outside address that was called; empty for each
     * @param outside the ports that were called
     * @param from who may call; empty for everybody
     * @throws ConfigurationException if the protocol is neither TCP nor UDP, the address is not one host's, or the prefix is
     *     not an IPv4 prefix
     */
    public ForwardSelector {
        Objects.requireNonNull(protocol, "protocol");
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(outside, "outside");
        Objects.requireNonNull(from, "from");
        if (!protocol.hasPorts()) {
            throw new ConfigurationException("protocol", protocol.toString(), "has no ports", "use tcp or udp");
        }
        if (address.isPresent() && !isHost(address.get())) {
            throw new ConfigurationException(
                    "address",
                    address.get().toString(),
                    "is not the address of one host",
                    "leave the address out to forward from every address of the gateway");
        }
        if (from.isPresent() && !from.get().isIpv4()) {
            throw new ConfigurationException(
                    "prefix", from.get().toString(), "is not an IPv4 prefix", "use a prefix such as 198.51.100.0/24");
        }
    }

    private static boolean isHost(Ipv4Address address) {
        return !address.isUnspecified() && !address.isMulticast() && !address.isReserved();
    }

    private static Ipv4Address ipv4Network(IpPrefix prefix) {
        return (Ipv4Address) prefix.network();
    }

    /**
     * Selects ports on every address of the gateway, whoever calls.
     *
     * @param protocol TCP or UDP
     * @param outside the ports
     * @return the selector
     * @throws ConfigurationException if the protocol is neither TCP nor UDP
     */
    public static ForwardSelector of(IpProtocol protocol, PortRange outside) {
        return new ForwardSelector(protocol, Optional.empty(), outside, Optional.empty());
    }

    /**
     * Selects the same on one address of the gateway only.
     *
     * @param only the outside address
     * @return the narrower selector
     * @throws ConfigurationException if it is not the address of one host
     */
    public ForwardSelector on(Ipv4Address only) {
        return new ForwardSelector(protocol, Optional.of(only), outside, from);
    }

    /**
     * Selects the same from some callers only.
     *
     * @param callers the callers, an IPv4 prefix
     * @return the narrower selector
     * @throws ConfigurationException if it is not an IPv4 prefix
     */
    public ForwardSelector from(IpPrefix callers) {
        return new ForwardSelector(protocol, address, outside, Optional.of(callers));
    }

    /**
     * Reads a selector.
     *
     * @param text {@code (tcp|udp) [ADDRESS:]PORTS [from PREFIX]}
     * @return the selector
     * @throws SyntaxException if the text is anything else
     */
    public static ForwardSelector parse(String text) {
        Objects.requireNonNull(text, "text");
        int arrow = text.indexOf("->");
        if (arrow >= 0) {
            throw new SyntaxException(
                    SETTING, text, arrow, "has '->' where it cannot stand", "write only what stands left of '->'");
        }
        return parse(new TextScanner(SETTING, text));
    }

    static ForwardSelector parse(TextScanner scanner) {
        Word word = scanner.next(PROTOCOLS);
        if (!word.is("tcp") && !word.is("udp")) {
            throw scanner.unexpected(word, List.of("tcp", "udp"), PROTOCOLS);
        }
        IpProtocol protocol = scanner.parse(word, IpProtocol::parse);
        Word outside = scanner.next(PORTS);
        if (outside.is("from")) {
            throw scanner.unexpected(outside, List.of(), PORTS);
        }
        int colon = outside.text().lastIndexOf(':');
        Optional<Ipv4Address> address = colon < 0 ? Optional.empty() : Optional.of(address(scanner, outside, colon));
        PortRange ports = ports(scanner, after(outside, colon));
        Optional<IpPrefix> from = Optional.empty();
        if (!scanner.atEnd()) {
            Word keyword = scanner.next("from");
            if (!keyword.is("from")) {
                throw scanner.unexpected(keyword, List.of("from"), "from PREFIX, or '->' and a guest");
            }
            from = Optional.of(prefix(scanner, scanner.next("a prefix such as 198.51.100.0/24")));
            scanner.expectEnd("write nothing between the prefix and '->'");
        }
        return new ForwardSelector(protocol, address, ports, from);
    }

    private static Word after(Word word, int index) {
        return new Word(word.text().substring(index + 1), word.position() + index + 1);
    }

    private static Ipv4Address address(TextScanner scanner, Word outside, int colon) {
        Word word = new Word(outside.text().substring(0, colon), outside.position());
        Ipv4Address address = scanner.parse(word, Ipv4Address::parse);
        if (!isHost(address)) {
            throw scanner.error(
                    word.position(),
                    "has the address " + address + ", which is not the address of one host",
                    "leave the address out to forward from every address of the gateway");
        }
        return address;
    }

    static PortRange ports(TextScanner scanner, Word word) {
        int comma = word.text().indexOf(',');
        if (comma >= 0) {
            throw scanner.error(
                    word.position() + comma, "has a list of ports", "write one forward for each of them, or a range");
        }
        return scanner.parse(word, PortRange::parse);
    }

    private static IpPrefix prefix(TextScanner scanner, Word word) {
        IpPrefix prefix = scanner.parse(word, IpPrefix::parse);
        if (!prefix.isIpv4()) {
            throw scanner.error(
                    word.position(),
                    "has the prefix " + prefix + ", which is not an IPv4 prefix",
                    "use a prefix such as 198.51.100.0/24");
        }
        return prefix;
    }

    /**
     * Whether a packet from outside is one of those selected.
     *
     * @param packetProtocol its protocol
     * @param destination the outside address it was sent to
     * @param port the port it was sent to
     * @param source who sent it
     * @return true if all parts of this selector match
     */
    public boolean matches(IpProtocol packetProtocol, Ipv4Address destination, int port, Ipv4Address source) {
        return protocol.equals(packetProtocol)
                && outside.contains(port)
                && (address.isEmpty() || address.get().equals(destination))
                && (from.isEmpty() || from.get().contains(source));
    }

    /**
     * The selector as text.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        StringBuilder s = new StringBuilder(protocol.toString()).append(' ');
        address.ifPresent(a -> s.append(a).append(':'));
        s.append(outside);
        from.ifPresent(p -> s.append(" from ").append(p));
        return s.toString();
    }
}
