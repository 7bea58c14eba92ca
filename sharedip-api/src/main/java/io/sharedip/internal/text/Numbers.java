package io.sharedip.internal.text;

import io.sharedip.SyntaxException;

/**
 * Reads decimal numbers strictly: digits only, no sign, no leading zero (which some programs take for octal), within
 * limits.
 *
 * @param setting what is being parsed, for the error message
 * @param name what the number is, with its article, e.g. {@code "a port"}
 * @param min the smallest number allowed, not negative
 * @param max the largest number allowed, below 10⁹
 */
public record Numbers(String setting, String name, int min, int max) {

    private static final int MOST_DIGITS = 9;

    /**
     * Reads a whole text.
     *
     * @param text the digits
     * @return the number
     * @throws SyntaxException if the text is not such a number
     */
    public int parse(String text) {
        return parse(text, 0, text.length());
    }

    /**
     * Reads a part of a text.
     *
     * @param text the whole text
     * @param from where the number begins
     * @param to where it ends, exclusive
     * @return the number
     * @throws SyntaxException if that part is not such a number
     */
    public int parse(String text, int from, int to) {
        String cure = "write " + name + " from " + min + " to " + max;
        if (from == to) {
            throw new SyntaxException(setting, text, from, "lacks " + name, cure);
        }
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                throw new SyntaxException(
                        setting, text, i, "has '" + c + "' where a digit of " + name + " should stand", cure);
            }
        }
        if (to - from > 1 && text.charAt(from) == '0') {
            throw new SyntaxException(setting, text, from, "has " + name + " with a leading zero", cure);
        }
        int number = to - from > MOST_DIGITS ? Integer.MAX_VALUE : Integer.parseInt(text, from, to, 10);
        if (number < min || number > max) {
            throw new SyntaxException(
                    setting, text, from, "has " + name + " out of range, " + text.substring(from, to), cure);
        }
        return number;
    }
}
