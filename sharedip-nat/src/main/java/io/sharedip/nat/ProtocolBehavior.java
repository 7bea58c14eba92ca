package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import java.time.Duration;
import java.util.Objects;

/**
 * How ports of one protocol, TCP or UDP, are given to guests and whom they let in (RFC 4787, RFC 5382).
 *
 * <p>Immutable and thread-safe.
 *
 * @param mapping when an outside port is kept; endpoint-independent by default
 * @param filtering who may send to it; address-dependent by default
 * @param portOverloading whether flows of different guests to different peers may share one outside port, so that one address carries
 *     more flows than it has ports; off by default (RFC 4787 REQ-3, RFC 5382 REQ-7 forbid it with endpoint-independent mapping). Needs
 *     mapping and filtering that are both address and port dependent. A flow gets the guest's own port if that belongs to the pool and
 *     is free towards the peer; else one of up to 128 that are tried from a random one on, or of as many with the other parity. So
 *     towards a peer with whom nearly every port of the pool is in use, a flow may be refused although a few are left
 * @param portReuseDelay how long the port of a mapping that has ended, or of a forward that was removed, rests before anybody may have
 *     it again (RFC 6888 REQ-8): 0 to 1 hour. UDP 120 s by default. TCP 0 by default, because connections are tracked (REQ-8 A). Three
 *     kinds of ports do not rest: one whose mapping was evicted, because that was done for the sake of the port; one that is shared
 *     (REQ-8 C); and any after a change to another address, at which nobody has used it
 * @param portsPerGuest the most outside ports that one guest holds at a time (RFC 6888 REQ-4), 1 to 65,535, or 0, the default, if only
 *     the quota of flows bounds them. A port that is shared counts for each of the guest's flows. At its limit a guest first loses
 *     ports of its own closed, then of its own unanswered flows
 */
public record ProtocolBehavior(
        MappingBehavior mapping,
        FilteringBehavior filtering,
        boolean portOverloading,
        Duration portReuseDelay,
        int portsPerGuest) {

    private static final Duration LONGEST_DELAY = Duration.ofHours(1);
    private static final int MOST_PORTS = 65_535;
    private static final ProtocolBehavior TCP = new ProtocolBehavior(
            MappingBehavior.ENDPOINT_INDEPENDENT, FilteringBehavior.ADDRESS_DEPENDENT, false, Duration.ZERO, 0);
    private static final ProtocolBehavior UDP = TCP.withPortReuseDelay(Duration.ofMinutes(2));

    /**
     * Checks the ranges and what goes together.
     *
     * @param mapping when an outside port is kept
     * @param filtering who may send to it
     * @param portOverloading only where mapping and filtering are address and port dependent
     * @param portReuseDelay 0 to 1 hour
     * @param portsPerGuest 0 to 65,535
     * @throws ConfigurationException if a value is out of range, or overloading meets another mapping or filtering than it needs
     */
    public ProtocolBehavior {
        Objects.requireNonNull(mapping, "mapping");
        Objects.requireNonNull(filtering, "filtering");
        if (portReuseDelay.isNegative() || portReuseDelay.compareTo(LONGEST_DELAY) > 0) {
            throw new ConfigurationException(
                    "port-reuse-delay", portReuseDelay.toString(), "is out of range", "use 0 s to 1 h");
        }
        if (portsPerGuest < 0 || portsPerGuest > MOST_PORTS) {
            throw new ConfigurationException(
                    "ports-per-guest",
                    String.valueOf(portsPerGuest),
                    "is out of range",
                    "use 1 to 65535, or 0 for no limit");
        }
        if (portOverloading
                && (mapping != MappingBehavior.ADDRESS_AND_PORT_DEPENDENT
                        || filtering != FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT)) {
            throw new ConfigurationException(
                    "port-overloading",
                    "true",
                    "needs to know every peer",
                    "make mapping and filtering address-and-port-dependent");
        }
    }

    /**
     * The defaults for TCP.
     *
     * @return always the same object
     */
    public static ProtocolBehavior tcp() {
        return TCP;
    }

    /**
     * The defaults for UDP.
     *
     * @return always the same object
     */
    public static ProtocolBehavior udp() {
        return UDP;
    }

    /**
     * This with another {@link #mapping}.
     *
     * @param value when an outside port is kept
     * @return a new object
     * @throws ConfigurationException if {@link #portOverloading} needs the present one
     */
    public ProtocolBehavior withMapping(MappingBehavior value) {
        return new ProtocolBehavior(value, filtering, portOverloading, portReuseDelay, portsPerGuest);
    }

    /**
     * This with another {@link #filtering}.
     *
     * @param value who may send to a mapping
     * @return a new object
     * @throws ConfigurationException if {@link #portOverloading} needs the present one
     */
    public ProtocolBehavior withFiltering(FilteringBehavior value) {
        return new ProtocolBehavior(mapping, value, portOverloading, portReuseDelay, portsPerGuest);
    }

    /**
     * This with {@link #portOverloading} and the mapping and filtering that it needs.
     *
     * @return a new object
     */
    public ProtocolBehavior withPortOverloading() {
        return new ProtocolBehavior(
                MappingBehavior.ADDRESS_AND_PORT_DEPENDENT,
                FilteringBehavior.ADDRESS_AND_PORT_DEPENDENT,
                true,
                portReuseDelay,
                portsPerGuest);
    }

    /**
     * This with another {@link #portReuseDelay}.
     *
     * @param value 0 to 1 hour
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public ProtocolBehavior withPortReuseDelay(Duration value) {
        return new ProtocolBehavior(mapping, filtering, portOverloading, value, portsPerGuest);
    }

    /**
     * This with another {@link #portsPerGuest}.
     *
     * @param value 1 to 65,535, or 0 for no limit
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public ProtocolBehavior withPortsPerGuest(int value) {
        return new ProtocolBehavior(mapping, filtering, portOverloading, portReuseDelay, value);
    }
}
