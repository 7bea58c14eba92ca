package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Host and guests, one address, one range of source ports, one server. */
@Tag("lab")
class ManyConnectionsLabTest {
    private static final int EACH = 50;
    private static final int FIRST_PORT = 42000;
    /** 10 MB each way over all 200 connections. */
    private static final int OCTETS = 10_000_000 / (4 * EACH);

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @Test
    void two_hundred_connections_at_once_without_a_reset_and_every_octet_right() throws IOException {
        try (GatewayLab running = GatewayLab.with(GatewayFile.withClaims("sockets"))) {
            LabMachine near = running.network().near();
            near.start("socat", "TCP-LISTEN:7000,fork,reuseaddr,backlog=512", "PIPE");
            Listening.await(near, "tcp", 7000, PATIENCE);
            Path go = running.lab().directory().resolve("go");
            Capture resets = Capture.start(running.network().router(), "dn0", "tcp[tcpflags] & tcp-rst != 0");

            List<LabMachine> machines = new ArrayList<>(running.network().guests());
            machines.add(running.network().host());
            List<LabProgram> clients =
                    machines.stream().map(machine -> clients(machine, go)).toList();
            clients.forEach(client -> client.awaitText("connected " + EACH, PATIENCE));

            // A client is connected an acknowledgement earlier than its server.
            Waiting.require(
                    4 * EACH + " connections that the server sees at the same time",
                    PATIENCE,
                    () -> near.run("ss", "-Htn", "state", "established", "sport", "=", ":7000")
                                    .lines()
                                    .size()
                            == 4 * EACH);
            assertThat(running.gateway().flows().stream()
                            .filter(flow -> flow.peer().equals(NEAR + ":7000"))
                            .map(FlowRow::outside)
                            .distinct())
                    .as("outside endpoints of the guests' flows")
                    .hasSize(3 * EACH);

            Files.writeString(go, "");
            assertThat(clients).allSatisfy(client -> {
                Outcome outcome = client.await(PATIENCE);
                assertThat(outcome.exit()).as(outcome.describe()).isZero();
                assertThat(outcome.out()).contains("echoed " + (long) EACH * OCTETS + " octets");
            });
            assertThat(resets.stop()).as("resets").isEmpty();
        }
    }

    private static LabProgram clients(LabMachine machine, Path go) {
        return machine.start(
                GatewayProcess.java(),
                "-cp",
                GatewayProcess.jar(),
                EchoClients.class.getName(),
                NEAR,
                "7000",
                Integer.toString(FIRST_PORT),
                Integer.toString(EACH),
                Integer.toString(OCTETS),
                go.toString());
    }
}
