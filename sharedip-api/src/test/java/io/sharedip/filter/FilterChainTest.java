package io.sharedip.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.address.TextForms;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FilterChainTest {

    @Test
    void an_empty_chain_accepts_everywhere() {
        for (FilterChain chain : List.of(
                FilterChain.acceptAll(),
                FilterChain.builder().build(),
                FilterChain.parse(""),
                FilterChain.parse("\n#\n"))) {
            assertThat(chain).isEqualTo(FilterChain.acceptAll());
            assertThat(chain.rules()).isEmpty();
            assertThat(chain.format()).isEmpty();
            for (Hook hook : Hook.values()) {
                assertThat(chain.policy(hook)).isEqualTo(Verdict.ACCEPT);
            }
        }
    }

    @Test
    void reads_rules_policies_comments_and_blank_lines() {
        FilterChain chain = FilterChain.parse("""
                # a comment
                default drop   # of the flow hook

                  accept from any to host log  # why
                default reject hook ingress\r
                drop tcp from any to any flags syn,fin hook ingress
                """);
        assertThat(chain.rules())
                .containsExactly(
                        FilterRule.parse("accept from any to host log"),
                        FilterRule.parse("drop tcp from any to any flags fin,syn hook ingress"));
        assertThat(chain.rules(Hook.INGRESS)).containsExactly(chain.rules().get(1));
        assertThat(chain.rules(Hook.EGRESS)).isEmpty();
        assertThat(chain.policy(Hook.FLOW)).isEqualTo(Verdict.DROP);
        assertThat(chain.policy(Hook.INGRESS)).isEqualTo(Verdict.REJECT);
        assertThat(chain.policy(Hook.EGRESS)).isEqualTo(Verdict.ACCEPT);
        assertThat(chain.format()).isEqualTo("""
                        default reject hook ingress
                        default drop
                        accept from any to host log
                        drop tcp from any to any flags fin,syn hook ingress
                        """);
    }

    @Test
    void a_builder_makes_the_same_chain_as_the_text() {
        FilterChain chain = FilterChain.builder()
                .policy(Hook.FLOW, Verdict.DROP)
                .add("accept from any to host")
                .add(FilterRule.reject().from(RuleEnd.guest("db")))
                .addAll(List.of(FilterRule.accept().build()))
                .build();
        assertThat(chain)
                .isEqualTo(FilterChain.parse(
                        "default drop\naccept from any to host\nreject from guest db to any\naccept from any to any"));
    }

    @Test
    void a_changed_copy_leaves_the_original_alone() {
        FilterChain chain = FilterChain.parse("default drop\naccept from any to host");
        FilterChain.Builder builder = chain.toBuilder();
        assertThat(builder.build()).isEqualTo(chain);
        FilterChain more = builder.add("drop from any to any")
                .policy(Hook.FLOW, Verdict.ACCEPT)
                .build();
        builder.add("drop from host to any");
        assertThat(more.rules()).hasSize(2);
        assertThat(chain).isEqualTo(FilterChain.parse("default drop\naccept from any to host"));
        assertThat(more).isNotEqualTo(chain);
    }

    @Test
    void chains_differ_by_order_and_by_policy() {
        FilterChain chain = FilterChain.parse("accept from any to host\ndrop from any to any");
        assertThat(chain).isNotEqualTo(FilterChain.parse("drop from any to any\naccept from any to host"));
        assertThat(chain)
                .isNotEqualTo(
                        chain.toBuilder().policy(Hook.EGRESS, Verdict.DROP).build());
        assertThat(chain).isNotEqualTo("chain");
    }

    @Test
    void a_policy_must_decide() {
        assertThatThrownBy(() -> FilterChain.builder().policy(Hook.FLOW, Verdict.CONTINUE))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("use accept, drop or reject");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "drop from any to any;acept from any to any        | 2 |  0 | did you mean 'accept'?",
                "# one;;  drop form any to any # four              | 3 |  7 | did you mean 'from'?",
                "drop from any to # any                            | 1 | 17 | ends too early",
                "default                                           | 1 |  7 | here must stand: accept, drop or reject",
                "default continue                                  | 1 |  8 | here may stand: accept, drop or reject",
                "default rejcet                                    | 1 |  8 | did you mean 'reject'?",
                "default drop hok flow                             | 1 | 13 | did you mean 'hook'?",
                "default drop hook                                 | 1 | 17 | here must stand: ingress, flow or egress",
                "default drop hook flow log                        | 1 | 23 | has 'log' after its end",
                "default drop;;default accept hook flow            | 3 |  0 | remove this line or line 1",
                "defalt drop                                       | 1 |  0 | did you mean 'default'?",
            })
    void errors_name_the_line_and_the_place_in_it(String text, int line, int position, String part) {
        String lines = text.replace(';', '\n');
        SyntaxException e = catchThrowableOfType(SyntaxException.class, () -> FilterChain.parse(lines));
        assertThat(e).hasMessageStartingWith("filter chain line " + line + ": ").hasMessageContaining(part);
        assertThat(e.position()).isEqualTo(position);
        assertThat(e.value()).contains(lines.lines().toList().get(line - 1));
    }

    @Test
    void every_chain_survives_its_own_text() {
        RandomRules rules = new RandomRules(401);
        for (int i = 0; i < 3_000; i++) {
            FilterChain chain = rules.chain();
            assertThat(FilterChain.parse(chain.format())).isEqualTo(chain).hasSameHashCodeAs(chain);
        }
    }

    @Test
    void damaged_chains_are_read_or_refused_with_a_position_and_nothing_else_happens() {
        RandomRules rules = new RandomRules(402);
        for (int i = 0; i < 3_000; i++) {
            TextForms.survivesDamage(
                    text -> new Formatted(FilterChain.parse(text)),
                    rules.chain().format(),
                    " \n\r#default,",
                    rules.values.random);
        }
    }

    private record Formatted(FilterChain chain) {
        @Override
        public String toString() {
            return chain.format();
        }
    }
}
