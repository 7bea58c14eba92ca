package io.sharedip.nat.internal.terminator;

import io.sharedip.nat.internal.engine.Inlet;
import io.sharedip.uplink.FlowUplink;

/** What the host itself is called on either side: guests know it as the alias, its own sockets as loopback. */
final class Hosts {

    /** 127.0.0.1. */
    static final int LOOPBACK = 0x7f000001;

    private final FlowUplink uplink;
    private final Inlet inlet;
    private final boolean showClients;

    /**
     * Says how clients are shown.
     *
     * @param showClients whether guests see the true address of whoever comes through a forward, unless that is the host
     */
    Hosts(FlowUplink uplink, Inlet inlet, boolean showClients) {
        this.uplink = uplink;
        this.inlet = inlet;
        this.showClients = showClients;
    }

    static boolean isLoopback(int address) {
        return address >>> 24 == 127;
    }

    boolean isAlias(int address) {
        return address == inlet.alias();
    }

    /** Where a connection to a peer really goes. */
    int reach(int peer) {
        return isAlias(peer) ? LOOPBACK : peer;
    }

    /**
     * Whether somebody who calls is shown as the alias.
     *
     * @param throughForward rather than to what a guest has opened itself
     */
    boolean showsAsAlias(int address, boolean throughForward) {
        return isLoopback(address)
                || address == inlet.shared()
                || uplink.isHostAddress(address)
                || (throughForward && !showClients);
    }
}
