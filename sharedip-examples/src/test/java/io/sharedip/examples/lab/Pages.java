package io.sharedip.examples.lab;

import java.util.ArrayList;
import java.util.List;

/** Fetches pages as a person would. */
final class Pages {
    private Pages() {}

    static Outcome fetch(LabMachine machine, String url, String... options) {
        List<String> command = new ArrayList<>(List.of("curl", "-sS", "--max-time", "15"));
        command.addAll(List.of(options));
        command.add(url);
        return machine.run(command.toArray(String[]::new));
    }
}
