package io.sharedip.examples.gateway;

/** How the program ends. Scripts rely on these numbers. */
final class ExitCode {

    /** What was asked for is done. */
    static final int DONE = 0;

    /** It failed while running, refused to start, or refused a change. */
    static final int FAILED = 1;

    /** The file, a rule, a forward or the command line is wrong. */
    static final int WRONG_INPUT = 2;

    /** No gateway answers on the control socket. */
    static final int NO_GATEWAY = 3;

    private ExitCode() {}
}
