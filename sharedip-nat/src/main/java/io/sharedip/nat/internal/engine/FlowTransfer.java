package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.nat.internal.engine.PacketContext.UDP;

import io.sharedip.address.IpProtocol;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.MappingTable;
import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.nat.internal.snapshot.FlowRecord;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.snapshot.RestoreReport.Skipped;
import io.sharedip.stats.TrackedState;
import org.jspecify.annotations.Nullable;

/**
 * Flows on their way into a snapshot, and out of one. In slices, so that packets pass in between; driver's thread only.
 *
 * <p>What comes out of a snapshot is trusted no further than a packet: a flow is added only if this engine could have made it itself,
 * with its guest's address, a port that the guest may have, and the translation that the settings ask for.
 */
public final class FlowTransfer {

    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long MOST_MILLIS = 0xffffffffL;
    private static final TrackedState[] STATES = TrackedState.values();

    /** Bits of a flow's state, and the flags of a record that stand for them. */
    private static final int[][] STATE_BITS = {
        {FlowTable.BY_GUEST, FlowRecord.BY_GUEST},
        {FlowTable.HAIRPIN_ORIGIN, FlowRecord.HAIRPIN_ORIGIN},
        {FlowTable.SYN_OUT, FlowRecord.SYN_OUT},
        {FlowTable.SYN_IN, FlowRecord.SYN_IN},
        {FlowTable.FIN_OUT, FlowRecord.FIN_OUT},
        {FlowTable.FIN_IN, FlowRecord.FIN_IN},
        {FlowTable.PEER_COUNTED, FlowRecord.PEER_ADDRESSED},
    };

    private final Flows flows;
    private final FlowTable table;
    private final MappingTable mappings;
    private final Engine engine;
    private final OutsideAddresses outside;
    private final EngineSettings settings;
    private final FlowRecord view = new FlowRecord();

    FlowTransfer(Engine engine, EngineSettings settings, OutsideAddresses outside, Flows flows) {
        this.engine = engine;
        this.settings = settings;
        this.flows = flows;
        this.table = flows.table();
        this.mappings = flows.mappings();
        this.outside = outside;
    }

    // ------------------------------------------------------------------------------------------------ into a snapshot

    /**
     * Describes some of the flows.
     *
     * @param from number of the first
     * @param count how many numbers to look at
     * @param records room for as many records
     * @param names of the snapshot
     * @param nowNanos the engine's time
     * @return how many flows were described
     */
    int copy(int from, int count, byte[] records, SnapshotNames names, long nowNanos) {
        int described = 0;
        int end = Math.min(from + count, table.bound());
        for (int flow = from; flow < end; flow++) {
            if (table.isLive(flow)
                    && table.deadline(flow) - nowNanos > 0
                    && describe(flow, view.wrap(records, described * FlowRecord.SIZE), names)) {
                described++;
            }
        }
        return described;
    }

    private boolean describe(int flow, FlowRecord r, SnapshotNames names) {
        int mapping = table.mapping(flow);
        int guest = names.guest(table.guest(flow));
        int peerGuest = table.peerGuest(flow) == 0 ? 0 : names.guest(table.peerGuest(flow)) + 1;
        int forward = table.forward(flow) == 0 ? 0 : names.forward(table.forward(flow)) + 1;
        int mappingForwardNumber = mapping < 0 ? 0 : mappings.forward(mapping);
        int mappingForward = mappingForwardNumber == 0 ? 0 : names.forward(mappingForwardNumber) + 1;
        if (guest < 0
                || (peerGuest == 0 && table.peerGuest(flow) != 0)
                || (forward == 0 && table.forward(flow) != 0)
                || (mappingForward == 0 && mappingForwardNumber != 0)) {
            // of a guest or a forward that came after the snapshot had begun
            return false;
        }
        boolean moved = outside.shared() != names.address();
        if (moved && table.peerOutsideAddress(flow) == names.address()) {
            // somebody else has the address that is the snapshot's
            return false;
        }
        int state = table.state(flow);
        int flags = mapping < 0 ? FlowRecord.UNMAPPED : 0;
        for (int[] bit : STATE_BITS) {
            flags |= (state & bit[0]) != 0 ? bit[1] : 0;
        }
        r.clear();
        r.guest(guest);
        r.peerGuest(peerGuest);
        r.protocol(table.protocol(flow));
        r.state(STATES[state & FlowTable.TRACKED_MASK]);
        r.insideAddress(table.insideAddress(flow));
        r.peerAddress(there(table.peerAddress(flow), names));
        r.outsideAddress(there(table.outsideAddress(flow), names));
        r.peerOutsideAddress(there(table.peerOutsideAddress(flow), names));
        r.insidePort(table.insidePort(flow));
        r.peerPort(table.peerPort(flow));
        r.outsidePort(table.outsidePort(flow));
        r.forward(forward);
        r.mappingForward(mappingForward);
        if (mapping >= 0 && mappingForwardNumber == 0 && !(moved && mappings.peer(mapping) == names.address())) {
            r.mappingPeer(there(mappings.peer(mapping), names), mappings.peerPort(mapping));
        }
        r.remaining(millis(table.deadline(flow) - names.at()));
        r.mappingRemaining(mapping < 0 ? 0 : millis(mappings.deadline(mapping) - names.at()));
        r.counters(table.packetsOut(flow), table.bytesOut(flow), table.packetsIn(flow), table.bytesIn(flow));
        if (r.peerAddress() != r.peerOutsideAddress() && !outside.isAlias(table.peerAddress(flow))) {
            flags |= FlowRecord.FORMER_NAME;
        }
        r.flags(flags);
        if (table.protocol(flow) == TCP) {
            TcpMemory.describe(table, flow, r);
        }
        return true;
    }

