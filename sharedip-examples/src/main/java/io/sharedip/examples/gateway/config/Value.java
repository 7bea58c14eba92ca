package io.sharedip.examples.gateway.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a key or a list item holds, before it is known whether it has the right type. Each of the methods notes a mistake, and returns
 * nothing, if it has another one.
 *
 * @param path the key as the user knows it, e.g. {@code guests[0].mac}
 * @param keySpot where the key stands; for a list item, where the item stands
 */
record Value(YamlNode node, String path, Spot keySpot, Problems problems) {

    Optional<Setting> text(String example) {
        if (node instanceof YamlNode.Scalar scalar) {
            if (scalar.isNull()) {
                problems.add(keySpot, path, "has no value", "write one, such as " + example);
                return Optional.empty();
            }
            return Optional.of(new Setting(path, scalar, problems));
        }
        wrongType("one value", "write one value, such as " + example);
        return Optional.empty();
    }

    Optional<Section> section(String example) {
        if (node instanceof YamlNode.Mapping mapping) {
            return Optional.of(new Section(mapping, path, problems));
        }
        wrongType("a group of keys", "write keys with values, such as " + example);
        return Optional.empty();
    }

    /** The items; a key whose value is left out, as when all items are commented out, has none. */
    List<Value> items(String example) {
        List<Value> items = new ArrayList<>();
        if (node instanceof YamlNode.Sequence sequence) {
            for (YamlNode item : sequence.items()) {
                items.add(new Value(item, path + "[" + items.size() + "]", item.spot(), problems));
            }
        } else if (!isNull()) {
            wrongType("a list", "write one item a line, each after a hyphen, such as '- " + example + "'");
        }
        return items;
    }

    /** Notes that a list which must not be empty is. */
    void noteIfEmpty(String problem, String cure) {
        boolean noItems =
                node instanceof YamlNode.Sequence sequence && sequence.items().isEmpty();
        if (noItems || isNull()) {
            problems.add(keySpot, path, problem, cure);
        }
    }

    private boolean isNull() {
        return node instanceof YamlNode.Scalar scalar && scalar.isNull();
    }

    private void wrongType(String expected, String cure) {
        if (node instanceof YamlNode.Refused) {
            return;
        }
        String found = node instanceof YamlNode.Mapping
                ? "is a group of keys, not "
                : node instanceof YamlNode.Sequence
                        ? "is a list, not "
                        : isNull() ? "is empty, not " : "is one value, not ";
        problems.add(isNull() ? keySpot : node.spot(), path, found + expected, cure);
    }
}
