package io.sharedip.filter;

/** What a packet is to the flow table at {@link Hook#FLOW}. */
public enum FlowState {

    /** It begins a flow. */
    NEW,

    /** Its flow exists already; seen when flows are judged again after the chain has been replaced. */
    ESTABLISHED,

    /**
     * It belongs to a flow without being part of it: an ICMP error about one of its packets. Such errors of an accepted flow pass
     * unless a rule that names this state forbids it; other rules and the policy do not see them.
     */
    RELATED
}
