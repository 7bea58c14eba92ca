package io.sharedip.nat.conformance;

/**
 * What became of the executions of one test method.
 *
 * @param passed how many succeeded
 * @param failed how many did not, aborted and skipped ones included
 */
record Outcome(int passed, int failed) {

    static final Outcome NONE = new Outcome(0, 0);

    Outcome plus(boolean success) {
        return success ? new Outcome(passed + 1, failed) : new Outcome(passed, failed + 1);
    }

    boolean isGood() {
        return passed > 0 && failed == 0;
    }

    /** The verdict as the page has it. */
    String verdict() {
        if (!isGood()) {
            return "**FAILED**";
        }
        return passed == 1 ? "passed" : "passed (" + passed + " runs)";
    }
}
