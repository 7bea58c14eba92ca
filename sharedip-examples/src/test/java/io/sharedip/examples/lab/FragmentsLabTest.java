package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Datagrams that are longer than any link between guests and servers takes, cut by the kernels of both sides. */
@Tag("lab")
class FragmentsLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int OCTETS = 40_000;

    @ParameterizedTest
    @CsvSource({"sockets, 1500", "firewall, 1500", "sockets, 600"})
    void long_datagrams_of_host_and_guests_arrive_both_ways_and_the_kernel_answers_none(String claims, int uplinkMtu) {
        GatewayFile file = GatewayFile.withClaims(claims).forward("udp 5000-5009 -> db:5000-5009");
        try (GatewayLab running = GatewayLab.with(file)) {
            if (uplinkMtu != 1500) {
                running.network().host().shell("ip link set up0 mtu " + uplinkMtu);
                running.network().router().shell("ip link set dn0 mtu " + uplinkMtu);
                running.restart(file);
            }
            Map<String, LabMachine> machines = new LinkedHashMap<>();
            machines.put("host", running.network().host());
            running.network().guests().forEach(guest -> machines.put(guest.name(), guest));
            machines.put("own", running.network().privateGuest());
            Capture answers = Capture.start(running.network().router(), "dn0", GatewayLab.KERNEL_ANSWERS);

            longPings(machines);
            longQuestionsAtOnce(running, machines);
            longCallToAGuest(running);

            assertThat(answers.stop())
                    .as("resets and ICMP errors on the uplink")
                    .isEmpty();
            assertThat(running.gateway().drops())
                    .allSatisfy((reason, count) -> assertThat(count)
                            .as(reason)
                            .matches(c -> c == 0 || !reason.startsWith("FRAGMENT") && !reason.contains("CHECKSUM")));
        }
    }

    private static void longPings(Map<String, LabMachine> machines) {
        machines.forEach((name, machine) -> {
            for (String server : List.of(NEAR, FAR)) {
                Outcome ping = machine.run("ping", "-n", "-c", "3", "-i", "0.2", "-W", "3", "-s", "20000", server);
                assertThat(ping.exit()).as(name + ": " + ping.describe()).isZero();
            }
        });
    }

    /**
     * Everybody asks one server from the same port at once, most under the same address, and gets its own answer. Each asks a port of
     * its own: the room of one socket holds no more than two such datagrams, and what the server loses says nothing of the gateway.
     */
    private static void longQuestionsAtOnce(GatewayLab running, Map<String, LabMachine> machines) {
        Map<String, Integer> ports = new LinkedHashMap<>();
        machines.keySet().forEach(name -> ports.put(name, 7001 + ports.size()));
        ports.values().forEach(port -> echoServer(running.network().near(), port));
        Map<String, LabProgram> clients = new LinkedHashMap<>();
        ports.forEach((name, port) -> clients.put(name, client(machines.get(name), NEAR, port)));
        clients.forEach((name, client) -> {
            Outcome outcome = client.await(PATIENCE);
            assertThat(outcome.out())
                    .as("%s: %s%n%s", name, outcome.describe(), whereItWasLost(running))
                    .isEqualTo("same\n");
        });
    }

    /** What the gateway and the server's kernel have dropped, for the message of a failure. */
    private static String whereItWasLost(GatewayLab running) {
        Map<String, Long> drops = new LinkedHashMap<>(running.gateway().drops());
        drops.values().removeIf(count -> count == 0);
        return "gateway: " + drops + " " + running.gateway().stats() + "\nserver:\n"
                + running.network()
                        .near()
                        .shell("grep -E '^(Ip|Udp):' /proc/net/snmp")
                        .out();
    }

    private static void longCallToAGuest(GatewayLab running) {
        echoServer(running.guest("db"), 5003);
        Outcome outcome = client(running.network().far(), ADDRESS, 5003).await(PATIENCE);
        assertThat(outcome.out()).as(outcome.describe()).isEqualTo("same\n");
    }

    private static void echoServer(LabMachine machine, int port) {
        machine.start("socat", "-b", "65535", "UDP-RECVFROM:" + port + ",fork", "PIPE");
        Listening.await(machine, "udp", port, PATIENCE);
    }

    /** Sends one datagram of random octets from port 40002, and says whether what comes back is the same. */
    private static LabProgram client(LabMachine machine, String address, int port) {
        return machine.start(
                "sh",
                "-c",
                "f=$(mktemp); head -c " + OCTETS + " /dev/urandom >$f; socat -b 65535 -t 5 - UDP:" + address + ":"
                        + port + ",sourceport=40002 <$f | head -c " + OCTETS + " | cmp - $f && echo same; rm $f");
    }
}
