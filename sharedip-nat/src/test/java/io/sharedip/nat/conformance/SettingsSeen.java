package io.sharedip.nat.conformance;

import io.sharedip.address.PortRange;
import io.sharedip.nat.Inside;
import io.sharedip.nat.NatGateway;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The settings of all gateways that a test has built, under the names that the manual has for them, e.g. {@code udp.mapping}: read from
 * the gateways, so that the page cannot say what is not so.
 */
final class SettingsSeen {

    /** Where a gateway stands, and what every rig sets. */
    private static final Set<String> NO_BEHAVIOR = Set.of("place", "routerMac", "addressIsOwn", "offersDns", "random");

    private static final Map<String, String> NAMES = Map.of(
            "capacity", "capacity.flows",
            "flowsPerGuest", "capacity.flows-per-guest",
            "udpInboundRefresh", "udp.inbound-refresh");
    private static final Set<String> WITHOUT_PREFIX = Set.of("plan");
    private static final int MOST_VALUES = 5;

    /** By name, in the order in which the gateways were built. */
    private final Map<String, Set<String>> values = new TreeMap<>();

    void add(Map<String, String> settings) {
        settings.forEach((name, value) ->
                values.computeIfAbsent(name, first -> new LinkedHashSet<>()).add(value));
    }

    /** Reads the settings of a gateway. @param gateway just built @param ports its pool, where it is not the host's @return by name */
    static Map<String, String> of(NatGateway gateway, PortRange ports) {
        Inside inside = new Inside(gateway);
        Map<String, String> settings = new TreeMap<>();
        settings.put("uplink", inside.endsAtSockets() ? "sockets" : "packets");
        if (!inside.endsAtSockets()) {
            settings.put("uplink.ports", ports.toString());
        }
        read(inside.settings(), "", settings);
        return settings;
    }

    private static void read(Record settings, String prefix, Map<String, String> to) {
        for (RecordComponent component : settings.getClass().getRecordComponents()) {
            String name = component.getName();
            if (NO_BEHAVIOR.contains(name)) {
                continue;
            }
            Object value = value(component, settings);
            if (name.equals("dhcp")) {
                to.put(name, value == null ? "off" : "on");
            } else if (value instanceof Record group) {
                read(group, WITHOUT_PREFIX.contains(name) ? "" : kebab(name) + '.', to);
            } else {
                to.put(prefix + NAMES.getOrDefault(name, kebab(name)), text(name, Objects.requireNonNull(value)));
            }
        }
    }

    private static @Nullable Object value(RecordComponent component, Record of) {
        try {
            return component.getAccessor().invoke(of);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot read " + component, e);
        }
    }

    private static String kebab(String camelCase) {
        return camelCase.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String text(String name, Object value) {
        if (value instanceof Duration time) {
            return time.toSeconds() + " s";
        }
        if (value instanceof Enum<?> word) {
            return word.name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
        if (value instanceof Collection<?> several) {
            return several.isEmpty() ? "none" : name.equals("oneToOne") ? "set" : joined(several);
        }
        if (name.equals("mssClamp") && value instanceof Integer octets && octets <= 0) {
            return octets == 0 ? "none" : "link";
        }
        return value.toString();
    }

    private static String joined(Collection<?> several) {
        return String.join(
                " and ", several.stream().map(Object::toString).sorted().toList());
    }

    /**
     * What the page says: settings that some gateway had otherwise than by default, and those that the row is about in any case.
     *
     * @param about names of settings
     * @param defaults by name
     * @return e.g. {@code udp.mapping: endpoint-independent; uplink: sockets}
     */
    String text(List<String> about, Map<String, String> defaults) {
        Map<String, String> shown = new TreeMap<>();
        values.forEach((name, seen) -> {
            if (about.contains(name) || !seen.equals(Set.of(defaults.getOrDefault(name, "")))) {
                shown.put(name, seen.size() > MOST_VALUES ? seen.size() + " values" : String.join(", ", seen));
            }
        });
        for (String name : List.copyOf(shown.keySet())) {
            String both = name.replaceFirst("^tcp\\.", "");
            if (!both.equals(name) && shown.get(name).equals(shown.get("udp." + both))) {
                shown.put("tcp/udp." + both, shown.get(name));
                shown.keySet().removeAll(Set.of(name, "udp." + both));
            }
        }
        if (shown.isEmpty()) {
            return "defaults";
        }
        return String.join(
                "; ",
                shown.entrySet().stream()
                        .map(each -> each.getKey() + ": " + each.getValue())
                        .toList());
    }
}
