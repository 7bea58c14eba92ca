package io.sharedip.nat;

/** When a guest's endpoint keeps its outside port (RFC 4787 section 4.1, RFC 5382 section 4.1). */
public enum MappingBehavior {
    /** For whatever it addresses: what peer-to-peer programs need, and the default. */
    ENDPOINT_INDEPENDENT,
    /** For each peer address it has another one. */
    ADDRESS_DEPENDENT,
    /** For each peer address and port it has another one. */
    ADDRESS_AND_PORT_DEPENDENT
}
