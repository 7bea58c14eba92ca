package io.sharedip.examples.lab;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** What a machine's kernel says about its sockets. */
public final class Listening {
    private Listening() {}

    /**
     * Waits until a program listens on a port.
     *
     * @param machine where
     * @param protocol {@code tcp} or {@code udp}
     * @param port on which
     * @param limit how long at most
     */
    public static void await(LabMachine machine, String protocol, int port, Duration limit) {
        Waiting.require(
                "a listener on " + protocol + " port " + port + " of " + machine,
                limit,
                () -> ports(machine, protocol).contains(port));
    }

    /**
     * The ports on which programs listen.
     *
     * @param machine where
     * @param protocol {@code tcp} or {@code udp}
     * @return all of them
     */
    public static List<Integer> ports(LabMachine machine, String protocol) {
        String kind = protocol.equals("tcp") ? "-Hltn" : "-Hlun";
        return machine.run("ss", kind).orThrow().lines().stream()
                .map(line -> Arrays.asList(line.trim().split("\\s+", -1)).get(3))
                .map(local -> local.substring(local.lastIndexOf(':') + 1))
                .map(Integer::valueOf)
                .toList();
    }
}
