package io.sharedip.examples.gateway.config;

import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import java.util.Optional;

/** The addresses of the segment, as far as they could be read, and what must agree among them. */
record Segment(
        Optional<Ipv4Address> address,
        Optional<IpPrefix> prefix,
        Optional<Ipv4Address> router,
        Optional<Ipv4Address> alias) {

    private static final int DEFAULT_LENGTH = 24;

    /** What the file says of the segment, before it is known whether that must be all. */
    record Written(
            Optional<Parsed<Ipv4Address>> address,
            Optional<Parsed<IpPrefix>> prefix,
            Optional<Parsed<Ipv4Address>> router,
            Optional<Parsed<Ipv4Address>> alias) {

        static Written read(Section root) {
            return new Written(
                    root.requiredText("address", "192.0.2.10", "write the shared address, such as address: 192.0.2.10")
                            .flatMap(s -> s.parse(Forms::hostAddress)),
                    root.text("prefix", "192.0.2.0/24").flatMap(s -> s.parse(Forms::segment)),
                    root.text("router", "192.0.2.1").flatMap(s -> s.parse(Forms::hostAddress)),
                    root.text("alias", "192.0.2.254").flatMap(s -> s.parse(Forms::hostAddress)));
        }

        /** The segment of a card, which the file must name. */
        Segment ofCard(Section root) {
            root.required("prefix", "write the segment, such as prefix: 192.0.2.0/24");
            root.required("router", "write the next hop for everything outside the segment, such as router: 192.0.2.1");
            return checked(prefix.map(Parsed::value), router.map(Parsed::value));
        }

        /** The segment that guests are shown where the host's sockets are the way out; what is not named follows from the address. */
        Segment ofSockets(Section root) {
            Optional<IpPrefix> segment = root.value("prefix").isPresent()
                    ? prefix.map(Parsed::value)
                    : address.map(a -> IpPrefix.containing(a.value(), DEFAULT_LENGTH));
            Optional<Ipv4Address> hop = root.value("router").isPresent()
                    ? router.map(Parsed::value)
                    : segment.flatMap(p -> address.map(a -> firstOther(p, a.value())));
            return checked(segment, hop);
        }

        private static Ipv4Address firstOther(IpPrefix segment, Ipv4Address self) {
            int first = ((Ipv4Address) segment.network()).bits() + 1;
            return new Ipv4Address(first == self.bits() ? first + 1 : first);
        }

        private Segment checked(Optional<IpPrefix> prefixInForce, Optional<Ipv4Address> routerInForce) {
            Segment segment =
                    new Segment(address.map(Parsed::value), prefixInForce, routerInForce, alias.map(Parsed::value));
            address.ifPresent(segment::checkLiesInside);
            router.ifPresent(segment::checkLiesInside);
            router.ifPresent(
                    r -> checkDiffers(r, segment.address, "the shared address", "name the router's own address"));
            String unused = "choose an unused address of the segment";
            alias.ifPresent(segment::checkLiesInside);
            alias.ifPresent(a -> checkDiffers(a, segment.address, "the shared address", unused));
            alias.ifPresent(a -> checkDiffers(a, segment.router, "the router's address", unused));
            return segment;
        }
    }

    void checkLiesInside(Parsed<Ipv4Address> parsed) {
        prefix.ifPresent(p -> {
            if (!p.contains(parsed.value())) {
                parsed.setting()
                        .wrong("lies outside the prefix " + p, "use an address of the segment, or correct the prefix");
            } else {
                checkIsNoEdge(parsed);
            }
        });
    }

    /** The first and the last address of a segment stand for itself and for all of it. */
    void checkIsNoEdge(Parsed<Ipv4Address> parsed) {
        prefix.ifPresent(p -> {
            if (parsed.value().equals(p.network()) || parsed.value().equals(p.lastAddress())) {
                parsed.setting()
                        .wrong(
                                "is the " + (parsed.value().equals(p.network()) ? "network" : "broadcast")
                                        + " address of the prefix " + p,
                                "use an address between");
            }
        });
    }

    static void checkDiffers(Parsed<Ipv4Address> parsed, Optional<Ipv4Address> other, String name, String cure) {
        if (other.isPresent() && other.get().equals(parsed.value())) {
            parsed.setting().wrong("is " + name, cure);
        }
    }

    /** Whether callers outside can reach an address here; the alias is for guests alone. */
    boolean isGateways(Ipv4Address candidate) {
        return address.isEmpty() || address.get().equals(candidate);
    }
}
