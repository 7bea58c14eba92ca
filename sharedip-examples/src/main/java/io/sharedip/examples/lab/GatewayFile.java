package io.sharedip.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The gateway's configuration file for the {@link OneAddressNetwork}. Immutable: each change gives another one. */
public final class GatewayFile {
    private final String claims;
    private final boolean addressIsOwn;
    private final List<String> forwards;
    private final List<String> rules;
    private final boolean keepsState;

    private GatewayFile(
            String claims, boolean addressIsOwn, List<String> forwards, List<String> rules, boolean keepsState) {
        this.claims = claims;
        this.addressIsOwn = addressIsOwn;
        this.forwards = List.copyOf(forwards);
        this.rules = List.copyOf(rules);
        this.keepsState = keepsState;
    }

    /**
     * A configuration that claims its ports from the host's kernel.
     *
     * @param claims {@code sockets} or {@code firewall}
     * @return without forwards and rules
     */
    public static GatewayFile withClaims(String claims) {
        return new GatewayFile(claims, false, List.of(), List.of(), false);
    }

    /**
     * A configuration that claims nothing. On this network it is wrong: the host uses the address.
     *
     * @return without forwards and rules
     */
    public static GatewayFile withoutClaims() {
        return new GatewayFile("none", true, List.of(), List.of(), false);
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
        return new GatewayFile(claims, addressIsOwn, all, rules, keepsState);
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
        return new GatewayFile(claims, addressIsOwn, forwards, all, keepsState);
    }

    /**
     * Keeps the flows in a file while the gateway does not run.
     *
     * @return with it
     */
    public GatewayFile keepingState() {
        return new GatewayFile(claims, addressIsOwn, forwards, rules, true);
    }

    Path write(Path directory, Path control) {
        StringBuilder text = new StringBuilder();
        text.append("address: ").append(OneAddressNetwork.ADDRESS).append('\n');
        text.append("prefix: 192.0.2.0/24\n");
        text.append("router: ").append(OneAddressNetwork.ROUTER).append('\n');
        text.append("alias: ").append(OneAddressNetwork.ALIAS).append('\n');
        text.append("control: ").append(control).append('\n');
        if (keepsState) {
            text.append("state: ").append(directory.resolve("state")).append('\n');
        }
        text.append("uplink:\n");
        text.append("  pcap: up0\n");
        text.append("  claims: ").append(claims).append('\n');
        text.append("  address-is-own: ").append(addressIsOwn).append('\n');
        text.append("  ports: 61000-65535\n");
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
        try {
            return Files.writeString(directory.resolve("gateway.yaml"), text);
        } catch (IOException e) {
            throw new LabException("cannot write the gateway's file", e);
        }
    }

    private static String guest(String name, int index, String address) {
        return "  - { name: " + name + ", mac: \"" + OneAddressNetwork.mac(index) + "\", address: " + address
                + ", link: { pcap: " + OneAddressNetwork.card(index) + " } }\n";
    }
}
