package io.sharedip.packet;

/**
 * A UDP header (8 octets, RFC 768). A reusable cursor on a {@link Frame}: it copies and checks nothing but the
 * frame's bounds, and is valid as long as the frame is.
 *
 * <p>Not thread-safe.
 */
public final class UdpView {

    /** The least length of the header in octets. */
    public static final int MIN_LENGTH = 8;

    private Frame frame = new Frame();
    private int at;

    /** Makes a view of nothing, to be pointed somewhere by {@link #wrap(Frame, int)}. */
    public UdpView() {}

    /**
     * Points this view at a header.
     *
     * @param frame that holds the header
     * @param at index in the frame's window of the header's first octet
     * @return this
     */
    public UdpView wrap(Frame frame, int at) {
        this.frame = frame;
        this.at = at;
        return this;
    }

    /**
     * Reads the source port.
     *
     * @return 0 to 65535
     */
    public int sourcePort() {
        return frame.u16(at);
    }

    /**
     * Writes the source port.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public UdpView sourcePort(int value) {
        frame.put16(at, value);
        return this;
    }

    /**
     * Reads the destination port.
     *
     * @return 0 to 65535
     */
    public int destinationPort() {
        return frame.u16(at + 2);
    }

    /**
     * Writes the destination port.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public UdpView destinationPort(int value) {
        frame.put16(at + 2, value);
        return this;
    }

    /**
     * Reads octets of header and payload.
     *
     * @return 0 to 65535
     */
    public int datagramLength() {
        return frame.u16(at + 4);
    }

    /**
     * Writes octets of header and payload.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public UdpView datagramLength(int value) {
        frame.put16(at + 4, value);
        return this;
    }

    /**
     * Reads the checksum, 0 if there is none.
     *
     * @return 0 to 65535
     */
    public int checksum() {
        return frame.u16(at + 6);
    }

    /**
     * Writes the checksum, 0 if there is none.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public UdpView checksum(int value) {
        frame.put16(at + 6, value);
        return this;
    }
}
