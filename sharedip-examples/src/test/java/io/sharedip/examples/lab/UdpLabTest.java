package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("lab")
class UdpLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private static GatewayLab running;

    @BeforeAll
    static void start() {
        running = GatewayLab.with(GatewayFile.withClaims("sockets").forward("udp 5000-5009 -> db:5000-5009"));
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @Test
    void host_and_guests_get_their_own_answers_from_one_server_and_one_source_port() {
        echoServer(running.network().near(), 7001);
        Map<String, LabMachine> machines = new LinkedHashMap<>();
        machines.put("host", running.network().host());
        running.network().guests().forEach(guest -> machines.put(guest.name(), guest));

        Map<String, LabProgram> clients = new LinkedHashMap<>();
        machines.forEach((name, machine) -> clients.put(name, client(machine, NEAR, 7001, "hello from " + name)));

        clients.forEach((name, client) -> {
            Outcome outcome = client.await(PATIENCE);
            assertThat(outcome.out()).as(outcome.describe()).isEqualTo("hello from " + name);
        });
        assertThat(running.gateway().flows().stream()
                        .filter(flow -> flow.protocol().equals("udp")
                                && flow.inside().equals(ADDRESS + ":40002")
                                && flow.peer().equals(NEAR + ":7001"))
                        .map(FlowRow::guest))
                .containsExactlyInAnyOrder("web", "db", "mail");
    }

    @Test
    void an_outside_machine_reaches_a_guest_through_a_range_of_forwarded_ports() {
        echoServer(running.guest("db"), 5003);

        Outcome outcome =
                client(running.network().far(), ADDRESS, 5003, "are you there").await(PATIENCE);

        assertThat(outcome.out()).as(outcome.describe()).isEqualTo("are you there");
    }

    private static void echoServer(LabMachine machine, int port) {
        machine.start("socat", "UDP-RECVFROM:" + port + ",fork", "EXEC:cat");
        Listening.await(machine, "udp", port, PATIENCE);
    }

    /** Sends one datagram from port 40002 and prints what comes back within three seconds. */
    private static LabProgram client(LabMachine machine, String address, int port, String text) {
        return machine.start(
                "sh",
                "-c",
                "printf '%s' '" + text + "' | socat -t 3 - UDP:" + address + ":" + port + ",sourceport=40002");
    }
}
