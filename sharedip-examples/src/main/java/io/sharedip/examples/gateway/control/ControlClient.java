package io.sharedip.examples.gateway.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.Writer;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** The commands' side of the control socket. */
public final class ControlClient {

    /** Longer than the gateway itself waits before it gives a command up. */
    private static final Duration PATIENCE = GatewayCommands.LONGEST_WAIT.plusSeconds(10);

    private static final JsonFactory JSON = new JsonFactory();

    private final Path path;

    /**
     * A client of the gateway on a path.
     *
     * @param path of the socket
     */
    public ControlClient(Path path) {
        this.path = path;
    }

    /** What to do with the result of a request. */
    @FunctionalInterface
    public interface Reader {

        /**
         * Reads the result.
         *
         * @param json stands at the first token of the result; to be left at its last
         * @throws IOException if the answer breaks off
         */
        void read(JsonParser json) throws IOException;
    }

    /**
     * Copies the result as JSON, as it comes, so that a table of millions of flows needs no room.
     *
     * @param out gets the text, and stays open
     * @return for {@link #ask}
     */
    public static Reader copyingTo(Writer out) {
        return result -> {
            try (JsonGenerator to = JSON.createGenerator(out)) {
                to.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
                to.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
                to.copyCurrentStructure(result);
            }
        };
    }

    /**
     * Asks the gateway.
     *
     * @param request what for
     * @param reader gets the result
     * @throws ControlException if no gateway answers
     * @throws RefusedException if it answers that it cannot
     */
    public void ask(Request request, Reader reader) throws ControlException, RefusedException {
        try (TimedChannel channel = new TimedChannel(SocketChannel.open(UnixDomainSocketAddress.of(path)), PATIENCE)) {
            send(channel, request);
            channel.allow(PATIENCE);
            try (JsonParser json = JSON.createParser(new BufferedInputStream(channel.input(true)))) {
                read(json, reader);
            }
        } catch (IOException | IllegalArgumentException e) {
            throw new ControlException(
                    "no gateway answers on the control socket " + path + " (" + reason(e)
                            + "); start one with 'run FILE', or name its socket with --control",
                    e);
        }
    }

    /** A gateway that turns a client away answers before it has been asked, so failing to ask is no failure yet. */
    private static void send(TimedChannel channel, Request request) {
        try {
            channel.output().write(request.toLine().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            return;
        }
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    private static void read(JsonParser json, Reader reader) throws IOException, RefusedException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new IOException("the answer is not that of a gateway");
        }
        for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
            json.nextToken();
            switch (field) {
                case "v" -> checkVersion(json);
                case "error" -> throw refusal(json);
                case "result" -> {
                    reader.read(json);
                    return;
                }
                default -> json.skipChildren();
            }
        }
        throw new IOException("the answer has no result");
    }

    private static void checkVersion(JsonParser json) throws IOException {
        if (json.getValueAsInt() != Request.VERSION) {
            throw new IOException("the gateway speaks version " + json.getText() + " and not " + Request.VERSION);
        }
    }

    private static RefusedException refusal(JsonParser json) throws IOException {
        Map<String, String> parts = new HashMap<>();
        for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
            json.nextToken();
            parts.put(field, json.getValueAsString(""));
        }
        StringBuilder sentence = new StringBuilder();
        if (parts.containsKey("setting")) {
            sentence.append(parts.get("setting")).append(": ");
        }
        if (parts.containsKey("value")) {
            sentence.append('\'').append(parts.get("value")).append("' ");
        }
        sentence.append(parts.getOrDefault("problem", "the gateway refused"));
        if (parts.containsKey("cure")) {
            sentence.append("; ").append(parts.get("cure"));
        }
        return new RefusedException(parts.getOrDefault("kind", "failed"), sentence.toString());
    }
}
