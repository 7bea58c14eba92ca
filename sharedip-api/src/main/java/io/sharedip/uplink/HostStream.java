package io.sharedip.uplink;

import java.nio.ByteBuffer;

/**
 * One TCP connection of the host, or of a service that stands in for one, as the gateway uses it: octets in both directions, each with
 * back-pressure, each closed on its own.
 *
 * <p>All of it on the driver's thread. After {@link #close}, {@link #reset} or {@link Handler#failed} the handler hears nothing more, and
 * calls do nothing.
 */
public interface HostStream {

    /**
     * Takes octets to be sent, as many as it has room for. They are copied, and go out at the end of the turn at the latest.
     *
     * @param octets that hold them; borrowed until this returns
     * @param offset of the first
     * @param length how many there are
     * @return how many were taken, 0 to {@code length}, never less than {@link #room()} allows
     */
    int write(byte[] octets, int offset, int length);

    /**
     * How many octets {@link #write} would take now.
     *
     * @return 0 or more; grows only with {@link Handler#writable}, and is 0 before {@link Handler#connected}
     */
    int room();

    /**
     * The most octets that ever wait inside for the peer to take them.
     *
     * @return 1 or more, constant
     */
    int capacity();

    /** Sends FIN behind everything written; the other direction goes on. */
    void shutdownOutput();

    /**
     * Lets more octets come. Nothing is read before the first call; what has been asked for and not come adds up.
     *
     * @param octets how many more the handler can take, 1 or more
     */
    void request(int octets);

    /** Ends the connection with RST; what is not sent yet is lost. */
    void reset();

    /** Ends the connection once everything written is sent; what still comes is not read. */
    void close();

    /** Hears of one connection. */
    interface Handler {

        /**
         * The connection is established.
         *
         * @param localPort of the socket, for tables and logs
         */
        void connected(int localPort);

        /**
         * The connection could not be established, or has broken. The last call.
         *
         * @param failure what became of it
         */
        void failed(Failure failure);

        /**
         * Octets have come.
         *
         * @param octets all of the remaining are the handler's, which must take them; never more than were requested. Borrowed until
         *     this returns
         */
        void received(ByteBuffer octets);

        /** The peer has sent FIN: nothing more will come. */
        void endOfInput();

        /**
         * Some of what was written has gone, so that {@link HostStream#room()} has grown. Called whenever the room had fallen below half
         * of {@link HostStream#capacity()}, at the latest when it is half of it again: whoever offers the room to a peer as a window never
         * writes more than there is, and must hear that there is more.
         */
        void writable();
    }

    /** Why a connection failed. */
    enum Failure {
        /** RST in answer to the SYN, or ICMP port unreachable. */
        REFUSED,
        /** RST on an established connection. */
        RESET,
        /** ICMP host unreachable, or no neighbour answers. */
        HOST_UNREACHABLE,
        /** No route, or ICMP network unreachable. */
        NETWORK_UNREACHABLE,
        /** The host's own policy forbids it. */
        PROHIBITED,
        /** Nothing was heard of the peer. */
        TIMED_OUT,
        /** The host's own address that the connection used is gone. */
        ADDRESS_GONE,
        /** No socket, port or memory to be had. */
        NO_RESOURCES,
        /** Anything else. */
        OTHER
    }
}
