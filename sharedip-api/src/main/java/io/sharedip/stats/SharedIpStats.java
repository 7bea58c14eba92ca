package io.sharedip.stats;

import java.util.Map;

/**
 * The gateway's counters at one moment. The books balance: {@code framesIn = forwarded + answered + leftToHost + held +
 * dropped}. Frames that the engine makes itself (ARP, ICMP errors, resets, echo replies) are not among those five; they are
 * {@link #ownFrames()}.
 *
 * <p>With a {@link io.sharedip.uplink.FlowUplink} what sockets of the host receive becomes frames in the gateway; each of them counts as one
 * taken from the uplink, and each frame that a guest sent and a socket, or the gateway's end of a connection, took as forwarded. What
 * services send to guests, and resets at the end of a flow, are own frames.
 *
 * @param flows that exist now
 * @param mappings that exist now
 * @param capacity the most flows there may be
 * @param framesIn taken from all links since the start
 * @param forwarded translated and sent on
 * @param answered or taken by the gateway itself: what is for its services, ARP, and pings to the gateway; what it resets or refuses counts as dropped
 * @param leftToHost seen on the uplink and none of the gateway's business
 * @param held waiting now for the next hop's MAC address, or for the rest of their datagram
 * @param dropped since the start, for all reasons together
 * @param ownFrames made and sent by the gateway
 * @param eventsLost because the event ring was full or a listener failed
 * @param drops how many frames were dropped for each reason; every reason is there
 */
public record SharedIpStats(
        long flows,
        long mappings,
        long capacity,
        long framesIn,
        long forwarded,
        long answered,
        long leftToHost,
        long held,
        long dropped,
        long ownFrames,
        long eventsLost,
        Map<DropReason, Long> drops) {

    /**
     * Makes the map immutable.
     *
     * @param flows counter
     * @param mappings counter
     * @param capacity counter
     * @param framesIn counter
     * @param forwarded counter
     * @param answered counter
     * @param leftToHost counter
     * @param held counter
     * @param dropped counter
     * @param ownFrames counter
     * @param eventsLost counter
     * @param drops copied
     */
    public SharedIpStats {
        drops = Map.copyOf(drops);
    }

    /**
     * How many frames were dropped for one reason.
     *
     * @param reason the reason
     * @return 0 or more
     */
    public long drops(DropReason reason) {
        return drops.getOrDefault(reason, 0L);
    }

    /**
     * Whether {@code framesIn} equals the sum of what became of the frames.
     *
     * @return true unless frames went missing, which would be a defect
     */
    public boolean balances() {
        return framesIn == forwarded + answered + leftToHost + held + dropped;
    }
}
