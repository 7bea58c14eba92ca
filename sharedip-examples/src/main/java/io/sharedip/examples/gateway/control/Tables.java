package io.sharedip.examples.gateway.control;

import com.fasterxml.jackson.core.JsonGenerator;
import io.sharedip.binding.Binding;
import io.sharedip.filter.FilterChain;
import io.sharedip.filter.Hook;
import io.sharedip.filter.RuleSyntax;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.snapshot.SnapshotReport;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.stats.RuleStatus;
import io.sharedip.stats.SharedIpStats;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The gateway's snapshots as JSON. The fields are a promise to scripts: none may go or change its meaning. */
final class Tables {

    private Tables() {}

    @FunctionalInterface
    private interface Row<T> {
        void write(JsonGenerator json, T item) throws IOException;
    }

    private static <T> Answer array(List<T> items, Row<T> row) {
        return json -> {
            json.writeStartArray();
            for (T item : items) {
                json.writeStartObject();
                row.write(json, item);
                json.writeEndObject();
            }
            json.writeEndArray();
        };
    }

    static Answer flows(List<FlowStatus> flows) {
        return array(flows, (json, flow) -> {
            json.writeStringField("guest", flow.guest().name());
            json.writeStringField("protocol", flow.protocol().toString());
            json.writeStringField("inside", flow.inside().toString());
            json.writeStringField("outside", flow.outside().toString());
            json.writeStringField("peer", flow.peer().toString());
            json.writeStringField("state", flow.state().name());
            json.writeNumberField("bytesOut", flow.bytesOut());
            json.writeNumberField("bytesIn", flow.bytesIn());
            json.writeNumberField("packetsOut", flow.packetsOut());
            json.writeNumberField("packetsIn", flow.packetsIn());
            json.writeNumberField("expiresInSeconds", flow.expiresIn().toSeconds());
        });
    }

    static Answer stats(SharedIpStats stats, Map<String, Map<String, Long>> others) {
        return json -> {
            json.writeStartObject();
            json.writeNumberField("flows", stats.flows());
            json.writeNumberField("mappings", stats.mappings());
            json.writeNumberField("capacity", stats.capacity());
            json.writeNumberField("framesIn", stats.framesIn());
            json.writeNumberField("forwarded", stats.forwarded());
            json.writeNumberField("answered", stats.answered());
            json.writeNumberField("leftToHost", stats.leftToHost());
            json.writeNumberField("held", stats.held());
            json.writeNumberField("dropped", stats.dropped());
            json.writeNumberField("eventsLost", stats.eventsLost());
            for (Map.Entry<String, Map<String, Long>> part : others.entrySet()) {
                for (Map.Entry<String, Long> counter : part.getValue().entrySet()) {
                    json.writeNumberField(part.getKey() + "." + counter.getKey(), counter.getValue());
                }
            }
            json.writeEndObject();
        };
    }

    static Answer snapshot(SnapshotReport report) {
        return json -> {
            json.writeStartObject();
            json.writeNumberField("flows", report.flows());
            json.writeNumberField("forwards", report.forwards());
            json.writeNumberField("octets", report.octets());
            json.writeEndObject();
        };
    }

    static Answer drops(SharedIpStats stats) {
        return json -> {
            json.writeStartObject();
            for (DropReason reason : DropReason.values()) {
                json.writeNumberField(reason.name(), stats.drops(reason));
            }
            json.writeEndObject();
        };
    }

    static Answer forwards(List<ForwardStatus> forwards) {
        return array(forwards, (json, status) -> {
            ForwardSelector selector = status.forward().selector();
            String protocol = selector.protocol().toString();
            json.writeStringField("protocol", protocol);
            // Protocol and this, with a blank between, are what "forward remove" takes.
            json.writeStringField("outside", selector.toString().substring(protocol.length() + 1));
            json.writeStringField("guest", status.forward().guest().name());
            json.writeStringField("inside", status.forward().inside().toString());
            json.writeNumberField("hits", status.hits());
        });
    }

    static Answer rules(List<RuleStatus> rules) {
        return array(rules, (json, status) -> {
            json.writeStringField("rule", RuleSyntax.format(status.rule()));
            json.writeNumberField("hits", status.hits());
        });
    }

    static Answer policies(FilterChain chain) {
        return json -> {
            json.writeStartObject();
            for (Hook hook : Hook.values()) {
                json.writeStringField(word(hook), word(chain.policy(hook)));
            }
            json.writeEndObject();
        };
    }

    /** As the text form of rules has it. */
    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    static Answer bindings(List<BindingStatus> bindings) {
        return array(bindings, (json, status) -> {
            Binding binding = status.binding();
            json.writeStringField("guest", binding.guest().name());
            json.writeStringField("mac", binding.mac().toString());
            json.writeStringField("address", binding.address().toString());
            json.writeStringField("link", status.link());
            json.writeBooleanField("up", status.linkUp());
            json.writeNumberField("violations", status.violations());
        });
    }
}
