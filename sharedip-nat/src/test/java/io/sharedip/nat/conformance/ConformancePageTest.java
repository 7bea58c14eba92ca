package io.sharedip.nat.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.address.PortRange;
import io.sharedip.nat.conformance.ConformancePage.TestMethod;
import io.sharedip.testing.GatewayRig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConformancePageTest {

    private static final Row ONE = new Row("rfc4787_req1", "UDP", "RFC 4787 REQ-1", "One.", List.of("udp.mapping"));
    private static final Row TEN = new Row("rfc4787_req10", "UDP", "RFC 4787 REQ-10", "Ten.", List.of());
    private static final Outcome GOOD = Outcome.NONE.plus(true);

    private static final Map<String, String> DEFAULTS =
            Map.of("tcp.mapping", "one", "udp.mapping", "one", "tcp.rest", "0 s", "udp.rest", "2 s");

    private static ConformancePage page(List<Row> rows, Map<TestMethod, Outcome> outcomes, boolean whole) {
        SettingsSeen defaults = new SettingsSeen();
        defaults.add(DEFAULTS);
        Map<TestMethod, SettingsSeen> settings = new HashMap<>();
        outcomes.keySet().forEach(test -> settings.put(test, defaults));
        return new ConformancePage(rows, outcomes, settings, DEFAULTS, whole);
    }

    private static TestMethod test(String name, String setting) {
        return new TestMethod("a.b.CTest", name, setting);
    }

    @Test
    void a_row_is_proved_by_a_passing_test_that_carries_its_token_and_no_longer_one() {
        ConformancePage page = page(List.of(ONE, TEN), Map.of(test("rfc4787_req10_passes", ""), GOOD), true);
        assertThat(page.unproved()).containsExactly(ONE);
        assertThat(page.text())
                .contains("1 of 2 rows are proved.")
                .contains("| One. | | none | **MISSING** |")
                .contains("| Ten. | defaults | [CTest](../sharedip-nat/src/test/java/a/b/CTest.java) "
                        + "`rfc4787_req10_passes` | passed |");
    }

    @Test
    void one_name_may_carry_several_tokens() {
        ConformancePage page =
                page(List.of(ONE, TEN), Map.of(test("rfc4787_req1_and_rfc4787_req10_hold", ""), GOOD), true);
        assertThat(page.unproved()).isEmpty();
    }

    @Test
    void a_token_counts_at_the_beginning_of_a_name_and_behind_another_one() {
        Row halfOpen = new Row("half_open", "TCP", "half-open", "Half.", List.of());
        assertThat(List.of("half_open_ends", "rfc4787_req1_and_half_open_end")).allMatch(halfOpen::isNamedBy);
        assertThat(List.of("a_flood_ends_a_half_open_flow", "half_opened_is_half_closed"))
                .noneMatch(halfOpen::isNamedBy);
    }

    @Test
    void one_failure_among_many_runs_refutes_a_row() {
        ConformancePage page = page(
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
    void settings_are_those_of_the_gateways_that_a_test_has_built() {
        TestMethod one = test("rfc4787_req1_and_rfc4787_req10_x", "");
        SettingsSeen seen = new SettingsSeen();
        seen.add(DEFAULTS);
        Map<String, String> other = new HashMap<>(DEFAULTS);
        other.putAll(Map.of("udp.rest", "30 s", "tcp.rest", "9 s"));
        seen.add(other);
        other.putAll(Map.of("tcp.rest", "2 s"));
        assertThat(seen.text(List.of(), DEFAULTS)).isEqualTo("tcp.rest: 0 s, 9 s; udp.rest: 2 s, 30 s");
        SettingsSeen alike = new SettingsSeen();
        alike.add(Map.of("tcp.rest", "7 s", "udp.rest", "7 s"));
        assertThat(alike.text(List.of(), DEFAULTS)).isEqualTo("tcp/udp.rest: 7 s");
        assertThat(new ConformancePage(List.of(ONE, TEN), Map.of(one, GOOD), Map.of(one, alike), DEFAULTS, true).text())
                .contains("| One. | tcp/udp.rest: 7 s |");
        assertThat(page(List.of(ONE, TEN), Map.of(one, GOOD), true).text())
                .as("what a row is about is told even if it is the default")
                .contains("| One. | udp.mapping: one |", "| Ten. | defaults |");
    }

    @Test
    void a_test_that_builds_no_gateway_must_say_its_setting_to_prove_anything() {
        Map<TestMethod, Outcome> silent = Map.of(test("rfc4787_req1_x", ""), GOOD);
        ConformancePage page = new ConformancePage(List.of(ONE), silent, Map.of(), DEFAULTS, true);
        assertThat(page.unproved()).containsExactly(ONE);
        assertThat(page.text()).contains("| **NOT TOLD** |");
        assertThat(page.whyNot(ONE))
                .isEqualTo("rfc4787_req1: One. Builds no GatewayRig and has no @Setting: CTest.rfc4787_req1_x");
        Map<TestMethod, Outcome> telling = Map.of(test("rfc4787_req1_x", "a part by itself"), GOOD);
        page = new ConformancePage(List.of(ONE), telling, Map.of(), DEFAULTS, true);
        assertThat(page.unproved()).isEmpty();
        assertThat(page.text()).contains("| a part by itself |");
    }

    @Test
    void the_settings_that_rows_are_about_exist() {
        Map<String, String> settings;
        try (GatewayRig rig = new GatewayRig()) {
            settings = SettingsSeen.of(rig.gateway(), PortRange.of(1024, 65535));
        }
        assertThat(Contract.rows())
                .allSatisfy(row -> assertThat(settings.keySet()).containsAll(row.settings()));
    }

    @Test
    void the_tests_of_another_module_that_a_row_refers_to_exist() throws IOException {
        Path tests = Path.of("../sharedip-netty/src/test/java/io/sharedip/netty/internal/dns/DnsForwarderTest.java");
        assertThat(Contract.rows())
                .filteredOn(row -> row.requirement().contains("DnsForwarderTest"))
                .singleElement()
                .satisfies(row -> assertThat(Files.readString(tests))
                        .containsPattern("@Test\\s+void " + row.token() + "_what_cannot_be_read_"));
    }

    @Test
    void the_order_in_which_tests_ran_does_not_show() {
        Map<TestMethod, Outcome> forth = new LinkedHashMap<>();
        forth.put(test("rfc4787_req1_a", ""), GOOD);
        forth.put(test("rfc4787_req1_b", ""), GOOD);
        Map<TestMethod, Outcome> back = new LinkedHashMap<>();
        back.put(test("rfc4787_req1_b", ""), GOOD);
        back.put(test("rfc4787_req1_a", ""), GOOD);
        assertThat(page(List.of(ONE), forth, true).text())
                .isEqualTo(page(List.of(ONE), back, true).text());
    }

    @Test
    void a_run_of_some_tests_says_so() {
        String some = "Not all tests took part";
        assertThat(page(List.of(ONE), Map.of(), false).text()).contains(some);
        assertThat(page(List.of(ONE), Map.of(), true).text()).doesNotContain(some);
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
