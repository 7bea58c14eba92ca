package io.sharedip.examples.gateway.control;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.SharedIp;
import io.sharedip.SnapshotException;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
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
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.stats.RuleStatus;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.stats.TrackedState;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A gateway without packets: it remembers forwards and rules, and shows as many flows as it is told. */
public final class FakeGateway implements SharedIp {

    public static final byte[] SNAPSHOT = {1, 2, 3};
    private static final Endpoint INSIDE = Endpoint.parse("192.0.2.10:40001");

    private final Map<ForwardSelector, PortForward> forwards =
            new ConcurrentSkipListMap<>(ForwardSelector.BY_SPECIFICITY);
    private volatile FilterChain chain = FilterChain.acceptAll();
    private volatile State state = State.RUNNING;
    private volatile Throwable failure;
    public volatile int flowCount = 1;
    public volatile int restored;

    public void fail(Throwable cause) {
        failure = cause;
        state = State.FAILED;
    }

    @Override
    public Ipv4Address address() {
        return Ipv4Address.parse("192.0.2.10");
    }

    @Override
    public State state() {
        return state;
    }

    @Override
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    @Override
    public CompletionStage<Void> changeAddress(UplinkAddress place, FlowPolicy flows) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<Void> addGuest(Guest guest) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<Void> removeGuest(GuestId guest) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<Void> bind(Binding binding) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<Void> unbind(Binding binding) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletionStage<List<BindingStatus>> bindings() {
        Binding binding = new Binding(GuestId.of("web"), MacAddress.parse("52:54:00:00:00:01"), address());
        return CompletableFuture.completedFuture(List.of(new BindingStatus(binding, "pcap:vm1", true, 7)));
    }

    @Override
    public CompletionStage<Void> addForward(PortForward forward) {
        if (!forward.guest().name().equals("web")) {
            return CompletableFuture.failedFuture(new ConfigurationException(
                    "forward", forward.toString(), "leads to a guest that does not exist", "add the guest first"));
        }
        forwards.put(forward.selector(), forward);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<PortForward> removeForward(ForwardSelector selector) {
        PortForward removed = forwards.remove(selector);
        return removed != null
                ? CompletableFuture.completedFuture(removed)
                : CompletableFuture.failedFuture(new ConfigurationException(
                        "forward", selector.toString(), "does not exist", "'forwards' shows those that do"));
    }

    @Override
    public CompletionStage<List<ForwardStatus>> forwards() {
        return CompletableFuture.completedFuture(
                forwards.values().stream().map(f -> new ForwardStatus(f, 3)).toList());
    }

    @Override
    public CompletionStage<Void> replaceRules(FilterChain replacement) {
        chain = replacement;
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<FilterChain> filterChain() {
        return CompletableFuture.completedFuture(chain);
    }

    @Override
    public CompletionStage<List<RuleStatus>> rules() {
        return CompletableFuture.completedFuture(
                chain.rules().stream().map(r -> new RuleStatus(r, 5)).collect(Collectors.toList()));
    }

    @Override
    public CompletionStage<List<FlowStatus>> flows() {
        Endpoint outside = Endpoint.parse("192.0.2.10:61000");
        Endpoint peer = Endpoint.parse("198.51.100.1:443");
        FlowStatus flow = new FlowStatus(
                GuestId.of("web"),
                IpProtocol.TCP,
                INSIDE,
                outside,
                peer,
                TrackedState.HALF_OPEN,
                2,
                120,
                1,
                60,
                Duration.ofMillis(119_500));
        return CompletableFuture.completedFuture(
                IntStream.range(0, flowCount).mapToObj(i -> flow).toList());
    }

    @Override
    public CompletionStage<SnapshotReport> snapshot(OutputStream to) {
        try {
            to.write(SNAPSHOT);
        } catch (IOException e) {
            return CompletableFuture.failedFuture(SnapshotException.of("could not be written", "try again", e));
        }
        return CompletableFuture.completedFuture(
                new SnapshotReport(Instant.EPOCH, 1, 1, forwards.size(), flowCount, SNAPSHOT.length));
    }

    @Override
    public CompletionStage<SnapshotReport> handOver(OutputStream to) {
        return snapshot(to);
    }

    @Override
    public CompletionStage<RestoreReport> restore(InputStream from, RestoreOptions options) {
        byte[] octets;
        try {
            octets = from.readAllBytes();
        } catch (IOException e) {
            return CompletableFuture.failedFuture(SnapshotException.of("could not be read", "try again", e));
        }
        if (!Arrays.equals(octets, SNAPSHOT)) {
            return CompletableFuture.failedFuture(
                    SnapshotException.at(0, "this is not a snapshot of sharedip", "name another file"));
        }
        restored++;
        return CompletableFuture.completedFuture(
                new RestoreReport(Instant.EPOCH, Duration.ZERO, 0, 0, 0, flowCount, Map.of()));
    }

    @Override
    public Map<String, Map<String, Long>> counters() {
        return Map.of("dns", Map.of("questions", 7L));
    }

    @Override
    public SharedIpStats stats() {
        Map<DropReason, Long> drops = new EnumMap<>(DropReason.class);
        for (DropReason reason : DropReason.values()) {
            drops.put(reason, 0L);
        }
        drops.put(DropReason.RULE_DROPPED, 4L);
        return new SharedIpStats(1, 1, 5000, 20, 10, 3, 2, 1, 4, 9, 6, drops);
    }

    @Override
    public Registration addListener(SharedIpListener listener) {
        return () -> {};
    }

    @Override
    public void close() {
        state = State.CLOSED;
    }
}
