package io.sharedip;

/**
 * A text form (a rule, a forward, an address, a range) that cannot be parsed. Besides the parts of every
 * {@link SharedIpException} it knows where in the text the trouble begins.
 */
public final class SyntaxException extends ConfigurationException {

    private static final long serialVersionUID = 1L;

    /** See {@link #position()}. */
    private final int position;

    /**
     * Makes an exception out of its parts.
     *
     * @param setting what was being parsed, e.g. {@code "rule"}
     * @param value the whole text
     * @param position index of the first character at fault, 0 to the text's length
     * @param problem what is wrong, without a full stop
     * @param cure what to write instead
     */
    public SyntaxException(String setting, String value, int position, String problem, String cure) {
        super(setting, value, problem, cure);
        this.position = position;
    }

    /**
     * Where in the text the trouble begins.
     *
     * @return index of the first character at fault, 0 to the text's length
     */
    public int position() {
        return position;
    }
}
