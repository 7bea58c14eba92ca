package io.sharedip.examples.gateway.config;

import io.sharedip.SyntaxException;
import io.sharedip.examples.gateway.config.GatewayFile.AddressPlan;
import io.sharedip.examples.gateway.config.GatewayFile.NatSettings;
import io.sharedip.examples.gateway.config.Setting.Parsed;
import io.sharedip.nat.FilteringBehavior;
import io.sharedip.nat.FragmentLimits;
import io.sharedip.nat.MappingBehavior;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** Reads {@code nat}. */
final class NatReader {

    private static final int MOST_PORTS = 65_535;
    private static final int LEAST_MSS = 88;
    private static final int MOST_MSS = 65_495;
    private static final int MOST_ANSWERS = 1_000_000;
    private static final int LEAST_FRAGMENT_OCTETS = 128 << 10;
    private static final int MOST_FRAGMENT_OCTETS = 1 << 30;
    private static final Duration LONGEST_REASSEMBLY = Duration.ofMinutes(2);
    private static final Duration LONGEST_REUSE_DELAY = Duration.ofHours(1);

    private NatReader() {}

    static NatSettings read(Section nat, AddressPlanReader addresses, boolean sockets) {
        NatSettings defaults = NatSettings.DEFAULT;
        ProtocolBehavior tcp = nat.value("tcp")
                .flatMap(v -> v.section("tcp: { filtering: endpoint-independent }"))
                .map(section -> {
                    ProtocolBehavior behavior = behavior(section, defaults.tcp(), sockets);
                    section.finish();
                    return behavior;
                })
                .orElse(defaults.tcp());
        Optional<Section> udpSection =
                nat.value("udp").flatMap(v -> v.section("udp: { filtering: endpoint-independent }"));
        ProtocolBehavior udp = udpSection
                .map(section -> behavior(section, defaults.udp(), sockets))
                .orElse(defaults.udp());
        boolean inboundRefresh = udpSection
                .map(section -> flag(section, "inbound-refresh", defaults.udpInboundRefresh()))
                .orElse(defaults.udpInboundRefresh());
        udpSection.ifPresent(Section::finish);
        TcpTracking tracking = nat.value("tcp-tracking")
                .flatMap(v -> v.section("tcp-tracking: { mss-clamp: link }"))
                .map(section -> tracking(section, defaults.tcpTracking(), sockets))
                .orElse(defaults.tcpTracking());
        FragmentLimits fragments = nat.value("fragments")
                .flatMap(v -> v.section("fragments: { timeout: 30s }"))
                .map(section -> fragments(section, defaults.fragments()))
                .orElse(defaults.fragments());
        OptionalInt errors = rate(nat, "errors-per-second", "200", defaults.errorsPerSecond());
        OptionalInt echoReplies = rate(nat, "echo-replies-per-second", "2000", defaults.echoRepliesPerSecond());
        AddressPlan plan = addresses.read(nat);
        nat.finish();
        return new NatSettings(tcp, udp, inboundRefresh, tracking, fragments, errors, echoReplies, plan);
    }

    private static OptionalInt rate(Section nat, String key, String example, OptionalInt otherwise) {
        return one(nat, key, example, Forms.number(0, MOST_ANSWERS))
                .map(parsed -> OptionalInt.of(parsed.value()))
                .orElse(otherwise);
    }

