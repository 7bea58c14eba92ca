package io.sharedip.examples.gateway.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A group of keys. Whoever reads it asks for each key that may be there, then calls {@link #finish()}, which notes the keys that
 * nobody asked for. So the list of known keys is written down nowhere but where they are read.
 */
final class Section {

    private record Found(YamlNode.Scalar key, YamlNode value) {}

    private final Spot spot;
    private final String path;
    private final Problems problems;
    private final Map<String, Found> found = new LinkedHashMap<>();
    private final Set<String> asked = new LinkedHashSet<>();
    private final Map<String, String> missing = new LinkedHashMap<>();

    Section(YamlNode.Mapping node, String path, Problems problems) {
        this.spot = node.spot();
        this.path = path;
        this.problems = problems;
        for (YamlNode.Entry entry : node.entries()) {
            if (entry.key() instanceof YamlNode.Scalar key) {
                add(key, entry.value());
            } else if (!(entry.key() instanceof YamlNode.Refused)) {
                problems.add(
                        entry.key().spot(),
                        path.isEmpty() ? "file" : path,
                        "has a key that is not a word",
                        "write KEY: VALUE");
            }
        }
    }

    private void add(YamlNode.Scalar key, YamlNode value) {
        Found earlier = found.putIfAbsent(key.text(), new Found(key, value));
        if (earlier != null) {
            problems.add(
                    key.spot(),
                    pathOf(key.text()),
                    "stands here for the second time",
                    "remove it here or in line " + earlier.key.spot().line());
        }
    }

    private String pathOf(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** What a key holds, if it is there. */
    Optional<Value> value(String key) {
        asked.add(key);
        return Optional.ofNullable(found.get(key)).map(f -> new Value(f.value, pathOf(key), f.key.spot(), problems));
    }

    /** What a key holds that must be there. */
    Optional<Value> required(String key, String cure) {
        Optional<Value> value = value(key);
        if (value.isEmpty()) {
            missing.put(key, cure);
        }
        return value;
    }

    Optional<Setting> text(String key, String example) {
        return value(key).flatMap(v -> v.text(example));
    }

    Optional<Setting> requiredText(String key, String example, String cure) {
        return required(key, cure).flatMap(v -> v.text(example));
    }

    /** Where the group begins. */
    Spot spot() {
        return spot;
    }

    /** Notes a mistake of the group as a whole. */
    void wrong(String problem, String cure) {
        problems.add(spot, path, problem, cure);
    }

    /** Notes unknown keys, then missing ones unless an unknown one was probably meant to be it. */
    void finish() {
        Set<String> meant = new LinkedHashSet<>();
        for (Found f : found.values()) {
            String name = f.key.text();
            if (!asked.contains(name)) {
                Optional<String> guess = Suggestion.of(name, unused());
                guess.ifPresent(meant::add);
                problems.add(
                        f.key.spot(),
                        pathOf(name),
                        "is not a known key",
                        guess.map(g -> "did you mean '" + g + "'?")
                                .orElse("the keys here are " + String.join(", ", asked)));
            }
        }
        missing.forEach((key, cure) -> {
            if (!meant.contains(key)) {
                problems.add(spot, pathOf(key), "is missing", cure);
            }
        });
    }

    private List<String> unused() {
        List<String> unused = new ArrayList<>(asked);
        unused.removeAll(found.keySet());
        return unused;
    }
}
