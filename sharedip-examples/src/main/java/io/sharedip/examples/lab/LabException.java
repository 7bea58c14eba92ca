package io.sharedip.examples.lab;

/** The lab could not do what was asked of it; the message says what and why. */
public final class LabException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Something did not work.
     *
     * @param message what, and why
     */
    public LabException(String message) {
        super(message);
    }

    /**
     * Something did not work.
     *
     * @param message what
     * @param cause why
     */
    public LabException(String message, Throwable cause) {
        super(message, cause);
    }
}
