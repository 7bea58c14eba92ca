package io.sharedip.address;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import java.util.Objects;

/**
 * A 48-bit Ethernet address (EUI-48, IEEE 802). Ordered as numbers.
 *
 * <p>Immutable and thread-safe.
 *
 * @param bits the address in the lowest 48 bits, first byte on the wire in the highest of them; 0 to
 *     {@code 0xffff_ffff_ffff}
 */
public record MacAddress(long bits) implements Comparable<MacAddress> {

    private static final String SETTING = "MAC address";
    private static final int BYTES = 6;
    private static final long ALL = 0xffff_ffff_ffffL;

    /** {@code ff:ff:ff:ff:ff:ff}, every station of the segment. */
    public static final MacAddress BROADCAST = new MacAddress(ALL);

    /**
     * Checks the range.
     *
     * @param bits the address in the lowest 48 bits
     * @throws ConfigurationException if a bit above the lowest 48 is set
     */
    public MacAddress {
        if ((bits & ~ALL) != 0) {
            throw new ConfigurationException(
                    SETTING, "0x" + Long.toHexString(bits), "has more than 48 bits", "clear the upper 16 bits");
        }
    }

    /**
     * Reads six pairs of hexadecimal digits.
     *
     * @param text such as {@code 52:54:00:00:00:01} or {@code 52-54-00-00-00-01}, in either case
     * @return the address
     * @throws SyntaxException if the text is anything else
     */
    public static MacAddress parse(String text) {
        Objects.requireNonNull(text, "text");
        int length = 3 * BYTES - 1;
        char separator = text.length() > 2 && text.charAt(2) == '-' ? '-' : ':';
        long bits = 0;
        for (int i = 0; i < length; i++) {
            if (i >= text.length()) {
                throw error(text, i, "ends too early");
            }
            char c = text.charAt(i);
            if (i % 3 == 2) {
                if (c != separator) {
                    throw error(text, i, "has '" + c + "' where '" + separator + "' should stand");
                }
                continue;
            }
            int digit = c < 0x80 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                throw error(text, i, "has '" + c + "' where a hexadecimal digit should stand");
            }
            bits = bits << 4 | digit;
        }
        if (text.length() > length) {
            throw error(text, length, "has more than six pairs of digits");
        }
        return new MacAddress(bits);
    }

    private static SyntaxException error(String text, int position, String problem) {
        return new SyntaxException(
                SETTING,
                text,
                position,
                problem,
                "write six pairs of hexadecimal digits, all with ':' or all with '-' between, such as 52:54:00:00:00:01");
    }

    /**
     * Whether this names a group of stations (the first bit on the wire is set); the broadcast address is one.
     *
     * @return true if a frame may not have this as its source
     */
    public boolean isMulticast() {
        return (bits >>> 40 & 1) != 0;
    }

    /**
     * Whether this names every station.
     *
     * @return true for {@link #BROADCAST}
     */
    public boolean isBroadcast() {
        return bits == ALL;
    }

    /**
     * Whether this is {@code 00:00:00:00:00:00}, which stands for "unknown" in ARP and is no station's address.
     *
     * @return true for all zeros
     */
    public boolean isZero() {
        return bits == 0;
    }

    /**
     * Whether somebody other than the card's maker chose this address, as virtual machine monitors do.
     *
     * @return true if the second bit on the wire is set
     */
    public boolean isLocallyAdministered() {
        return (bits >>> 40 & 2) != 0;
    }

    @Override
    public int compareTo(MacAddress other) {
        return Long.compare(bits, other.bits);
    }

    /**
     * The address in lower case with colons.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        StringBuilder s = new StringBuilder();
        for (int shift = 44; shift >= 0; shift -= 4) {
            s.append(Character.forDigit((int) (bits >>> shift) & 0xf, 16));
            if (shift % 8 == 0 && shift > 0) {
                s.append(':');
            }
        }
        return s.toString();
    }
}
