package io.sharedip.uplink;

import org.jspecify.annotations.Nullable;

/** A listening TCP socket of the host. All of it on the driver's thread. */
public interface HostListener {

    /**
     * The port that is listened on.
     *
     * @return 1 to 65535
     */
    int localPort();

    /** Listens no more; connections that were accepted go on. Idempotent. */
    void close();

    /** Hears of connections. */
    @FunctionalInterface
    interface Acceptor {

        /**
         * Takes a connection that the host's kernel has accepted, or refuses it.
         *
         * @param stream established; nothing is read from it before {@link HostStream#request}
         * @param client IPv4 address of the client, as {@link io.sharedip.address.Ipv4Address#bits()}
         * @param clientPort of the client, 1 to 65535
         * @return who hears of the connection; {@link HostStream.Handler#connected} is not called. Null if it is not taken: it is then
         *     reset
         */
        HostStream.@Nullable Handler accepted(HostStream stream, int client, int clientPort);
    }
}
