package io.sharedip.examples.gateway.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects the mistakes of one file. Not thread-safe. */
final class Problems {

    private final String file;
    private final List<ConfigProblem> found = new ArrayList<>();

    Problems(String file) {
        this.file = file;
    }

    void add(Spot spot, String key, String problem, String cure) {
        found.add(new ConfigProblem(file, spot.line(), spot.column(), key, problem, cure));
    }

    void throwIfAny() throws BadConfigurationException {
        if (!found.isEmpty()) {
            throw new BadConfigurationException(found.stream()
                    .sorted(Comparator.comparingInt(ConfigProblem::line).thenComparingInt(ConfigProblem::column))
                    .toList());
        }
    }

    /** For a mistake that leaves nothing to be read on. */
    BadConfigurationException only(Spot spot, String key, String problem, String cure) {
        return new BadConfigurationException(
                List.of(new ConfigProblem(file, spot.line(), spot.column(), key, problem, cure)));
    }
}
