package io.sharedip.filter;

/** What a packet is to the flow table at {@link Hook#FLOW}. */
public enum FlowState {

    /** It begins a flow. */
    NEW,

    /** Its flow exists already; seen when flows are judged again after the chain has been replaced. */
    ESTABLISHED,

    /**
     * It belongs to another flow without being part of it, as the ICMP error about one of its packets does. No packet is judged so
     * yet: related errors of an accepted flow pass.
     */
    RELATED
}
