package io.sharedip.examples.gateway.control;

/** The gateway answered that it cannot or will not do what it was asked for. The message is one sentence. */
public final class RefusedException extends Exception {

    private static final long serialVersionUID = 1L;

    private final String kind;

    RefusedException(String kind, String message) {
        super(message);
        this.kind = kind;
    }

    /**
     * Whether the request itself was malformed.
     *
     * @return true for a forward or a rule that cannot be parsed
     */
    public boolean isSyntax() {
        return kind.equals("syntax");
    }
}
