package io.sharedip;

import org.jspecify.annotations.Nullable;

/**
 * An outside port could not be claimed from the host, most often because a host program uses it. Nothing has been claimed
 * when it is thrown.
 */
public class PortClaimException extends SharedIpException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception out of its parts.
     *
     * @param ports the ports concerned, e.g. {@code "tcp 8080"}
     * @param problem what is wrong, without a full stop
     * @param cure what to do about it, or {@code null} if nothing can be advised
     * @param cause the failure underneath, or {@code null}
     */
    public PortClaimException(String ports, String problem, @Nullable String cure, @Nullable Throwable cause) {
        super("outside port", ports, problem, cure, cause);
    }
}
