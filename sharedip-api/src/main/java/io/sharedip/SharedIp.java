package io.sharedip;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.event.SharedIpListener;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.snapshot.SnapshotReport;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.stats.RuleStatus;
import io.sharedip.stats.SharedIpStats;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * A running gateway: guests and the host behind one address.
 *
 * <p>Thread-safe; every method may be called from any thread, listeners included. A change is queued and returns a stage that
 * completes when the engine has applied it: packets that arrive afterwards see it. Changes are made in the order in which they
 * were asked for. One that fails completes its stage with a {@link SharedIpException} and changes nothing. Stages complete on
 * threads of the gateway's own, never on the packet path, so a dependent action may block. Where the embedder drives the engine
 * itself, changes are applied by its {@code poll} and {@code tick}, so the driving thread must not wait for a stage without
 * calling them.
 *
 * <p><b>Lifetime.</b> The gateway owns its links, uplink, services and claims, and closes them in {@link #close()}. After that, or when its driver
 * has died, nothing passes and every stage completes with a {@link GatewayClosedException}.
 */
public interface SharedIp extends AutoCloseable {

    /** Where the gateway is in its life. */
    enum State {
        /** Frames pass. */
        RUNNING,
        /** The driver died: nothing passes, and {@link SharedIp#failure()} says why. */
        FAILED,
        /** Closed on purpose. */
        CLOSED
    }

    /** Ends what began with the call that returned it. */
    @FunctionalInterface
    interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * The shared address.
     *
     * @return as it was configured, or changed last
     */
    Ipv4Address address();

    /**
     * Changes the shared address. Guests with their bindings, rules and forwards stay: forwards lead in from the new address. A guest
     * whose own address is the old one keeps it, and is from then on a guest with an address of its own. Ports are claimed anew; a port
     * that the host holds at the new address is given up, with the flows and forwards that need it, and told by
     * {@link io.sharedip.event.SharedIpEvent.ForwardConflict}. Where the address is the gateway's own it is announced by ARP.
     *
     * <p>If ports can be claimed neither at the new address nor any more at the old one, as while a host has neither, flows of guests and
     * forwards end. The gateway then tries the old address again every few seconds, and whenever it is told to change: to another
     * address, or to the one it has.
     *
     * <p>Refused, with nothing changed: if a forward names the old address, if a one-to-one address is outside the new segment, or if
     * the new address, router or alias belongs to a guest (but the address itself may be a guest's) or is mapped one to one.
     *
     * @param place the new address with its segment, router and alias
     * @param flows what becomes of the flows
     * @return completes when packets leave under the new address, or with a {@link ConfigurationException} or
     *     {@link PortClaimException}
     */
    CompletionStage<Void> changeAddress(UplinkAddress place, FlowPolicy flows);

    /**
     * Where the gateway is in its life.
     *
     * @return a snapshot
     */
    State state();

    /**
     * What killed the driver.
     *
     * @return empty unless the state is {@link State#FAILED}
     */
    Optional<Throwable> failure();

    /**
     * Adds a guest and opens its link.
     *
     * @param guest whose identity, MAC address and link are new to the gateway
     * @return completes when frames of the guest are taken, or with a {@link ConfigurationException} or {@link LinkException}
     */
    CompletionStage<Void> addGuest(Guest guest);

    /**
     * Removes a guest with its flows and forwards, and closes its link.
     *
     * @param guest the guest's identity
     * @return completes when no frame of the guest is taken any more, or with a {@link ConfigurationException} if there is none or a
     *     rule names it: {@linkplain #replaceRules replace the rules} first
     */
    CompletionStage<Void> removeGuest(GuestId guest);

    /**
     * Lets a guest use a further address. The MAC address must be the guest's.
     *
     * @param binding to add
     * @return completes when it holds, or with a {@link ConfigurationException}
     */
    CompletionStage<Void> bind(Binding binding);

    /**
     * Takes an address away from a guest; flows that use it end.
     *
     * @param binding to remove; not the guest's last
     * @return completes when it holds no more, or with a {@link ConfigurationException}
     */
    CompletionStage<Void> unbind(Binding binding);

    /**
     * The bindings.
     *
     * @return completes with a snapshot
     */
    CompletionStage<List<BindingStatus>> bindings();

    /**
     * Adds a forward and claims its outside ports from the host.
     *
     * @param forward to an existing guest, with a selector that is not taken
     * @return completes when connections come through, or with a {@link ConfigurationException} or {@link PortClaimException}
     */
    CompletionStage<Void> addForward(PortForward forward);

    /**
     * Removes a forward, ends the flows that came through it, and gives its ports back to the host.
     *
     * @param selector what stands left of the arrow
     * @return completes with the forward that was removed, or with a {@link ConfigurationException} if there is none
     */
    CompletionStage<PortForward> removeForward(ForwardSelector selector);

    /**
     * The forwards, most specific first.
     *
     * @return completes with a snapshot
     */
    CompletionStage<List<ForwardStatus>> forwards();

    /**
     * Replaces the filter chain as a whole. Flows that exist are judged again at their next packet.
     *
     * @param chain the new chain; guests that it names must exist
     * @return completes when the chain is in force, or with a {@link ConfigurationException}
     */
    CompletionStage<Void> replaceRules(FilterChain chain);

    /**
     * The filter chain in force.
     *
     * @return completes with the chain
     */
    CompletionStage<FilterChain> filterChain();

    /**
     * The rules of the chain in force with their hits, in order.
     *
     * @return completes with a snapshot
     */
    CompletionStage<List<RuleStatus>> rules();

    /**
     * The flows. A large table is read in slices between packets, so the list is not of one single moment.
     *
     * @return completes with the flows that were seen
     */
    CompletionStage<List<FlowStatus>> flows();

    /**
     * Writes a snapshot: guests, bindings, forwards and flows with their mappings and what was tracked of them, but no rules. Packets pass
     * meanwhile: the flows are read in slices, each flow of one moment. The stream is written on a thread of the gateway's own, flushed
     * at the end and not closed; what has been written before a failure is of no use.
     *
     * @param to written in pieces of about 100 KiB, so it needs no buffer; belongs to the gateway until the stage completes
     * @return completes when everything is written, or with a {@link SnapshotException} if the stream fails
     */
    CompletionStage<SnapshotReport> snapshot(OutputStream to);

    /**
     * Writes a snapshot as {@link #snapshot}, for another gateway to take over where this one ends: from the snapshot's beginning on no
     * frame is taken any more, so nothing passes that the snapshot does not know. Otherwise a TCP connection that goes on between
     * snapshot and end would have moved past the windows that the other gateway knows, and its segments would be dropped.
     *
     * @param to as {@link #snapshot}
     * @return completes when everything is written, and the gateway is to be closed; or with a {@link SnapshotException} if the stream
     *     fails, and frames are taken again
     */
    CompletionStage<SnapshotReport> handOver(OutputStream to);

    /**
     * Restores a snapshot into the running gateway. The stream is read to its end on a thread of the gateway's own, and not closed. It is
     * refused as a whole unless all of it is right; what is right is added to what there is:
     *
     * <ul>
     *   <li>Guests are matched by name. What belongs to a guest that does not exist is left out.
     *   <li>Bindings and forwards are added unless they are there already, or clash. Ports are claimed from the host as always.
     *   <li>Flows are added with their ports, established ones first, as far as there is room; where one clashes with a live flow, the
     *       live one stays. Their timers go on where they stood, less the {@linkplain RestoreOptions#downtime downtime}. The rules in
     *       force judge them at their next packet.
     * </ul>
     *
     * <p>Packets pass meanwhile. Listeners get one {@link io.sharedip.event.SharedIpEvent.SnapshotRestored} and no event for each flow.
     * Other changes that are asked for once the stream has been read wait until the restoration is done.
     *
     * @param from belongs to the gateway until the stage completes
     * @param options how
     * @return completes when everything is in place, or with a {@link SnapshotException} if the snapshot is refused
     */
    CompletionStage<RestoreReport> restore(InputStream from, RestoreOptions options);

    /**
     * Restores a snapshot with the default options.
     *
     * @param from as {@link #restore(InputStream, RestoreOptions)}
     * @return as {@link #restore(InputStream, RestoreOptions)}
     */
    default CompletionStage<RestoreReport> restore(InputStream from) {
        return restore(from, RestoreOptions.defaults());
    }

    /**
     * The counters as they were published last, at most a few milliseconds ago while the gateway is driven.
     *
     * @return a consistent snapshot
     */
    SharedIpStats stats();

    /**
     * What the uplink and the services of the gateway count for themselves, beside {@link #stats()}. Each number for itself: they are not
     * of one single moment. The default has nothing.
     *
     * @return by name of the service or kind of uplink, then by name of the counter, in a fixed order; those that count nothing are
     *     left out
     */
    default Map<String, Map<String, Long>> counters() {
        return Map.of();
    }

    /**
     * Adds a listener.
     *
     * @param listener called from now on
     * @return removes the listener when closed
     */
    Registration addListener(SharedIpListener listener);

    /**
     * Ends the gateway: stops the driver, closes the links, gives the ports back to the host. Idempotent; returns within ten
     * seconds even if a link hangs, and never throws. May be called from a listener.
     */
    @Override
    void close();
}
