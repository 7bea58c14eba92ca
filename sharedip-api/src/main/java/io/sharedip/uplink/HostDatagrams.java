package io.sharedip.uplink;

import java.nio.ByteBuffer;

/** A UDP socket of the host, bound to one port and connected to nobody. All of it on the driver's thread. */
public interface HostDatagrams {

    /** The longest payload that UDP over IPv4 carries, in octets. */
    int LONGEST = 65_507;

    /**
     * The port that the socket is bound to.
     *
     * @return 1 to 65535
     */
    int localPort();

    /**
     * Sends a datagram, or keeps a copy that goes out at the end of the turn at the latest.
     *
     * @param peer IPv4 address
     * @param port of the peer
     * @param octets that hold the payload; borrowed until this returns
     * @param offset of the first
     * @param length 0 to {@link #LONGEST}
     * @return false if the socket has no room, and the datagram is lost
     */
    boolean send(int peer, int port, byte[] octets, int offset, int length);

    /** Closes the socket; the handler hears nothing more. Idempotent. */
    void close();

    /** Hears of one socket. */
    interface Handler {

        /**
         * A datagram has come.
         *
         * @param peer IPv4 address it came from
         * @param port it came from
         * @param payload borrowed until this returns
         */
        void received(int peer, int port, ByteBuffer payload);

        /**
         * An ICMP error about a datagram that was sent; where the host tells of them.
         *
         * @param peer IPv4 address that the datagram was for
         * @param port that it was for
         * @param type of the ICMP error
         * @param code of the ICMP error
         * @param mtu of the next hop if the error is "fragmentation needed", else 0
         */
        void unreachable(int peer, int port, int type, int code, int mtu);
    }
}
