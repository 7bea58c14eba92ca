package io.sharedip.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.PortRange;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FilterRuleTest {

    @Test
    void a_builder_left_alone_matches_everything_at_the_flow_hook() {
        FilterRule rule = FilterRule.drop().build();
        assertThat(rule).hasToString("drop from any to any");
        assertThat(rule.hook()).isEqualTo(Hook.FLOW);
        assertThat(rule.log()).isFalse();
    }

    @Test
    void each_factory_has_its_action() {
        assertThat(FilterRule.accept().build().action()).isEqualTo(Verdict.ACCEPT);
        assertThat(FilterRule.drop().build().action()).isEqualTo(Verdict.DROP);
        assertThat(FilterRule.reject().build().action()).isEqualTo(Verdict.REJECT);
        assertThat(FilterRule.proceed().build().action()).isEqualTo(Verdict.CONTINUE);
    }

    @Test
    void ports_need_a_protocol_that_has_them() {
        refused(FilterRule.drop().to(RuleEnd.any(), PortRange.of(25)), "destination port", "tcp or udp");
        refused(
                FilterRule.drop().protocol(IpProtocol.ICMP).from(RuleEnd.any(), PortRange.of(25)),
                "source port",
                "tcp or udp");
    }

    @Test
    void flags_need_tcp() {
        refused(FilterRule.drop().flags("syn"), "flags", "protocol tcp");
        refused(FilterRule.drop().protocol(IpProtocol.UDP).flags("syn"), "flags", "protocol tcp");
    }

    @Test
    void an_icmp_type_needs_icmp_and_a_byte() {
        refused(FilterRule.drop().icmpType(8), "icmp-type", "protocol icmp");
        refused(FilterRule.drop().protocol(IpProtocol.ICMP).icmpType(256), "icmp-type", "out of range");
        refused(FilterRule.drop().protocol(IpProtocol.ICMP).icmpType(-1), "icmp-type", "out of range");
    }

    @Test
    void stateless_hooks_know_no_state() {
        refused(FilterRule.drop().states(FlowState.NEW).hook(Hook.INGRESS), "state", "hook ingress");
        refused(FilterRule.drop().states(FlowState.NEW).hook(Hook.EGRESS), "state", "hook egress");
    }

    @Test
    void the_ends_are_of_one_ip_version() {
        refused(
                FilterRule.drop().from(RuleEnd.prefix("10.0.0.0/8")).to(RuleEnd.prefix("::/0")),
                "destination",
                "another IP version");
    }

    private static void refused(FilterRule.Builder builder, String setting, String part) {
        assertThatThrownBy(builder::build)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith(setting + ": ")
                .hasMessageContaining(part)
                .hasMessageContaining("; ");
    }

    @Test
    void a_rule_does_not_change_with_the_collections_it_was_made_of() {
        List<PortRange> ports = new ArrayList<>(List.of(PortRange.of(1)));
        Set<FlowState> states = EnumSet.of(FlowState.NEW);
        FilterRule rule = new FilterRule(
                Verdict.DROP,
                Optional.of(IpProtocol.TCP),
                RuleEnd.any(),
                ports,
                RuleEnd.any(),
                ports,
                states,
                Optional.empty(),
                OptionalInt.empty(),
                Hook.FLOW,
                false);
        ports.clear();
        states.clear();
        assertThat(rule).hasToString("drop tcp from any port 1 to any port 1 state new");
        assertThatThrownBy(() -> rule.states().add(FlowState.RELATED))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> rule.toPorts().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void nothing_may_be_null() {
        assertThatThrownBy(() -> FilterRule.drop().from(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> FilterRule.drop().protocol(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> FilterRule.parse(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> RuleEnd.prefix((String) null)).isInstanceOf(NullPointerException.class);
    }
}
