package io.sharedip.examples.gateway.config;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import java.util.Optional;
import java.util.function.Function;

/**
 * A single value with its key and place.
 *
 * @param path the key as the user knows it
 */
record Setting(String path, YamlNode.Scalar scalar, Problems problems) {

    /**
     * A value that could be read, and where it was.
     *
     * @param <T> its type
     */
    record Parsed<T>(T value, Setting setting) {}

    String text() {
        return scalar.text();
    }

    /** Reads the value, or notes why it cannot be read, at the very character if that is known. */
    <T> Optional<Parsed<T>> parse(Function<String, T> form) {
        try {
            return Optional.of(new Parsed<>(form.apply(text()), this));
        } catch (SyntaxException e) {
            wrongAt(e.position(), e.problem(), e.cure().orElse("correct it"));
        } catch (ConfigurationException e) {
            wrong(e.problem(), e.cure().orElse("correct it"));
        }
        return Optional.empty();
    }

    /** Notes a mistake of the whole value. */
    void wrong(String problem, String cure) {
        problems.add(scalar.spot(), path, "'" + text() + "' " + problem, cure);
    }

    /** Notes a mistake that begins at a character of the value. */
    void wrongAt(int index, String problem, String cure) {
        problems.add(index == 0 ? scalar.spot() : scalar.at(index), path, "'" + text() + "' " + problem, cure);
    }
}
