package io.sharedip.nat.internal.engine;

import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * The servers that the gateway offers its guests on its own addresses. What they answer goes to guests past flows ({@link Inlet#toGuest}).
 *
 * <p>Engine's thread.
 */
public interface ServiceSide {

    /** Whether a server has a port. */
    boolean listens(int port);

    /**
     * Takes a datagram or a segment to a port that a server has.
     *
     * @param guest number of who sends it
     * @param protocol TCP or UDP
     * @param source address of the guest
     * @param destination address of the gateway
     * @param octets that hold it; borrowed
     * @param transport index of the transport header
     * @param length of the transport header and what follows it, in octets
     * @return null if it was taken, else why it is to be dropped
     */
    @Nullable
    DropReason take(
            int guest,
            int protocol,
            int source,
            int destination,
            byte[] octets,
            int transport,
            int length,
            long nowNanos);

    /** A guest is removed. */
    void guestEnds(int guest);

    /**
     * Sends what waits, as much as one turn may.
     *
     * @return how many frames there were
     */
    int work(long nowNanos);

    /** How long {@link #work} may wait, as {@link HostSide#untilDue} says. */
    long untilDue(long nowNanos);
}
