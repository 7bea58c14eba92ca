package io.sharedip.netty.internal.linux;

/** A call of the C library failed. */
public final class ErrnoException extends Exception {

    private static final long serialVersionUID = 1L;

    /** The error number. */
    private final int errno;

    ErrnoException(String call, int errno) {
        super(call + ": error " + errno);
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }
}