    private static ProtocolBehavior behavior(Section section, ProtocolBehavior defaults, boolean sockets) {
        Optional<Parsed<MappingBehavior>> mapping =
                one(section, "mapping", "endpoint-independent", Forms.oneOf(List.of(MappingBehavior.values())));
        Optional<Parsed<FilteringBehavior>> filtering =
                one(section, "filtering", "address-dependent", Forms.oneOf(List.of(FilteringBehavior.values())));
        Optional<Parsed<Boolean>> overloading = one(section, "port-overloading", "false", Forms::bool);
        Duration delay = one(
                        section, "port-reuse-delay", "120s", DurationText.between(Duration.ZERO, LONGEST_REUSE_DELAY))
                .map(Parsed::value)
                .orElse(defaults.portReuseDelay());
        int ports = one(section, "ports-per-guest", "1000", Forms.number(0, MOST_PORTS))
                .map(Parsed::value)
                .orElse(defaults.portsPerGuest());
        MappingBehavior keeps = mapping.map(Parsed::value).orElse(defaults.mapping());
        FilteringBehavior letsIn = filtering.map(Parsed::value).orElse(defaults.filtering());
        boolean fits = keeps == MappingBehavior.ADDRESS_AND_PORT_DEPENDENT
                && letsIn == FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT;
        overloading
                .filter(o -> o.value() && sockets)
                .ifPresent(o -> o.setting()
                        .wrong(
                                "is not for the gateway to decide where the ports are the host's",
                                "leave it off: the host's kernel shares ports of TCP between peers anyway"));
        overloading
                .filter(o -> o.value() && !fits && !sockets)
                .ifPresent(o -> o.setting()
                        .wrong(
                                "needs to know every peer",
                                "write mapping: address-and-port-dependent and filtering: address-and-port-dependent"
                                        + " beside it"));
        return new ProtocolBehavior(
                keeps, letsIn, overloading.map(Parsed::value).orElse(false) && fits, delay, ports);
    }

    private static TcpTracking tracking(Section section, TcpTracking defaults, boolean sockets) {
        Optional<Parsed<Boolean>> pickup = one(section, "mid-stream-pickup", "false", Forms::bool);
        pickup.filter(p -> p.value() && sockets)
                .ifPresent(p -> p.setting()
                        .wrong(
                                "is impossible with sockets, which know nothing of connections that others have begun",
                                "leave it off, or take a card for the uplink"));
        TcpTracking tracking = new TcpTracking(
                flag(section, "window-checks", defaults.windowChecks()),
                pickup.map(Parsed::value).orElse(defaults.midStreamPickup()),
                one(section, "mss-clamp", "link", NatReader::mssClamp)
                        .map(Parsed::value)
                        .orElse(defaults.mssClamp()),
                flag(section, "answer-unsolicited-syn", defaults.answerUnsolicitedSyn()));
        section.finish();
        return tracking;
    }

    private static FragmentLimits fragments(Section section, FragmentLimits defaults) {
        Duration timeout = one(
                        section, "timeout", "30s", DurationText.between(Duration.ofSeconds(1), LONGEST_REASSEMBLY))
                .map(Parsed::value)
                .orElse(defaults.timeout());
        Optional<Parsed<Integer>> perGuest = octets(section, "octets-per-guest");
        Optional<Parsed<Integer>> fromGuests = octets(section, "octets-from-guests");
        int fromOutside =
                octets(section, "octets-from-outside").map(Parsed::value).orElse(defaults.octetsFromOutside());
        section.finish();
        int all = fromGuests.map(Parsed::value).orElse(defaults.octetsFromGuests());
        perGuest.filter(p -> p.value() > all)
                .ifPresent(p ->
                        p.setting().wrong("is more than all guests may have together, " + all, "use at most " + all));
        int each = Math.min(perGuest.map(Parsed::value).orElse(defaults.octetsPerGuest()), all);
        return new FragmentLimits(timeout, each, all, fromOutside);
    }

    private static Optional<Parsed<Integer>> octets(Section section, String key) {
        return one(section, key, "1048576", Forms.number(LEAST_FRAGMENT_OCTETS, MOST_FRAGMENT_OCTETS));
    }

    private static int mssClamp(String text) {
        return switch (text) {
            case "none" -> 0;
            case "link" -> TcpTracking.MSS_OF_LINK;
            default -> {
                if (text.isEmpty() || !Character.isDigit(text.charAt(0))) {
                    throw new SyntaxException(
                            "mss-clamp",
                            text,
                            0,
                            "is neither none, link nor a number of octets",
                            "write link for what fits into the links' MTU, or " + LEAST_MSS + " to " + MOST_MSS);
                }
                yield Forms.number(LEAST_MSS, MOST_MSS).apply(text);
            }
        };
    }

    private static boolean flag(Section section, String key, boolean byDefault) {
        return one(section, key, String.valueOf(byDefault), Forms::bool)
                .map(Parsed::value)
                .orElse(byDefault);
    }

    private static <T> Optional<Parsed<T>> one(Section section, String key, String example, Function<String, T> form) {
        return section.text(key, example).flatMap(s -> s.parse(form));
    }
}
