package io.sharedip.examples.gateway.config;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.examples.gateway.config.GatewayFile.AddressPlan;
import io.sharedip.examples.gateway.config.GatewayFile.OneToOne;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** Reads what of {@code nat} is translated in another way than to the shared address and a port of the pool. */
final class AddressPlanReader {

    private static final Map<String, Integer> PROTOCOLS =
            Map.of("gre", 47, "esp", 50, "ipip", 4, "sctp", 132, "udplite", 136);
    private static final String ARROW = "->";
    private static final String PROTOCOLS_KEY = "protocols";
    private static final String ONE_TO_ONE_KEY = "one-to-one";
    private static final String EXEMPT_KEY = "exempt";
    /** Why the host's sockets cannot do it. */
    private static final Map<String, String> BEYOND_SOCKETS = Map.of(
            PROTOCOLS_KEY, "has no ports, and sockets send only TCP, UDP and pings",
            ONE_TO_ONE_KEY, "needs an address beside the host's own, which sockets do not have",
            EXEMPT_KEY, "would see guests' own addresses, which no socket of the host can send from");

    private final Segment segment;
    private final PolicyReader names;
    private final List<Ipv4Address> guestAddresses;
    private final boolean sockets;

    /**
     * For a file whose guests have been read.
     *
     * @param sockets whether the way out is the host's sockets, which can do nothing of this
     */
    AddressPlanReader(Segment segment, PolicyReader names, List<Ipv4Address> guestAddresses, boolean sockets) {
        this.segment = segment;
        this.names = names;
        this.guestAddresses = guestAddresses;
        this.sockets = sockets;
    }

    AddressPlan read(Section nat) {
        List<IpProtocol> protocols = distinct(nat, PROTOCOLS_KEY, "gre", AddressPlanReader::protocol);
        List<OneToOne> oneToOne = oneToOne(nat);
        List<IpPrefix> exempt = distinct(nat, EXEMPT_KEY, "10.20.0.0/16", this::exempt);
        return new AddressPlan(protocols, oneToOne, exempt);
    }

    private <T> List<T> distinct(Section nat, String key, String example, Function<String, T> form) {
        Map<T, Setting> found = new HashMap<>();
        List<T> values = new ArrayList<>();
        for (Parsed<T> parsed : items(nat, key, example, form)) {
            Setting earlier = found.putIfAbsent(parsed.value(), parsed.setting());
            if (earlier != null) {
                parsed.setting().wrong("stands here for the second time", "remove it here or in " + line(earlier));
            } else {
                values.add(parsed.value());
            }
        }
        return values;
    }

    private <T> List<Parsed<T>> items(Section nat, String key, String example, Function<String, T> form) {
        List<Parsed<T>> items = new ArrayList<>();
        for (Value item : nat.value(key).map(v -> v.items(example)).orElse(List.of())) {
            Optional<Setting> setting = item.text(example);
            if (sockets) {
                setting.ifPresent(s -> s.wrong(
                        Objects.requireNonNull(BEYOND_SOCKETS.get(key)),
                        "leave it out, or take a card for the uplink"));
            } else {
                setting.flatMap(s -> s.parse(form)).ifPresent(items::add);
            }
        }
        return items;
    }

    private static String line(Setting setting) {
        return "line " + setting.scalar().spot().line();
    }

    private static IpProtocol protocol(String text) {
        Integer known = PROTOCOLS.get(text);
        IpProtocol protocol = known != null ? new IpProtocol(known) : otherProtocol(text);
        return switch (protocol.number()) {
            case 1, 6, 17 -> throw wrong(text, "is translated with its ports anyway", "leave it out");
            case 0, 2, 255 -> throw wrong(text, "does not travel beyond its segment", "leave it out");
            case 51 ->
                throw wrong(
                        text,
                        "is IPsec's authentication header, which proves the very addresses that translation changes",
                        "use esp, or ESP in UDP");
            default -> protocol;
        };
    }

    private static IpProtocol otherProtocol(String text) {
        boolean number = !text.isEmpty() && Character.isDigit(text.charAt(0));
        if (number || text.equals("tcp") || text.equals("udp") || text.equals("icmp")) {
            return IpProtocol.parse(text);
        }
        List<String> names = PROTOCOLS.keySet().stream().sorted().toList();
        throw wrong(
                text,
                "is not a protocol that is known here",
                Suggestion.before("use one of " + String.join(", ", names) + ", or its number", text, names));
    }

    private IpPrefix exempt(String text) {
        IpPrefix prefix = IpPrefix.parse(text);
        if (!prefix.isIpv4()) {
            throw wrong(text, "is not an IPv4 prefix", "write one such as 10.20.0.0/16");
        }
        if (segment.address().filter(prefix::contains).isPresent()) {
            throw wrong(text, "contains the shared address", "name networks that know a way back to the guests");
        }
        return prefix;
    }

    private List<OneToOne> oneToOne(Section nat) {
        Map<Ipv4Address, Setting> addresses = new HashMap<>();
        Map<GuestId, Setting> owners = new HashMap<>();
        List<OneToOne> all = new ArrayList<>();
        for (Parsed<OneToOne> parsed : items(nat, ONE_TO_ONE_KEY, "192.0.2.20 -> web", AddressPlanReader::pair)) {
            Setting setting = parsed.setting();
            OneToOne pair = parsed.value();
            checkAddress(new Parsed<>(pair.address(), setting));
            names.checkGuest(
                    setting,
                    pair.guest(),
                    setting.text().lastIndexOf(pair.guest().name()));
            Optional.ofNullable(addresses.putIfAbsent(pair.address(), setting))
                    .ifPresent(earlier -> setting.wrong(
                            "gives away an address that another guest has already",
                            "remove it here or in " + line(earlier)));
            Optional.ofNullable(owners.putIfAbsent(pair.guest(), setting))
                    .ifPresent(earlier -> setting.wrong(
                            "is the second address for the guest", "remove it here or in " + line(earlier)));
            all.add(pair);
        }
        return all;
    }

    private static OneToOne pair(String text) {
        int arrow = text.indexOf(ARROW);
        if (arrow < 0) {
            throw new SyntaxException(
                    "one-to-one",
                    text,
                    text.length(),
                    "lacks '->' and a guest",
                    "write ADDRESS -> GUEST, such as 192.0.2.20 -> web");
        }
        return new OneToOne(
                Ipv4Address.parse(text.substring(0, arrow).strip()),
                GuestId.of(text.substring(arrow + ARROW.length()).strip()));
    }

    private void checkAddress(Parsed<Ipv4Address> address) {
        String cure = "use an address of the segment that nobody has";
        segment.checkLiesInside(address);
        checkDiffers(address, segment.address(), "the shared address", cure);
        checkDiffers(address, segment.router(), "the router's address", cure);
        checkDiffers(address, segment.alias(), "the alias", cure);
        if (guestAddresses.contains(address.value())
                && segment.address().filter(address.value()::equals).isEmpty()) {
            address.setting().wrong("gives away a guest's own address", cure);
        }
    }

    private static void checkDiffers(
            Parsed<Ipv4Address> address, Optional<Ipv4Address> other, String name, String cure) {
        if (other.filter(address.value()::equals).isPresent()) {
            address.setting().wrong("gives away " + name, cure);
        }
    }

    private static ConfigurationException wrong(String text, String problem, String cure) {
        return new ConfigurationException("value", text, problem, cure);
    }
}
