package io.sharedip;

import org.jspecify.annotations.Nullable;

/**
 * The gateway no longer runs: it was closed, or its driver thread died. In the latter case {@link #getCause()} is what
 * killed it, and nothing passes any more (the gateway fails closed).
 */
public final class GatewayClosedException extends SharedIpException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception out of its parts.
     *
     * @param problem what ended the gateway, without a full stop
     * @param cause what killed it, or {@code null} if it was closed on purpose
     */
    public GatewayClosedException(String problem, @Nullable Throwable cause) {
        super(null, null, problem, "build a new gateway", cause);
    }
}
