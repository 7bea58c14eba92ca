package io.sharedip.nat.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.conformance.ConformancePage.TestMethod;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConformancePageTest {

    private static final Row ONE = new Row("rfc4787_req1", "UDP", "RFC 4787 REQ-1", "One.", "default one");
    private static final Row TEN = new Row("rfc4787_req10", "UDP", "RFC 4787 REQ-10", "Ten.", "default ten");
    private static final Outcome GOOD = Outcome.NONE.plus(true);

    private static TestMethod test(String name, String setting) {
        return new TestMethod("a.b.CTest", name, setting);
    }

    @Test
    void a_row_is_proved_by_a_passing_test_that_carries_its_token_and_no_longer_one() {
        ConformancePage page =
                new ConformancePage(List.of(ONE, TEN), Map.of(test("rfc4787_req10_passes", ""), GOOD), true);
        assertThat(page.unproved()).containsExactly(ONE);
        assertThat(page.text())
                .contains("1 of 2 rows are proved.")
                .contains("| One. | default one | none | **MISSING** |")
                .contains("| Ten. | default ten | [CTest](../sharedip-nat/src/test/java/a/b/CTest.java) "
                        + "`rfc4787_req10_passes` | passed |");
    }

    @Test
    void one_name_may_carry_several_tokens() {
        ConformancePage page = new ConformancePage(
                List.of(ONE, TEN), Map.of(test("rfc4787_req1_and_rfc4787_req10_hold", ""), GOOD), true);
        assertThat(page.unproved()).isEmpty();
    }

    @Test
    void one_failure_among_many_runs_refutes_a_row() {
        ConformancePage page = new ConformancePage(
                List.of(ONE),
                Map.of(
                        test("rfc4787_req1_x", ""),
                        GOOD,
                        test("rfc4787_req1_y", ""),
                        GOOD.plus(false).plus(true)),
                true);
        assertThat(page.unproved()).containsExactly(ONE);
        assertThat(page.text()).contains("**FAILED**");
    }

    @Test
    void a_tests_own_setting_replaces_the_rows() {
        ConformancePage page = new ConformancePage(
                List.of(ONE),
                Map.of(test("rfc4787_req1_x", ""), GOOD, test("rfc4787_req1_y", "mapping: other"), GOOD.plus(true)),
                true);
        assertThat(page.text())
                .contains(
                        "| default one | [CTest](../sharedip-nat/src/test/java/a/b/CTest.java) `rfc4787_req1_x` | passed |")
                .contains(
                        "| | | mapping: other | [CTest](../sharedip-nat/src/test/java/a/b/CTest.java) `rfc4787_req1_y` "
                                + "| passed (2 runs) |");
    }

    @Test
    void the_order_in_which_tests_ran_does_not_show() {
        Map<TestMethod, Outcome> forth = new LinkedHashMap<>();
        forth.put(test("rfc4787_req1_a", ""), GOOD);
        forth.put(test("rfc4787_req1_b", ""), GOOD);
        Map<TestMethod, Outcome> back = new LinkedHashMap<>();
        back.put(test("rfc4787_req1_b", ""), GOOD);
        back.put(test("rfc4787_req1_a", ""), GOOD);
        assertThat(new ConformancePage(List.of(ONE), forth, true).text())
                .isEqualTo(new ConformancePage(List.of(ONE), back, true).text());
    }

    @Test
    void a_run_of_some_tests_says_so() {
        String some = "Not all tests took part";
        assertThat(new ConformancePage(List.of(ONE), Map.of(), false).text()).contains(some);
        assertThat(new ConformancePage(List.of(ONE), Map.of(), true).text()).doesNotContain(some);
    }

    @Test
    void no_two_rows_of_the_contract_share_a_token() {
        List<Row> rows = Contract.rows();
        assertThat(rows).extracting(Row::token).doesNotHaveDuplicates();
        assertThat(new HashSet<>(rows.stream().map(Row::section).toList())).hasSize(6);
        assertThat(rows).last().extracting(Row::token).isEqualTo("case25");
        assertThat(rows).extracting(Row::token).contains("hostile22").doesNotContain("hostile23");
    }
}
