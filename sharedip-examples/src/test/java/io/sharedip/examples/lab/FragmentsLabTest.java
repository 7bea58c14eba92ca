package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.FAR;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Datagrams that are longer than any link between guests and servers takes, cut by the kernels of both sides. */
@Tag("lab")
class FragmentsLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int OCTETS = 40_000;
    private static final Set<String> LOSSES = Set.of("InDiscards", "RcvbufErrors", "MemErrors");

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
     * its own: the room of one socket holds no more than two such datagrams.
     */
    private static void longQuestionsAtOnce(GatewayLab running, Map<String, LabMachine> machines) {
        Map<String, Integer> ports = new LinkedHashMap<>();
        machines.keySet().forEach(name -> ports.put(name, 7001 + ports.size()));
        LabMachine near = running.network().near();
        ports.values().forEach(port -> echoServer(near, port));
        Map<String, LabProgram> clients = new LinkedHashMap<>();
        ports.forEach((name, port) -> clients.put(name, client(machines.get(name), NEAR, port)));
        clients.forEach((name, client) -> assertAnswered(running, client, near, machines.get(name)));
    }

    private static void longCallToAGuest(GatewayLab running) {
        LabMachine db = running.guest("db");
        LabMachine far = running.network().far();
        echoServer(db, 5003);
        assertAnswered(running, client(far, ADDRESS, 5003), db, far);
    }

    private static void echoServer(LabMachine machine, int port) {
        machine.start("socat", "-b", "65535", "UDP-RECVFROM:" + port + ",fork", "PIPE");
        Listening.await(machine, "udp", port, PATIENCE);
    }

    /**
     * Sends a datagram of random octets from port 40002, up to three times until an answer comes, and says whether it is the same, and
     * at which attempt.
     */
    private static LabProgram client(LabMachine machine, String address, int port) {
        String exchange = "socat -b 65535 -t 5 - UDP:" + address + ":" + port + ",sourceport=40002 <$f >$f.answer";
        return machine.start(
                "sh",
                "-c",
                "f=$(mktemp); head -c " + OCTETS + " /dev/urandom >$f; for i in 1 2 3; do " + exchange
                        + "; [ -s $f.answer ] && break; done; cmp $f $f.answer && echo same $i; rm $f $f.answer");
    }

    /** UDP may be lost, but by a kernel that says so: then, and only then, may it have taken another attempt. */
    private static void assertAnswered(GatewayLab running, LabProgram client, LabMachine server, LabMachine asker) {
        Outcome outcome = client.await(PATIENCE);
        Supplier<String> where = () -> asker + " asks " + server + ": " + outcome.describe() + "\ngateway: "
                + running.gateway().drops() + " " + running.gateway().stats() + "\n" + server + ": " + losses(server)
                + "\n" + asker + ": " + losses(asker);
        assertThat(outcome.out()).as(where).startsWith("same ");
        if (!outcome.out().equals("same 1\n")) {
            assertThat(Stream.of(server, asker).flatMap(machine -> losses(machine).values().stream()))
                    .as(where)
                    .anyMatch(count -> count > 0);
        }
    }

    /** What a kernel has lost of datagrams on their way to sockets. */
    private static Map<String, Long> losses(LabMachine machine) {
        Map<String, Long> losses = new LinkedHashMap<>();
        List<String> names = List.of();
        for (String line : machine.shell("grep -E '^(Ip|Udp):' /proc/net/snmp").lines()) {
            List<String> words = List.of(line.split(" ", -1));
            if (!words.get(1).matches("\\d+")) {
                names = words;
                continue;
            }
            for (String name : LOSSES) {
                int index = names.indexOf(name);
                if (index > 0) {
                    losses.put(words.get(0) + name, Long.valueOf(words.get(index)));
                }
            }
        }
        return losses;
    }
}
