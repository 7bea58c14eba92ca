package io.sharedip.nat.internal.engine;

import io.sharedip.GuestId;
import io.sharedip.address.IpProtocol;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.stats.BindingStatus;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a snapshot and its restoration ask of a running engine, step by step. Driver's thread only. */
public final class Transfers {

    private final Engine engine;
    private final OutsideAddresses outside;
    private final GuestDirectory guests;
    private final Flows flows;
    private final FlowTransfer transfer;
    /** How many snapshots have been or are being written for gateways that take over. */
    private int handedOver;

    Transfers(Engine engine, EngineSettings settings, OutsideAddresses outside, GuestDirectory guests, Flows flows) {
        this.engine = engine;
        this.outside = outside;
        this.guests = guests;
        this.flows = flows;
        this.transfer = new FlowTransfer(engine, settings, outside, flows);
    }

    /** Whether frames are left where they are, because another gateway takes over. */
    boolean isHandingOver() {
        return handedOver > 0;
    }

    /** Begins to leave frames where they are. */
    public void beginHandOver() {
        handedOver++;
    }

    /** Ends what {@link #beginHandOver} began: its snapshot has failed. Frames pass again if no other one holds them up. */
    public void cancelHandOver() {
        handedOver--;
    }

    /** Begins a snapshot: what its numbers mean. */
    public SnapshotNames beginSnapshot() {
        List<Binding> bound = engine.management().bindings().stream()
                .map(BindingStatus::binding)
                .toList();
        return new SnapshotNames(outside, guests.all(), bound, flows.forwards().entries(), engine.now());
    }

    /**
     * Describes some of the flows for a snapshot.
     *
     * @param from number of the first
     * @param count how many numbers to look at
     * @param records room for as many records
     * @param names of the snapshot
     * @return how many flows were described
     */
    public int copyFlows(int from, int count, byte[] records, SnapshotNames names) {
        return transfer.copy(from, count, records, names, engine.now());
    }

    /**
     * Begins to restore flows.
     *
     * @param snapshot whose guests and forwards have been added as far as they can be
     * @param elapsedMillis taken off the timers
     * @return what the snapshot's numbers mean
     */
    public RestoreTarget beginRestore(Snapshot snapshot, long elapsedMillis) {
        List<@Nullable Attachment> known = new ArrayList<>();
        snapshot.guests().forEach(id -> known.add(guests.find(id)));
        List<ForwardTable.@Nullable Entry> there = new ArrayList<>();
        for (PortForward forward : snapshot.forwards()) {
            ForwardTable.Entry entry = flows.forwards().get(forward.selector());
            there.add(entry != null && entry.forward().equals(forward) ? entry : null);
        }
        return new RestoreTarget(snapshot.address().bits(), elapsedMillis, known, there, engine.now());
    }

    /** Adds some flows of a snapshot, in an order of indices from one place to before another. */
    public void addFlows(Snapshot snapshot, int[] order, int first, int end, RestoreTarget target) {
        transfer.add(snapshot, order, first, end, target, engine.now());
        engine.publish();
    }

    /** Whether a guest exists. */
    public boolean hasGuest(GuestId id) {
        return guests.find(id) != null;
    }

    /** Whether a binding exists. */
    public boolean hasBinding(Binding binding) {
        Attachment guest = guests.find(binding.guest());
        return guest != null
                && guest.mac() == binding.mac().bits()
                && guest.owns(binding.address().bits());
    }

    /** Whether exactly this forward is in force. */
    public boolean hasForward(PortForward forward) {
        ForwardTable.Entry entry = flows.forwards().get(forward.selector());
        return entry != null && entry.forward().equals(forward);
    }

    /** Whether a port belongs to the pool of a protocol. */
    public boolean ownsPort(IpProtocol protocol, int port) {
        return flows.ports().pool(protocol.number()).owns(port);
    }

    /** One more than the highest number a flow has. */
    public int flowBound() {
        return flows.table().bound();
    }
}
