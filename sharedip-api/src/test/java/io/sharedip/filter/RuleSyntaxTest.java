package io.sharedip.filter;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.IpProtocol;
import io.sharedip.address.PortRange;
import io.sharedip.address.TextForms;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuleSyntaxTest {

    private static final int RUNS = 10_000;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "same",
            value = {
                "accept from any to any | same",
                "drop tcp from guest db to any port 25 | same",
                "accept tcp from 198.51.100.0/24 to guest web port 80 | same",
                "reject udp from outside port 1000-2000,53 to host port 53,443,8000-8099 | same",
                "continue from any to host log | same",
                "accept from any to any state new,established,related | same",
                "accept from any to any state related,new | accept from any to any state new,related",
                "drop tcp from outside to any flags syn,fin hook ingress | drop tcp from outside to any flags fin,syn hook ingress",
                "drop tcp from any to any flags S/SA | drop tcp from any to any flags syn,!ack",
                "drop icmp from outside to any icmp-type 8 | same",
                "drop 47 from any to any hook egress log | same",
                "drop 6 from any to any | drop tcp from any to any",
                "drop from any to any hook flow | drop from any to any",
                "drop from any to any log hook egress | drop from any to any hook egress log",
                "accept from 2001:db8::/32 to ::1 | same",
                "accept from 10.0.0.1/32 to 0.0.0.0/0 | accept from 10.0.0.1 to 0.0.0.0/0",
                "accept from guest from to guest to | same",
                "accept tcp from guest port port 80 to guest log log | same",
                "drop   from  any   to\tany  | drop from any to any",
                "drop tcp from any port 80-80 to any | drop tcp from any port 80 to any",
            })
    void reads_rules_and_writes_them_in_one_way(String text, String canonical) {
        TextForms.reads(RuleSyntax::parse, text, canonical == null ? text : canonical);
    }

    @Test
    void a_rule_read_is_the_rule_built() {
        assertThat(FilterRule.parse("drop tcp from guest db port 1-2 to 10.0.0.0/8 port 25,26 state new log"))
                .isEqualTo(FilterRule.drop()
                        .protocol(IpProtocol.TCP)
                        .from(RuleEnd.guest("db"), PortRange.of(1, 2))
                        .to(RuleEnd.prefix("10.0.0.0/8"), PortRange.of(25), PortRange.of(26))
                        .states(FlowState.NEW)
                        .log()
                        .build());
        assertThat(FilterRule.parse("continue icmp from host to outside icmp-type 8 hook egress"))
                .isEqualTo(FilterRule.proceed()
                        .protocol(IpProtocol.ICMP)
                        .from(RuleEnd.host())
                        .to(RuleEnd.outside())
                        .icmpType(8)
                        .hook(Hook.EGRESS)
                        .build());
        assertThat(FilterRule.parse("reject tcp from any to any flags S/SA"))
                .isEqualTo(FilterRule.reject()
                        .protocol(IpProtocol.TCP)
                        .flags("syn,!ack")
                        .build());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"                                           |  0 | ends too early; here must stand: accept, drop, reject or continue",
                "\"   \"                                        |  3 | ends too early",
                "acept from any to any                          |  0 | did you mean 'accept'? Here may stand: accept, drop",
                "ACCEPT from any to any                         |  0 | did you mean 'accept'?",
                "allow from any to any                          |  0 | here may stand: accept, drop, reject or continue",
                "accept                                         |  6 | here must stand: from, or a protocol",
                "accept form any to any                         |  7 | did you mean 'from'?",
                "accept tpc from any to any                     |  7 | did you mean 'tcp'?",
                "accept any to any                              |  7 | has 'any' where it cannot stand",
                "accept 256 from any to any                     |  7 | out of range, 256",
                "accept 6x from any to any                      |  8 | has 'x'",
                "accept tcp                                     | 10 | here must stand: from",
                "accept tcp udp from any to any                 | 11 | has 'udp' where it cannot stand; here may stand: from",
                "accept tcp frmo any to any                     | 11 | did you mean 'from'?",
                "accept from                                    | 11 | here must stand: any, guest NAME, host, outside",
                "accept from nay to any                         | 12 | did you mean 'any'?",
                "accept from gest web to any                    | 12 | did you mean 'guest'?",
                "accept from web to any                         | 12 | here may stand: any, guest NAME",
                "accept from guest                              | 17 | here must stand: the guest's name",
                "accept from guest we$b to any                  | 20 | where a guest's name should stand",
                "accept from guest .web to any                  | 18 | where a guest's name should stand",
                "accept from guest to any                       | 21 | has 'any' where it cannot stand; here may stand: port or to",
                "accept from 192.0.2.1/24 to any                | 12 | write 192.0.2.0/24, or 192.0.2.1 for this one address",
                "accept from 192.0.2.300 to any                 | 20 | which has a number out of range, 300",
                "accept from 192.0.2.0/33 to any                | 22 | write a prefix length from 0 to 32",
                "accept from 192.0.2 to any                     | 19 | has only 3 of the four numbers",
                "accept from 2001:db8::1::2 to any              | 23 | has '::' twice",
                "accept tcp from any:80 to any                  | 19 | write its ports after it, such as 'any port 80'",
                "accept tcp from 192.0.2.1:80 to any            | 25 | such as '192.0.2.1 port 80'",
                "accept from any                                | 15 | here must stand: port or to",
                "accept from any ot any                         | 16 | did you mean 'to'?",
                "accept from any prot 80 to any                 | 16 | did you mean 'port'?",
                "accept from any -> any                         | 16 | here may stand: port or to",
                "accept tcp from any port                       | 24 | here must stand: ports such as 80",
                "accept tcp from any port http to any           | 25 | has 'h' where a digit of a port",
                "accept tcp from any port 0 to any              | 25 | out of range, 0",
                "accept tcp from any port 65536 to any          | 25 | out of range, 65536",
                "accept tcp from any port 80,70000 to any       | 28 | write a port from 1 to 65535",
                "accept tcp from any port 80, 443 to any        | 28 | nothing where an item should stand",
                "accept tcp from any port 80 ,443 to any        | 28 | has ',443' where it cannot stand",
                "accept tcp from any port ,80 to any            | 25 | nothing where an item should stand",
                "accept tcp from any port 20-10 to any          | 28 | write 10-20",
                "accept tcp from any port 80 port 81 to any     | 28 | has 'port' where it cannot stand; here may stand: to",
                "accept tcp from any port 80                    | 27 | here must stand: to",
                "accept from any to                             | 18 | here must stand: any, guest NAME",
                "accept from any to any logg                    | 23 | did you mean 'log'?",
                "accept from any to any sate new                | 23 | did you mean 'state'?",
                "accept from any to any now                     | 23 | here may stand: port, state, flags, icmp-type, hook, log, or nothing",
                "accept from any to any log log                 | 27 | has 'log' twice",
                "accept from any to any log port 80             | 27 | write it right after its end",
                "accept from any to any log now                 | 27 | here may stand: state, flags",
                "accept from any to any state                   | 28 | here must stand: new, established or related",
                "accept from any to any state old               | 29 | here may stand: new, established or related",
                "accept from any to any state new,relatd        | 33 | did you mean 'related'?",
                "accept from any to any state new,new           | 33 | has 'new' twice",
                "accept from any to any state new,              | 33 | nothing where an item should stand",
                "accept from any to any state new state new     | 33 | has 'state' twice",
                "accept from any to any hook                    | 27 | here must stand: ingress, flow or egress",
                "accept from any to any hook engress            | 28 | did you mean 'ingress'?",
                "accept from any to any hook flow hook flow     | 33 | has 'hook' twice",
                "accept tcp from any to any flags               | 32 | here must stand: flags such as syn,!ack",
                "accept tcp from any to any flags syn,!akc      | 38 | did you mean 'ack'?",
                "accept tcp from any to any flags S/            | 35 | lacks the flags that matter",
                "accept icmp from any to any icmp-type          | 37 | here must stand: a number from 0 to 255",
                "accept icmp from any to any icmp-type 256      | 38 | an ICMP type out of range, 256",
                "accept icmp from any to any icmp-type echo     | 38 | has 'e' where a digit of an ICMP type",
                "accept from any port 80 to any                 | 16 | has the source port '80', which needs the protocol tcp or udp",
                "accept icmp from any to any port 80,81         | 28 | has the destination port '80,81', which needs the protocol",
                "accept 47 from any port 80 to any              | 19 | name the protocol",
                "accept udp from any to any log flags syn       | 31 | has the flags 'syn', which needs the protocol tcp",
                "accept from any to any icmp-type 8             | 23 | which needs the protocol icmp",
                "accept from any to any state new hook ingress  | 23 | which cannot be known at the hook ingress",
                "accept from any to any hook egress state new   | 35 | leave the state out, or use the hook flow",
                "accept from ::/0 to 10.0.0.0/8                 | 17 | is of another IP version than the source ::/0",
            })
    void refuses_anything_else_and_says_where_why_and_what_to_do(String text, int position, String part) {
        TextForms.refuses(RuleSyntax::parse, text, position, part);
    }

    @Test
    void says_everything_in_one_sentence() {
        TextForms.says(
                RuleSyntax::parse,
                "accept form any to any",
                "rule: 'accept form any to any' has 'form' where it cannot stand; did you mean 'from'? Here may stand:"
                        + " from, or a protocol (tcp, udp, icmp or a number from 0 to 255)");
        TextForms.says(
                RuleSyntax::parse,
                "drop from 192.0.2.7/24 to any",
                "rule: 'drop from 192.0.2.7/24 to any' has the prefix '192.0.2.7/24', which has bits set after the"
                        + " prefix; write 192.0.2.0/24, or 192.0.2.7 for this one address");
        TextForms.says(
                RuleSyntax::parse,
                "drop from any to any port 25",
                "rule: 'drop from any to any port 25' has the destination port '25', which needs the protocol tcp or"
                        + " udp; name the protocol, as in 'drop tcp from ...', and write two rules for both");
    }

    @Test
    void every_rule_survives_its_own_text() {
        RandomRules rules = new RandomRules(301);
        for (int i = 0; i < RUNS; i++) {
            FilterRule rule = rules.rule();
            String text = RuleSyntax.format(rule);
            assertThat(RuleSyntax.parse(text)).isEqualTo(rule);
            assertThat(rule).hasToString(text).hasSameHashCodeAs(RuleSyntax.parse(text));
        }
    }

    @Test
    void damaged_rules_are_read_or_refused_with_a_position_and_nothing_else_happens() {
        RandomRules rules = new RandomRules(302);
        for (int i = 0; i < RUNS; i++) {
            TextForms.survivesDamage(
                    RuleSyntax::parse, rules.rule().toString(), " afoty,.:/-!0196\t#\u00a0", rules.values.random);
        }
    }
}
