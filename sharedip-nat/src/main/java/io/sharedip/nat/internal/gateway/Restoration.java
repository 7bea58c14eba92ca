package io.sharedip.nat.internal.gateway;

import io.sharedip.ConfigurationException;
import io.sharedip.GuestId;
import io.sharedip.PortClaimException;
import io.sharedip.SnapshotException;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.binding.Binding;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.engine.Management;
import io.sharedip.nat.internal.engine.RestoreTarget;
import io.sharedip.nat.internal.engine.Transfers;
import io.sharedip.nat.internal.snapshot.FlowRecord;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.snapshot.RestoreReport.Skipped;
import io.sharedip.stats.TrackedState;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;

/**
 * Puts a snapshot, which has been checked in full, into an engine: bindings, forwards, the ports that flows need, and the flows in slices
 * between packets. Runs on the control thread, so nothing else is changed meanwhile.
 */
public final class Restoration {

    private static final int SLICE = 1024;
    private static final int BINDINGS_AT_ONCE = 64;

    /** Longer than any timer, and short enough to count in nanoseconds. */
    private static final Duration LONGEST_DOWNTIME = Duration.ofDays(100 * 365);

    /** A key of the order: class in the uppermost bits, time that is left, index of the flow. */
    private static final int INDEX_BITS = 22;

    private static final int CLASS_SHIFT = 60;

    /** What forwards and ports of the pool need besides the engine. */
    public interface Ports {

        /** Adds a forward and claims its ports. */
        void add(PortForward forward);

        /** Claims the blocks of the pool that hold certain ports, and adds them to the pool. */
        void claimAround(IpProtocol protocol, BitSet wanted);
    }

    private final EngineCalls engine;
    private final Management management;
    private final Transfers transfers;
    private final Ports ports;
    private final Map<Skipped, Long> skipped = new EnumMap<>(Skipped.class);

    /**
     * Makes a restoration.
     *
     * @param engine way to the engine's thread
     * @param management of the engine
     * @param ports claims ports
     */
    public Restoration(EngineCalls engine, Management management, Ports ports) {
        this.engine = engine;
        this.management = management;
        this.transfers = management.transfers();
        this.ports = ports;
    }

    /**
     * Restores.
     *
     * @param snapshot to be restored
     * @param address the shared address of this gateway
     * @param options how
     * @param now wall-clock time
     * @return what became of it
     * @throws SnapshotException if the snapshot is of another address, and is to be refused then
     */
    public RestoreReport run(Snapshot snapshot, Ipv4Address address, RestoreOptions options, Instant now) {
        if (!snapshot.address().equals(address) && options.otherAddress() == RestoreOptions.OtherAddress.REFUSE) {
            throw SnapshotException.of(
                    "is of a gateway with the address " + snapshot.address() + ", and this one has " + address,
                    "have its flows taken over under the new address, or start without it",
                    null);
        }
        for (GuestId guest : snapshot.guests()) {
            if (!engine.call(() -> transfers.hasGuest(guest))) {
                skip(Skipped.GUEST_UNKNOWN, 1);
            }
        }
        int bindings = addBindings(snapshot.bindings());
        int forwards = addForwards(snapshot.forwards());
        claimPorts(snapshot);
        Duration downtime = downtime(snapshot, options, now);
        RestoreTarget target = engine.call(() -> transfers.beginRestore(snapshot, downtime.toMillis()));
        int[] order = order(snapshot);
        for (int at = 0; at < order.length; at += SLICE) {
            int first = at;
            int end = Math.min(order.length, at + SLICE);
            engine.call(() -> {
                transfers.addFlows(snapshot, order, first, end, target);
                return Boolean.TRUE;
            });
        }
        target.skipped().forEach(this::skip);
        return new RestoreReport(
                snapshot.at(), downtime, bindings, forwards, target.mappings(), target.flows(), skipped);
    }

    private void skip(Skipped reason, long count) {
        skipped.merge(reason, count, Long::sum);
    }

    private static Duration downtime(Snapshot snapshot, RestoreOptions options, Instant now) {
        Duration sinceThen = options.downtime().orElseGet(() -> Duration.between(snapshot.at(), now));
        if (sinceThen.isNegative()) {
            return Duration.ZERO;
        }
        return sinceThen.compareTo(LONGEST_DOWNTIME) > 0 ? LONGEST_DOWNTIME : sinceThen;
    }

    private int addBindings(List<Binding> bindings) {
        int added = 0;
        for (int at = 0; at < bindings.size(); at += BINDINGS_AT_ONCE) {
            List<Binding> some = bindings.subList(at, Math.min(bindings.size(), at + BINDINGS_AT_ONCE));
            added += engine.call(() -> addNow(some));
        }
        return added;
    }

    private int addNow(List<Binding> bindings) {
        int added = 0;
        for (Binding binding : bindings) {
            if (transfers.hasBinding(binding)) {
                continue;
            }
            try {
                management.bind(binding);
                added++;
            } catch (ConfigurationException e) {
                skip(Skipped.BINDING_REFUSED, 1);
            }
        }
        return added;
    }

    private int addForwards(List<PortForward> forwards) {
        int added = 0;
        for (PortForward forward : forwards) {
            if (engine.call(() -> transfers.hasForward(forward))) {
                continue;
            }
            try {
                ports.add(forward);
                added++;
            } catch (RuntimeException e) {
                if (!isRefusal(e)) {
                    throw e;
                }
                skip(Skipped.FORWARD_REFUSED, 1);
            }
        }
        return added;
    }

    private static boolean isRefusal(RuntimeException e) {
        Throwable told = e instanceof CompletionException ? e.getCause() : e;
        return told instanceof ConfigurationException || told instanceof PortClaimException;
    }

    /** Ports that are not the pool's stay out of it: their flows are left out one by one. */
    private void claimPorts(Snapshot snapshot) {
        for (IpProtocol protocol : List.of(IpProtocol.TCP, IpProtocol.UDP)) {
            BitSet wanted = new BitSet();
            FlowRecord flow = new FlowRecord();
            for (int i = 0; i < snapshot.flows(); i++) {
                snapshot.flow(i, flow);
                if (flow.protocol() == protocol.number() && flow.mappingForward() == 0) {
                    wanted.set(flow.outsidePort());
                }
            }
            if (!wanted.isEmpty()) {
                ports.claimAround(protocol, wanted);
            }
        }
    }

    /** Established flows first, then those that would be the last to make room; of these the older ones first. */
    private static int[] order(Snapshot snapshot) {
        FlowRecord flow = new FlowRecord();
        long[] keys = new long[snapshot.flows()];
        for (int i = 0; i < keys.length; i++) {
            snapshot.flow(i, flow);
            int rank = rank(flow.state());
            keys[i] = (long) rank << CLASS_SHIFT | (rank == 0 ? 0 : flow.remaining() << INDEX_BITS) | i;
        }
        Arrays.sort(keys);
        int[] order = new int[keys.length];
        for (int i = 0; i < keys.length; i++) {
            order[i] = (int) keys[i] & (1 << INDEX_BITS) - 1;
        }
        return order;
    }

    private static int rank(TrackedState state) {
        return switch (state) {
            case HALF_OPEN, UNREPLIED -> 1;
            case CLOSED, RESET -> 2;
            default -> 0;
        };
    }
}
