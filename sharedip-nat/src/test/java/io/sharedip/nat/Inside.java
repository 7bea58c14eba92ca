package io.sharedip.nat;

import io.sharedip.FlowPolicy;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.engine.EngineSettings;
import io.sharedip.nat.internal.engine.Management;
import io.sharedip.nat.internal.gateway.Restoration;
import io.sharedip.nat.internal.gateway.SnapshotTask;
import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.nat.internal.terminator.Terminator;
import io.sharedip.snapshot.RestoreOptions;
import io.sharedip.snapshot.RestoreReport;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A gateway as the thread that drives it sees it, without queues between: for tests that ask after every frame. */
public final class Inside {

    private final Management management;
    private final @Nullable Terminator terminator;

    public Inside(NatGateway gateway) {
        management = gateway.management();
        terminator = gateway.terminator();
    }

    public EngineSettings settings() {
        return management.settings();
    }

    public boolean endsAtSockets() {
        return terminator != null;
    }

    public List<FlowStatus> flows() {
        return management.flows(0, management.flowBound());
    }

    public int freePorts(IpProtocol protocol) {
        return management.freePorts(protocol);
    }

    public void add(Guest guest) {
        management.add(guest);
    }

    public void remove(GuestId guest) {
        management.remove(guest);
    }

    public void bind(Binding binding) {
        management.bind(binding);
    }

    public void unbind(Binding binding) {
        management.unbind(binding);
    }

    /** The addresses bound to a guest, dotted; none if it does not exist. */
    public Set<String> addressesOf(GuestId guest) {
        return management.bindings().stream()
                .map(BindingStatus::binding)
                .filter(binding -> binding.guest().equals(guest))
                .map(binding -> binding.address().toString())
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    public void move(UplinkAddress place, FlowPolicy policy) {
        management.move(place, policy, Map.of());
    }

    public byte[] snapshot() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new SnapshotTask(Supplier::get, management.transfers()).write(out).join();
        return out.toByteArray();
    }

    /** Restores a snapshot that has been read. @param address that the gateway has now */
    public RestoreReport restore(Snapshot snapshot, Ipv4Address address, RestoreOptions options) {
        return new Restoration(Supplier::get, management, new UnclaimedPorts())
                .run(snapshot, address, options, Instant.EPOCH);
    }

    private final class UnclaimedPorts implements Restoration.Ports {

        @Override
        public void add(PortForward forward) {
            Inside.this.add(forward);
        }

        @Override
        public void claimAround(IpProtocol protocol, BitSet wanted) {
            // the pool is there from the start
        }
    }

    public void replaceRules(FilterChain chain) {
        management.replaceRules(chain);
    }

    public void add(PortForward forward) {
        if (terminator != null) {
            management.check(forward);
            terminator.claim(forward);
        }
        management.add(forward);
    }

    public List<PortForward> forwards() {
        return management.forwards().stream().map(ForwardStatus::forward).toList();
    }

    public void remove(ForwardSelector selector) {
        PortForward removed = management.remove(selector);
        if (terminator != null) {
            management.unforwarded(removed).forEach(range -> terminator.release(removed.protocol(), range));
        }
    }
}
