package io.sharedip.nat.internal.snapshot;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A snapshot that has been read and checked in full. The flows stay in the form in which they were read. */
public final class Snapshot {

    private final Ipv4Address address;
    private final int prefixLength;
    private final Instant at;
    final List<GuestId> guests = new ArrayList<>();
    final List<Binding> bindings = new ArrayList<>();
    final List<PortForward> forwards = new ArrayList<>();
    private final List<byte[]> blocks = new ArrayList<>();
    private int[] firsts = new int[16];
    private int flows;

    Snapshot(Ipv4Address address, int prefixLength, Instant at) {
        this.address = address;
        this.prefixLength = prefixLength;
        this.at = at;
    }

    void addFlows(byte[] records) {
        if (blocks.size() == firsts.length) {
            firsts = Arrays.copyOf(firsts, firsts.length * 2);
        }
        firsts[blocks.size()] = flows;
        blocks.add(records);
        flows += records.length / FlowRecord.SIZE;
    }

    /** The shared address of the gateway that wrote it. */
    public Ipv4Address address() {
        return address;
    }

    /** Length of the segment's prefix. */
    public int prefixLength() {
        return prefixLength;
    }

    /** When it was begun, by the wall clock, to a millisecond. */
    public Instant at() {
        return at;
    }

    /** The guests, in the order of their indices. */
    public List<GuestId> guests() {
        return guests;
    }

    public List<Binding> bindings() {
        return bindings;
    }

    /** The forwards, in the order of their indices. */
    public List<PortForward> forwards() {
        return forwards;
    }

    /** How many flows there are. */
    public int flows() {
        return flows;
    }

    /**
     * Makes a view show a flow.
     *
     * @param index 0 to below {@link #flows()}
     * @param view to be used
     * @return the view
     */
    public FlowRecord flow(int index, FlowRecord view) {
        int block = Arrays.binarySearch(firsts, 0, blocks.size(), index);
        if (block < 0) {
            block = -block - 2;
        }
        return view.wrap(blocks.get(block), (index - firsts[block]) * FlowRecord.SIZE);
    }
}
