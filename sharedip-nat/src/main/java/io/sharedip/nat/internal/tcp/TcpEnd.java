package io.sharedip.nat.internal.tcp;

/** How a connection came to its end. */
public enum TcpEnd {
    /** FIN both ways, all acknowledged, and TIME-WAIT over if it was due. */
    FINISHED,
    /** The guest sent RST. */
    RESET_BY_GUEST,
    /** The endpoint sent RST: the stream broke, or it was told to. */
    RESET_BY_GATEWAY,
    /** The guest acknowledged nothing for too long (RFC 9293 section 3.8.3). */
    TIMED_OUT,
    /** The guest's network says that it cannot be reached, before the connection was open. */
    UNREACHABLE,
    /** Given up without a word. */
    DISCARDED
}
