package io.sharedip.nat.internal.engine;

import io.sharedip.packet.Frame;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * What stands where the uplink's link would, if what guests send ends at sockets of the host. It gets packets as they would have left on
 * a card, translated, together with their flow, and answers by frames that come in as if from outside ({@link Inlet#receive}).
 *
 * <p>Engine's thread. While it handles a call it must not give the engine frames; those wait for {@link #work}.
 */
public interface HostSide {

    /** From {@link #untilDue}: nothing is due. */
    long NEVER = Long.MAX_VALUE;

    /**
     * Takes a packet that a guest sent, translated outwards.
     *
     * @param flow that it belongs to
     * @param frame whole, validated; borrowed
     * @param protocol TCP, UDP or ICMP
     * @param transport index of the transport header in the frame's array
     * @param length of the transport header and what follows it, in octets
     * @return null if it was taken, else why it is to be dropped
     */
    @Nullable
    DropReason take(int flow, Frame frame, int protocol, int transport, int length, long nowNanos);

    /**
     * A guest's network says that a segment did not reach it.
     *
     * @param flow whose segment it was
     * @param mtu of the next hop if the segment was too big for it, else 0
     * @param sequence number of the segment
     * @return whether that means anything
     */
    boolean takeError(int flow, int mtu, int sequence, long nowNanos);

    /**
     * Holds an outside port or identifier on the host, before it is given to a mapping.
     *
     * @return false if the host cannot spare it
     */
    boolean acquire(int protocol, int port);

    /** Gives back what {@link #acquire} got: its mapping has ended. */
    void release(int protocol, int port);

    /** A flow ends, which is still in the table; what it had of sockets ends with it. */
    void flowEnds(int flow, long nowNanos);

    /** Whether pings can be sent. */
    boolean sendsEcho();

    /** Whether an address is one of the host's own. */
    boolean isHostAddress(int address);

    /**
     * Gives the engine frames that wait, as many as one turn may have.
     *
     * @return how many there were
     */
    int work(long nowNanos);

    /** How long {@link #work} may wait: 0 if there is more to do already, {@link #NEVER} if nothing. */
    long untilDue(long nowNanos);

    /** Ends a batch: what was written to sockets goes out. */
    void flush();
}
