package io.sharedip.examples.gateway.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.sharedip.ConfigurationException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a client asks for. Fields that this version does not know are passed over.
 *
 * @param command its name, e.g. {@code forward-add}
 * @param arguments the other fields that hold text
 */
public record Request(String command, Map<String, String> arguments) {

    /** The version of requests and answers. It changes only when an old client would misunderstand a new gateway. */
    static final int VERSION = 1;

    private static final JsonFactory JSON = new JsonFactory();

    /** Makes the arguments immutable. */
    public Request {
        arguments = Map.copyOf(arguments);
    }

    /**
     * A request without arguments.
     *
     * @param command its name
     * @return the request
     */
    public static Request of(String command) {
        return new Request(command, Map.of());
    }

    /**
     * A request with one argument.
     *
     * @param command its name
     * @param field the argument's name
     * @param value the argument
     * @return the request
     */
    public static Request of(String command, String field, String value) {
        return new Request(command, Map.of(field, value));
    }

    /**
     * An argument.
     *
     * @throws ConfigurationException if it is not there
     */
    String argument(String field) {
        String value = arguments.get(field);
        if (value == null) {
            throw new ConfigurationException(
                    "control request", command, "lacks the field '" + field + "'", "send it as text");
        }
        return value;
    }

    String toLine() {
        StringWriter line = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(line)) {
            json.writeStartObject();
            json.writeNumberField("v", VERSION);
            json.writeStringField("command", command);
            for (Map.Entry<String, String> argument : arguments.entrySet()) {
                json.writeStringField(argument.getKey(), argument.getValue());
            }
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return line + "\n";
    }

    /**
     * Reads a request.
     *
     * @throws ConfigurationException if the line is not a request of this version
     */
    static Request parse(String line) {
        Map<String, String> texts = new LinkedHashMap<>();
        int version = 0;
        try (JsonParser json = JSON.createParser(line)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw malformed("is not a JSON object");
            }
            for (String field = json.nextFieldName(); field != null; field = json.nextFieldName()) {
                JsonToken value = json.nextToken();
                if (field.equals("v") && value == JsonToken.VALUE_NUMBER_INT) {
                    version = json.getIntValue();
                } else if (value == JsonToken.VALUE_STRING) {
                    texts.put(field, json.getText());
                } else {
                    json.skipChildren();
                }
            }
        } catch (IOException e) {
            throw malformed("is not JSON");
        }
        if (version != VERSION) {
            throw new ConfigurationException(
                    "control request",
                    "v " + version,
                    "is a version that this gateway does not speak",
                    "send \"v\":" + VERSION);
        }
        String command = texts.remove("command");
        if (command == null) {
            throw malformed("names no command");
        }
        return new Request(command, texts);
    }

    private static ConfigurationException malformed(String problem) {
        return new ConfigurationException(
                "control request", null, problem, "send one line such as {\"v\":1,\"command\":\"stats\"}");
    }
}
