package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.SAME_ADDRESS_GUESTS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The lab's network with a gateway that uses sockets of the host. Guests that are {@linkplain #join joined} are namespaces whose card is
 * a tap device behind the stream socket that a virtual machine would use.
 */
final class SocketLab implements AutoCloseable {

    /** The largest MTU of a guest's card. */
    static final int WIDEST_MTU = 65_520;

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Lab lab;
    private final OneAddressNetwork network;
    private final WebServer nearWeb;
    private final GatewayFile file;
    private final Map<String, LabProgram> relays = new HashMap<>();
    private GatewayProcess gateway;
    private int nextPort = 7200;

    private SocketLab(Lab lab, GatewayFile file, int mtu) {
        this.lab = lab;
        network = new OneAddressNetwork(lab);
        network.host().shell("echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range");
        nearWeb = WebServer.start(lab, network.near(), OneAddressNetwork.NEAR, 80);
        GatewayFile plugged = file;
        for (String name : guests()) {
            plugged = plugged.link(name, "qemu-stream: \"unix:" + socket(name) + "\", mtu: " + mtu);
        }
        this.file = plugged;
        gateway = GatewayProcess.start(lab, network.host(), plugged);
    }

    /**
     * Sets everything up and starts the gateway; no guest is joined yet.
     *
     * @param file with an uplink of sockets
     * @param mtu of the guests' cards
     */
    static SocketLab with(GatewayFile file, int mtu) {
        Lab lab = Lab.open();
        try {
            return new SocketLab(lab, file, mtu);
        } catch (RuntimeException e) {
            lab.close();
            throw e;
        }
    }

    private static List<String> guests() {
        return Stream.concat(SAME_ADDRESS_GUESTS.stream(), Stream.of(OneAddressNetwork.PRIVATE_GUEST))
                .toList();
    }

    Lab lab() {
        return lab;
    }

    OneAddressNetwork network() {
        return network;
    }

    LabMachine host() {
        return network.host();
    }

    LabMachine near() {
        return network.near();
    }

    WebServer nearWeb() {
        return nearWeb;
    }

    GatewayProcess gateway() {
        return gateway;
    }

    /** The unix socket on which the gateway awaits a guest's frames. */
    String socket(String guest) {
        return lab.directory().resolve(guest + ".link").toString();
    }

    /** Plugs a guest that carries the shared address into the gateway, with a tap device for its card. */
    LabMachine join(String name, int mtu) {
        LabMachine guest = network.guest(name);
        guest.shell("ip link delete eth0", "ip tuntap add eth0 mode tap");
        relay(guest, "eth0", name);
        configure(guest, name, mtu);
        return guest;
    }

    /**
     * Plugs a guest in over a cable that is late, loses, doubles and lets overtake; numbers per mille as {@link RoughWire} takes them.
     *
     * @return the wire's program
     */
    LabProgram joinRoughly(String name, int delayMillis, int lost, int doubled, int overtaken) {
        LabMachine guest = network.guest(name);
        guest.shell("ip link delete eth0");
        LabMachine wire = lab.machine("wire-" + name);
        lab.cable(guest, "eth0", wire, "in");
        guest.shell("ethtool -K eth0 tx off >/dev/null");
        wire.shell("ip tuntap add out mode tap");
        relay(wire, "out", name);
        wire.shell("ip link set out up");
        configure(guest, name, 1500);
        return java(
                        wire,
                        RoughWire.class,
                        Integer.toString(delayMillis),
                        Integer.toString(lost),
                        Integer.toString(doubled),
                        Integer.toString(overtaken),
                        "1",
                        "in",
                        "out")
                .awaitText("ready", PATIENCE);
    }

    /** Pulls a guest's cable; its card stays. */
    void unplug(String name) {
        LabProgram relay = relays.remove(name);
        if (relay == null) {
            throw new LabException(name + " is not joined");
        }
        relay.close();
    }

    /** Connects a guest that has been joined before: to a gateway that was started after that, or because it was unplugged. */
    void rejoin(String name) {
        relay(network.guest(name), "eth0", name);
    }

    private void relay(LabMachine machine, String tap, String guest) {
        relays.put(guest, java(machine, TapRelay.class, tap, socket(guest)).awaitText("relaying", PATIENCE));
    }

    private static void configure(LabMachine guest, String name, int mtu) {
        guest.shell(
                "ip link set eth0 address " + OneAddressNetwork.mac(SAME_ADDRESS_GUESTS.indexOf(name)) + " mtu " + mtu
                        + " up",
                "ip address add " + OneAddressNetwork.ADDRESS + "/24 dev eth0",
                "ip route add default via " + OneAddressNetwork.ROUTER);
    }

    /** Starts a program of the gateway's jar on a machine. */
    LabProgram java(LabMachine machine, Class<?> program, String... arguments) {
        List<String> command =
                new ArrayList<>(List.of(GatewayProcess.java(), "-cp", GatewayProcess.jar(), program.getName()));
        command.addAll(List.of(arguments));
        return machine.start(command);
    }

    /** Starts a server that sends back what it gets, over TCP and UDP. */
    void echoOn(LabMachine machine, int port) {
        java(machine, EchoServer.class, Integer.toString(port));
        Listening.await(machine, "tcp", port, PATIENCE);
        Listening.await(machine, "udp", port, PATIENCE);
    }

    /**
     * Has a guest and the near machine send to each other over one connection, and compares what arrives with what was sent.
     *
     * @param fromGuest how many octets the guest sends
     * @param fromNear how many octets it gets
     */
    void exchange(LabMachine guest, long fromGuest, long fromNear, Duration limit) {
        String port = Integer.toString(nextPort++);
        LabProgram server = java(near(), Exchange.class, port, Long.toString(fromNear));
        Listening.await(near(), "tcp", Integer.parseInt(port), PATIENCE);
        List<String> inside = java(guest, Exchange.class, port, Long.toString(fromGuest), OneAddressNetwork.NEAR)
                .await(limit)
                .orThrow()
                .lines();
        List<String> outside = server.await(PATIENCE).orThrow().lines();
        assertThat(outside.get(1))
                .as("what near received")
                .isEqualTo(inside.get(0).replace("sent", "received"));
        assertThat(inside.get(1))
                .as("what the guest received")
                .isEqualTo(outside.get(0).replace("sent", "received"));
        assertThat(inside.get(0)).startsWith("sent " + fromGuest + " ");
        assertThat(outside.get(0)).startsWith("sent " + fromNear + " ");
    }

    /** Ends the gateway and starts it again with the same file. */
    void restart() {
        gateway.close();
        gateway = GatewayProcess.start(lab, network.host(), file);
    }

    @Override
    public void close() {
        try {
            gateway.close();
        } finally {
            lab.close();
        }
    }
}