    /** Our shared address is the snapshot's there, though the gateway may have moved since the snapshot began. */
    private int there(int address, SnapshotNames names) {
        return address == outside.shared() ? names.address() : address;
    }

    /** Rounded up: a restored flow does not end early. */
    private static long millis(long nanos) {
        return Math.min(MOST_MILLIS, Math.max(0, Math.floorDiv(nanos + NANOS_PER_MILLI - 1, NANOS_PER_MILLI)));
    }

    // ------------------------------------------------------------------------------------------------ out of a
    // snapshot

    /**
     * Adds some flows of a snapshot, and counts what became of them.
     *
     * @param from the snapshot
     * @param order indices of flows
     * @param first place in the order
     * @param end after the last place in the order
     * @param target what the snapshot's numbers mean, and the counts
     * @param nowNanos the engine's time
     */
    void add(Snapshot from, int[] order, int first, int end, RestoreTarget target, long nowNanos) {
        for (int i = first; i < end; i++) {
            Skipped why = add(from.flow(order[i], view), target, nowNanos);
            if (why != null) {
                target.skip(why);
            } else {
                target.addedFlow();
            }
        }
    }

    private @Nullable Skipped add(FlowRecord r, RestoreTarget target, long nowNanos) {
        if (r.protocol() == TCP && engine.sockets() != null) {
            return Skipped.FLOW_WITHOUT_SOCKET;
        }
        Attachment guest = target.guest(r.guest());
        Attachment peerGuest = r.peerGuest() == 0 ? null : target.guest(r.peerGuest() - 1);
        if (guest == null || !guest.owns(r.insideAddress()) || (r.peerGuest() != 0 && peerGuest == null)) {
            return Skipped.FLOW_OF_NOBODY;
        }
        int peer = here(r.peerAddress(), target);
        int peerOutside = here(r.peerOutsideAddress(), target);
        int shown = here(r.outsideAddress(), target);
        if (shown != engine.shownTo(guest, r.insideAddress(), peerOutside)
                || !isMappedAsSet(r, shown)
                || !(isNamedAsSet(guest, peer, peerOutside, peerGuest)
                        || (r.has(FlowRecord.FORMER_NAME) && isNamedAsBefore(guest, peer, peerOutside)))) {
            return Skipped.FLOW_UNLIKE_SETTINGS;
        }
        int state = r.state().ordinal();
        long deadline = deadline(r.remaining(), r.protocol(), state, target);
        if (deadline - nowNanos <= 0) {
            return Skipped.FLOW_EXPIRED;
        }
        ForwardTable.Entry through = null;
        if (r.mappingForward() != 0) {
            through = target.forward(r.mappingForward() - 1);
            if (through == null || !leads(through, guest, r)) {
                return Skipped.FLOW_WITHOUT_FORWARD;
            }
        }
        if (r.forward() != 0 && r.forward() != r.mappingForward()) {
            return Skipped.FLOW_WITHOUT_FORWARD;
        }
        if (!flows.hasRoom(guest)) {
            return Skipped.FLOW_WITHOUT_ROOM;
        }
        if (isTaken(guest, r, shown, peer, peerOutside, nowNanos)) {
            return Skipped.FLOW_CLASHES;
        }
        int before = mappings.size();
        // what a stranger began hangs on a mapping that is another peer's
        boolean byGuest = r.has(FlowRecord.BY_GUEST);
        int flow = flows.adopt(
                guest,
                !r.has(FlowRecord.UNMAPPED),
                through,
                r.protocol(),
                r.insideAddress(),
                r.insidePort(),
                shown,
                r.outsidePort(),
                peer,
                r.peerPort(),
                peerOutside,
                byGuest ? peerOutside : here(r.mappingPeer(), target),
                byGuest ? r.peerPort() : r.mappingPeerPort(),
                nowNanos);
        if (flow < 0) {
            return whyNot(flow);
        }
        if (mappings.size() != before) {
            target.addedMapping();
        }
        recall(flow, r, peerGuest, through);
        flows.resume(flow, deadline, deadline(r.mappingRemaining(), r.protocol(), state, target));
        return null;
    }

