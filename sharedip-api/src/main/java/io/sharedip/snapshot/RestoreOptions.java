package io.sharedip.snapshot;

import io.sharedip.ConfigurationException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How a snapshot is restored.
 *
 * <p>Immutable and thread-safe.
 *
 * @param downtime how much is taken off the flows' timers: the time since the snapshot was begun. If empty, the default, it is what
 *     the wall clock says; a clock that was set back counts as no time at all
 * @param otherAddress what to do with a snapshot of another shared address; refuse it by default
 */
public record RestoreOptions(Optional<Duration> downtime, OtherAddress otherAddress) {

    private static final RestoreOptions DEFAULTS = new RestoreOptions(Optional.empty(), OtherAddress.REFUSE);

    /** What to do with a snapshot whose shared address is not the gateway's. */
    public enum OtherAddress {
        /** Refuse it: peers know the flows by the address they had. */
        REFUSE,
        /**
         * Take its flows over under the gateway's address, with their ports: guests keep their outside ports, and UDP flows live on
         * once they have sent. A TCP peer knows its connection by the old address and will not.
         */
        TAKE_OVER
    }

    /**
     * Checks the range.
     *
     * @param downtime 0 or more, or empty
     * @param otherAddress what to do
     * @throws ConfigurationException if the downtime is negative
     */
    public RestoreOptions {
        Objects.requireNonNull(downtime, "downtime");
        Objects.requireNonNull(otherAddress, "otherAddress");
        if (downtime.isPresent() && downtime.get().isNegative()) {
            throw new ConfigurationException(
                    "downtime",
                    downtime.get().toString(),
                    "is negative",
                    "use 0 or more, or leave it to the wall clock");
        }
    }

    /**
     * The defaults given above.
     *
     * @return always the same object
     */
    public static RestoreOptions defaults() {
        return DEFAULTS;
    }

    /**
     * This with a certain {@link #downtime}.
     *
     * @param value 0 or more
     * @return a new object
     * @throws ConfigurationException if it is negative
     */
    public RestoreOptions withDowntime(Duration value) {
        return new RestoreOptions(Optional.of(value), otherAddress);
    }

    /**
     * This with another {@link #otherAddress}.
     *
     * @param value what to do
     * @return a new object
     */
    public RestoreOptions withOtherAddress(OtherAddress value) {
        return new RestoreOptions(downtime, value);
    }
}
