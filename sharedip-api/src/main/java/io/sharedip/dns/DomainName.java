package io.sharedip.dns;

import io.sharedip.ConfigurationException;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Objects;

/**
 * A fully qualified domain name (RFC 1035 section 3.1). Letters of ASCII are equal in either case and kept in lower case (RFC 4343);
 * every other octet may stand in a label and is written {@code \.}, {@code \\} or {@code \ddd}.
 *
 * <p>Immutable and thread-safe.
 */
public final class DomainName implements Comparable<DomainName> {

    /** The root, which has no label. */
    public static final DomainName ROOT = new DomainName(new byte[] {0}, 0);

    /** The most octets of a name on the wire, the root's included. */
    public static final int LONGEST = 255;

    private static final int LONGEST_LABEL = 63;
    private static final String SETTING = "domain name";
    private static final String CURE =
            "use labels of 1 to 63 octets with dots between, 253 in all, such as web.example.org";

    /** Labels with their lengths before them, the root's length 0 behind; this name begins at {@link #start}. */
    private final byte[] wire;

    private final int start;

    private DomainName(byte[] wire, int start) {
        this.wire = wire;
        this.start = start;
    }

    /**
     * Reads a name; a dot at the end makes no difference.
     *
     * @param text such as {@code web.example.org}, or {@code .} for the root
     * @return the name
     * @throws ConfigurationException if it is none
     */
    public static DomainName parse(String text) {
        Objects.requireNonNull(text, "text");
        if (".".equals(text)) {
            return ROOT;
        }
        ByteArrayOutputStream wire = new ByteArrayOutputStream();
        ByteArrayOutputStream label = new ByteArrayOutputStream();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c == '.') {
                end(label, wire, text);
                i++;
            } else if (c == '\\') {
                i += escaped(text, i, label);
            } else if (c > ' ' && c < 127) {
                label.write(lower((byte) c));
                i++;
            } else {
                throw refused(text, "has a character that must be written \\ddd");
            }
        }
        if (label.size() > 0 || text.isEmpty()) {
            end(label, wire, text);
        }
        wire.write(0);
        if (wire.size() > LONGEST) {
            throw refused(text, "is too long");
        }
        return new DomainName(wire.toByteArray(), 0);
    }

    private static void end(ByteArrayOutputStream label, ByteArrayOutputStream wire, String text) {
        if (label.size() == 0) {
            throw refused(text, "has an empty label");
        }
        if (label.size() > LONGEST_LABEL) {
            throw refused(text, "has a label of more than 63 octets");
        }
        wire.write(label.size());
        wire.writeBytes(label.toByteArray());
        label.reset();
    }

    /** Reads what stands behind a backslash. @return how many characters it takes, the backslash included */
    private static int escaped(String text, int at, ByteArrayOutputStream label) {
        if (at + 1 < text.length() && !isDigit(text.charAt(at + 1))) {
            char c = text.charAt(at + 1);
            if (c <= ' ' || c > 126) {
                throw refused(text, "has a character that must be written \\ddd");
            }
            label.write(lower((byte) c));
            return 2;
        }
        if (at + 3 < text.length() && isDigit(text.charAt(at + 2)) && isDigit(text.charAt(at + 3))) {
            int value = Integer.parseInt(text.substring(at + 1, at + 4));
            if (value <= 255) {
                label.write(lower((byte) value));
                return 4;
            }
        }
        throw refused(text, "has a backslash without \\ddd of 000 to 255 behind it");
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static ConfigurationException refused(String text, String problem) {
        return new ConfigurationException(SETTING, text, problem, CURE);
    }

    /**
     * The name that stands in a message without compression.
     *
     * @param octets that hold it
     * @param offset of its first label's length
     * @return the name
     * @throws IllegalArgumentException if there is no whole name, it is too long, or it is compressed
     */
    public static DomainName ofWire(byte[] octets, int offset) {
        int at = offset;
        while (true) {
            if (at < 0 || at >= octets.length || at - offset >= LONGEST) {
                throw new IllegalArgumentException("no whole name");
            }
            int length = octets[at] & 0xff;
            if (length > LONGEST_LABEL) {
                throw new IllegalArgumentException("label type " + length);
            }
            at += 1 + length;
            if (length == 0) {
                break;
            }
        }
        byte[] wire = Arrays.copyOfRange(octets, offset, at);
        for (int i = 0; i < wire.length; i += 1 + wire[i]) {
            for (int j = 1; j <= wire[i]; j++) {
                wire[i + j] = lower(wire[i + j]);
            }
        }
        return new DomainName(wire, 0);
    }

    private static byte lower(byte octet) {
        return octet >= 'A' && octet <= 'Z' ? (byte) (octet + ('a' - 'A')) : octet;
    }

    /**
     * The name with a label before it.
     *
     * @param label 1 to 63 characters, in the form of {@link #parse}
     * @return one label longer than this
     * @throws ConfigurationException if the label or the whole is too long
     */
    public DomainName child(String label) {
        DomainName first = parse(label);
        if (first.labels() != 1) {
            throw refused(label, "is not one label");
        }
        byte[] whole = new byte[first.length() - 1 + length()];
        if (whole.length > LONGEST) {
            throw refused(label + "." + this, "is too long");
        }
        System.arraycopy(first.wire, 0, whole, 0, first.length() - 1);
        System.arraycopy(wire, start, whole, first.length() - 1, length());
        return new DomainName(whole, 0);
    }

    /**
     * The name without its first label.
     *
     * @return of the root, the root
     */
    public DomainName parent() {
        return isRoot() ? this : new DomainName(wire, start + 1 + wire[start]);
    }

    /**
     * Whether this is the root.
     *
     * @return whether it has no label
     */
    public boolean isRoot() {
        return wire[start] == 0;
    }

    /**
     * Counts the labels.
     *
     * @return 0 to 127
     */
    public int labels() {
        int count = 0;
        for (int at = start; wire[at] != 0; at += 1 + wire[at]) {
            count++;
        }
        return count;
    }

    /**
     * Whether this name is another one or stands below it.
     *
     * @param ancestor e.g. {@code example.org}
     * @return whether this is {@code example.org} or {@code web.example.org}
     */
    public boolean isWithin(DomainName ancestor) {
        int at = start;
        while (wire.length - at > ancestor.length()) {
            at += 1 + wire[at];
        }
        return Arrays.equals(wire, at, wire.length, ancestor.wire, ancestor.start, ancestor.wire.length);
    }

    /**
     * How many octets it takes on the wire without compression.
     *
     * @return 1 to {@link #LONGEST}
     */
    public int length() {
        return wire.length - start;
    }

    /**
     * Its octets on the wire, without compression, in lower case.
     *
     * @return a copy, the root's length 0 at its end
     */
    public byte[] toWire() {
        return Arrays.copyOfRange(wire, start, wire.length);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DomainName that
                && Arrays.equals(wire, start, wire.length, that.wire, that.start, that.wire.length);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = start; i < wire.length; i++) {
            hash = 31 * hash + wire[i];
        }
        return hash;
    }

    @Override
    public int compareTo(DomainName other) {
        return Arrays.compareUnsigned(wire, start, wire.length, other.wire, other.start, other.wire.length);
    }

    /** The form that {@link #parse} reads, without a dot at the end; {@code .} for the root. */
    @Override
    public String toString() {
        if (isRoot()) {
            return ".";
        }
        StringBuilder text = new StringBuilder();
        for (int at = start; wire[at] != 0; at += 1 + wire[at]) {
            if (at > start) {
                text.append('.');
            }
            for (int i = 1; i <= wire[at]; i++) {
                append(text, wire[at + i] & 0xff);
            }
        }
        return text.toString();
    }

    private static void append(StringBuilder text, int octet) {
        if (octet == '.' || octet == '\\') {
            text.append('\\').append((char) octet);
        } else if (octet > ' ' && octet < 127) {
            text.append((char) octet);
        } else {
            text.append('\\').append((char) ('0' + octet / 100)).append((char) ('0' + octet / 10 % 10));
            text.append((char) ('0' + octet % 10));
        }
    }
}
