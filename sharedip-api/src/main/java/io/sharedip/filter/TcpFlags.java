package io.sharedip.filter;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.TextScanner;
import io.sharedip.internal.text.Word;
import java.util.List;
import java.util.Objects;

/**
 * Which flags of a TCP header (RFC 9293, 3.1) must be set and which must be clear.
 *
 * <p>The text form names the flags that matter, with {@code !} before those that must be clear: {@code syn,!ack} is the first
 * packet of a connection. Bits and names:
 *
 * <table>
 *   <caption>The flags</caption>
 *   <tr><th>bit</th><td>1</td><td>2</td><td>4</td><td>8</td><td>16</td><td>32</td><td>64</td><td>128</td></tr>
 *   <tr><th>name</th><td>fin</td><td>syn</td><td>rst</td><td>psh</td><td>ack</td><td>urg</td><td>ece</td><td>cwr</td></tr>
 *   <tr><th>letter</th><td>F</td><td>S</td><td>R</td><td>P</td><td>A</td><td>U</td><td>E</td><td>C</td></tr>
 * </table>
 *
 * <p>Immutable and thread-safe.
 *
 * @param mask the flags that matter, 1 to 255
 * @param value those of them that must be set; no other bit is set in it
 */
public record TcpFlags(int mask, int value) {

    private static final String SETTING = "TCP flags";
    private static final List<String> NAMES = List.of("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr");
    private static final String LETTERS = "FSRPAUEC";
    private static final int ALL = 0xff;

    /**
     * Checks that something is asked for, and nothing impossible.
     *
     * @param mask the flags that matter
     * @param value those of them that must be set
     * @throws ConfigurationException if the mask is out of range, or the value has a bit that the mask has not
     */
    public TcpFlags {
        if (mask < 1 || mask > ALL) {
            throw new ConfigurationException(
                    SETTING, Integer.toString(mask), "is a mask out of range", "use a mask from 1 to " + ALL);
        }
        if ((value & ~mask) != 0) {
            throw new ConfigurationException(
                    SETTING,
                    value + "/" + mask,
                    "has a flag set that the mask leaves out",
                    "add the flag to the mask, or take it out of the value");
        }
    }

    /**
     * Reads flags by name, or as letters in the way of other packet filters.
     *
     * @param text either names with commas between, {@code !} before each that must be clear, such as {@code syn,!ack}; or the
     *     letters of those that must be set, a slash, and the letters of all that matter, such as {@code S/SA}
     * @return the flags
     * @throws SyntaxException if the text is anything else or names a flag twice
     */
    public static TcpFlags parse(String text) {
        Objects.requireNonNull(text, "text");
        TextScanner scanner = new TextScanner(SETTING, text);
        int slash = text.indexOf('/');
        return slash < 0 ? names(scanner, text) : letters(scanner, text, slash);
    }

    private static TcpFlags names(TextScanner scanner, String text) {
        int mask = 0;
        int value = 0;
        for (Word item : new Word(text, 0).split(',')) {
            boolean set = !item.text().startsWith("!");
            Word name = set ? item : new Word(item.text().substring(1), item.position() + 1);
            int index = NAMES.indexOf(name.text());
            if (index < 0) {
                throw name.text().isEmpty()
                        ? scanner.error(name.position(), "lacks the name of a flag", "write them like syn,!ack")
                        : scanner.unexpected(name, NAMES, String.join(", ", NAMES));
            }
            int bit = 1 << index;
            if ((mask & bit) != 0) {
                throw scanner.error(item.position(), "names " + name.text() + " twice", "name each flag once");
            }
            mask |= bit;
            value |= set ? bit : 0;
        }
        return new TcpFlags(mask, value);
    }

    private static TcpFlags letters(TextScanner scanner, String text, int slash) {
        int value = bits(scanner, text, 0, slash);
        int mask = bits(scanner, text, slash + 1, text.length());
        if (mask == 0) {
            throw scanner.error(slash + 1, "lacks the flags that matter", "write them after the slash, as in S/SA");
        }
        for (int i = 0; i < slash; i++) {
            char letter = text.charAt(i);
            if (text.indexOf(letter, slash) < 0) {
                throw scanner.error(
                        i,
                        "has '" + letter + "' before the slash only",
                        "repeat it after the slash, where all flags that matter stand");
            }
        }
        return new TcpFlags(mask, value);
    }

    private static int bits(TextScanner scanner, String text, int from, int to) {
        int bits = 0;
        for (int i = from; i < to; i++) {
            int index = LETTERS.indexOf(text.charAt(i));
            if (index < 0) {
                throw scanner.error(
                        i,
                        "has '" + text.charAt(i) + "' where it cannot stand",
                        "write one slash, and before and after it letters of " + LETTERS);
            }
            if ((bits & 1 << index) != 0) {
                throw scanner.error(i, "has '" + text.charAt(i) + "' twice", "name each flag once");
            }
            bits |= 1 << index;
        }
        return bits;
    }

    /**
     * Whether a header has all the flags that must be set and none that must be clear.
     *
     * @param flags the flags byte of a TCP header, 0 to 255
     * @return true if {@code (flags & mask) == value}
     */
    public boolean matches(int flags) {
        return (flags & mask) == value;
    }

    /**
     * The names of the flags that matter, in the order of their bits.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < NAMES.size(); i++) {
            int bit = 1 << i;
            if ((mask & bit) != 0) {
                s.append(s.isEmpty() ? "" : ",")
                        .append((value & bit) == 0 ? "!" : "")
                        .append(NAMES.get(i));
            }
        }
        return s.toString();
    }
}
