package io.sharedip.packet;

/**
 * An ARP packet for Ethernet and IPv4 (28 octets, RFC 826). A reusable cursor on a {@link Frame}: it copies and checks nothing but the
 * frame's bounds, and is valid as long as the frame is.
 *
 * <p>Not thread-safe.
 */
public final class ArpView {

    /** The least length of the header in octets. */
    public static final int MIN_LENGTH = 28;

    /** Operation of a request. */
    public static final int REQUEST = 1;

    /** Operation of a reply. */
    public static final int REPLY = 2;

    private Frame frame = new Frame();
    private int at;

    /** Makes a view of nothing, to be pointed somewhere by {@link #wrap(Frame, int)}. */
    public ArpView() {}

    /**
     * Points this view at a header.
     *
     * @param frame that holds the header
     * @param at index in the frame's window of the header's first octet
     * @return this
     */
    public ArpView wrap(Frame frame, int at) {
        this.frame = frame;
        this.at = at;
        return this;
    }

    /**
     * Reads 1 for Ethernet.
     *
     * @return 0 to 65535
     */
    public int hardwareType() {
        return frame.u16(at);
    }

    /**
     * Writes 1 for Ethernet.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public ArpView hardwareType(int value) {
        frame.put16(at, value);
        return this;
    }

    /**
     * Reads 0x0800 for IPv4.
     *
     * @return 0 to 65535
     */
    public int protocolType() {
        return frame.u16(at + 2);
    }

    /**
     * Writes 0x0800 for IPv4.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public ArpView protocolType(int value) {
        frame.put16(at + 2, value);
        return this;
    }

    /**
     * Reads 6 for Ethernet.
     *
     * @return 0 to 255
     */
    public int hardwareLength() {
        return frame.u8(at + 4);
    }

    /**
     * Writes 6 for Ethernet.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public ArpView hardwareLength(int value) {
        frame.put8(at + 4, value);
        return this;
    }

    /**
     * Reads 4 for IPv4.
     *
     * @return 0 to 255
     */
    public int protocolLength() {
        return frame.u8(at + 5);
    }

    /**
     * Writes 4 for IPv4.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public ArpView protocolLength(int value) {
        frame.put8(at + 5, value);
        return this;
    }

    /**
     * Reads 1 for a request, 2 for a reply.
     *
     * @return 0 to 65535
     */
    public int operation() {
        return frame.u16(at + 6);
    }

    /**
     * Writes 1 for a request, 2 for a reply.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public ArpView operation(int value) {
        frame.put16(at + 6, value);
        return this;
    }

    /**
     * Reads the sender's MAC address.
     *
     * @return 48 bits
     */
    public long senderMac() {
        return frame.u48(at + 8);
    }

    /**
     * Writes the sender's MAC address.
     *
     * @param value 48 bits; higher bits are ignored
     * @return this
     */
    public ArpView senderMac(long value) {
        frame.put48(at + 8, value);
        return this;
    }

    /**
     * Reads the sender's IPv4 address, 0 in a probe (RFC 5227).
     *
     * @return 32 bits
     */
    public int senderAddress() {
        return frame.i32(at + 14);
    }

    /**
     * Writes the sender's IPv4 address, 0 in a probe (RFC 5227).
     *
     * @param value 32 bits; higher bits are ignored
     * @return this
     */
    public ArpView senderAddress(int value) {
        frame.put32(at + 14, value);
        return this;
    }

    /**
     * Reads the target's MAC address.
     *
     * @return 48 bits
     */
    public long targetMac() {
        return frame.u48(at + 18);
    }

    /**
     * Writes the target's MAC address.
     *
     * @param value 48 bits; higher bits are ignored
     * @return this
     */
    public ArpView targetMac(long value) {
        frame.put48(at + 18, value);
        return this;
    }

    /**
     * Reads the target's IPv4 address.
     *
     * @return 32 bits
     */
    public int targetAddress() {
        return frame.i32(at + 24);
    }

    /**
     * Writes the target's IPv4 address.
     *
     * @param value 32 bits; higher bits are ignored
     * @return this
     */
    public ArpView targetAddress(int value) {
        frame.put32(at + 24, value);
        return this;
    }
}
