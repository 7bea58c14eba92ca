package io.sharedip.nat.internal.engine;

import io.sharedip.GuestId;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.ports.ForwardTable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Guests and forwards by the numbers that a snapshot gives them, and the gateway's address, as they were at one moment. */
public final class SnapshotNames {

    private static final int UNKNOWN = -1;

    private final List<GuestId> guests = new ArrayList<>();
    private final List<Binding> bindings = new ArrayList<>();
    private final List<PortForward> forwards = new ArrayList<>();
    private final Map<Integer, Integer> guestIndex = new HashMap<>();
    private final Map<Integer, Integer> forwardIndex = new HashMap<>();
    private final int address;
    private final int prefixLength;
    private final long at;

    SnapshotNames(
            OutsideAddresses outside,
            List<Attachment> attached,
            List<Binding> bindings,
            List<ForwardTable.Entry> entries,
            long nowNanos) {
        address = outside.shared();
        prefixLength = Integer.bitCount(outside.mask());
        for (Attachment guest : attached) {
            guestIndex.put(guest.number(), guests.size());
            guests.add(guest.guestId());
        }
        this.bindings.addAll(bindings);
        for (ForwardTable.Entry entry : entries) {
            forwardIndex.put(entry.number(), forwards.size());
            forwards.add(entry.forward());
        }
        at = nowNanos;
    }

    public List<GuestId> guests() {
        return guests;
    }

    public List<Binding> bindings() {
        return bindings;
    }

    public List<PortForward> forwards() {
        return forwards;
    }

    /** The shared address. */
    public int address() {
        return address;
    }

    /** Length of the segment's prefix. */
    public int prefixLength() {
        return prefixLength;
    }

    /** The engine's time to which the snapshot's time belongs. */
    long at() {
        return at;
    }

    /** The index of a guest, -1 if it came later. */
    int guest(int number) {
        return guestIndex.getOrDefault(number, UNKNOWN);
    }

    /** The index of a forward, -1 if it came later. */
    int forward(int number) {
        return forwardIndex.getOrDefault(number, UNKNOWN);
    }
}
