package io.sharedip.examples.gateway.control;

/** The control socket cannot be opened, or nobody answers on it. The message is one sentence. */
public final class ControlException extends Exception {

    private static final long serialVersionUID = 1L;

    ControlException(String message) {
        super(message);
    }

    ControlException(String message, Throwable cause) {
        super(message, cause);
    }
}
