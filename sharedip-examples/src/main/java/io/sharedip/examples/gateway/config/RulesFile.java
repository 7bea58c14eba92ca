package io.sharedip.examples.gateway.config;

import io.sharedip.SyntaxException;
import io.sharedip.filter.FilterChain;
import java.nio.file.Path;
import java.util.List;

/** A file with a filter chain in its text form, one rule a line. */
public final class RulesFile {

    private static final String KEY = "rule";

    private RulesFile() {}

    /**
     * Reads a file.
     *
     * @param path the file
     * @return its text, which {@link FilterChain#parse} takes
     * @throws BadConfigurationException with every mistake in it
     */
    public static String read(Path path) throws BadConfigurationException {
        Problems problems = new Problems(path.toString());
        String text = YamlFile.read(path, problems);
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            check(lines.get(i), i + 1, problems);
        }
        problems.throwIfAny();
        checkWhole(text, problems);
        return text;
    }

    private static void check(String line, int number, Problems problems) {
        try {
            FilterChain.parse(line);
        } catch (SyntaxException e) {
            note(problems, new Spot(number, e.position() + 1), e);
        }
    }

    /** What only shows between lines. */
    private static void checkWhole(String text, Problems problems) throws BadConfigurationException {
        try {
            FilterChain.parse(text);
        } catch (SyntaxException e) {
            String setting = e.setting().orElse("");
            int line = Integer.parseInt(setting.substring(setting.lastIndexOf(' ') + 1));
            note(problems, new Spot(line, e.position() + 1), e);
            problems.throwIfAny();
        }
    }

    private static void note(Problems problems, Spot spot, SyntaxException e) {
        String line = e.value().orElse("").strip();
        problems.add(spot, KEY, "'" + line + "' " + e.problem(), e.cure().orElse("correct it"));
    }
}
