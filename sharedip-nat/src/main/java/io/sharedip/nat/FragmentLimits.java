package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import java.time.Duration;

/**
 * How long fragments wait for the rest of their datagram, and how much of them is kept. Every fragment takes at least 2 KiB of it, so the
 * octets bound the datagrams too. Where room is short the oldest datagram goes of whoever holds most; what comes from outside and
 * what comes from guests do not compete with one another.
 *
 * <p>Memory for octets is taken as it is needed, and kept; the tables over it, about a fifth of the limits, come with the first
 * fragment. Immutable and thread-safe.
 *
 * @param timeout from a datagram's first fragment on; 30 s by default, 1 s to 120 s (RFC 1122 section 3.3.2 asks for 60 s to 120 s,
 *     which lets whoever leaves datagrams incomplete hold the room longer)
 * @param octetsPerGuest of fragments from one guest; 1 MiB by default, 128 KiB to {@code octetsFromGuests}
 * @param octetsFromGuests of fragments from all guests together; 4 MiB by default, 128 KiB to 1 GiB
 * @param octetsFromOutside of fragments from the uplink; 4 MiB by default, 128 KiB to 1 GiB
 */
public record FragmentLimits(Duration timeout, int octetsPerGuest, int octetsFromGuests, int octetsFromOutside) {

    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofMinutes(2);
    private static final int LEAST = 128 << 10;
    private static final int MOST = 1 << 30;
    private static final FragmentLimits DEFAULTS =
            new FragmentLimits(Duration.ofSeconds(30), 1 << 20, 4 << 20, 4 << 20);

    /**
     * Checks the ranges.
     *
     * @param timeout 1 s to 120 s
     * @param octetsPerGuest 128 KiB to {@code octetsFromGuests}
     * @param octetsFromGuests 128 KiB to 1 GiB
     * @param octetsFromOutside 128 KiB to 1 GiB
     * @throws ConfigurationException if one is out of range
     */
    public FragmentLimits {
        if (timeout.compareTo(SHORTEST) < 0 || timeout.compareTo(LONGEST) > 0) {
            throw new ConfigurationException(
                    "fragments.timeout", timeout.toString(), "is out of range", "use 1 s to 120 s");
        }
        check("octets-from-guests", octetsFromGuests, MOST);
        check("octets-per-guest", octetsPerGuest, octetsFromGuests);
        check("octets-from-outside", octetsFromOutside, MOST);
    }

    private static void check(String name, int value, int most) {
        if (value < LEAST || value > most) {
            throw new ConfigurationException(
                    "fragments." + name, String.valueOf(value), "is out of range", "use " + LEAST + " to " + most);
        }
    }

    /**
     * The defaults given above.
     *
     * @return always the same object
     */
    public static FragmentLimits defaults() {
        return DEFAULTS;
    }

    /**
     * These with another {@link #timeout}.
     *
     * @param value 1 s to 120 s
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public FragmentLimits withTimeout(Duration value) {
        return new FragmentLimits(value, octetsPerGuest, octetsFromGuests, octetsFromOutside);
    }

    /**
     * These with other room for guests.
     *
     * @param each octets of one guest, 128 KiB to {@code all}
     * @param all octets of all guests together, 128 KiB to 1 GiB
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public FragmentLimits withOctetsFromGuests(int each, int all) {
        return new FragmentLimits(timeout, each, all, octetsFromOutside);
    }

    /**
     * These with another {@link #octetsFromOutside}.
     *
     * @param value 128 KiB to 1 GiB
     * @return a new object
     * @throws ConfigurationException if out of range
     */
    public FragmentLimits withOctetsFromOutside(int value) {
        return new FragmentLimits(timeout, octetsPerGuest, octetsFromGuests, value);
    }
}
