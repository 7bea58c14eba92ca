package io.sharedip.uplink;

import java.nio.ByteBuffer;

/** A socket of the host that sends ICMP echo requests and hears the replies to them. All of it on the driver's thread. */
public interface HostEcho {

    /**
     * Sends an echo request.
     *
     * @param peer IPv4 address
     * @param sequence 0 to 65535
     * @param octets that hold the data; borrowed until this returns
     * @param offset of the first
     * @param length 0 to 65,507
     * @return false if the socket has no room, and the request is lost
     */
    boolean send(int peer, int sequence, byte[] octets, int offset, int length);

    /** Closes the socket; the handler hears nothing more. Idempotent. */
    void close();

    /** Hears of one socket. */
    interface Handler {

        /**
         * A reply has come to a request of this socket.
         *
         * @param peer IPv4 address it came from
         * @param sequence of the request
         * @param data borrowed until this returns
         */
        void reply(int peer, int sequence, ByteBuffer data);

        /**
         * An ICMP error about a request of this socket; where the host tells of them.
         *
         * @param peer IPv4 address that the request was for
         * @param sequence of the request, or -1 if it is not known
         * @param type of the ICMP error
         * @param code of the ICMP error
         */
        void unreachable(int peer, int sequence, int type, int code);
    }
}
