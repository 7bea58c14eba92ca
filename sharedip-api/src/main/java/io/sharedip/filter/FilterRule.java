package io.sharedip.filter;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.PortRange;
import io.sharedip.internal.text.TextScanner;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One rule of the firewall: what it matches, at which hook, and what then happens. A part that is left empty matches
 * everything.
 *
 * <pre>{@code
 * FilterRule.drop().protocol(IpProtocol.TCP).from(RuleEnd.guest("db")).to(RuleEnd.any(), PortRange.of(25)).build()
 *         .equals(FilterRule.parse("drop tcp from guest db to any port 25"));  // true
 * }</pre>
 *
 * <p>Immutable and thread-safe.
 *
 * @param action what happens to what matches
 * @param protocol the protocol; empty for all
 * @param from who sent it, at {@link Hook#FLOW} who began the flow
 * @param fromPorts the source ports, one of which must match; empty for all
 * @param to who shall get it
 * @param toPorts the destination ports, one of which must match; empty for all
 * @param states what it is to the flow table, one of which must match; empty for all
 * @param flags the TCP flags; empty for all
 * @param icmpType the ICMP type (RFC 792), 0 to 255; empty for all
 * @param hook where the rule is asked
 * @param log whether each match emits an event
 */
public record FilterRule(
        Verdict action,
        Optional<IpProtocol> protocol,
        RuleEnd from,
        List<PortRange> fromPorts,
        RuleEnd to,
        List<PortRange> toPorts,
        Set<FlowState> states,
        Optional<TcpFlags> flags,
        OptionalInt icmpType,
        Hook hook,
        boolean log) {

    static final String FROM_PORT = "source port";
    static final String TO_PORT = "destination port";
    static final String TO = "destination";
    static final String STATE = "state";
    static final String FLAGS = "flags";
    static final String ICMP_TYPE = "icmp-type";

    static final int MAX_ICMP_TYPE = 255;

    /**
     * Copies the collections and refuses what could never match.
     *
     * @param action what happens to what matches
     * @param protocol the protocol; empty for all
     * @param from who sent it
     * @param fromPorts the source ports; empty for all
     * @param to who shall get it
     * @param toPorts the destination ports; empty for all
     * @param states what it is to the flow table; empty for all
     * @param flags the TCP flags; empty for all
     * @param icmpType the ICMP type; empty for all
     * @param hook where the rule is asked
     * @param log whether each match emits an event
     * @throws ConfigurationException if there are ports and the protocol is neither TCP nor UDP, flags and it is not TCP, an
     *     ICMP type and it is not ICMP; if a state is asked for at another hook than {@link Hook#FLOW}; if the ICMP type is out
     *     of range; or if one end is an IPv4 prefix and the other an IPv6 prefix
     */
    public FilterRule {
        Objects.requireNonNull(action, "action");
        Objects.requireNonNull(protocol, "protocol");
        Objects.requireNonNull(from, "from");
        fromPorts = List.copyOf(fromPorts);
        Objects.requireNonNull(to, "to");
        toPorts = List.copyOf(toPorts);
        states = inOrder(states);
        Objects.requireNonNull(flags, "flags");
        Objects.requireNonNull(icmpType, "icmpType");
        Objects.requireNonNull(hook, "hook");
        requirePorts(FROM_PORT, fromPorts, protocol);
        requirePorts(TO_PORT, toPorts, protocol);
        if (mixesVersions(from, to)) {
            throw new ConfigurationException(
                    TO, to.toString(), "is of another IP version than the source " + from, "use one version in a rule");
        }
        if (!states.isEmpty() && hook != Hook.FLOW) {
            throw new ConfigurationException(
                    STATE,
                    joined(states.stream().map(TextScanner::name).toList()),
                    "cannot be known at the hook " + TextScanner.name(hook),
                    "leave the state out, or use the hook flow");
        }
        if (flags.isPresent() && !isProtocol(protocol, IpProtocol.TCP)) {
            throw new ConfigurationException(
                    FLAGS,
                    flags.get().toString(),
                    "needs the protocol tcp",
                    "name the protocol, as in 'drop tcp from ...'");
        }
        if (icmpType.isPresent()) {
            checkIcmpType(icmpType.getAsInt(), protocol);
        }
    }

    private static Set<FlowState> inOrder(Set<FlowState> states) {
        EnumSet<FlowState> copy = EnumSet.noneOf(FlowState.class);
        copy.addAll(states);
        return Collections.unmodifiableSet(copy);
    }

    private static void requirePorts(String setting, List<PortRange> ports, Optional<IpProtocol> protocol) {
        if (!ports.isEmpty() && !protocol.map(IpProtocol::hasPorts).orElse(false)) {
            throw new ConfigurationException(
                    setting,
                    joined(ports),
                    "needs the protocol tcp or udp",
                    "name the protocol, as in 'drop tcp from ...', and write two rules for both");
        }
    }

    private static boolean mixesVersions(RuleEnd from, RuleEnd to) {
        return from instanceof RuleEnd.Prefix a
                && to instanceof RuleEnd.Prefix b
                && a.prefix().isIpv4() != b.prefix().isIpv4();
    }

    private static boolean isProtocol(Optional<IpProtocol> protocol, IpProtocol wanted) {
        return protocol.isPresent() && protocol.get().equals(wanted);
    }

    private static void checkIcmpType(int type, Optional<IpProtocol> protocol) {
        if (!isProtocol(protocol, IpProtocol.ICMP)) {
            throw new ConfigurationException(
                    ICMP_TYPE,
                    Integer.toString(type),
                    "needs the protocol icmp",
                    "name the protocol, as in 'drop icmp from ...'");
        }
        if (type < 0 || type > MAX_ICMP_TYPE) {
            throw new ConfigurationException(
                    ICMP_TYPE, Integer.toString(type), "is out of range", "use 0 to " + MAX_ICMP_TYPE);
        }
    }

    private static String joined(List<?> items) {
        return items.stream().map(Object::toString).collect(Collectors.joining(","));
    }

    /**
     * Begins a rule that lets pass.
     *
     * @return a builder that matches everything at {@link Hook#FLOW}
     */
    public static Builder accept() {
        return new Builder(Verdict.ACCEPT);
    }

    /**
     * Begins a rule that drops without an answer.
     *
     * @return a builder that matches everything at {@link Hook#FLOW}
     */
    public static Builder drop() {
        return new Builder(Verdict.DROP);
    }

    /**
     * Begins a rule that drops and tells the sender.
     *
     * @return a builder that matches everything at {@link Hook#FLOW}
     */
    public static Builder reject() {
        return new Builder(Verdict.REJECT);
    }

    /**
     * Begins a rule that counts and, if {@linkplain Builder#log() told to}, logs, and leaves the decision to the rules after
     * it.
     *
     * @return a builder that matches everything at {@link Hook#FLOW}, with the action {@link Verdict#CONTINUE}
     */
    public static Builder proceed() {
        return new Builder(Verdict.CONTINUE);
    }

    /**
     * Reads a rule.
     *
     * @param text one rule in the grammar of {@link RuleSyntax}
     * @return the rule
     * @throws SyntaxException if the text does not follow the grammar, or asks for what the constructor refuses
     */
    public static FilterRule parse(String text) {
        return RuleSyntax.parse(text);
    }

    /**
     * The rule in the grammar of {@link RuleSyntax}.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return RuleSyntax.format(this);
    }

    /**
     * Collects the parts of a rule. What is not set matches everything; the hook is {@link Hook#FLOW}.
     *
     * <p>Not thread-safe. It may be used on after {@link #build()}.
     */
    public static final class Builder {

        private final Verdict action;
        private Optional<IpProtocol> protocol = Optional.empty();
        private RuleEnd from = RuleEnd.any();
        private List<PortRange> fromPorts = List.of();
        private RuleEnd to = RuleEnd.any();
        private List<PortRange> toPorts = List.of();
        private Set<FlowState> states = Set.of();
        private Optional<TcpFlags> flags = Optional.empty();
        private OptionalInt icmpType = OptionalInt.empty();
        private Hook hook = Hook.FLOW;
        private boolean log;

        Builder(Verdict action) {
            this.action = action;
        }

        /**
         * Sets the protocol.
         *
         * @param protocol the protocol to match
         * @return this builder
         */
        public Builder protocol(IpProtocol protocol) {
            this.protocol = Optional.of(protocol);
            return this;
        }

        /**
         * Sets who sent it.
         *
         * @param end the end to match
         * @param ports the source ports, one of which must match; none for all
         * @return this builder
         */
        public Builder from(RuleEnd end, PortRange... ports) {
            this.from = Objects.requireNonNull(end, "end");
            this.fromPorts = List.of(ports);
            return this;
        }

        /**
         * Sets who shall get it.
         *
         * @param end the end to match
         * @param ports the destination ports, one of which must match; none for all
         * @return this builder
         */
        public Builder to(RuleEnd end, PortRange... ports) {
            this.to = Objects.requireNonNull(end, "end");
            this.toPorts = List.of(ports);
            return this;
        }

        /**
         * Sets the states.
         *
         * @param states the states, one of which must match; none for all
         * @return this builder
         */
        public Builder states(FlowState... states) {
            this.states = inOrder(Set.copyOf(Arrays.asList(states)));
            return this;
        }

        /**
         * Sets the TCP flags.
         *
         * @param flags the flags to match
         * @return this builder
         */
        public Builder flags(TcpFlags flags) {
            this.flags = Optional.of(flags);
            return this;
        }

        /**
         * Sets the TCP flags.
         *
         * @param flags the flags to match, as {@link TcpFlags#parse} reads them
         * @return this builder
         * @throws SyntaxException if the text is not of that form
         */
        public Builder flags(String flags) {
            return flags(TcpFlags.parse(flags));
        }

        /**
         * Sets the ICMP type.
         *
         * @param type the type to match, 0 to 255; 8 is the echo request
         * @return this builder
         */
        public Builder icmpType(int type) {
            this.icmpType = OptionalInt.of(type);
            return this;
        }

        /**
         * Sets the place where the rule is asked.
         *
         * @param hook the hook
         * @return this builder
         */
        public Builder hook(Hook hook) {
            this.hook = Objects.requireNonNull(hook, "hook");
            return this;
        }

        /**
         * Makes each match emit an event.
         *
         * @return this builder
         */
        public Builder log() {
            this.log = true;
            return this;
        }

        /**
         * Makes the rule.
         *
         * @return the rule
         * @throws ConfigurationException if the parts contradict each other, as {@link FilterRule} says
         */
        public FilterRule build() {
            return new FilterRule(action, protocol, from, fromPorts, to, toPorts, states, flags, icmpType, hook, log);
        }
    }
}
