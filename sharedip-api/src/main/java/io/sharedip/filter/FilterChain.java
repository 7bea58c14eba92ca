package io.sharedip.filter;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.TextScanner;
import io.sharedip.internal.text.Word;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All the rules of a gateway, in order, and what each hook does when none of its rules matches. A gateway replaces its chain
 * as a whole: packets see the old one or the new one, never a mixture.
 *
 * <p>The text form has one rule a line (see {@link RuleSyntax}), comments from {@code #} to the end of the line, blank lines,
 * and at most one line for the policy of each hook:
 *
 * <pre>
 * # mail only through the relay
 * default accept                  # hook flow
 * default drop hook ingress
 * accept tcp from guest relay to any port 25
 * reject tcp from any to any port 25 log
 * </pre>
 *
 * <p>Immutable and thread-safe. Two chains are equal if they have equal rules in the same order and the same policies.
 */
public final class FilterChain {

    private static final String SETTING = "filter chain line ";
    private static final String DEFAULT = "default";
    private static final List<Verdict> POLICIES = List.of(Verdict.ACCEPT, Verdict.DROP, Verdict.REJECT);
    private static final FilterChain ACCEPT_ALL = builder().build();

    private final List<FilterRule> rules;
    private final Map<Hook, Verdict> policies;

    private FilterChain(List<FilterRule> rules, Map<Hook, Verdict> policies) {
        this.rules = List.copyOf(rules);
        this.policies = Collections.unmodifiableMap(new EnumMap<>(policies));
    }

    /**
     * The chain without rules that accepts at every hook.
     *
     * @return the chain
     */
    public static FilterChain acceptAll() {
        return ACCEPT_ALL;
    }

    /**
     * Begins a chain.
     *
     * @return a builder without rules, with the policy {@link Verdict#ACCEPT} for each hook
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Begins a chain that differs from this one.
     *
     * @return a builder with the rules and policies of this chain
     */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.rules.addAll(rules);
        builder.policies.putAll(policies);
        return builder;
    }

    /**
     * Reads a chain.
     *
     * @param text rules, policies and comments as said above
     * @return the chain
     * @throws SyntaxException if a line is wrong: its {@linkplain SyntaxException#setting() setting} names the line, counted
     *     from 1, its {@linkplain SyntaxException#value() value} is that line, and its
     *     {@linkplain SyntaxException#position() position} is the place in it
     */
    public static FilterChain parse(String text) {
        Builder builder = new Builder();
        Map<Hook, Integer> seen = new EnumMap<>(Hook.class);
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            int comment = line.indexOf('#');
            int end = comment < 0 ? line.length() : comment;
            TextScanner scanner = new TextScanner(SETTING + number, line, 0, end);
            if (scanner.atEnd()) {
                continue;
            }
            Word first = scanner.next("a rule");
            if (first.is(DEFAULT)) {
                policy(builder, scanner, first, seen, number);
            } else {
                builder.add(RuleSyntax.parse(scanner, first, List.of(DEFAULT)));
            }
        }
        return builder.build();
    }

    private static void policy(Builder builder, TextScanner scanner, Word word, Map<Hook, Integer> seen, int number) {
        Verdict verdict = scanner.nextOf(POLICIES);
        Hook hook = Hook.FLOW;
        if (!scanner.atEnd()) {
            Word option = scanner.next("hook");
            if (!option.is("hook")) {
                throw scanner.unexpected(option, List.of("hook"), "hook, or nothing");
            }
            hook = scanner.nextOf(List.of(Hook.values()));
            scanner.expectEnd("end the line after the hook");
        }
        Integer earlier = seen.putIfAbsent(hook, number);
        if (earlier != null) {
            throw scanner.error(
                    word.position(),
                    "is the second policy for the hook " + TextScanner.name(hook),
                    "remove this line or line " + earlier);
        }
        builder.policy(hook, verdict);
    }

    /**
     * The rules of all hooks.
     *
     * @return the rules in the order in which they are tried, unmodifiable
     */
    public List<FilterRule> rules() {
        return rules;
    }

    /**
     * The rules of one hook.
     *
     * @param hook the hook
     * @return its rules in the order in which they are tried, unmodifiable
     */
    public List<FilterRule> rules(Hook hook) {
        Objects.requireNonNull(hook, "hook");
        return rules.stream().filter(rule -> rule.hook() == hook).toList();
    }

    /**
     * What happens at a hook to what none of its rules decides.
     *
     * @param hook the hook
     * @return {@link Verdict#ACCEPT} if nothing else was set, {@link Verdict#DROP} or {@link Verdict#REJECT}
     */
    public Verdict policy(Hook hook) {
        Objects.requireNonNull(hook, "hook");
        return policies.getOrDefault(hook, Verdict.ACCEPT);
    }

    /**
     * The chain as text: the policies that are not {@link Verdict#ACCEPT}, then the rules, each on a line that ends with
     * {@code \n}.
     *
     * @return the text that {@link #parse} reads; {@code parse(chain.format()).equals(chain)} for every chain
     */
    public String format() {
        StringBuilder s = new StringBuilder();
        for (Hook hook : Hook.values()) {
            if (policy(hook) != Verdict.ACCEPT) {
                s.append(DEFAULT).append(' ').append(TextScanner.name(policy(hook)));
                s.append(hook == Hook.FLOW ? "" : " hook " + TextScanner.name(hook))
                        .append('\n');
            }
        }
        for (FilterRule rule : rules) {
            s.append(rule).append('\n');
        }
        return s.toString();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FilterChain chain && rules.equals(chain.rules) && policies.equals(chain.policies);
    }

    @Override
    public int hashCode() {
        return 31 * rules.hashCode() + policies.hashCode();
    }

    /**
     * The chain in short, for logs.
     *
     * @return the policies and the rules on one line
     */
    @Override
    public String toString() {
        return "FilterChain[policies=" + policies + ", rules=" + rules + "]";
    }

    /**
     * Collects the rules of a chain. The order in which rules are added is the order in which they are tried.
     *
     * <p>Not thread-safe. It may be used on after {@link #build()}.
     */
    public static final class Builder {

        private final List<FilterRule> rules = new ArrayList<>();
        private final Map<Hook, Verdict> policies = new EnumMap<>(Hook.class);

        private Builder() {
            for (Hook hook : Hook.values()) {
                policies.put(hook, Verdict.ACCEPT);
            }
        }

        /**
         * Adds a rule after those that are there.
         *
         * @param rule the rule
         * @return this builder
         */
        public Builder add(FilterRule rule) {
            rules.add(Objects.requireNonNull(rule, "rule"));
            return this;
        }

        /**
         * Adds the rule that a builder makes.
         *
         * @param rule the builder
         * @return this builder
         * @throws ConfigurationException if the parts of the rule contradict each other
         */
        public Builder add(FilterRule.Builder rule) {
            return add(rule.build());
        }

        /**
         * Adds a rule after those that are there.
         *
         * @param rule the rule in the grammar of {@link RuleSyntax}
         * @return this builder
         * @throws SyntaxException if the text is not a rule
         */
        public Builder add(String rule) {
            return add(FilterRule.parse(rule));
        }

        /**
         * Adds rules after those that are there.
         *
         * @param more the rules in order
         * @return this builder
         */
        public Builder addAll(Collection<FilterRule> more) {
            rules.addAll(List.copyOf(more));
            return this;
        }

        /**
         * Sets what happens at a hook to what none of its rules decides.
         *
         * @param hook the hook
         * @param verdict {@link Verdict#ACCEPT}, {@link Verdict#DROP} or {@link Verdict#REJECT}
         * @return this builder
         * @throws ConfigurationException if the verdict is {@link Verdict#CONTINUE}, which decides nothing
         */
        public Builder policy(Hook hook, Verdict verdict) {
            Objects.requireNonNull(hook, "hook");
            if (!POLICIES.contains(verdict)) {
                throw new ConfigurationException(
                        "policy of the hook " + TextScanner.name(hook),
                        TextScanner.name(verdict),
                        "decides nothing",
                        "use accept, drop or reject");
            }
            policies.put(hook, verdict);
            return this;
        }

        /**
         * Makes the chain.
         *
         * @return the chain
         */
        public FilterChain build() {
            return new FilterChain(rules, policies);
        }
    }
}
