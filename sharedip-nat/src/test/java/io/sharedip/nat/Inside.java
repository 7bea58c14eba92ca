package io.sharedip.nat;

import io.sharedip.address.IpProtocol;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.engine.EngineSettings;
import io.sharedip.nat.internal.engine.Management;
import io.sharedip.nat.internal.terminator.Terminator;
import io.sharedip.stats.FlowStatus;
import java.util.List;
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

    public void remove(ForwardSelector selector) {
        PortForward removed = management.remove(selector);
        if (terminator != null) {
            management.unforwarded(removed).forEach(range -> terminator.release(removed.protocol(), range));
        }
    }
}
