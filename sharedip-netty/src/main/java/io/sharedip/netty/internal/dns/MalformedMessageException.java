package io.sharedip.netty.internal.dns;

/** A message that cannot be read. Has no stack trace: whoever sends it decides how often it is thrown. */
final class MalformedMessageException extends Exception {

    private static final long serialVersionUID = 1L;

    MalformedMessageException(String problem) {
        super(problem, null, false, false);
    }
}
