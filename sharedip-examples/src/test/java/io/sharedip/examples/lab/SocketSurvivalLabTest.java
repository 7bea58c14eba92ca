package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of guests' connections when the host's network or the gateway itself goes and comes. */
@Tag("lab")
class SocketSurvivalLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String OTHER_ADDRESS = "192.0.2.11";

    private SocketLab running;
    private LabMachine web;
    private Path go;

    @BeforeEach
    void start(@TempDir Path directory) {
        running = SocketLab.with(
                GatewayFile.withSockets()
                        .forward("tcp 8080 -> web:80")
                        .rule("reject tcp from any to any port 7099")
                        .setting("state: " + directory.resolve("state")),
                1500);
        web = running.join("web", 1500);
        running.echoOn(running.near(), 7000);
        WebServer.start(running.lab(), web, ADDRESS, 80);
        go = running.lab().directory().resolve("go");
    }

    @AfterEach
    void stop() {
        running.close();
    }

    @Test
    void new_connections_have_the_hosts_new_address_and_old_ones_are_reset() {
        LabProgram old = silent();

        running.host()
                .shell(
                        "ip address delete " + ADDRESS + "/24 dev up0",
                        "ip address add " + OTHER_ADDRESS + "/24 dev up0",
                        "ip route add default via " + ROUTER);

        assertThat(old.await(PATIENCE).err()).contains("Connection reset by peer");
        fetchesBothWays(OTHER_ADDRESS);
    }

    @Test
    void connections_outlive_a_card_that_is_down_for_a_while() throws IOException {
        LabProgram clients = echoClients();

        running.host().shell("ip link set up0 down");
        assertThat(web.run("socat", "-u", "/dev/null", "TCP:" + NEAR + ":80").err())
                .contains("Network is unreachable");
        running.host().shell("ip link set up0 up", "ip route add default via " + ROUTER);

        Files.writeString(go, "");
        assertThat(clients.await(PATIENCE).orThrow().out()).contains("echoed");
        fetchesBothWays(ADDRESS);
    }

    @Test
    void a_restart_keeps_forwards_and_rules_and_resets_connections() throws IOException {
        LabProgram clients = echoClients();
        running.gateway().ask("forward", "add", "tcp 8081 -> web:80");

        running.restart();
        running.rejoin("web");

        Files.writeString(go, "");
        Outcome end = clients.await(PATIENCE);
        assertThat(end.exit()).isEqualTo(1);
        assertThat(end.out()).contains("Connection reset");
        fetchesBothWays(ADDRESS);
        assertThat(Pages.fetch(running.near(), "http://" + ADDRESS + ":8081/").out())
                .isEqualTo("this is web\n");
        assertThat(web.run("socat", "-u", "/dev/null", "TCP:" + NEAR + ":7099").err())
                .contains("Connection refused");
        assertThat(running.gateway().drops()).containsKey("RULE_REJECTED");
    }

    /** A connection on which nobody says anything. */
    private LabProgram silent() {
        LabProgram silent = web.start("bash", "-c", "cat </dev/tcp/" + NEAR + "/7000");
        awaitEstablished(1);
        return silent;
    }

    /** Connections that carry data only when the file is there. */
    private LabProgram echoClients() {
        LabProgram clients = running.java(web, EchoClients.class, NEAR, "7000", "42000", "5", "1000000", go.toString());
        clients.awaitText("connected 5", PATIENCE);
        awaitEstablished(5);
        return clients;
    }

    private void awaitEstablished(int count) {
        Waiting.require(
                "connections at the server",
                PATIENCE,
                () -> running.near()
                                .run("ss", "-Htn", "state", "established", "sport", "=", ":7000")
                                .lines()
                                .size()
                        == count);
    }

    /** Pages from outside, and to outside. */
    private void fetchesBothWays(String address) {
        assertThat(Pages.fetch(web, "http://" + NEAR + "/").out()).isEqualTo("this is near\n");
        assertThat(Pages.fetch(running.near(), "http://" + address + ":8080/").out())
                .isEqualTo("this is web\n");
    }
}
