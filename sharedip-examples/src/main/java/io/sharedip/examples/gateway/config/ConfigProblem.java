package io.sharedip.examples.gateway.config;

/**
 * One mistake in a file.
 *
 * @param file as the user named it
 * @param line counted from 1
 * @param column counted from 1
 * @param key the setting concerned, e.g. {@code guests[0].mac}; list items are counted from 0
 * @param problem what is wrong, without a full stop
 * @param cure how to mend it
 */
public record ConfigProblem(String file, int line, int column, String key, String problem, String cure) {

    /**
     * The mistake as one line for a person.
     *
     * @return {@code FILE:LINE:COLUMN: key: what is wrong; how to mend it}
     */
    @Override
    public String toString() {
        return oneLine(file + ":" + line + ":" + column + ": " + key + ": " + problem + "; " + cure);
    }

    /** Quoted values may hold anything; it must not break the line, nor reach a terminal as a command. */
    private static String oneLine(String text) {
        StringBuilder s = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (Character.isISOControl(c) || Character.getType(c) == Character.LINE_SEPARATOR) {
                s.append(String.format("\\u%04x", c));
            } else {
                s.appendCodePoint(c);
            }
        });
        return s.toString();
    }
}
