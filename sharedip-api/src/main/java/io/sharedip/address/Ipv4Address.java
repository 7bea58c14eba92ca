package io.sharedip.address;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.Numbers;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * An IPv4 address. Ordered as unsigned numbers, so that {@code 9.0.0.0} comes before {@code 200.0.0.0}.
 *
 * <p>Immutable and thread-safe.
 *
 * @param bits the address as it stands in a header, first byte in the highest bits; every {@code int} is an address
 */
public record Ipv4Address(int bits) implements IpAddress, Comparable<Ipv4Address> {

    /** {@code 0.0.0.0}, the source of a host that has no address yet. */
    public static final Ipv4Address UNSPECIFIED = new Ipv4Address(0);

    /** {@code 255.255.255.255}, all hosts of the segment. */
    public static final Ipv4Address BROADCAST = new Ipv4Address(-1);

    private static final String SETTING = "IPv4 address";
    private static final String CURE = "write four numbers from 0 to 255 with dots between, such as 192.0.2.10";
    private static final Numbers PART = new Numbers(SETTING, "a number", 0, 255);
    private static final int PARTS = 4;

    /**
     * Reads dotted decimal. All four numbers must be there, without leading zeros: other programs take {@code 10.1} and
     * {@code 010.0.0.1} for addresses, but not for the same ones.
     *
     * @param text four numbers from 0 to 255 with dots between, such as {@code 192.0.2.10}
     * @return the address
     * @throws SyntaxException if the text is anything else
     */
    public static Ipv4Address parse(String text) {
        Objects.requireNonNull(text, "text");
        int bits = 0;
        int from = 0;
        for (int part = 1; part <= PARTS; part++) {
            int dot = part < PARTS ? text.indexOf('.', from) : -1;
            int to = dot < 0 ? text.length() : dot;
            bits = bits << 8 | PART.parse(text, from, to);
            if (dot < 0 && part < PARTS) {
                throw new SyntaxException(SETTING, text, to, "has only " + part + " of the four numbers", CURE);
            }
            from = to + 1;
        }
        return new Ipv4Address(bits);
    }

    /**
     * The address with these four bytes.
     *
     * @param a the first byte, 0 to 255
     * @param b the second byte, 0 to 255
     * @param c the third byte, 0 to 255
     * @param d the last byte, 0 to 255
     * @return the address {@code a.b.c.d}
     * @throws ConfigurationException if a number is out of range
     */
    public static Ipv4Address of(int a, int b, int c, int d) {
        if (((a | b | c | d) & ~0xff) != 0) {
            throw new ConfigurationException(
                    SETTING, a + "." + b + "." + c + "." + d, "has a number out of range", "use numbers from 0 to 255");
        }
        return new Ipv4Address(a << 24 | b << 16 | c << 8 | d);
    }

    /**
     * The address with these bits.
     *
     * @param bits the address as it stands in a header, first byte in the highest bits
     * @return the address
     */
    public static Ipv4Address ofBits(int bits) {
        return new Ipv4Address(bits);
    }

    @Override
    public InetAddress toInetAddress() {
        try {
            return InetAddress.getByAddress(toByteArray());
        } catch (UnknownHostException e) {
            throw new AssertionError("four bytes are always an address", e);
        }
    }

    @Override
    public byte[] toByteArray() {
        return ByteBuffer.allocate(Integer.BYTES).putInt(bits).array();
    }

    @Override
    public int bitLength() {
        return Integer.SIZE;
    }

    @Override
    public boolean isMulticast() {
        return bits >>> 28 == 0xe;
    }

    @Override
    public boolean isLoopback() {
        return bits >>> 24 == 127;
    }

    @Override
    public boolean isUnspecified() {
        return bits == 0;
    }

    /**
     * Whether this lies in a range for private internets: {@code 10.0.0.0/8}, {@code 172.16.0.0/12} or
     * {@code 192.168.0.0/16} (RFC 1918, 3).
     *
     * @return true for a private address
     */
    public boolean isPrivate() {
        return bits >>> 24 == 10 || bits >>> 20 == 0xac1 || bits >>> 16 == 0xc0a8;
    }

    /**
     * Whether this lies in {@code 169.254.0.0/16}, which hosts give themselves and routers never forward (RFC 3927).
     *
     * @return true for a link-local address
     */
    public boolean isLinkLocal() {
        return bits >>> 16 == 0xa9fe;
    }

    /**
     * Whether this lies in {@code 240.0.0.0/4}, which is reserved (RFC 1112, 4) and no host's address. The limited
     * broadcast address lies in it.
     *
     * @return true for a reserved address
     */
    public boolean isReserved() {
        return bits >>> 28 == 0xf;
    }

    /**
     * Whether this is {@code 255.255.255.255}, the limited broadcast (RFC 919, 7). The directed broadcast of a segment is
     * {@link IpPrefix#lastAddress()}.
     *
     * @return true for the limited broadcast
     */
    public boolean isBroadcast() {
        return bits == -1;
    }

    @Override
    public int compareTo(Ipv4Address other) {
        return Integer.compareUnsigned(bits, other.bits);
    }

    /**
     * The address in dotted decimal.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return (bits >>> 24) + "." + (bits >>> 16 & 0xff) + "." + (bits >>> 8 & 0xff) + "." + (bits & 0xff);
    }
}
