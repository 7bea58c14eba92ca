package io.sharedip.address;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.Numbers;
import java.util.Objects;

/**
 * Consecutive TCP or UDP ports, or a single one. Ordered by the first port, then by the last.
 *
 * <p>Immutable and thread-safe.
 *
 * @param first the lowest port, 1 to 65535
 * @param last the highest port, {@code first} to 65535
 */
public record PortRange(int first, int last) implements Comparable<PortRange> {

    /** The highest port there is, 65535. */
    public static final int MAX_PORT = 0xffff;

    private static final String SETTING = "port range";
    private static final Numbers PORT = new Numbers(SETTING, "a port", 1, MAX_PORT);

    /**
     * Checks the order and the limits.
     *
     * @param first the lowest port, 1 to 65535
     * @param last the highest port, {@code first} to 65535
     * @throws ConfigurationException if a port is out of range or the last comes before the first
     */
    public PortRange {
        if (first < 1 || last > MAX_PORT || first > last) {
            throw new ConfigurationException(
                    SETTING,
                    first + "-" + last,
                    first > last ? "ends before it begins" : "has a port out of range",
                    "use ports from 1 to " + MAX_PORT + ", the lower one first");
        }
    }

    /**
     * The range of one port.
     *
     * @param port the port, 1 to 65535
     * @return the range
     * @throws ConfigurationException if the port is out of range
     */
    public static PortRange of(int port) {
        return new PortRange(port, port);
    }

    /**
     * The range between two ports, both included.
     *
     * @param first the lowest port, 1 to 65535
     * @param last the highest port, {@code first} to 65535
     * @return the range
     * @throws ConfigurationException if a port is out of range or the last comes before the first
     */
    public static PortRange of(int first, int last) {
        return new PortRange(first, last);
    }

    /**
     * Reads a port or two ports with a hyphen between.
     *
     * @param text such as {@code 80} or {@code 5000-5009}, without blanks
     * @return the range
     * @throws SyntaxException if the text is anything else, or the second port is lower than the first
     */
    public static PortRange parse(String text) {
        Objects.requireNonNull(text, "text");
        int hyphen = text.indexOf('-', 1);
        if (hyphen < 0) {
            return of(PORT.parse(text));
        }
        int first = PORT.parse(text, 0, hyphen);
        int last = PORT.parse(text, hyphen + 1, text.length());
        if (first > last) {
            throw new SyntaxException(
                    SETTING, text, hyphen + 1, "ends before it begins", "write " + last + "-" + first);
        }
        return of(first, last);
    }

    /**
     * How many ports these are.
     *
     * @return 1 to 65535
     */
    public int size() {
        return last - first + 1;
    }

    /**
     * Whether this is one port.
     *
     * @return true if first and last are the same
     */
    public boolean isSingle() {
        return first == last;
    }

    /**
     * Whether a port is one of these.
     *
     * @param port any number
     * @return true if it is not below the first and not above the last
     */
    public boolean contains(int port) {
        return first <= port && port <= last;
    }

    /**
     * Whether another range has a port in common with this one.
     *
     * @param other the other range
     * @return true if at least one port lies in both
     */
    public boolean overlaps(PortRange other) {
        return first <= other.last && other.first <= last;
    }

    @Override
    public int compareTo(PortRange other) {
        int order = Integer.compare(first, other.first);
        return order != 0 ? order : Integer.compare(last, other.last);
    }

    /**
     * The port, or the first and the last with a hyphen between.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return isSingle() ? Integer.toString(first) : first + "-" + last;
    }
}
