package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;

import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.packet.IcmpView;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * The beginnings of hairpins (RFC 4787 section 6): what a guest sends to the shared address or its alias has two flows, the caller's half
 * out and the called guest's half in. The caller's begins here; the other one as any flow from outside.
 */
final class Hairpins {

    private final Engine engine;
    private final OutsideAddresses outside;
    private final GuestDirectory guests;
    private final Flows flows;
    private final FlowTable table;
    private final Rules rules;
    private final Counters counters;

    /** Whether the packet at hand began a hairpin, and was judged with both its ends known. */
    boolean judged;

    Hairpins(
            Engine engine,
            OutsideAddresses outside,
            GuestDirectory guests,
            Flows flows,
            Rules rules,
            Counters counters) {
        this.engine = engine;
        this.outside = outside;
        this.guests = guests;
        this.flows = flows;
        this.table = flows.table();
        this.rules = rules;
        this.counters = counters;
    }

    /** Begins a guest's half of a flow to the shared address or its alias. @return the flow, or -1 if the packet was dropped */
    int open(Attachment from, PacketContext c, int peerPort) {
        if (!engine.beginsFlow(c, false)) {
            engine.gateway().resetUnknown(from, c);
            return -1;
        }
        if (outside.isOneToOne(c.destination)) {
            return openOneToOne(from, c, peerPort);
        }
        if (!c.hasPorts()) {
            return engine.gateway().openToHost(from, c, peerPort, outside.alias());
        }
        int shown = outside.shownFor(from.number(), c.source);
        int mapping = flows.findMapping(c.protocol, c.destinationPort, engine.now());
        ForwardTable.Entry forward = null;
        if (mapping < 0 || !flows.admits(mapping, shown)) {
            forward = flows.forwards().find(c.protocol, c.destinationPort, shown);
        }
        // a mapping that does not let the caller in: the caller's half begins all the same, so that two guests who call
        // one another's mappings meet
        if (mapping < 0 && forward == null) {
            return engine.gateway().openToHost(from, c, peerPort, outside.alias());
        }
        Attachment to =
                guests.get(forward != null ? forward.guest() : flows.mappings().guest(mapping));
        int address = forward == null ? flows.mappings().insideAddress(mapping) : to == null ? 0 : to.addresses()[0];
        int port = forward != null
                ? forward.forward().insidePortOf(c.destinationPort)
                : flows.mappings().insidePort(mapping);
        return begin(from, c, peerPort, to, address, port, outside.shared());
    }

    /** Begins a guest's half of a flow to an address that belongs to one guest alone. @return the flow, or -1 */
    private int openOneToOne(Attachment from, PacketContext c, int peerPort) {
        Attachment to = guests.get(outside.guestOf(c.destination));
        return begin(from, c, peerPort, to, outside.insideOf(c.destination), peerPort, c.destination);
    }

    /**
     * Begins a guest's half of a flow, now that it is known where it leads.
     *
     * @param to the guest that is called, null if it is gone
     * @param address of it, inside
     * @param port of it, inside
     * @param peerOutside what it is called outside
     * @return the flow, or -1 if the packet was dropped
     */
    private int begin(
            Attachment from,
            PacketContext c,
            int peerPort,
            @Nullable Attachment to,
            int address,
            int port,
            int peerOutside) {
        if (to == null || (outside.alias() == 0 && to.owns(outside.shownFor(from.number(), c.source)))) {
            // a guest that owns the shared address drops what comes from it, and there is no other name to show
            counters.drop(DropReason.LATERAL);
            engine.tell(from, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_PROHIBITED, 0);
            return -1;
        }
        rules.subject.of(c.protocol, from.number(), c.source, c.sourcePort, to.number(), address, port);
        if (!rules.admitsNew(from, c)) {
            return -1;
        }
        int flow = engine.opened(from, c, engine.openFromGuest(from, c, peerPort, peerOutside));
        mark(flow, to);
        return flow;
    }

    private void mark(int flow, Attachment to) {
        if (flow >= 0) {
            table.state(flow, table.state(flow) | FlowTable.HAIRPIN_ORIGIN);
            table.peerGuest(flow, to.number());
            judged = true;
        }
    }

    /** The flow of the guest on the other side of a hairpin, or -1. */
    int otherHalf(int flow) {
        if (table.peerGuest(flow) == Attachment.UPLINK) {
            return FlowTable.NONE;
        }
        boolean ping = table.protocol(flow) == ICMP;
        return flows.findOutside(
                table.protocol(flow),
                table.peerOutsideAddress(flow),
                ping ? table.outsidePort(flow) : table.peerPort(flow),
                table.outsideAddress(flow),
                ping ? 0 : table.outsidePort(flow),
                FlowTable.NONE,
                engine.now());
    }
}
