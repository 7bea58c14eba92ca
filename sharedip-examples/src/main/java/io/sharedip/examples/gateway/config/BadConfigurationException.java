package io.sharedip.examples.gateway.config;

import java.util.List;
import java.util.stream.Collectors;

/** A file with mistakes. It carries all of them, in the order of their places. */
public final class BadConfigurationException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient List<ConfigProblem> problems;

    BadConfigurationException(List<ConfigProblem> problems) {
        super(problems.stream().map(ConfigProblem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /**
     * The mistakes.
     *
     * @return at least one, in the order of their places
     */
    public List<ConfigProblem> problems() {
        return problems;
    }
}
