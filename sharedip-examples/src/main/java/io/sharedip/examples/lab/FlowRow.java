package io.sharedip.examples.lab;

import java.util.Map;

/**
 * A row of the gateway's flow table.
 *
 * @param guest whose flow it is
 * @param protocol {@code tcp}, {@code udp} or {@code icmp}
 * @param inside the guest's endpoint as the guest knows it
 * @param outside the endpoint that stands for it outside
 * @param peer the other side
 * @param state as the gateway names it
 */
public record FlowRow(String guest, String protocol, String inside, String outside, String peer, String state) {

    static FlowRow of(Map<String, Object> row) {
        return new FlowRow(
                text(row, "guest"),
                text(row, "protocol"),
                text(row, "inside"),
                text(row, "outside"),
                text(row, "peer"),
                text(row, "state"));
    }

    private static String text(Map<String, Object> row, String key) {
        Object value = row.get(key);
        if (value == null) {
            throw new LabException("a row of the flow table has no '" + key + "': " + row);
        }
        return value.toString();
    }
}
