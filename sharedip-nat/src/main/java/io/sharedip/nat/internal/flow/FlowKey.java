package io.sharedip.nat.internal.flow;

/**
 * The two words of a flow's key. The first holds the addresses, local (the guest's or the outside one) in the high half and the
 * peer's in the low half. The second holds the guest's number, the protocol, the direction and the ports:
 *
 * <pre>
 *  63        48 47      40 39     32 31        16 15         0
 * |   guest    | protocol |  inside | local port | peer port  |
 * </pre>
 *
 * An outside key has guest 0 and the inside bit clear: outside, the port alone says whose flow it is. That the guest is part of the
 * inside key is what lets any number of guests have the same address.
 */
public final class FlowKey {

    /** Set in the ports word of an inside key. */
    public static final long DIRECTION_INSIDE = 1L << 32;

    private FlowKey() {}

    public static long addresses(int local, int peer) {
        return (long) local << 32 | (peer & 0xffffffffL);
    }

    public static long insidePorts(int guest, int protocol, int localPort, int peerPort) {
        return (long) guest << 48 | (long) protocol << 40 | DIRECTION_INSIDE | (long) localPort << 16 | peerPort;
    }

    public static long outsidePorts(int protocol, int localPort, int peerPort) {
        return (long) protocol << 40 | (long) localPort << 16 | peerPort;
    }

    static int guest(long ports) {
        return (int) (ports >>> 48);
    }

    static int protocol(long ports) {
        return (int) (ports >>> 40) & 0xff;
    }

    static int localPort(long ports) {
        return (int) (ports >>> 16) & 0xffff;
    }

    static int peerPort(long ports) {
        return (int) ports & 0xffff;
    }
}
