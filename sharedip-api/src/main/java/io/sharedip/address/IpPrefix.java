package io.sharedip.address;

import io.sharedip.ConfigurationException;
import io.sharedip.SyntaxException;
import io.sharedip.internal.text.Numbers;
import java.util.Objects;

/**
 * All addresses that begin with the same bits: a segment, the range a rule speaks of, or, at full length, one address.
 *
 * <p>Immutable and thread-safe.
 *
 * @param network the first of the addresses; every bit after the prefix is zero
 * @param length how many leading bits are fixed, 0 to the {@linkplain IpAddress#bitLength() length of an address}
 */
public record IpPrefix(IpAddress network, int length) {

    /** {@code 0.0.0.0/0}: every IPv4 address. */
    public static final IpPrefix ANY_IPV4 = new IpPrefix(Ipv4Address.UNSPECIFIED, 0);

    /** {@code ::/0}: every IPv6 address. */
    public static final IpPrefix ANY_IPV6 = new IpPrefix(Ipv6Address.UNSPECIFIED, 0);

    private static final String SETTING = "prefix";
    private static final String HOST_BITS = "has bits set after the prefix";

    /**
     * Checks length and host bits.
     *
     * @param network the first of the addresses
     * @param length how many leading bits are fixed
     * @throws ConfigurationException if the length is out of range, or a bit of the network after the prefix is set
     */
    public IpPrefix {
        Objects.requireNonNull(network, "network");
        IpAddress first = firstAddress(network, length);
        if (!first.equals(network)) {
            throw new ConfigurationException(SETTING, network + "/" + length, HOST_BITS, cure(network, first, length));
        }
    }

    private static String cure(IpAddress network, IpAddress first, int length) {
        return "write " + first + "/" + length + ", or " + network + " for this one address";
    }

    /**
     * Reads a prefix or a single address.
     *
     * @param text such as {@code 192.0.2.0/24}, {@code 2001:db8::/32} or {@code 192.0.2.10}; an address alone is a prefix of
     *     full length
     * @return the prefix
     * @throws SyntaxException if the text is anything else, or a bit after the prefix is set; in the latter case the cure
     *     names the prefix that was probably meant
     */
    public static IpPrefix parse(String text) {
        Objects.requireNonNull(text, "text");
        int slash = text.indexOf('/');
        if (slash < 0) {
            return host(address(text, text));
        }
        IpAddress network = address(text, text.substring(0, slash));
        int length =
                new Numbers(SETTING, "a prefix length", 0, network.bitLength()).parse(text, slash + 1, text.length());
        IpAddress first = firstAddress(network, length);
        if (!first.equals(network)) {
            throw new SyntaxException(SETTING, text, 0, HOST_BITS, cure(network, first, length));
        }
        return new IpPrefix(network, length);
    }

    private static IpAddress address(String whole, String text) {
        try {
            return IpAddress.parse(text);
        } catch (SyntaxException e) {
            throw new SyntaxException(
                    SETTING,
                    whole,
                    e.position(),
                    e.problem(),
                    "write an address, or an address and a prefix length, such as 192.0.2.0/24");
        }
    }

    /**
     * The prefix that holds one address only.
     *
     * @param address the address
     * @return the prefix of length 32 or 128
     */
    public static IpPrefix host(IpAddress address) {
        return new IpPrefix(address, address.bitLength());
    }

    /**
     * The prefix of a given length that an address lies in.
     *
     * @param address any address of it
     * @param length how many leading bits are fixed, 0 to the length of the address
     * @return the prefix
     * @throws ConfigurationException if the length is out of range
     */
    public static IpPrefix containing(IpAddress address, int length) {
        return new IpPrefix(firstAddress(address, length), length);
    }

    private static IpAddress firstAddress(IpAddress address, int length) {
        if (length < 0 || length > address.bitLength()) {
            throw new ConfigurationException(
                    "prefix length",
                    Integer.toString(length),
                    "is out of range",
                    "use 0 to " + address.bitLength() + " for " + address);
        }
        if (address instanceof Ipv4Address v4) {
            return new Ipv4Address(v4.bits() & ~hostBits(length));
        }
        Ipv6Address v6 = (Ipv6Address) address;
        return new Ipv6Address(v6.high() & ~highHostBits(length), v6.low() & ~lowHostBits(length));
    }

    private static int hostBits(int length) {
        return (int) (0xffff_ffffL >>> length);
    }

    private static long highHostBits(int length) {
        return length >= Long.SIZE ? 0 : -1L >>> length;
    }

    private static long lowHostBits(int length) {
        return length <= Long.SIZE ? -1L : length == 2 * Long.SIZE ? 0 : -1L >>> (length - Long.SIZE);
    }

    /**
     * Whether an address begins with these bits.
     *
     * @param address an address of either version
     * @return false if it lies outside or is of the other version
     */
    public boolean contains(IpAddress address) {
        Objects.requireNonNull(address, "address");
        return address.bitLength() == network.bitLength()
                && firstAddress(address, length).equals(network);
    }

    /**
     * Whether all addresses of another prefix lie in this one.
     *
     * @param other a prefix of either version
     * @return true if it is this prefix or a part of it
     */
    public boolean contains(IpPrefix other) {
        return other.length >= length && contains(other.network);
    }

    /**
     * The last address that begins with these bits. In an IPv4 segment of length 30 or less this is the directed broadcast
     * (RFC 919, 7).
     *
     * @return the address with every bit after the prefix set
     */
    public IpAddress lastAddress() {
        if (network instanceof Ipv4Address v4) {
            return new Ipv4Address(v4.bits() | hostBits(length));
        }
        Ipv6Address v6 = (Ipv6Address) network;
        return new Ipv6Address(v6.high() | highHostBits(length), v6.low() | lowHostBits(length));
    }

    /**
     * Whether this is an IPv4 prefix.
     *
     * @return true for IPv4, false for IPv6
     */
    public boolean isIpv4() {
        return network instanceof Ipv4Address;
    }

    /**
     * The netmask of an IPv4 prefix: {@code (bits & mask()) == network bits} holds for the addresses in it.
     *
     * @return as many leading ones as the prefix is long
     * @throws ConfigurationException if this is an IPv6 prefix
     */
    public int mask() {
        if (!isIpv4()) {
            throw new ConfigurationException(SETTING, toString(), "has no 32-bit netmask", "use an IPv4 prefix");
        }
        return ~hostBits(length);
    }

    /**
     * The prefix as text; a prefix of full length is written as the address it holds.
     *
     * @return the text that {@link #parse} reads
     */
    @Override
    public String toString() {
        return length == network.bitLength() ? network.toString() : network + "/" + length;
    }
}
