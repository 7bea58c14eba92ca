package io.sharedip.nat;

/** Who may send to a guest through a mapping that the guest has opened (RFC 4787 section 5, RFC 5382 section 4.3). */
public enum FilteringBehavior {
    /** Anybody. */
    ENDPOINT_INDEPENDENT,
    /** Machines that the guest has addressed through the mapping, from any port: the default. */
    ADDRESS_DEPENDENT,
    /** Only the endpoints that the guest has addressed through the mapping. */
    ADDRESS_AND_PORT_DEPENDENT
}
