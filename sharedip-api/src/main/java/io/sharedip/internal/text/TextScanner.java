package io.sharedip.internal.text;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.SyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Reads a line of words that are separated by blanks, and makes the errors: each names the text, the position of the first
 * character at fault and what may stand there.
 *
 * <p>Not thread-safe: one scanner reads one text once.
 */
public final class TextScanner {

    private final String setting;
    private final String text;
    private final int end;
    private int at;

    /**
     * Reads a whole text.
     *
     * @param setting what is being parsed, for the error messages
     * @param text the text
     */
    public TextScanner(String setting, String text) {
        this(setting, text, 0, text.length());
    }

    /**
     * Reads a part of a text.
     *
     * @param setting what is being parsed, for the error messages
     * @param text the whole text, to which positions refer
     * @param begin where the part begins
     * @param end where it ends, exclusive
     */
    public TextScanner(String setting, String text, int begin, int end) {
        this.setting = Objects.requireNonNull(setting, "setting");
        this.text = Objects.requireNonNull(text, "text");
        this.at = begin;
        this.end = end;
        skipBlanks();
    }

    private void skipBlanks() {
        while (at < end && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    /**
     * Whether all words have been read.
     *
     * @return true if no word is left
     */
    public boolean atEnd() {
        return at == end;
    }

    /**
     * Reads the next word.
     *
     * @param expected what may stand here, for the error message
     * @return the word
     * @throws SyntaxException if no word is left
     */
    public Word next(String expected) {
        if (at == end) {
            throw error(end, "ends too early", "here must stand: " + expected);
        }
        int begin = at;
        while (at < end && !Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        Word word = new Word(text.substring(begin, at), begin);
        skipBlanks();
        return word;
    }

    /**
     * Makes sure that all words have been read.
     *
     * @param cure what to do about a word too many
     * @throws SyntaxException if a word is left
     */
    public void expectEnd(String cure) {
        if (at < end) {
            Word word = next("");
            throw error(word.position(), "has '" + word.text() + "' after its end", cure);
        }
    }

    /**
     * An error in this text.
     *
     * @param position index of the first character at fault
     * @param problem what is wrong, a phrase that continues "the text ..."
     * @param cure what to write instead
     * @return the exception, to be thrown
     */
    public SyntaxException error(int position, String problem, String cure) {
        return new SyntaxException(setting, text, position, problem, cure);
    }

    /**
     * The error for a word that cannot stand where it stands. It proposes the known word that looks most like it.
     *
     * @param word the word
     * @param known the words that may stand here
     * @param expected everything that may stand here, for the message
     * @return the exception, to be thrown
     */
    public SyntaxException unexpected(Word word, List<String> known, String expected) {
        String hint = similar(word.text(), known)
                .map(w -> "did you mean '" + w + "'? Here may stand: ")
                .orElse("here may stand: ");
        return error(word.position(), "has '" + word.text() + "' where it cannot stand", hint + expected);
    }

    /**
     * Reads the next word, which must be one of an enum's constants in lower case.
     *
     * @param <E> the enum
     * @param values the constants that may stand here
     * @return the constant
     * @throws SyntaxException if no word is left or it is none of them
     */
    public <E extends Enum<E>> E nextOf(List<E> values) {
        return oneOf(next(listed(names(values))), values);
    }

    /**
     * The constant that a word names in lower case.
     *
     * @param <E> the enum
     * @param word the word
     * @param values the constants that may stand here
     * @return the constant
     * @throws SyntaxException if it is none of them
     */
    public <E extends Enum<E>> E oneOf(Word word, List<E> values) {
        return oneOf(word, values, List.of());
    }

    /**
     * The constant that a word names in lower case.
     *
     * @param <E> the enum
     * @param word the word
     * @param values the constants that may stand here
     * @param others other words that may stand here, for the error message; the caller has found that it is none of them
     * @return the constant
     * @throws SyntaxException if it is none of them
     */
    public <E extends Enum<E>> E oneOf(Word word, List<E> values, List<String> others) {
        for (E value : values) {
            if (word.is(name(value))) {
                return value;
            }
        }
        List<String> known =
                Stream.concat(names(values).stream(), others.stream()).toList();
        throw unexpected(word, known, listed(known));
    }

    /**
     * How the text forms write an enum's constant.
     *
     * @param value the constant
     * @return its name in lower case
     */
    public static String name(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static List<String> names(List<? extends Enum<?>> values) {
        return values.stream().map(TextScanner::name).toList();
    }

    private static String listed(List<String> words) {
        int last = words.size() - 1;
        return String.join(", ", words.subList(0, last)) + " or " + words.get(last);
    }

    /**
     * Parses a word by the text form of its own type. Errors are told as errors of the whole text.
     *
     * @param <T> the type
     * @param word the word
     * @param form the parser of the type
     * @return the value
     * @throws SyntaxException if the word is not of that form
     */
    public <T> T parse(Word word, Function<String, T> form) {
        try {
            return form.apply(word.text());
        } catch (SyntaxException e) {
            String problem = "has the " + e.setting().orElse("word") + " '" + word.text() + "', which " + e.problem();
            throw error(word.position() + e.position(), problem, e.cure().orElse("correct it"));
        }
    }

    /**
     * Parses a word as a guest's name.
     *
     * @param word the word
     * @return the identity with this name
     * @throws SyntaxException if no guest can have that name
     */
    public GuestId guest(Word word) {
        try {
            return GuestId.of(word.text());
        } catch (ConfigurationException e) {
            String name = word.text();
            int good = 0;
            while (good < name.length() && isGuestName(name.substring(0, good + 1))) {
                good++;
            }
            throw error(
                    word.position() + good,
                    "has '" + name + "' where a guest's name should stand",
                    e.cure().orElse("correct it"));
        }
    }

    private static boolean isGuestName(String name) {
        try {
            GuestId.of(name);
            return true;
        } catch (ConfigurationException e) {
            return false;
        }
    }

    private static Optional<String> similar(String word, List<String> known) {
        String lower = word.toLowerCase(Locale.ROOT);
        Optional<String> best = Optional.empty();
        int least = Integer.MAX_VALUE;
        for (String candidate : known) {
            int distance = distance(lower, candidate);
            if (distance < least && distance <= Math.min(2, candidate.length() / 2)) {
                least = distance;
                best = Optional.of(candidate);
            }
        }
        return best;
    }

    /** Fewest insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
    private static int distance(String a, String b) {
        if (Math.abs(a.length() - b.length()) > 2) {
            return Integer.MAX_VALUE;
        }
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int replaced = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(replaced, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
