package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.packet.Frame;
import io.sharedip.stats.DropReason;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The engine as whoever stands on the host's side sees it. Engine's thread. */
public final class Inlet {

    /** No flow. */
    public static final int NONE = FlowTable.NONE;

    private final Engine engine;
    private final OutsideAddresses outside;
    private final GuestDirectory guests;
    private final Flows flows;
    private final FlowTable table;
    private final Delivery delivery;
    private final Counters counters;

    Inlet(
            Engine engine,
            OutsideAddresses outside,
            GuestDirectory guests,
            Flows flows,
            Delivery delivery,
            Counters counters) {
        this.engine = engine;
        this.outside = outside;
        this.guests = guests;
        this.flows = flows;
        this.table = flows.table();
        this.delivery = delivery;
        this.counters = counters;
    }

    /** The engine's time. */
    public long now() {
        return engine.now();
    }

    /** The address that guests share. */
    public int shared() {
        return outside.shared();
    }

    /** What the host itself is called. */
    public int alias() {
        return outside.alias();
    }

    /** The live flow of what comes from a peer to an outside port, or identifier of ICMP, or {@link #NONE}. */
    public int find(int protocol, int port, int peer, int peerPort, long nowNanos) {
        return flows.findOutside(
                protocol, outside.shared(), port, peer, protocol == ICMP ? 0 : peerPort, NONE, nowNanos);
    }

    /** Number of a flow's guest. */
    public int guest(int flow) {
        return table.guest(flow);
    }

    /** The address that a flow shows as. */
    public int outsideAddress(int flow) {
        return table.outsideAddress(flow);
    }

    /** The port, or identifier, that a flow shows as. */
    public int outsidePort(int flow) {
        return table.outsidePort(flow);
    }

    /** The peer of a flow as the outside sees it. */
    public int peer(int flow) {
        return table.peerOutsideAddress(flow);
    }

    /** The peer of a flow as the guest sees it. */
    public int shownPeer(int flow) {
        return table.peerAddress(flow);
    }

    /** The port of a flow's peer. */
    public int peerPort(int flow) {
        return table.peerPort(flow);
    }

    /** The guest's address in a flow. */
    public int insideAddress(int flow) {
        return table.insideAddress(flow);
    }

    /** The guest's port in a flow. */
    public int insidePort(int flow) {
        return table.insidePort(flow);
    }

    /** Whether the guest began a flow. */
    public boolean isByGuest(int flow) {
        return (table.state(flow) & FlowTable.BY_GUEST) != 0;
    }

    /** Whether a flow is in the table. */
    public boolean isLive(int flow) {
        return table.isLive(flow);
    }

    /** How many flows there may be. */
    public int capacity() {
        return table.capacity();
    }

    /** The guests with the addresses that are bound to them; the same object as long as nothing has changed. */
    public Map<GuestId, List<Ipv4Address>> addresses() {
        return guests.addresses();
    }

    /** Whether a guest's link takes more now; of a guest that is gone, true. */
    public boolean isWritable(int guest) {
        Attachment to = guests.get(guest);
        return to == null || to.link().isWritable();
    }

    /** The longest packet to a guest, in octets; 0 if it is gone. */
    public int mtu(int guest) {
        Attachment to = guests.get(guest);
        return to == null ? 0 : to.mtu();
    }

    /** A guest, or null if it is gone. */
    public @Nullable GuestId guestId(int guest) {
        Attachment to = guests.get(guest);
        return to == null ? null : to.guestId();
    }

    /** Whether an error or a reset may be sent to a guest now. */
    public boolean mayAnswer(int guest, long nowNanos) {
        Attachment to = guests.get(guest);
        return to != null && to.mayAnswer(nowNanos);
    }

    /** Whether a guest has an address. */
    public boolean owns(int guest, int address) {
        Attachment to = guests.get(guest);
        return to != null && to.owns(address);
    }

    /**
     * Takes a frame as if from outside: from a peer to the shared address. It goes the way of all frames, and is counted as one.
     *
     * @param frame with a right IP header; borrowed
     * @param flow that it probably belongs to, or {@link #NONE}
     */
    public void receive(Frame frame, int flow, long nowNanos) {
        engine.fromHost(frame, flow, nowNanos);
    }

    /** Counts a frame from outside that was not worth making. */
    public void drop(DropReason reason) {
        counters.received();
        counters.drop(reason);
    }

    /**
     * Sends a guest a frame of the gateway's own, past flows and rules; fragmented if need be.
     *
     * @param frame with a right IP header; borrowed
     * @return false if the guest is gone or its link did not take it
     */
    public boolean toGuest(int guest, Frame frame) {
        Attachment to = guests.get(guest);
        if (to == null) {
            return false;
        }
        counters.ownFrames++;
        return delivery.send(to, frame, to.mac(), engine.gatewayMac(to), Fragmentation.WHOLE) == Delivery.Outcome.SENT;
    }

    /** Lets a guest with more flows than that of a certain flow give up an unanswered one, and its socket. @return whether one did */
    public boolean freeSocketFor(int flow, long nowNanos) {
        return flows.freeSocketFor(flow, nowNanos);
    }

    /** Ends a flow. */
    public void close(int flow, CloseReason reason, long nowNanos) {
        flows.close(flow, reason, nowNanos);
    }
}
