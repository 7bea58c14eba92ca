/**
 * The firewall: rules as values, the chain they form, and their one text form.
 *
 * <p>A {@link io.sharedip.filter.FilterChain} is a list of {@link io.sharedip.filter.FilterRule}s and a policy for each
 * {@link io.sharedip.filter.Hook}. At a hook the rules of that hook are tried in order; the first that matches decides, and the
 * policy decides if none does. A chain is made with the fluent builders or read from text, and is the same object either way:
 *
 * <pre>{@code
 * FilterChain chain = FilterChain.builder()
 *         .policy(Hook.FLOW, Verdict.DROP)
 *         .add(FilterRule.accept().protocol(IpProtocol.TCP).to(RuleEnd.guest("web"), PortRange.of(80)))
 *         .add("accept from guest db to outside")
 *         .build();
 * assert FilterChain.parse(chain.format()).equals(chain);
 * }</pre>
 *
 * <p>The grammar of the text form stands at {@link io.sharedip.filter.RuleSyntax}. All types are immutable and thread-safe
 * except the builders. What makes no sense (a port of ICMP, TCP flags in a rule for UDP) is refused with a
 * {@link io.sharedip.ConfigurationException} when the rule is built, never ignored.
 */
@NullMarked
package io.sharedip.filter;

import org.jspecify.annotations.NullMarked;
