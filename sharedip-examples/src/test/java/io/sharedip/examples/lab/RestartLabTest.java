package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However the gateway ends, it leaves nothing behind that is in the way of the host, of a guest or of the next start. */
@Tag("lab")
class RestartLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int FIRST_PORT = 61000;
    private static final Pattern NUMBER = Pattern.compile("\\b\\d{5}\\b");

    @ParameterizedTest
    @ValueSource(strings = {"sockets", "firewall"})
    void a_killed_gateway_leaves_no_claim_and_the_next_one_works(String claims) {
        GatewayFile file = GatewayFile.withClaims(claims);
        try (GatewayLab running = GatewayLab.with(file)) {
            fetchesAPage(running);
            Set<Integer> claimed = claimedPorts(running, claims);
            assertThat(claimed).as(leftOvers(running)).isNotEmpty();
            int port = claimed.iterator().next();
            assertThat(hostListensOn(running, port))
                    .as("the host gets the claimed port %d", port)
                    .isEqualTo(claims.equals("firewall"));

            running.gateway().kill();

            assertThat(Waiting.until(
                            PATIENCE, () -> claimedPorts(running, claims).isEmpty()))
                    .as("claims are gone: %s", leftOvers(running))
                    .isTrue();
            assertThat(hostListensOn(running, port))
                    .as("the host gets port %d", port)
                    .isTrue();

            running.restart(file);
            fetchesAPage(running);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sockets", "firewall"})
    void a_gateway_that_is_told_to_end_exits_with_0_and_leaves_nothing(String claims) {
        GatewayFile file = GatewayFile.withClaims(claims);
        try (GatewayLab running = GatewayLab.with(file)) {
            fetchesAPage(running);

            Outcome end = running.gateway().stop();

            assertThat(end.exit()).as(end.describe()).isZero();
            assertThat(claimedPorts(running, claims)).as(leftOvers(running)).isEmpty();
            assertThat(running.network().host().run("nft", "list", "tables").out())
                    .as("firewall tables, the seals of the guests' cards among them")
                    .isEmpty();
            assertThat(running.network()
                            .host()
                            .run("tc", "filter", "show", "dev", "vm1", "ingress")
                            .out())
                    .isEmpty();

            running.restart(file);
            fetchesAPage(running);
        }
    }

    /** Nobody outside may send while no gateway holds the ports: the host's kernel would reset what it does not know. */
    @Test
    void connections_outlive_a_gateway_that_keeps_its_state(@TempDir Path directory) throws IOException {
        Path state = directory.resolve("state");
        GatewayFile file = GatewayFile.withClaims("sockets").setting("state: " + state);
        try (GatewayLab running = GatewayLab.with(file)) {
            LabMachine near = running.network().near();
            near.start("socat", "TCP-LISTEN:7000,fork,reuseaddr", "PIPE");
            Listening.await(near, "tcp", 7000, PATIENCE);
            Path go = running.lab().directory().resolve("go");
            LabProgram talk = running.guest("mail")
                    .start(
                            "sh",
                            "-c",
                            "(echo before; while [ ! -e " + go + " ]; do sleep 0.2; done; echo after; sleep 5)"
                                    + " | socat - TCP4:" + NEAR + ":7000");
            talk.awaitText("before", PATIENCE);
            List<LabProgram> clients = Stream.of("web", "db")
                    .map(guest -> running.guest(guest)
                            .start(
                                    GatewayProcess.java(),
                                    "-cp",
                                    GatewayProcess.jar(),
                                    EchoClients.class.getName(),
                                    NEAR,
                                    "7000",
                                    "42000",
                                    "4",
                                    "5000000",
                                    go.toString()))
                    .toList();
            clients.forEach(client -> client.awaitText("connected 4", Duration.ofSeconds(60)));
            List<String> before = tcpFlows(running);
            assertThat(before).hasSize(9);

            Outcome end = running.gateway().stop();
            assertThat(end.exit()).as(end.describe()).isZero();
            assertThat(Files.getPosixFilePermissions(state)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            running.restart(file);

            assertThat(tcpFlows(running)).containsExactlyInAnyOrderElementsOf(before);
            Files.writeString(go, "");
            talk.awaitText("after", PATIENCE);
            assertThat(clients).allSatisfy(client -> {
                Outcome outcome = client.await(Duration.ofSeconds(90));
                assertThat(outcome.exit()).as(outcome.describe()).isZero();
                assertThat(outcome.out()).contains("echoed 20000000 octets");
            });
            assertThat(running.gateway().drops()).doesNotContainKeys("TCP_WINDOW", "TCP_ACKNOWLEDGMENT", "TCP_NO_FLOW");
        }
    }

    private static List<String> tcpFlows(GatewayLab running) {
        return running.gateway().flows().stream()
                .filter(flow -> flow.peer().equals(NEAR + ":7000"))
                .map(flow -> flow.guest() + " " + flow.inside() + " " + flow.outside())
                .toList();
    }

    @Test
    void a_running_gateway_is_not_started_twice() {
        GatewayFile file = GatewayFile.withClaims("sockets");
        try (GatewayLab running = GatewayLab.with(file)) {
            Outcome second = running.network()
                    .host()
                    .run(
                            GatewayProcess.java(),
                            "-jar",
                            GatewayProcess.jar(),
                            "run",
                            running.lab().directory().resolve("gateway.yaml").toString());

            assertThat(second.exit()).as(second.describe()).isEqualTo(1);
            fetchesAPage(running);
        }
    }

    private static void fetchesAPage(GatewayLab running) {
        Outcome page = Pages.fetch(running.guest("web"), "http://" + NEAR + "/");
        assertThat(page.out()).as(page.describe()).isEqualTo("this is near\n");
    }

    /** Ports of the gateway's pool that the host's kernel holds for it. */
    private static Set<Integer> claimedPorts(GatewayLab running, String claims) {
        LabMachine host = running.network().host();
        Stream<Integer> ports = claims.equals("sockets")
                ? Stream.of("tcp", "udp").flatMap(protocol -> Listening.ports(host, protocol).stream())
                : NUMBER.matcher(host.shell("nft list ruleset").out())
                        .results()
                        .map(number -> Integer.valueOf(number.group()));
        return ports.filter(port -> port >= FIRST_PORT).collect(Collectors.toCollection(TreeSet::new));
    }

    private static boolean hostListensOn(GatewayLab running, int port) {
        try (LabProgram listener =
                running.network().host().start("socat", "TCP-LISTEN:" + port + ",bind=" + ADDRESS, "PIPE")) {
            Waiting.until(
                    PATIENCE,
                    () -> !listener.isRunning()
                            || running.network()
                                    .host()
                                    .run("ss", "-Hltnp", "sport", "=", ":" + port)
                                    .out()
                                    .contains("socat"));
            return listener.isRunning();
        }
    }

    private static String leftOvers(GatewayLab running) {
        LabMachine host = running.network().host();
        return host.run("nft", "list", "ruleset").out()
                + host.run("ss", "-ltunp").out();
    }
}
