package io.sharedip.packet;

/**
 * An ICMP header (8 octets, RFC 792). A reusable cursor on a {@link Frame}: it copies and checks nothing but the
 * frame's bounds, and is valid as long as the frame is.
 *
 * <p>Not thread-safe.
 */
public final class IcmpView {

    /** The least length of the header in octets. */
    public static final int MIN_LENGTH = 8;

    /** Echo reply. */
    public static final int ECHO_REPLY = 0;

    /** Destination unreachable. */
    public static final int DESTINATION_UNREACHABLE = 3;

    /** Source quench (deprecated by RFC 6633). */
    public static final int SOURCE_QUENCH = 4;

    /** Redirect. */
    public static final int REDIRECT = 5;

    /** Echo request. */
    public static final int ECHO_REQUEST = 8;

    /** Time exceeded. */
    public static final int TIME_EXCEEDED = 11;

    /** Parameter problem. */
    public static final int PARAMETER_PROBLEM = 12;

    /** Type of a request for a time. */
    public static final int TIMESTAMP_REQUEST = 13;

    /** Type of the answer to {@link #TIMESTAMP_REQUEST}. */
    public static final int TIMESTAMP_REPLY = 14;

    /** Code of {@link #DESTINATION_UNREACHABLE}: network unreachable. */
    public static final int CODE_NET_UNREACHABLE = 0;

    /** Code of type 3: host unreachable. */
    public static final int CODE_HOST_UNREACHABLE = 1;

    /** Code of {@link #DESTINATION_UNREACHABLE}: nobody speaks the protocol there. */
    public static final int CODE_PROTOCOL_UNREACHABLE = 2;

    /** Code of type 3: port unreachable. */
    public static final int CODE_PORT_UNREACHABLE = 3;

    /** Code of type 3: fragmentation needed and DF set. */
    public static final int CODE_FRAGMENTATION_NEEDED = 4;

    /** Code of type 3: communication administratively prohibited (RFC 1812). */
    public static final int CODE_PROHIBITED = 13;

    private Frame frame = new Frame();
    private int at;

    /** Makes a view of nothing, to be pointed somewhere by {@link #wrap(Frame, int)}. */
    public IcmpView() {}

    /**
     * Points this view at a header.
     *
     * @param frame that holds the header
     * @param at index in the frame's window of the header's first octet
     * @return this
     */
    public IcmpView wrap(Frame frame, int at) {
        this.frame = frame;
        this.at = at;
        return this;
    }

    /**
     * Reads the message type.
     *
     * @return 0 to 255
     */
    public int type() {
        return frame.u8(at);
    }

    /**
     * Writes the message type.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public IcmpView type(int value) {
        frame.put8(at, value);
        return this;
    }

    /**
     * Reads the message code.
     *
     * @return 0 to 255
     */
    public int code() {
        return frame.u8(at + 1);
    }

    /**
     * Writes the message code.
     *
     * @param value 0 to 255; higher bits are ignored
     * @return this
     */
    public IcmpView code(int value) {
        frame.put8(at + 1, value);
        return this;
    }

    /**
     * Reads the checksum over header and payload.
     *
     * @return 0 to 65535
     */
    public int checksum() {
        return frame.u16(at + 2);
    }

    /**
     * Writes the checksum over header and payload.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public IcmpView checksum(int value) {
        frame.put16(at + 2, value);
        return this;
    }

    /**
     * Reads the identifier of a query.
     *
     * @return 0 to 65535
     */
    public int identifier() {
        return frame.u16(at + 4);
    }

    /**
     * Writes the identifier of a query.
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public IcmpView identifier(int value) {
        frame.put16(at + 4, value);
        return this;
    }

    /**
     * Reads the sequence number of a query, or the next-hop MTU of a "fragmentation needed" error (RFC 1191).
     *
     * @return 0 to 65535
     */
    public int sequence() {
        return frame.u16(at + 6);
    }

    /**
     * Writes the sequence number of a query, or the next-hop MTU of a "fragmentation needed" error (RFC 1191).
     *
     * @param value 0 to 65535; higher bits are ignored
     * @return this
     */
    public IcmpView sequence(int value) {
        frame.put16(at + 6, value);
        return this;
    }
}
