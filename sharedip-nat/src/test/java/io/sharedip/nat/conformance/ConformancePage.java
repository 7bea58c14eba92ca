package io.sharedip.nat.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a run proved, as text: equal outcomes give equal pages. */
final class ConformancePage {

    /**
     * A test method.
     *
     * @param className full name of its class
     * @param name of the method
     * @param setting what {@link Setting} says; empty if nothing
     */
    record TestMethod(String className, String name, String setting) implements Comparable<TestMethod> {

        private String simpleName() {
            return className.substring(className.lastIndexOf('.') + 1);
        }

        @Override
        public int compareTo(TestMethod other) {
            int byClass = className.compareTo(other.className);
            return byClass != 0 ? byClass : name.compareTo(other.name);
        }
    }

    private final List<Row> rows;
    private final Map<TestMethod, Outcome> outcomes;
    private final Map<TestMethod, SettingsSeen> settings;
    private final Map<String, String> defaults;
    private final boolean whole;

    /**
     * Makes a page.
     *
     * @param rows all
     * @param outcomes of tests
     * @param settings of the tests that have built gateways
     * @param defaults of settings
     * @param whole whether all tests that carry a token have run
     */
    ConformancePage(
            List<Row> rows,
            Map<TestMethod, Outcome> outcomes,
            Map<TestMethod, SettingsSeen> settings,
            Map<String, String> defaults,
            boolean whole) {
        this.rows = rows;
        this.whole = whole;
        this.settings = settings;
        this.defaults = defaults;
        this.outcomes = new TreeMap<>(outcomes);
    }

    /** The tests that carry a row's token, in the order of their names. */
    private Map<TestMethod, Outcome> testsOf(Row row) {
        Map<TestMethod, Outcome> tests = new TreeMap<>(outcomes);
        tests.keySet().removeIf(test -> !row.isNamedBy(test.name()));
        return tests;
    }

    private boolean isProved(Row row) {
        Map<TestMethod, Outcome> tests = testsOf(row);
        return !tests.isEmpty()
                && tests.values().stream().allMatch(Outcome::isGood)
                && tests.keySet().stream().allMatch(this::tellsItsSetting);
    }

    private boolean tellsItsSetting(TestMethod test) {
        return settings.containsKey(test) || !test.setting().isEmpty();
    }

    private String setting(TestMethod test, Row row) {
        if (!tellsItsSetting(test)) {
            return "**NOT TOLD**";
        }
        SettingsSeen seen = settings.get(test);
        if (seen == null) {
            return test.setting();
        }
        return (test.setting().isEmpty() ? "" : test.setting() + "; ") + seen.text(row.settings(), defaults);
    }

    /** The rows that no test proves, some test refutes, or some test proves without telling under which setting. */
    List<Row> unproved() {
        return rows.stream().filter(row -> !isProved(row)).toList();
    }

    /** Why a row is not proved, in a sentence for whoever reads the build's output. */
    String whyNot(Row row) {
        String silent = String.join(
                ", ",
                testsOf(row).keySet().stream()
                        .filter(test -> !tellsItsSetting(test))
                        .map(test -> test.simpleName() + '.' + test.name())
                        .toList());
        return row.token() + ": " + row.requirement()
                + (silent.isEmpty() ? "" : " Builds no GatewayRig and has no @Setting: " + silent);
    }

    /** The page. */
    String text() {
        List<String> lines = new ArrayList<>();
        lines.add("# Conformance");
        lines.add("");
        lines.add(
                "Written by a run of the unit tests of `sharedip-nat`, never by hand. A test proves the rows whose identifiers");
        lines.add("its name carries, under the settings that its gateways had. [testing.md](testing.md) says more.");
        if (!whole) {
            lines.add("");
            lines.add("**Not all tests took part in this run.**");
        }
        lines.add("");
        lines.add((rows.size() - unproved().size()) + " of " + rows.size() + " rows are proved.");
        String section = "";
        for (Row row : rows) {
            if (!row.section().equals(section)) {
                section = row.section();
                lines.addAll(List.of(
                        "",
                        "## " + section,
                        "",
                        "| row | requirement | setting | test | verdict |",
                        "|---|---|---|---|---|"));
            }
            addLines(lines, row);
        }
        return String.join("\n", lines) + "\n";
    }

    private void addLines(List<String> lines, Row row) {
        String begin = "| `" + row.token() + "`: " + row.label() + " | " + row.requirement() + " | ";
        Map<TestMethod, Outcome> tests = testsOf(row);
        if (tests.isEmpty()) {
            lines.add(begin + "| none | **MISSING** |");
        }
        for (Map.Entry<TestMethod, Outcome> entry : tests.entrySet()) {
            TestMethod test = entry.getKey();
            lines.add(begin + setting(test, row) + " | "
                    + "[" + test.simpleName() + "](" + source(test) + ") `" + test.name() + "` | "
                    + entry.getValue().verdict() + " |");
            begin = "| | | ";
        }
    }

    private static String source(TestMethod test) {
        String outer = test.className().replaceFirst("\\$.*", "");
        return "../sharedip-nat/src/test/java/" + outer.replace('.', '/') + ".java";
    }
}
