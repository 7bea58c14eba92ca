package io.sharedip.examples.demo;

import io.sharedip.examples.lab.LabException;
import io.sharedip.examples.lab.LabMachine;
import io.sharedip.examples.lab.Outcome;

/** A page that a machine fetches. */
final class Page {
    private Page() {}

    /** Fetches, and fails unless this is what is served. */
    static String expect(LabMachine from, String url, String page) {
        Outcome fetched = from.run("curl", "-sS", "--max-time", "10", url).orThrow();
        if (!fetched.out().strip().equals(page)) {
            throw new LabException("not the page '" + page + "': " + fetched.describe());
        }
        return url + " says '" + page + "'";
    }
}