    private static Skipped whyNot(int refusal) {
        return switch (refusal) {
            case Flows.WITHOUT_PORT -> Skipped.FLOW_WITHOUT_PORT;
            case Flows.WITHOUT_ROOM -> Skipped.FLOW_WITHOUT_ROOM;
            case Flows.WITHOUT_PEER -> Skipped.FLOW_UNLIKE_SETTINGS;
            default -> Skipped.FLOW_CLASHES;
        };
    }

    /** What the flow knew, besides its tuple and its timer. Its epoch stays 0, so that the rules in force judge it. */
    private void recall(int flow, FlowRecord r, @Nullable Attachment peerGuest, ForwardTable.@Nullable Entry through) {
        int state = table.state(flow) | r.state().ordinal();
        for (int[] bit : STATE_BITS) {
            state |= r.has(bit[1]) ? bit[0] : 0;
        }
        table.state(flow, state);
        table.peerGuest(flow, peerGuest == null ? 0 : peerGuest.number());
        table.forward(flow, r.forward() == 0 || through == null ? 0 : through.number());
        table.counters(flow, r.packetsOut(), r.bytesOut(), r.packetsIn(), r.bytesIn());
        if (r.protocol() == TCP) {
            TcpMemory.recall(table, flow, r);
        }
    }

    private boolean isTaken(Attachment guest, FlowRecord r, int shown, int peer, int peerOutside, long nowNanos) {
        int inside = flows.findInside(
                guest.number(),
                r.protocol(),
                r.insideAddress(),
                r.insidePort(),
                peer,
                r.peerPort(),
                FlowTable.NONE,
                nowNanos);
        int from = flows.findOutside(
                r.protocol(), shown, r.outsidePort(), peerOutside, r.peerPort(), FlowTable.NONE, nowNanos);
        return inside >= 0 || from >= 0;
    }

    /** The snapshot's shared address is ours here. */
    private int here(int address, RestoreTarget target) {
        return address == target.address() ? outside.shared() : address;
    }

    /** Whether the flow has a mapping if and only if the settings give it one. */
    private boolean isMappedAsSet(FlowRecord r, int shown) {
        int protocol = r.protocol();
        boolean hasPorts = protocol == TCP || protocol == UDP || protocol == PacketContext.ICMP;
        if (!r.has(FlowRecord.UNMAPPED)) {
            return hasPorts && shown == outside.shared();
        }
        return (hasPorts
                        ? shown != outside.shared()
                        : settings.plan().protocols().contains(new IpProtocol(protocol)))
                && r.insidePort() == r.outsidePort()
                && r.mappingForward() == 0;
    }

    /** Whether the guest sees its peer under the name that the settings give it. */
    private boolean isNamedAsSet(Attachment guest, int peer, int peerOutside, @Nullable Attachment peerGuest) {
        if (!outside.owns(peerOutside)) {
            return peer == peerOutside && peerGuest == null;
        }
        return peer == peerOutside ? !guest.owns(peer) : peer == outside.alias() && peer != 0;
    }

    /** Whether the name may be one of the shared address before the gateway moved: nothing that means another now. */
    private boolean isNamedAsBefore(Attachment guest, int peer, int peerOutside) {
        return peerOutside == outside.shared()
                && !guest.owns(peer)
                && !outside.isOneToOne(peer)
                && !outside.isAlias(peer);
    }

    private static boolean leads(ForwardTable.Entry forward, Attachment guest, FlowRecord r) {
        return forward.guest() == guest.number()
                && forward.forward().protocol().number() == r.protocol()
                && forward.forward().inside().contains(r.insidePort())
                && forward.outsidePortOf(r.insidePort()) == r.outsidePort();
    }

    /** When a time that was left at the snapshot's time is over; never later than after a packet right now. */
    private long deadline(long remainingMillis, int protocol, int state, RestoreTarget target) {
        long left = (remainingMillis - target.elapsedMillis()) * NANOS_PER_MILLI;
        return target.at() + Math.min(left, flows.timeout(protocol, state));
    }
}
