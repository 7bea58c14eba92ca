package io.sharedip.examples.gateway;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.sharedip.stats.DropReason;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How each table is shown to a person. */
enum TableView {
    /** The flows. */
    FLOWS(
            "Shows the flows.",
            "guest",
            "protocol",
            "inside",
            "outside",
            "peer",
            "state",
            "bytesOut",
            "bytesIn",
            "packetsOut",
            "packetsIn",
            "expiresInSeconds"),
    /** The counters. */
    STATS("Shows the counters."),
    /** The reasons of drops. */
    DROPS("Shows how many frames were dropped for each reason."),
    /** The forwards. */
    FORWARDS("Shows the forwards, most specific first.", "protocol", "outside", "guest", "inside", "hits"),
    /** The rules. */
    RULES("Shows the rules with their hits, in order; 'rules replace' takes others.", "hits", "rule"),
    /** What the hooks do when no rule matches. */
    POLICIES("Shows what each hook does when no rule matches."),
    /** The bindings. */
    BINDINGS("Shows which guest may use which addresses.", "guest", "mac", "address", "link", "up", "violations");

    private final String description;

    @SuppressWarnings("ImmutableEnumChecker") // List.of makes it immutable.
    private final List<String> columns;

    TableView(String description, String... columns) {
        this.description = description;
        this.columns = List.of(columns);
    }

    String command() {
        return name().toLowerCase(Locale.ROOT);
    }

    String description() {
        return description;
    }

    void print(JsonParser result, PrintWriter out) throws IOException {
        switch (this) {
            case STATS -> printPairs("counter", "value", row(result), out);
            case POLICIES -> printPairs("hook", "policy", row(result), out);
            case DROPS -> printDrops(row(result), out);
            default -> printRows(result, out);
        }
    }

    private void printRows(JsonParser result, PrintWriter out) throws IOException {
        Table table = new Table(columns);
        while (result.nextToken() == JsonToken.START_OBJECT) {
            Map<String, String> row = row(result);
            table.add(columns.stream().map(c -> row.getOrDefault(c, "")).toList());
        }
        table.print(out);
    }

    private static void printPairs(String name, String value, Map<String, String> pairs, PrintWriter out) {
        Table table = new Table(List.of(name, value));
        pairs.forEach((n, v) -> table.add(List.of(n, v)));
        table.print(out);
    }

    private static void printDrops(Map<String, String> drops, PrintWriter out) {
        Table table = new Table(List.of("reason", "frames", "meaning"));
        drops.forEach((reason, frames) -> {
            if (!frames.equals("0")) {
                table.add(List.of(reason, frames, meaning(reason)));
            }
        });
        table.print(out);
    }

    /** A gateway may be newer than this command. */
    private static String meaning(String reason) {
        for (DropReason known : DropReason.values()) {
            if (known.name().equals(reason)) {
                return known.description();
            }
        }
        return "";
    }

    private static Map<String, String> row(JsonParser json) throws IOException {
        Map<String, String> row = new LinkedHashMap<>();
        for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
            json.nextToken();
            row.put(field, json.getValueAsString(""));
        }
        return row;
    }
}
