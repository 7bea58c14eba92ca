package io.sharedip.filter;

/**
 * A place on the way of a frame where rules are asked.
 *
 * <p>A frame is validated, then checked against the bindings of its guest, then passes {@link #INGRESS}; its flow is looked
 * up, and a new one passes {@link #FLOW}; addresses and ports are translated; what leaves passes {@link #EGRESS}.
 */
public enum Hook {

    /**
     * Every packet that comes in, before any flow is looked up. Cheap, stateless rules against floods and nonsense: a packet
     * dropped here costs no table entry. Packets are seen as they came: one from a guest by its own address, one from outside
     * before the destination is translated.
     */
    INGRESS,

    /**
     * Once for every new flow, whichever side began it, flows to forwards included; the verdict is remembered, so replies and
     * related ICMP errors of an accepted flow pass. Rules see the guest-side addresses and ports, that is before source
     * translation and after destination translation, in the direction of the one who began. After the chain has been replaced
     * each flow is judged again at its next packet. Only rules of this hook can ask for a {@link FlowState}.
     */
    FLOW,

    /**
     * Every packet that leaves, after translation: packets are seen as the receiver will see them. Stateless, like
     * {@link #INGRESS}.
     */
    EGRESS
}
