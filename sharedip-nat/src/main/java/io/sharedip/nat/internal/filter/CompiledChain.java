package io.sharedip.nat.internal.filter;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.PortRange;
import io.sharedip.filter.FilterChain;
import io.sharedip.filter.FilterRule;
import io.sharedip.filter.FlowState;
import io.sharedip.filter.Hook;
import io.sharedip.filter.RuleEnd;
import io.sharedip.filter.TcpFlags;
import io.sharedip.filter.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * A filter chain with its names resolved to numbers, swapped whole. Judged at one hook at a time against a {@link Subject};
 * counts hits; judging allocates nothing.
 */
public final class CompiledChain {

    /** The end of a packet that is neither a guest nor known to be outside or the host. */
    public static final int UNKNOWN = -2;
    /** The end of a packet that is the host itself. */
    public static final int HOST = -1;
    /** What only the host's own links know (RFC 3927). */
    public static final int LINK_LOCAL = 0xa9fe0000;
    /** The length of {@link #LINK_LOCAL}. */
    public static final int LINK_LOCAL_MASK = 0xffff0000;

    /** The end of a packet that is outside; guests have numbers above. */
    public static final int OUTSIDE = 0;

    /** What a chain judges: a reused, mutable description of one packet or flow. */
    public static final class Subject {
        public int source;
        public int sourceAddress;
        public int sourcePort;
        public int destination;
        public int destinationAddress;
        public int destinationPort;
        public int protocol;
        public int tcpFlags;
        public int icmpType;
        public FlowState state = FlowState.NEW;

        /** Sets what is the same at every hook. */
        public Subject of(
                int protocolNumber,
                int sourceEnd,
                int fromAddress,
                int fromPort,
                int destinationEnd,
                int toAddress,
                int toPort) {
            protocol = protocolNumber;
            source = sourceEnd;
            sourceAddress = fromAddress;
            sourcePort = fromPort;
            destination = destinationEnd;
            destinationAddress = toAddress;
            destinationPort = toPort;
            return this;
        }
    }

    /** Hears of matches of rules with {@code log}. */
    @FunctionalInterface
    public interface MatchLog {
        /** A rule matched. */
        void matched(FilterRule rule, Subject subject);
    }

    private final FilterChain chain;
    private final int epoch;
    private final List<Rule> all = new ArrayList<>();
    private final Rule[][] byHook = new Rule[Hook.values().length][];
    private final Rule[] related;
    private final Verdict[] policies = new Verdict[Hook.values().length];
    private final MatchLog log;

    /**
     * Compiles a chain.
     *
     * @param chain whose guests all exist
     * @param epoch tells this chain from the others; flows remember it
     * @param guests gives a guest's number
     * @param log hears of logged matches
     */
    public CompiledChain(FilterChain chain, int epoch, ToIntFunction<GuestId> guests, MatchLog log) {
        this.chain = chain;
        this.epoch = epoch;
        this.log = log;
        for (FilterRule rule : chain.rules()) {
            all.add(new Rule(rule, guests));
        }
        for (Hook hook : Hook.values()) {
            byHook[hook.ordinal()] =
                    all.stream().filter(r -> r.rule.hook() == hook).toArray(Rule[]::new);
            policies[hook.ordinal()] = chain.policy(hook);
        }
        related = all.stream()
                .filter(r -> r.rule.states().contains(FlowState.RELATED))
                .toArray(Rule[]::new);
    }

    public FilterChain chain() {
        return chain;
    }

    public int epoch() {
        return epoch;
    }

    /** How often each rule matched, in the chain's order. */
    public long[] hits() {
        return all.stream().mapToLong(r -> r.hits).toArray();
    }

    /** Whether every packet passes at this hook, so that no subject need be made. */
    public boolean isOpen(Hook hook) {
        return byHook[hook.ordinal()].length == 0 && policies[hook.ordinal()] == Verdict.ACCEPT;
    }

    /** The verdict at a hook: accept, drop or reject. */
    public Verdict judge(Hook hook, Subject subject) {
        return judge(byHook[hook.ordinal()], subject, policies[hook.ordinal()]);
    }

    /**
     * The verdict on a guest's flow to the host, which is closed to guests but for what rules open: those that accept only because they
     * accept everybody, or a wider prefix, do not count.
     *
     * @return accept, drop, reject, or continue if nothing opens or forbids it
     */
    public Verdict judgeToHost(Subject subject) {
        for (Rule rule : byHook[Hook.FLOW.ordinal()]) {
            if (rule.matches(subject)
                    && (rule.rule.action() != Verdict.ACCEPT || rule.to.names(subject.destinationAddress))) {
                rule.hits++;
                if (rule.rule.log()) {
                    log.matched(rule.rule, subject);
                }
                if (rule.rule.action() != Verdict.CONTINUE) {
                    return rule.rule.action();
                }
            }
        }
        return policies[Hook.FLOW.ordinal()] == Verdict.ACCEPT ? Verdict.CONTINUE : policies[Hook.FLOW.ordinal()];
    }

