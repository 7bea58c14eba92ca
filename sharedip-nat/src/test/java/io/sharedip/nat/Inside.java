package io.sharedip.nat;

import io.sharedip.address.IpProtocol;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.engine.Management;
import io.sharedip.stats.FlowStatus;
import java.util.List;

/** A gateway as the thread that drives it sees it, without queues between: for tests that ask after every frame. */
public final class Inside {

    private final Management management;

    public Inside(NatGateway gateway) {
        management = gateway.management();
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
        management.add(forward);
    }

    public void remove(ForwardSelector selector) {
        management.remove(selector);
    }
}
