package io.sharedip.filter;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.PortRange;
import io.sharedip.internal.text.Numbers;
import io.sharedip.internal.text.TextScanner;
import io.sharedip.internal.text.Word;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The one text form of rules.
 *
 * <pre>
 * RULE     = ACTION [PROTOCOL] "from" END ["port" PORTS] "to" END ["port" PORTS] OPTIONS
 * ACTION   = "accept" | "drop" | "reject" | "continue"
 * PROTOCOL = "tcp" | "udp" | "icmp" | number 0 to 255
 * END      = "any" | "guest" NAME | "host" | "outside" | PREFIX
 * PREFIX   = address | address "/" length             192.0.2.10, 192.0.2.0/24, 2001:db8::/32
 * PORTS    = ports {"," ports}                        80   80,443   1000-2000   22,8000-8099
 * OPTIONS  = ["state" STATE {"," STATE}] ["flags" FLAGS] ["icmp-type" number 0 to 255]
 *            ["hook" HOOK] ["log"]                    each at most once, in any order
 * STATE    = "new" | "established" | "related"
 * FLAGS    = flag {"," flag} | letters "/" letters    syn,!ack   S/SA   see {@link TcpFlags}
 * HOOK     = "ingress" | "flow" | "egress"            flow if left out
 * </pre>
 *
 * <p>Words are separated by blanks, lists have none; everything is lower case but names of guests, which are as they are.
 * Examples:
 *
 * <pre>
 * drop tcp from guest db to any port 25
 * accept tcp from 198.51.100.0/24 to guest web port 80,443 state new log
 * reject icmp from outside to any icmp-type 8
 * drop tcp from outside to any flags syn,fin hook ingress
 * continue from any to host log
 * </pre>
 *
 * <p>Ports need the protocol tcp or udp, {@code flags} tcp, {@code icmp-type} icmp, {@code state} the hook flow.
 *
 * <p>{@link #format} writes what {@link #parse} reads, the options in the order of the grammar and the hook only if it is not
 * flow: {@code parse(format(rule)).equals(rule)} for every rule. Thread-safe, without state.
 */
public final class RuleSyntax {

    private static final String SETTING = "rule";
    private static final String ENDS = "any, guest NAME, host, outside, or an address or prefix such as 192.0.2.0/24";
    private static final String PORTS = "ports such as 80, 80,443 or 1000-2000";
    private static final String STATES = "new, established or related, with commas but no blanks between";
    private static final String OPTIONS = "state, flags, icmp-type, hook, log, or nothing";
    private static final Numbers ICMP_TYPE = new Numbers("ICMP type", "an ICMP type", 0, FilterRule.MAX_ICMP_TYPE);

    private RuleSyntax() {}

    /**
     * Reads one rule.
     *
     * @param text the rule; blanks around it do not matter
     * @return the rule
     * @throws SyntaxException if the text does not follow the grammar, or asks for what {@link FilterRule} refuses; it knows
     *     the position of the first word or character at fault
     */
    public static FilterRule parse(String text) {
        Objects.requireNonNull(text, "text");
        TextScanner scanner = new TextScanner(SETTING, text);
        return parse(scanner, scanner.next("accept, drop, reject or continue"), List.of());
    }

    /** Reads the rule that begins with this word; {@code others} are the words that may begin something else. */
    static FilterRule parse(TextScanner scanner, Word first, List<String> others) {
        Verdict action = scanner.oneOf(first, List.of(Verdict.values()), others);
        return new Parser(scanner, action).rest();
    }

    /**
     * Writes one rule.
     *
     * @param rule the rule
     * @return the text that {@link #parse} reads
     */
    public static String format(FilterRule rule) {
        StringBuilder s = new StringBuilder(TextScanner.name(rule.action()));
        rule.protocol().ifPresent(p -> s.append(' ').append(p));
        s.append(" from ").append(rule.from());
        clause(s, " port ", rule.fromPorts());
        s.append(" to ").append(rule.to());
        clause(s, " port ", rule.toPorts());
        clause(s, " state ", rule.states().stream().map(TextScanner::name).toList());
        rule.flags().ifPresent(f -> s.append(" flags ").append(f));
        rule.icmpType().ifPresent(t -> s.append(" icmp-type ").append(t));
        if (rule.hook() != Hook.FLOW) {
            s.append(" hook ").append(TextScanner.name(rule.hook()));
        }
        if (rule.log()) {
            s.append(" log");
        }
        return s.toString();
    }

    private static void clause(StringBuilder s, String word, List<?> items) {
        if (!items.isEmpty()) {
            s.append(word).append(items.stream().map(Object::toString).collect(Collectors.joining(",")));
        }
    }

    private static final class Parser {

        private final TextScanner scanner;
        private final Verdict action;
        private final Map<String, Integer> positions = new HashMap<>();
        private List<PortRange> fromPorts = List.of();
        private List<PortRange> toPorts = List.of();
        private final Set<FlowState> states = EnumSet.noneOf(FlowState.class);
        private Optional<TcpFlags> flags = Optional.empty();
        private OptionalInt icmpType = OptionalInt.empty();
        private Hook hook = Hook.FLOW;
        private boolean log;

        Parser(TextScanner scanner, Verdict action) {
            this.scanner = scanner;
            this.action = action;
        }

        FilterRule rest() {
            Optional<IpProtocol> protocol = protocol();
            RuleEnd from = end();
            Word word = next("port or to");
            if (word.is("port")) {
                positions.put(FilterRule.FROM_PORT, word.position());
                fromPorts = list(PORTS, PortRange::parse);
                word = next("to");
                if (!word.is("to")) {
                    throw scanner.unexpected(word, List.of("to"), "to");
                }
            } else if (!word.is("to")) {
                throw scanner.unexpected(word, List.of("to", "port"), "port or to");
            }
            positions.put(FilterRule.TO, word.position());
            RuleEnd to = end();
            boolean first = true;
            while (!scanner.atEnd()) {
                option(next(OPTIONS), first);
                first = false;
            }
            return build(protocol, from, to);
        }

        private Word next(String expected) {
            return scanner.next(expected);
        }

        private Optional<IpProtocol> protocol() {
            String expected = "from, or a protocol (tcp, udp, icmp or a number from 0 to 255)";
            Word word = next(expected);
            if (word.is("from")) {
                return Optional.empty();
            }
            if (!looksLikeProtocol(word.text())) {
                throw scanner.unexpected(word, List.of("from", "tcp", "udp", "icmp"), expected);
            }
            IpProtocol protocol = scanner.parse(word, IpProtocol::parse);
            Word from = next("from");
            if (!from.is("from")) {
                throw scanner.unexpected(from, List.of("from"), "from");
            }
            return Optional.of(protocol);
        }

        private static boolean looksLikeProtocol(String word) {
            return List.of("tcp", "udp", "icmp").contains(word) || Character.isDigit(word.charAt(0));
        }

        private RuleEnd end() {
            Word word = next(ENDS);
            return switch (word.text()) {
                case "any" -> RuleEnd.any();
                case "host" -> RuleEnd.host();
                case "outside" -> RuleEnd.outside();
                case "guest" -> RuleEnd.guest(scanner.guest(next("the guest's name")));
                default -> {
                    refusePort(word);
                    if (!looksLikePrefix(word.text())) {
                        throw scanner.unexpected(word, List.of("any", "guest", "host", "outside"), ENDS);
                    }
                    yield RuleEnd.prefix(scanner.parse(word, IpPrefix::parse));
                }
            };
        }

        private void refusePort(Word word) {
            int colon = word.text().indexOf(':');
            String head = word.text().substring(0, Math.max(colon, 0));
            if (List.of("any", "host", "outside").contains(head) || head.indexOf('.') >= 0) {
                throw scanner.error(
                        word.position() + colon,
                        "has '" + word.text() + "' where an end without ports should stand",
                        "write its ports after it, such as '" + head + " port 80'");
            }
        }

        private static boolean looksLikePrefix(String word) {
            return Character.isDigit(word.charAt(0)) || word.indexOf(':') >= 0;
        }

        private void option(Word word, boolean first) {
            switch (word.text()) {
                case "port" -> {
                    if (!first) {
                        throw scanner.error(
                                word.position(), "has 'port' where it cannot stand", "write it right after its end");
                    }
                    positions.put(FilterRule.TO_PORT, word.position());
                    toPorts = list(PORTS, PortRange::parse);
                }
                case "state" -> {
                    once(FilterRule.STATE, word);
                    for (Word item : items(STATES)) {
                        FlowState state = scanner.oneOf(item, List.of(FlowState.values()));
                        if (!states.add(state)) {
                            throw scanner.error(
                                    item.position(), "has '" + item.text() + "' twice", "name each state once");
                        }
                    }
                }
                case "flags" -> {
                    once(FilterRule.FLAGS, word);
                    flags = Optional.of(scanner.parse(next("flags such as syn,!ack"), TcpFlags::parse));
                }
                case "icmp-type" -> {
                    once(FilterRule.ICMP_TYPE, word);
                    icmpType = OptionalInt.of(scanner.parse(next("a number from 0 to 255"), ICMP_TYPE::parse));
                }
                case "hook" -> {
                    once("hook", word);
                    hook = scanner.nextOf(List.of(Hook.values()));
                }
                case "log" -> {
                    once("log", word);
                    log = true;
                }
                default -> {
                    List<String> known = List.of("port", "state", "flags", "icmp-type", "hook", "log");
                    throw scanner.unexpected(word, known, first ? "port, " + OPTIONS : OPTIONS);
                }
            }
        }

        private void once(String option, Word word) {
            if (positions.putIfAbsent(option, word.position()) != null) {
                throw scanner.error(word.position(), "has '" + option + "' twice", "name each option once");
            }
        }

        private List<Word> items(String expected) {
            List<Word> items = next(expected).split(',');
            for (Word item : items) {
                if (item.text().isEmpty()) {
                    throw scanner.error(
                            item.position(),
                            "has a list with nothing where an item should stand",
                            "write " + expected + "; lists have one comma and no blank between items");
                }
            }
            return items;
        }

        private <T> List<T> list(String expected, Function<String, T> form) {
            List<T> values = new ArrayList<>();
            for (Word item : items(expected)) {
                values.add(scanner.parse(item, form));
            }
            return values;
        }

        private FilterRule build(Optional<IpProtocol> protocol, RuleEnd from, RuleEnd to) {
            try {
                return new FilterRule(
                        action, protocol, from, fromPorts, to, toPorts, states, flags, icmpType, hook, log);
            } catch (ConfigurationException e) {
                String setting = e.setting().orElse("rule");
                throw scanner.error(
                        positions.getOrDefault(setting, 0),
                        "has the " + setting + " '" + e.value().orElse("") + "', which " + e.problem(),
                        e.cure().orElse("correct it"));
            }
        }
    }
}
