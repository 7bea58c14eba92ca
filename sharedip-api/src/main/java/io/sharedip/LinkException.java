package io.sharedip;

import org.jspecify.annotations.Nullable;

/** A link could not be opened or was lost: the driver is missing, rights are missing, the card does not exist. */
public class LinkException extends SharedIpException {

    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception out of its parts.
     *
     * @param link name of the link
     * @param problem what is wrong, without a full stop
     * @param cure what to do about it, or {@code null} if nothing can be advised
     * @param cause the failure underneath, or {@code null}
     */
    public LinkException(String link, String problem, @Nullable String cure, @Nullable Throwable cause) {
        super("link " + link, null, problem, cure, cause);
    }
}
