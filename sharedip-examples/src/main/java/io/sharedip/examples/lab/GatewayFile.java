package io.sharedip.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The gateway's configuration file for the {@link OneAddressNetwork}. Immutable: each change gives another one. */
public final class GatewayFile {
    private final List<String> uplink;
    private final List<String> forwards;
    private final List<String> rules;
    private final List<String> settings;
    private final Map<String, String> addresses;
    private final Map<String, String> links;

    private GatewayFile(
            List<String> uplink,
            List<String> forwards,
            List<String> rules,
            List<String> settings,
            Map<String, String> addresses,
            Map<String, String> links) {
        this.uplink = List.copyOf(uplink);
        this.forwards = List.copyOf(forwards);
        this.rules = List.copyOf(rules);
        this.settings = List.copyOf(settings);
        this.addresses = Map.copyOf(addresses);
        this.links = Map.copyOf(links);
    }

    /**
     * A configuration that claims its ports from the host's kernel.
     *
     * @param claims {@code sockets} or {@code firewall}
     * @return without forwards and rules
     */
    public static GatewayFile withClaims(String claims) {
        return on(card(claims, false));
    }

    /**
     * A configuration that uses ordinary sockets of the host.
     *
     * @return without forwards and rules
     */
    public static GatewayFile withSockets() {
        return on(List.of("uplink: { sockets: {} }"));
    }

    private static GatewayFile on(List<String> uplink) {
        return new GatewayFile(uplink, List.of(), List.of(), List.of(), Map.of(), Map.of());
    }

    private static List<String> card(String claims, boolean addressIsOwn) {
        return List.of(
                "alias: " + OneAddressNetwork.ALIAS,
                "uplink:",
                "  pcap: up0",
                "  claims: " + claims,
                "  address-is-own: " + addressIsOwn,
                "  ports: 61000-65535");
    }

    /**
     * A configuration that claims nothing. On this network it is wrong: the host uses the address.
     *
     * @return without forwards and rules
     */
    public static GatewayFile withoutClaims() {
        return on(card("none", true));
    }

    /**
     * Adds a forward.
     *
     * @param forward as in {@code tcp 8080 -> web:80}
     * @return with it
     */
    public GatewayFile forward(String forward) {
        List<String> all = new ArrayList<>(forwards);
        all.add(forward);
        return new GatewayFile(uplink, all, rules, settings, addresses, links);
    }

    /**
     * Adds a rule.
     *
     * @param rule as in {@code drop tcp from guest db to any port 25}
     * @return with it
     */
    public GatewayFile rule(String rule) {
        List<String> all = new ArrayList<>(rules);
        all.add(rule);
        return new GatewayFile(uplink, forwards, all, settings, addresses, links);
    }

    /**
     * Adds a key of the file that this class does not know otherwise.
     *
     * @param setting a line at the top of the file, as in {@code nat: { udp: { filtering: endpoint-independent } }}
     * @return with it
     */
    public GatewayFile setting(String setting) {
        List<String> all = new ArrayList<>(settings);
        all.add(setting);
        return new GatewayFile(uplink, forwards, rules, all, addresses, links);
    }

    /**
     * Gives a guest another address than the network does; see {@link OneAddressNetwork#readdress}.
     *
     * @param guest its name
     * @param address a private one
     * @return with it
     */
    public GatewayFile address(String guest, String address) {
        Map<String, String> all = new HashMap<>(addresses);
        all.put(guest, address);
        return new GatewayFile(uplink, forwards, rules, settings, all, links);
    }

    /**
     * Plugs a guest into another link than the host's card on its cable.
     *
     * @param guest its name
     * @param link as in {@code qemu-stream: "unix:/run/web.sock"}
     * @return with it
     */
    public GatewayFile link(String guest, String link) {
        Map<String, String> all = new HashMap<>(links);
        all.put(guest, link);
        return new GatewayFile(uplink, forwards, rules, settings, addresses, all);
    }

    Path write(Path directory, Path control) {
        StringBuilder text = new StringBuilder();
        text.append("address: ").append(OneAddressNetwork.ADDRESS).append('\n');
        text.append("prefix: 192.0.2.0/24\n");
        text.append("router: ").append(OneAddressNetwork.ROUTER).append('\n');
        text.append("control: ").append(control).append('\n');
        uplink.forEach(line -> text.append(line).append('\n'));
        text.append("guests:\n");
        List<String> guests = OneAddressNetwork.SAME_ADDRESS_GUESTS;
        for (int index = 0; index < guests.size(); index++) {
            text.append(guest(guests.get(index), index, OneAddressNetwork.ADDRESS));
        }
        text.append(guest(OneAddressNetwork.PRIVATE_GUEST, guests.size(), OneAddressNetwork.PRIVATE_ADDRESS));
        if (!forwards.isEmpty()) {
            text.append("forwards:\n");
            forwards.forEach(forward -> text.append("  - ").append(forward).append('\n'));
        }
        text.append("rules:\n  default: accept\n");
        if (!rules.isEmpty()) {
            text.append("  chain:\n");
            rules.forEach(rule -> text.append("    - ").append(rule).append('\n'));
        }
        settings.forEach(setting -> text.append(setting).append('\n'));
        try {
            return Files.writeString(directory.resolve("gateway.yaml"), text);
        } catch (IOException e) {
            throw new LabException("cannot write the gateway's file", e);
        }
    }

    private String guest(String name, int index, String address) {
        return "  - { name: " + name + ", mac: \"" + OneAddressNetwork.mac(index) + "\", address: "
                + addresses.getOrDefault(name, address)
                + ", link: { " + links.getOrDefault(name, "pcap: " + OneAddressNetwork.card(index)) + " } }\n";
    }
}
