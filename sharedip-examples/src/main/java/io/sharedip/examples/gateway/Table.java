package io.sharedip.examples.gateway;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Lays rows out in columns; numbers stand to the right. */
final class Table {

    private static final String GAP = "  ";

    private final List<String> headings;
    private final List<List<String>> rows = new ArrayList<>();
    private final int[] widths;
    private final boolean[] texts;

    /** Headings are written in words: {@code bytesOut} becomes {@code BYTES OUT}. */
    Table(List<String> names) {
        headings = names.stream()
                .map(n -> n.replaceAll("([A-Z])", " $1").toUpperCase(Locale.ROOT))
                .toList();
        widths = headings.stream().mapToInt(String::length).toArray();
        texts = new boolean[names.size()];
    }

    void add(List<String> row) {
        for (int i = 0; i < widths.length; i++) {
            String cell = row.get(i);
            widths[i] = Math.max(widths[i], cell.length());
            texts[i] |= !cell.chars().allMatch(Character::isDigit);
        }
        rows.add(row);
    }

    void print(PrintWriter out) {
        print(headings, out);
        rows.forEach(row -> print(row, out));
    }

    private void print(List<String> cells, PrintWriter out) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String cell = cells.get(i);
            String blanks = " ".repeat(widths[i] - cell.length());
            line.append(i == 0 ? "" : GAP).append(texts[i] || rows.isEmpty() ? cell + blanks : blanks + cell);
        }
        out.println(line.toString().stripTrailing());
    }
}
