package io.sharedip.packet;

/**
 * An IPv4 header (20 to 60 octets, RFC 791). A reusable cursor on a {@link Frame}: it copies and checks nothing but the
 * frame's bounds, and is valid as long as the frame is.
 *
 * <p>Not thread-safe.
 */
public final class Ipv4View {

    /** The least length of the header in octets. */
    public static final int MIN_LENGTH = 20;

    /** The DF bit in {@link #flagsAndOffset()}. */
    public static final int DONT_FRAGMENT = 0x4000;

    /** The MF bit in {@link #flagsAndOffset()}. */
    public static final int MORE_FRAGMENTS = 0x2000;

    /** The offset in {@link #flagsAndOffset()}. */
    public static final int OFFSET_MASK = 0x1fff;

    private Frame frame = new Frame();
    private int at;

    /** Makes a view of nothing, to be pointed somewhere by {@link #wrap(Frame, int)}. */
    public Ipv4View() {}

    /**
     * Points this view at a header.
     *
     * @param frame that holds the header
     * @param at index in the frame's window of the header's first octet
     * @return this
     */
    public Ipv4View wrap(Frame frame, int at) {
        this.frame = frame;
        this.at = at;
        return this;
    }

    /**
     * Reads version in the high, header length in 32-bit words in the low four bits.
     *
     * @return 0 to 255
     */
    public int versionAndLength() {
        return frame.u8(at);
    }

    /**
     * Writes version in the high, header length in 32-bit words in the low four bits.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public Ipv4View versionAndLength(int value) {
        frame.put8(at, value);
        return this;
    }

    /**
     * Reads DSCP and ECN.
     *
     * @return 0 to 255
     */
    public int trafficClass() {
        return frame.u8(at + 1);
    }

    /**
     * Writes DSCP and ECN.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public Ipv4View trafficClass(int value) {
        frame.put8(at + 1, value);
        return this;
    }

    /**
     * Reads octets of header and payload.
     *
     * @return 0 to 65535
     */
    public int totalLength() {
        return frame.u16(at + 2);
    }

    /**
     * Writes octets of header and payload.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public Ipv4View totalLength(int value) {
        frame.put16(at + 2, value);
        return this;
    }

    /**
     * Reads the fragment identification (RFC 6864).
     *
     * @return 0 to 65535
     */
    public int identification() {
        return frame.u16(at + 4);
    }

    /**
     * Writes the fragment identification (RFC 6864).
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public Ipv4View identification(int value) {
        frame.put16(at + 4, value);
        return this;
    }

    /**
     * Reads flags in the high three bits, fragment offset in units of 8 octets in the others.
     *
     * @return 0 to 65535
     */
    public int flagsAndOffset() {
        return frame.u16(at + 6);
    }

    /**
     * Writes flags in the high three bits, fragment offset in units of 8 octets in the others.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public Ipv4View flagsAndOffset(int value) {
        frame.put16(at + 6, value);
        return this;
    }

    /**
     * Reads the time to live.
     *
     * @return 0 to 255
     */
    public int ttl() {
        return frame.u8(at + 8);
    }

    /**
     * Writes the time to live.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public Ipv4View ttl(int value) {
        frame.put8(at + 8, value);
        return this;
    }

    /**
     * Reads the protocol number.
     *
     * @return 0 to 255
     */
    public int protocol() {
        return frame.u8(at + 9);
    }

    /**
     * Writes the protocol number.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public Ipv4View protocol(int value) {
        frame.put8(at + 9, value);
        return this;
    }

    /**
     * Reads the header checksum.
     *
     * @return 0 to 65535
     */
    public int checksum() {
        return frame.u16(at + 10);
    }

    /**
     * Writes the header checksum.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public Ipv4View checksum(int value) {
        frame.put16(at + 10, value);
        return this;
    }

    /**
     * Reads the source address.
     *
     * @return 32 bits
     */
    public int source() {
        return frame.i32(at + 12);
    }

    /**
     * Writes the source address.
     *
     * @param value 32 bits; higher bits are ignored
     * @return this
     */
    public Ipv4View source(int value) {
        frame.put32(at + 12, value);
        return this;
    }

    /**
     * Reads the destination address.
     *
     * @return 32 bits
     */
    public int destination() {
        return frame.i32(at + 16);
    }

    /**
     * Writes the destination address.
     *
     * @param value 32 bits; higher bits are ignored
     * @return this
     */
    public Ipv4View destination(int value) {
        frame.put32(at + 16, value);
        return this;
    }

    /**
     * The header's length as it says itself.
     *
     * @return octets, 0 to 60; sensible from 20 on
     */
    public int headerLength() {
        return (versionAndLength() & 0xf) << 2;
    }
}
