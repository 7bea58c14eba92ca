package io.sharedip;

/** What becomes of flows when the shared address changes. */
public enum FlowPolicy {

    /** All of them end: their peers know only the old address. */
    FLUSH,

    /**
     * They stay, with their ports, under the new address. For peers that follow a change of address, such as QUIC and WireGuard, and
     * for networks that translate the address once more further out.
     */
    KEEP
}
