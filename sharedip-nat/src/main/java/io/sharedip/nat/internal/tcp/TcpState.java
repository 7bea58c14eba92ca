package io.sharedip.nat.internal.tcp;

/** Where a connection stands, seen from the gateway's end (RFC 9293 section 3.3.2). */
public enum TcpState {
    /** Nothing has come or gone, or all is over. */
    CLOSED,
    /** The guest's SYN has come and is not answered before the stream is connected. */
    SYN_HELD,
    /** SYN sent. */
    SYN_SENT,
    /** SYN received and sent. */
    SYN_RECEIVED,
    /** Open both ways. */
    ESTABLISHED,
    /** FIN sent, and not acknowledged. */
    FIN_WAIT_1,
    /** FIN acknowledged; the guest may still send. */
    FIN_WAIT_2,
    /** The guest's FIN has come; the stream may still send. */
    CLOSE_WAIT,
    /** FIN both ways, the own one not acknowledged. */
    CLOSING,
    /** FIN sent after the guest's, and not acknowledged. */
    LAST_ACK,
    /** All done; what is still on its way dies out. */
    TIME_WAIT
}
