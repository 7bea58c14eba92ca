package io.sharedip.examples.gateway.control;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;

/** The result of a request, ready to be written as one JSON value. */
@FunctionalInterface
public interface Answer {

    /**
     * Writes the value.
     *
     * @param json where to
     * @throws IOException if the client is gone
     */
    void write(JsonGenerator json) throws IOException;

    /** The result of what has none. */
    Answer NOTHING = JsonGenerator::writeNull;
}
