package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import java.time.Duration;

/**
 * How long a flow is remembered after its last packet. Each is 1 s to 30 days, and whole milliseconds count.
 *
 * <p>Immutable and thread-safe.
 *
 * @param tcpHalfOpen before the handshake is complete; 120 s by default, shorter than the 240 s of RFC 5382 REQ-5 because
 *     half-open flows are what an attacker leaves behind
 * @param tcpEstablished after the handshake; 2 h 4 min by default (RFC 5382 REQ-5)
 * @param tcpHalfClosed after one side's FIN; 2 h 4 min by default, for the other side may still have much to say
 * @param tcpTransitory after both FINs or a reset; 240 s by default (RFC 5382 REQ-5, RFC 7857 section 2)
 * @param udp 300 s by default (RFC 4787 REQ-5)
 * @param icmp of pings; 60 s by default (RFC 5508 REQ-2)
 * @param other of protocols that are translated by address alone; 600 s by default
 */
public record Timeouts(
        Duration tcpHalfOpen,
        Duration tcpEstablished,
        Duration tcpHalfClosed,
        Duration tcpTransitory,
        Duration udp,
        Duration icmp,
        Duration other) {

    private static final Duration LEAST = Duration.ofSeconds(1);
    private static final Duration MOST = Duration.ofDays(30);
    private static final Timeouts DEFAULTS = new Timeouts(
            Duration.ofSeconds(120),
            Duration.ofSeconds(7440),
            Duration.ofSeconds(7440),
            Duration.ofSeconds(240),
            Duration.ofSeconds(300),
            Duration.ofSeconds(60),
            Duration.ofSeconds(600));

    /**
     * Checks the ranges.
     *
     * @param tcpHalfOpen 1 s to 30 days
     * @param tcpEstablished 1 s to 30 days
     * @param tcpHalfClosed 1 s to 30 days
     * @param tcpTransitory 1 s to 30 days
     * @param udp 1 s to 30 days
     * @param icmp 1 s to 30 days
     * @param other 1 s to 30 days
     * @throws ConfigurationException if one is out of range
     */
    public Timeouts {
        check("tcp-half-open", tcpHalfOpen);
        check("tcp-established", tcpEstablished);
        check("tcp-half-closed", tcpHalfClosed);
        check("tcp-transitory", tcpTransitory);
        check("udp", udp);
        check("icmp", icmp);
        check("other", other);
    }

    private static void check(String name, Duration value) {
        if (value.compareTo(LEAST) < 0 || value.compareTo(MOST) > 0) {
            throw new ConfigurationException(
                    "timeouts." + name, value.toString(), "is out of range", "use 1 s to 30 days");
        }
    }

    /**
     * The defaults given above.
     *
     * @return always the same object
     */
    public static Timeouts defaults() {
        return DEFAULTS;
    }

    /**
     * These with another {@link #tcpHalfOpen}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withTcpHalfOpen(Duration value) {
        return new Timeouts(value, tcpEstablished, tcpHalfClosed, tcpTransitory, udp, icmp, other);
    }

    /**
     * These with another {@link #tcpEstablished}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withTcpEstablished(Duration value) {
        return new Timeouts(tcpHalfOpen, value, tcpHalfClosed, tcpTransitory, udp, icmp, other);
    }

    /**
     * These with another {@link #tcpHalfClosed}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withTcpHalfClosed(Duration value) {
        return new Timeouts(tcpHalfOpen, tcpEstablished, value, tcpTransitory, udp, icmp, other);
    }

    /**
     * These with another {@link #tcpTransitory}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withTcpTransitory(Duration value) {
        return new Timeouts(tcpHalfOpen, tcpEstablished, tcpHalfClosed, value, udp, icmp, other);
    }

    /**
     * These with another {@link #udp}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withUdp(Duration value) {
        return new Timeouts(tcpHalfOpen, tcpEstablished, tcpHalfClosed, tcpTransitory, value, icmp, other);
    }

    /**
     * These with another {@link #icmp}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withIcmp(Duration value) {
        return new Timeouts(tcpHalfOpen, tcpEstablished, tcpHalfClosed, tcpTransitory, udp, value, other);
    }

    /**
     * These with another {@link #other}.
     *
     * @param value 1 s to 30 days
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public Timeouts withOther(Duration value) {
        return new Timeouts(tcpHalfOpen, tcpEstablished, tcpHalfClosed, tcpTransitory, udp, icmp, value);
    }
}
