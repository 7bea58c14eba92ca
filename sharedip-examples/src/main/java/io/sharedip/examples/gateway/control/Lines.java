package io.sharedip.examples.gateway.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Takes bounded lines from a stream. */
final class Lines {

    private final InputStream in;
    private final int limit;

    Lines(InputStream in, int limit) {
        this.in = in;
        this.limit = limit;
    }

    /** The next line without its end, empty if the stream has ended before one. */
    Optional<String> next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int octet = in.read(); octet >= 0; octet = in.read()) {
            if (octet == '\n') {
                return Optional.of(line.toString(StandardCharsets.UTF_8));
            }
            if (line.size() == limit) {
                throw new TooLongException();
            }
            line.write(octet);
        }
        return Optional.empty();
    }

    /** The line is longer than the limit. */
    static final class TooLongException extends IOException {

        private static final long serialVersionUID = 1L;

        TooLongException() {
            super("the line is too long");
        }
    }
}
