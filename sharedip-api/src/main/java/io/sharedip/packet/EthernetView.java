package io.sharedip.packet;

/**
 * An Ethernet II header (14 octets). A reusable cursor on a {@link Frame}: it copies and checks nothing but the
 * frame's bounds, and is valid as long as the frame is.
 *
 * <p>Not thread-safe.
 */
public final class EthernetView {

    /** The least length of the header in octets. */
    public static final int MIN_LENGTH = 14;

    /** EtherType of IPv4. */
    public static final int TYPE_IPV4 = 0x0800;

    /** EtherType of ARP. */
    public static final int TYPE_ARP = 0x0806;

    /** EtherType of an 802.1Q tag. */
    public static final int TYPE_VLAN = 0x8100;

    /** EtherType of an 802.1ad service tag. */
    public static final int TYPE_QINQ = 0x88a8;

    /** EtherType of IPv6. */
    public static final int TYPE_IPV6 = 0x86dd;

    private Frame frame = new Frame();
    private int at;

    /** Makes a view of nothing, to be pointed somewhere by {@link #wrap(Frame, int)}. */
    public EthernetView() {}

    /**
     * Points this view at a header.
     *
     * @param frame that holds the header
     * @param at index in the frame's window of the header's first octet
     * @return this
     */
    public EthernetView wrap(Frame frame, int at) {
        this.frame = frame;
        this.at = at;
        return this;
    }

    /**
     * Reads the MAC address the frame is for.
     *
     * @return 48 bits
     */
    public long destination() {
        return frame.u48(at);
    }

    /**
     * Writes the MAC address the frame is for.
     *
     * @param value 48 bits; higher bits are ignored
     * @return this
     */
    public EthernetView destination(long value) {
        frame.put48(at, value);
        return this;
    }

    /**
     * Reads the MAC address of the sender.
     *
     * @return 48 bits
     */
    public long source() {
        return frame.u48(at + 6);
    }

    /**
     * Writes the MAC address of the sender.
     *
     * @param value 48 bits; higher bits are ignored
     * @return this
     */
    public EthernetView source(long value) {
        frame.put48(at + 6, value);
        return this;
    }

    /**
     * Reads the EtherType.
     *
     * @return 0 to 65535
     */
    public int type() {
        return frame.u16(at + 12);
    }

    /**
     * Writes the EtherType.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public EthernetView type(int value) {
        frame.put16(at + 12, value);
        return this;
    }
}
