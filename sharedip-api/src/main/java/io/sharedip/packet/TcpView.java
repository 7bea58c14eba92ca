package io.sharedip.packet;

/**
 * A TCP header (20 to 60 octets, RFC 9293). A reusable cursor on a {@link Frame}: it copies and checks nothing but the
 * frame's bounds, and is valid as long as the frame is.
 *
 * <p>Not thread-safe.
 */
public final class TcpView {

    /** The least length of the header in octets. */
    public static final int MIN_LENGTH = 20;

    /** No more data. */
    public static final int FIN = 0x01;

    /** Synchronize sequence numbers. */
    public static final int SYN = 0x02;

    /** Reset. */
    public static final int RST = 0x04;

    /** Push. */
    public static final int PSH = 0x08;

    /** The acknowledgment number counts. */
    public static final int ACK = 0x10;

    /** The urgent pointer counts. */
    public static final int URG = 0x20;

    /** ECN echo (RFC 3168). */
    public static final int ECE = 0x40;

    /** Congestion window reduced (RFC 3168). */
    public static final int CWR = 0x80;

    private Frame frame = new Frame();
    private int at;

    /** Makes a view of nothing, to be pointed somewhere by {@link #wrap(Frame, int)}. */
    public TcpView() {}

    /**
     * Points this view at a header.
     *
     * @param frame that holds the header
     * @param at index in the frame's window of the header's first octet
     * @return this
     */
    public TcpView wrap(Frame frame, int at) {
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
    public TcpView sourcePort(int value) {
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
    public TcpView destinationPort(int value) {
        frame.put16(at + 2, value);
        return this;
    }

    /**
     * Reads the sequence number.
     *
     * @return 0 to 2<sup>32</sup> - 1
     */
    public long sequence() {
        return frame.u32(at + 4);
    }

    /**
     * Writes the sequence number.
     *
     * @param value 0 to 2<sup>32</sup> - 1; higher bits are ignored
     * @return this
     */
    public TcpView sequence(long value) {
        frame.put32(at + 4, (int) value);
        return this;
    }

    /**
     * Reads the acknowledgment number.
     *
     * @return 0 to 2<sup>32</sup> - 1
     */
    public long acknowledgment() {
        return frame.u32(at + 8);
    }

    /**
     * Writes the acknowledgment number.
     *
     * @param value 0 to 2<sup>32</sup> - 1; higher bits are ignored
     * @return this
     */
    public TcpView acknowledgment(long value) {
        frame.put32(at + 8, (int) value);
        return this;
    }

    /**
     * Reads header length in 32-bit words in the high four bits.
     *
     * @return 0 to 255
     */
    public int dataOffset() {
        return frame.u8(at + 12);
    }

    /**
     * Writes header length in 32-bit words in the high four bits.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public TcpView dataOffset(int value) {
        frame.put8(at + 12, value);
        return this;
    }

    /**
     * Reads the control bits.
     *
     * @return 0 to 255
     */
    public int flags() {
        return frame.u8(at + 13);
    }

    /**
     * Writes the control bits.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public TcpView flags(int value) {
        frame.put8(at + 13, value);
        return this;
    }

    /**
     * Reads the window, unscaled.
     *
     * @return 0 to 65535
     */
    public int window() {
        return frame.u16(at + 14);
    }

    /**
     * Writes the window, unscaled.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public TcpView window(int value) {
        frame.put16(at + 14, value);
        return this;
    }

    /**
     * Reads the checksum.
     *
     * @return 0 to 65535
     */
    public int checksum() {
        return frame.u16(at + 16);
    }

    /**
     * Writes the checksum.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public TcpView checksum(int value) {
        frame.put16(at + 16, value);
        return this;
    }

    /**
     * Reads the urgent pointer.
     *
     * @return 0 to 65535
     */
    public int urgentPointer() {
        return frame.u16(at + 18);
    }

    /**
     * Writes the urgent pointer.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public TcpView urgentPointer(int value) {
        frame.put16(at + 18, value);
        return this;
    }

    /**
     * The header's length as it says itself.
     *
     * @return octets, 0 to 60; sensible from 20 on
     */
    public int headerLength() {
        return dataOffset() >>> 4 << 2;
    }
}
