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

    /** Everybody asks from the same port, most under the same address, and gets its own answer. */
    private static void longQuestionsAtOnce(GatewayLab running, Map<String, LabMachine> machines) {
        echoServer(running.network().near(), 7001);
        Map<String, LabProgram> clients = new LinkedHashMap<>();
        machines.forEach((name, machine) -> clients.put(name, client(machine, NEAR, 7001)));
        clients.forEach((name, client) -> {
            Outcome outcome = client.await(PATIENCE);
            assertThat(outcome.out()).as(name + ": " + outcome.describe()).isEqualTo("same\n");
        });
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
