package io.sharedip.filter;

import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.PortRange;
import io.sharedip.address.RandomValues;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Random rules and chains that make sense. */
final class RandomRules {

    final RandomValues values;

    RandomRules(long seed) {
        this.values = new RandomValues(seed);
    }

    FilterRule rule() {
        Optional<IpProtocol> protocol = values.oneIn(3) ? Optional.empty() : Optional.of(values.protocol());
        boolean ported = protocol.map(IpProtocol::hasPorts).orElse(false);
        boolean tcp = protocol.equals(Optional.of(IpProtocol.TCP));
        boolean icmp = protocol.equals(Optional.of(IpProtocol.ICMP));
        Hook hook = values.oneOf(Hook.values());
        RuleEnd from = end();
        RuleEnd to = end();
        while (from instanceof RuleEnd.Prefix a
                && to instanceof RuleEnd.Prefix b
                && a.prefix().isIpv4() != b.prefix().isIpv4()) {
            to = end();
        }
        return new FilterRule(
                values.oneOf(Verdict.values()),
                protocol,
                from,
                ported ? ports() : List.of(),
                to,
                ported ? ports() : List.of(),
                hook == Hook.FLOW ? states() : Set.of(),
                tcp && values.oneIn(2) ? Optional.of(flags()) : Optional.empty(),
                icmp && values.oneIn(2) ? OptionalInt.of(values.random.nextInt(256)) : OptionalInt.empty(),
                hook,
                values.oneIn(3));
    }

    private RuleEnd end() {
        return switch (values.random.nextInt(6)) {
            case 0 -> RuleEnd.any();
            case 1 -> RuleEnd.host();
            case 2 -> RuleEnd.outside();
            case 3 -> RuleEnd.guest(values.guest());
            case 4 -> RuleEnd.prefix(values.oneIn(4) ? IpPrefix.ANY_IPV4 : values.ipv4Prefix());
            default -> RuleEnd.prefix(values.prefix());
        };
    }

    private List<PortRange> ports() {
        List<PortRange> ports = new ArrayList<>();
        for (int more = values.random.nextInt(4); more > 0; more--) {
            ports.add(values.ports());
        }
        return ports;
    }

    private Set<FlowState> states() {
        Set<FlowState> states = EnumSet.noneOf(FlowState.class);
        for (int more = values.random.nextInt(4); more > 0; more--) {
            states.add(values.oneOf(FlowState.values()));
        }
        return states;
    }

    TcpFlags flags() {
        int mask = 1 + values.random.nextInt(255);
        return new TcpFlags(mask, values.random.nextInt(256) & mask);
    }

    FilterChain chain() {
        FilterChain.Builder builder = FilterChain.builder();
        for (Hook hook : Hook.values()) {
            builder.policy(hook, values.oneOf(new Verdict[] {Verdict.ACCEPT, Verdict.DROP, Verdict.REJECT}));
        }
        for (int more = values.random.nextInt(8); more > 0; more--) {
            builder.add(rule());
        }
        return builder.build();
    }
}
