package io.sharedip.filter;

/** What happens to the packets that a rule matches, or, as the policy of a hook, to those that no rule matched. */
public enum Verdict {

    /** They pass this hook. */
    ACCEPT,

    /** They vanish without an answer. */
    DROP,

    /**
     * They vanish, and the sender is told at once instead of waiting: by a TCP reset, or by an ICMP "administratively
     * prohibited" (RFC 1812, 5.2.7.1) for every other protocol. No error answers an error.
     */
    REJECT,

    /**
     * The rule counts its match, and emits an event if it logs; the rules after it decide. Only a rule can have it, never a
     * policy.
     */
    CONTINUE
}
