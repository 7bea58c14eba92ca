package io.sharedip.nat.internal.ports;

import io.sharedip.address.Ipv4Address;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The port-forward mapper: which guest endpoint an outside port leads to, the most specific forward first.
 *
 * <p>For each protocol and port an array lists the forwards that cover it in order of specificity; ports without a forward share
 * the absent one. Looked up once per flow, never per packet.
 */
public final class ForwardTable {

    private static final Entry[] NONE = {};

    /** A forward in force. */
    public static final class Entry {
        private final PortForward forward;
        private final int number;
        private final int guest;
        private final int fromNetwork;
        private final int fromMask;
        private long hits;

        Entry(PortForward forward, int number, int guest) {
            this.forward = forward;
            this.number = number;
            this.guest = guest;
            this.fromNetwork = forward.selector()
                    .from()
                    .map(p -> ((Ipv4Address) p.network()).bits())
                    .orElse(0);
            this.fromMask = forward.selector().from().map(p -> p.mask()).orElse(0);
        }

        public PortForward forward() {
            return forward;
        }

        /** Identifies the forward among all that ever were, 1 or more. */
        public int number() {
            return number;
        }

        public int guest() {
            return guest;
        }

        public long hits() {
            return hits;
        }

        /** A flow came through. */
        public void hit() {
            hits++;
        }

        /** The outside port that leads to an inside one. */
        public int outsidePortOf(int insidePort) {
            return forward.outside().first() + insidePort - forward.inside().first();
        }

        boolean admits(int source) {
            return (source & fromMask) == fromNetwork;
        }

        boolean admitsEverybody() {
            return fromMask == 0;
        }
    }

    private final List<Entry> entries = new ArrayList<>();
    private final Entry[][][] byPort = new Entry[2][][];
    private int lastNumber;

    private static int slotOf(int protocol) {
        return protocol == 6 ? 0 : 1;
    }

    /** The entries, most specific first. */
    public List<Entry> entries() {
        return entries;
    }

    /** The forward with exactly this selector, or null. */
    public @Nullable Entry get(ForwardSelector selector) {
        for (Entry entry : entries) {
            if (entry.forward.selector().equals(selector)) {
                return entry;
            }
        }
        return null;
    }

    /** Adds a forward whose selector is not there yet. */
    public Entry add(PortForward forward, int guest) {
        Entry entry = new Entry(forward, ++lastNumber, guest);
        entries.add(entry);
        entries.sort(Comparator.comparing(e -> e.forward.selector(), ForwardSelector.BY_SPECIFICITY));
        index(forward);
        return entry;
    }

    /** Removes a forward. */
    public void remove(Entry entry) {
        entries.remove(entry);
        index(entry.forward);
    }

    private void index(PortForward changed) {
        int slot = slotOf(changed.protocol().number());
        Entry[][] ports = byPort[slot];
        if (ports == null) {
            ports = new Entry[1 << 16][];
            byPort[slot] = ports;
        }
        Entry[] previous = NONE;
        for (int port = changed.outside().first(); port <= changed.outside().last(); port++) {
            Entry[] covering = covering(changed.protocol().number(), port);
            // neighbouring ports of a range share one array
            ports[port] = Arrays.equals(covering, previous) ? previous : covering;
            previous = ports[port];
        }
    }

    private Entry[] covering(int protocol, int port) {
        return entries.stream()
                .filter(e -> e.forward.protocol().number() == protocol
                        && e.forward.outside().contains(port))
                .toArray(Entry[]::new);
    }

    private Entry[] at(int protocol, int port) {
        if (protocol != 6 && protocol != 17) {
            return NONE;
        }
        Entry[][] ports = byPort[slotOf(protocol)];
        return ports == null || ports[port] == null ? NONE : ports[port];
    }

    /** Whether any forward covers an outside port. */
    public boolean covers(int protocol, int port) {
        return at(protocol, port).length > 0;
    }

    /** The forward that a packet from outside comes through, or null. */
    public @Nullable Entry find(int protocol, int port, int source) {
        for (Entry entry : at(protocol, port)) {
            if (entry.admits(source)) {
                return entry;
            }
        }
        return null;
    }

    /**
     * The first forward, open to everybody, that leads to an inside endpoint: what the guest begins there bears its port. A forward
     * whose port a more specific one gives to somebody else does not count.
     */
    public @Nullable Entry leadingTo(int guest, int protocol, int insidePort) {
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.guest == guest
                    && entry.forward.protocol().number() == protocol
                    && entry.admitsEverybody()
                    && entry.forward.inside().contains(insidePort)
                    && everybodys(protocol, entry.outsidePortOf(insidePort)) == entry) {
                return entry;
            }
        }
        return null;
    }

    /** The forward that a port leads to for whoever is named by none, or null. */
    private @Nullable Entry everybodys(int protocol, int port) {
        for (Entry entry : at(protocol, port)) {
            if (entry.admitsEverybody()) {
                return entry;
            }
        }
        return null;
    }
}
