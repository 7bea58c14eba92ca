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

    static Segment read(Section root) {
        Optional<Parsed<Ipv4Address>> address = root.requiredText(
                        "address", "192.0.2.10", "write the shared address, such as address: 192.0.2.10")
                .flatMap(s -> s.parse(Forms::hostAddress));
        Optional<IpPrefix> prefix = root.requiredText(
                        "prefix", "192.0.2.0/24", "write the segment, such as prefix: 192.0.2.0/24")
                .flatMap(s -> s.parse(Forms::segment))
                .map(Parsed::value);
        Optional<Parsed<Ipv4Address>> router = root.requiredText(
                        "router",
                        "192.0.2.1",
                        "write the next hop for everything outside the segment, such as router: 192.0.2.1")
                .flatMap(s -> s.parse(Forms::hostAddress));
        Optional<Parsed<Ipv4Address>> alias =
                root.text("alias", "192.0.2.254").flatMap(s -> s.parse(Forms::hostAddress));
        Segment segment =
                new Segment(address.map(Parsed::value), prefix, router.map(Parsed::value), alias.map(Parsed::value));
        address.ifPresent(segment::checkLiesInside);
        router.ifPresent(segment::checkLiesInside);
        router.ifPresent(r -> checkDiffers(r, segment.address, "the shared address", "name the router's own address"));
        alias.ifPresent(segment::checkLiesInside);
        alias.ifPresent(
                a -> checkDiffers(a, segment.address, "the shared address", "choose an unused address of the segment"));
        alias.ifPresent(a ->
                checkDiffers(a, segment.router, "the router's address", "choose an unused address of the segment"));
        return segment;
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
