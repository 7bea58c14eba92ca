package io.sharedip.examples.gateway.config;

import java.util.List;

/** What stands in a YAML file, with its place. */
sealed interface YamlNode {

    Spot spot();

    /**
     * A single value.
     *
     * @param spot where it begins, its quote included
     * @param text without quotes and escapes
     * @param plain without quotes
     * @param offset how far after the spot the text itself begins, negative if the file does not hold it letter by letter
     */
    record Scalar(Spot spot, String text, boolean plain, int offset) implements YamlNode {

        boolean isNull() {
            return plain && (text.isEmpty() || text.equals("~") || text.equalsIgnoreCase("null"));
        }

        /** Where a character of the text stands, or the beginning of the value if that cannot be told. */
        Spot at(int index) {
            return offset < 0 ? spot : spot.right(offset + text.codePointCount(0, Math.min(index, text.length())));
        }
    }

    /** A list. */
    record Sequence(Spot spot, List<YamlNode> items) implements YamlNode {}

    /** Keys with their values, doubled ones included. */
    record Mapping(Spot spot, List<Entry> entries) implements YamlNode {}

    /** Something that has been refused and told already. */
    record Refused(Spot spot) implements YamlNode {}

    /** One key with its value. */
    record Entry(YamlNode key, YamlNode value) {}
}
