package io.sharedip.examples.lab;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Reads the JSON that the gateway's commands print. Every JSON text is a YAML text. */
final class Json {
    private Json() {}

    static List<Map<String, Object>> objects(String text) {
        if (!(parse(text) instanceof List<?> list)) {
            throw new LabException("not a JSON array: " + text);
        }
        return list.stream().map(element -> object(element, text)).toList();
    }

    static Map<String, Long> numbers(String text) {
        Map<String, Long> numbers = new TreeMap<>();
        object(parse(text), text).forEach((key, value) -> {
            if (!(value instanceof Number number)) {
                throw new LabException(key + " is not a number: " + text);
            }
            numbers.put(key, number.longValue());
        });
        return numbers;
    }

    private static Map<String, Object> object(Object value, String text) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new LabException("not a JSON object: " + text);
        }
        Map<String, Object> object = new TreeMap<>();
        map.forEach((key, member) -> object.put(String.valueOf(key), member));
        return object;
    }

    private static Object parse(String text) {
        return new Load(LoadSettings.builder().build()).loadFromString(text);
    }
}