    /** Whether any rule names the state "related", so that a subject for {@link #judgeRelated} is worth making. */
    public boolean judgesRelated() {
        return related.length > 0;
    }

    /** The verdict on an ICMP error of an accepted flow: it passes unless a rule that names the state "related" forbids it. */
    public Verdict judgeRelated(Subject subject) {
        subject.state = FlowState.RELATED;
        return judge(related, subject, Verdict.ACCEPT);
    }

    private Verdict judge(Rule[] rules, Subject subject, Verdict otherwise) {
        for (Rule rule : rules) {
            if (rule.matches(subject)) {
                rule.hits++;
                if (rule.rule.log()) {
                    log.matched(rule.rule, subject);
                }
                if (rule.rule.action() != Verdict.CONTINUE) {
                    return rule.rule.action();
                }
            }
        }
        return otherwise;
    }

    private static final class Rule {
        private final FilterRule rule;
        private final int protocol;
        private final End from;
        private final End to;
        private final int states;
        private final int flagsMask;
        private final int flagsValue;
        private final int icmpType;
        private long hits;

        Rule(FilterRule rule, ToIntFunction<GuestId> guests) {
            this.rule = rule;
            this.protocol = rule.protocol().map(p -> p.number()).orElse(-1);
            this.from = new End(rule.from(), rule.fromPorts(), guests);
            this.to = new End(rule.to(), rule.toPorts(), guests);
            int bits = 0;
            for (FlowState state : rule.states()) {
                bits |= 1 << state.ordinal();
            }
            this.states = bits;
            this.flagsMask = rule.flags().map(TcpFlags::mask).orElse(0);
            this.flagsValue = rule.flags().map(TcpFlags::value).orElse(0);
            this.icmpType = rule.icmpType().orElse(-1);
        }

        boolean matches(Subject s) {
            return (protocol < 0 || protocol == s.protocol)
                    && from.matches(s.source, s.sourceAddress, s.sourcePort)
                    && to.matches(s.destination, s.destinationAddress, s.destinationPort)
                    && (states == 0 || (states & 1 << s.state.ordinal()) != 0)
                    && (s.tcpFlags & flagsMask) == flagsValue
                    && (icmpType < 0 || icmpType == s.icmpType);
        }
    }

    private static final class End {
        private static final int ANY = -3;

        private final int end;
        private final int network;
        private final int mask;
        private final int[] firstPorts;
        private final int[] lastPorts;

        End(RuleEnd end, List<PortRange> ports, ToIntFunction<GuestId> guests) {
            int number = ANY;
            int net = 0;
            int bits = 0;
            if (end instanceof RuleEnd.GuestEnd guest) {
                number = guests.applyAsInt(guest.guest());
            } else if (end instanceof RuleEnd.Host) {
                number = HOST;
            } else if (end instanceof RuleEnd.Outside) {
                number = OUTSIDE;
            } else if (end instanceof RuleEnd.Prefix prefix) {
                IpPrefix p = prefix.prefix();
                if (!(p.network() instanceof Ipv4Address v4)) {
                    throw new ConfigurationException(
                            "rule",
                            end.toString(),
                            "is an IPv6 prefix, and IPv6 does not pass yet",
                            "use an IPv4 prefix");
                }
                net = v4.bits();
                bits = p.mask();
            }
            this.end = number;
            this.network = net;
            this.mask = bits;
            this.firstPorts = ports.stream().mapToInt(PortRange::first).toArray();
            this.lastPorts = ports.stream().mapToInt(PortRange::last).toArray();
        }

        /** Whether this end is the host by name, or no wider than the part of the host that an address stands for. */
        boolean names(int address) {
            return end == HOST
                    || mask == -1
                    || ((address & LINK_LOCAL_MASK) == LINK_LOCAL && (mask & LINK_LOCAL_MASK) == LINK_LOCAL_MASK);
        }

        boolean matches(int actual, int address, int port) {
            if ((end != ANY && end != actual) || (address & mask) != network) {
                return false;
            }
            if (firstPorts.length == 0) {
                return true;
            }
            for (int i = 0; i < firstPorts.length; i++) {
                if (port >= firstPorts[i] && port <= lastPorts[i]) {
                    return true;
                }
            }
            return false;
        }
    }
}
