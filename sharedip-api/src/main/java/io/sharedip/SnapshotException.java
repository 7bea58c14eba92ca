package io.sharedip;

import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot could not be written or read: it is cut off, damaged, of another program or of a newer version, belongs to another
 * address, or its stream failed. Nothing of it has been applied when it is thrown.
 */
public class SnapshotException extends SharedIpException {

    private static final long serialVersionUID = 1L;

    private static final long NOWHERE = -1;

    /** See {@link #offset()}. */
    private final long offset;

    private SnapshotException(long offset, String problem, String cure, @Nullable Throwable cause) {
        super("snapshot", null, offset == NOWHERE ? problem : "at octet " + offset + ": " + problem, cure, cause);
        this.offset = offset;
    }

    /**
     * Makes an exception about a place in a snapshot.
     *
     * @param offset of the first octet of what is wrong, 0 or more
     * @param problem what is wrong, without a full stop
     * @param cure what to do about it
     * @return a new exception
     */
    public static SnapshotException at(long offset, String problem, String cure) {
        return new SnapshotException(offset, problem, cure, null);
    }

    /**
     * Makes an exception about a snapshot as a whole.
     *
     * @param problem what is wrong, without a full stop
     * @param cure what to do about it
     * @param cause the failure underneath, or {@code null}
     * @return a new exception
     */
    public static SnapshotException of(String problem, String cure, @Nullable Throwable cause) {
        return new SnapshotException(NOWHERE, problem, cure, cause);
    }

    /**
     * Where the snapshot is wrong.
     *
     * @return counted in octets from its beginning, empty if no place can be named
     */
    public OptionalLong offset() {
        return offset == NOWHERE ? OptionalLong.empty() : OptionalLong.of(offset);
    }
}
