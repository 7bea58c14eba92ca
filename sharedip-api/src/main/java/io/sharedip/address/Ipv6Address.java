package io.sharedip.address;

import io.sharedip.SyntaxException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * An IPv6 address without a zone. Ordered as unsigned numbers.
 *
 * <p>Immutable and thread-safe.
 *
 * @param high the first eight bytes as they stand in a header, first byte in the highest bits
 * @param low the last eight bytes, likewise
 */
public record Ipv6Address(long high, long low) implements IpAddress, Comparable<Ipv6Address> {

    /** {@code ::}, the source of a host that has no address yet. */
    public static final Ipv6Address UNSPECIFIED = new Ipv6Address(0, 0);

    private static final String SETTING = "IPv6 address";
    private static final String CURE =
            "write eight groups of one to four hexadecimal digits with colons between, such as 2001:db8::10";
    private static final int GROUPS = 8;
    private static final int GROUP_DIGITS = 4;

    /**
     * Reads the text forms of RFC 4291, 2.2: eight groups, {@code ::} once for one or more groups of zeros, and the last two
     * groups in dotted decimal if wanted.
     *
     * @param text such as {@code 2001:db8::10} or {@code ::ffff:192.0.2.10}, in either case, without a zone and without
     *     brackets
     * @return the address
     * @throws SyntaxException if the text is anything else
     */
    public static Ipv6Address parse(String text) {
        Objects.requireNonNull(text, "text");
        int[] groups = new int[GROUPS];
        int count = 0;
        int gap = -1;
        int gapAt = 0;
        int at = 0;
        int end = text.length();
        if (text.startsWith("::")) {
            gap = 0;
            at = 2;
        }
        while (at < end) {
            int stop = at;
            while (stop < end && Character.digit(text.charAt(stop), 16) >= 0 && text.charAt(stop) < 0x80) {
                stop++;
            }
            boolean dotted = stop > at && stop < end && text.charAt(stop) == '.';
            if (stop == at) {
                throw strange(text, at);
            }
            if (count + (dotted ? 2 : 1) > GROUPS) {
                throw new SyntaxException(SETTING, text, at, "has more than eight groups", CURE);
            }
            if (dotted) {
                int bits = tail(text, at);
                groups[count++] = bits >>> 16;
                groups[count++] = bits & 0xffff;
                break;
            }
            if (stop - at > GROUP_DIGITS) {
                throw new SyntaxException(
                        SETTING, text, at + GROUP_DIGITS, "has a group of more than four digits", CURE);
            }
            groups[count++] = Integer.parseInt(text, at, stop, 16);
            at = stop;
            if (at == end) {
                break;
            }
            if (text.charAt(at) != ':') {
                throw strange(text, at);
            }
            at++;
            if (at == end) {
                throw new SyntaxException(SETTING, text, at - 1, "ends with a single ':'", CURE);
            }
            if (text.charAt(at) == ':') {
                if (gap >= 0) {
                    throw new SyntaxException(SETTING, text, at - 1, "has '::' twice", CURE);
                }
                gap = count;
                gapAt = at - 1;
                at++;
            }
        }
        if (gap < 0 && count < GROUPS) {
            throw new SyntaxException(SETTING, text, end, "has only " + count + " of the eight groups", CURE);
        }
        if (gap >= 0 && count == GROUPS) {
            throw new SyntaxException(SETTING, text, gapAt, "has a '::' that stands for no group", CURE);
        }
        return assemble(groups, count, gap < 0 ? count : gap);
    }

    private static SyntaxException strange(String text, int at) {
        char c = text.charAt(at);
        String cure = c == '%' ? "leave the zone (from '%' on) out" : CURE;
        return new SyntaxException(SETTING, text, at, "has '" + c + "' where it cannot stand", cure);
    }

    private static int tail(String text, int at) {
        try {
            return Ipv4Address.parse(text.substring(at)).bits();
        } catch (SyntaxException e) {
            throw new SyntaxException(SETTING, text, at + e.position(), e.problem(), CURE);
        }
    }

    private static Ipv6Address assemble(int[] groups, int count, int gap) {
        long high = 0;
        long low = 0;
        for (int i = 0; i < GROUPS; i++) {
            int skipped = GROUPS - count;
            int group = i < gap ? groups[i] : i < gap + skipped ? 0 : groups[i - skipped];
            if (i < GROUPS / 2) {
                high = high << 16 | group;
            } else {
                low = low << 16 | group;
            }
        }
        return new Ipv6Address(high, low);
    }

    @Override
    public InetAddress toInetAddress() {
        try {
            return Inet6Address.getByAddress(null, toByteArray(), -1);
        } catch (UnknownHostException e) {
            throw new AssertionError("sixteen bytes are always an address", e);
        }
    }

    @Override
    public byte[] toByteArray() {
        return ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low).array();
    }

    @Override
    public int bitLength() {
        return 2 * Long.SIZE;
    }

    @Override
    public boolean isMulticast() {
        return high >>> 56 == 0xff;
    }

    @Override
    public boolean isLoopback() {
        return high == 0 && low == 1;
    }

    @Override
    public boolean isUnspecified() {
        return (high | low) == 0;
    }

    /**
     * Whether this lies in {@code fe80::/10}, which routers never forward (RFC 4291, 2.5.6).
     *
     * @return true for a link-local unicast address
     */
    public boolean isLinkLocal() {
        return high >>> 54 == 0x3fa;
    }

    /**
     * Whether this lies in {@code fc00::/7}, the private range of IPv6 (RFC 4193).
     *
     * @return true for a unique local address
     */
    public boolean isUniqueLocal() {
        return high >>> 57 == 0x7e;
    }

    @Override
    public int compareTo(Ipv6Address other) {
        int order = Long.compareUnsigned(high, other.high);
        return order != 0 ? order : Long.compareUnsigned(low, other.low);
    }

    private int group(int index) {
        long half = index < GROUPS / 2 ? high : low;
        return (int) (half >>> (48 - 16 * (index % (GROUPS / 2)))) & 0xffff;
    }

    /**
     * The address in the one form that RFC 5952 recommends: lower case, no leading zeros, the first of the longest runs of
     * two or more zero groups as {@code ::}, and {@code ::ffff:192.0.2.10} for addresses mapped from IPv4.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        if (high == 0 && low >>> 32 == 0xffff) {
            return "::ffff:" + new Ipv4Address((int) low);
        }
        int gap = -1;
        int gapLength = 1;
        for (int from = 0; from < GROUPS; from++) {
            int to = from;
            while (to < GROUPS && group(to) == 0) {
                to++;
            }
            if (to - from > gapLength) {
                gap = from;
                gapLength = to - from;
            }
        }
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < GROUPS; i++) {
            if (i == gap) {
                s.append("::");
                i += gapLength - 1;
                continue;
            }
            if (i > 0 && s.charAt(s.length() - 1) != ':') {
                s.append(':');
            }
            s.append(Integer.toHexString(group(i)));
        }
        return s.toString();
    }
}
