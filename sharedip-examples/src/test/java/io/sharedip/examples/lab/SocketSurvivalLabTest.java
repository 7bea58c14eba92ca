package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of guests' connections when the host's network, a guest's cable or the gateway itself goes and comes. The clock for new
 * connections starts when the change is complete: when the host's command has ended, and the guest's cable is in a gateway that is ready.
 */
@Tag("lab")
class SocketSurvivalLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration NEW_CONNECTIONS = Duration.ofSeconds(1);
    private static final Duration NEWS_OF_THE_END = Duration.ofSeconds(5);

    private static final String OTHER_ADDRESS = "192.0.2.11";
    private static final String OTHER_ROUTER = "192.0.2.3";
    private static final int ECHO = 7000;
    private static final int FORBIDDEN = 7099;
    private static final Pattern SENT = Pattern.compile("sent (\\d+)\n");
    private static final Pattern ECHOED = Pattern.compile("echoed (\\d+)\n");

    private SocketLab running;
    private LabMachine web;
    private LabProgram talk;
    private Path go;
    private Path changed;

    @BeforeEach
    void start(@TempDir Path directory) {
        running = SocketLab.with(
                GatewayFile.withSockets()
                        .forward("tcp 8080 -> web:80")
                        .rule("reject tcp from any to any port " + FORBIDDEN)
                        .setting("state: " + directory.resolve("state")),
                1500);
        web = running.join("web", 1500);
        running.echoOn(running.near(), ECHO);
        WebServer.start(running.lab(), web, ADDRESS, 80);
        WebServer.start(running.lab(), running.near(), NEAR, FORBIDDEN);
        go = running.lab().directory().resolve("go");
        changed = running.lab().directory().resolve("changed");
        talk = talk();
        assertThat(Pages.fetch(web, "http://" + NEAR + "/").out()).isEqualTo("this is near\n");
        assertThat(Pages.fetch(running.near(), "http://" + ADDRESS + ":8080/").out())
                .isEqualTo("this is web\n");
    }

    @AfterEach
    void stop() {
        running.close();
    }

    @Test
    void new_connections_have_the_hosts_new_address_and_old_ones_are_reset() throws IOException {
        LabProgram old = silent();
        List<LabProgram> waiting = waiting(OTHER_ADDRESS);

        running.host()
                .shell(
                        "ip address delete " + ADDRESS + "/24 dev up0",
                        "ip address add " + OTHER_ADDRESS + "/24 dev up0",
                        "ip route add default via " + ROUTER);

        connectWithinASecond(waiting);
        assertThat(old.await(NEWS_OF_THE_END).err()).contains("Connection reset by peer");
        goesOn();
    }

    @Test
    void connections_outlive_another_route() throws IOException {
        running.network().router().shell("ip address add " + OTHER_ROUTER + "/24 dev dn0");
        assertThatConnectionsOutlive(() -> running.host().shell("ip route replace default via " + OTHER_ROUTER));
    }

    @Test
    void connections_outlive_a_card_that_is_down_for_a_while() throws IOException {
        assertThatConnectionsOutlive(() -> {
            running.host().shell("ip link set up0 down");
            assertThat(web.run("socat", "-u", "/dev/null", "TCP:" + NEAR + ":80")
                            .err())
                    .contains("Network is unreachable");
            running.host().shell("ip link set up0 up", "ip route add default via " + ROUTER);
        });
    }

    @Test
    void connections_outlive_a_guest_that_is_unplugged_for_a_while() throws IOException {
        assertThatConnectionsOutlive(() -> {
            running.unplug("web");
            running.rejoin("web");
        });
    }

    @Test
    void a_restart_keeps_forwards_and_rules_and_resets_connections() throws IOException {
        LabProgram clients = echoClients();
        List<LabProgram> waiting = waiting(ADDRESS);
        running.gateway().ask("forward", "add", "tcp 8081 -> web:80");

        running.restart();
        running.rejoin("web");

        connectWithinASecond(waiting);
        goesOn();
        Files.writeString(go, "");
        Outcome end = clients.await(PATIENCE);
        assertThat(end.exit()).isEqualTo(1);
        assertThat(end.out()).contains("Connection reset");
        assertThat(Pages.fetch(running.near(), "http://" + ADDRESS + ":8081/").out())
                .isEqualTo("this is web\n");
    }

    /** A connection on which nobody says anything. */
    private LabProgram silent() {
        LabProgram silent = web.start("bash", "-c", "cat </dev/tcp/" + NEAR + "/" + ECHO);
        awaitEstablished(1);
        return silent;
    }

    /** One socket of the guest's that sends a number at a time to the echo server, and says what comes back. */
    private LabProgram talk() {
        return web.start(
                        "bash",
                        "-c",
                        "exec 3<>/dev/udp/" + NEAR + "/" + ECHO + "; while :; do n=$((n + 1)); echo \"sent $n\";"
                                + " echo \"echoed $n\" >&3; timeout 0.5 dd bs=2048 count=1 <&3 2>/dev/null; sleep 0.1; done")
                .awaitText("echoed 1\n", PATIENCE);
    }

    /** Connections that carry data only when the file is there. */
    private LabProgram echoClients() {
        LabProgram clients = running.java(
                web, EchoClients.class, NEAR, Integer.toString(ECHO), "42000", "5", "1000000", go.toString());
        clients.awaitText("connected 5", PATIENCE);
        awaitEstablished(5);
        return clients;
    }

    /** Old connections carry data after the change as well, and new ones come about soon. */
    private void assertThatConnectionsOutlive(Runnable change) throws IOException {
        LabProgram clients = echoClients();
        List<LabProgram> waiting = waiting(ADDRESS);

        change.run();

        connectWithinASecond(waiting);
        goesOn();
        Files.writeString(go, "");
        assertThat(clients.await(PATIENCE).orThrow().out()).contains("echoed");
    }

    private void awaitEstablished(int count) {
        Waiting.require(
                "connections at the server",
                PATIENCE,
                () -> running.near()
                                .run("ss", "-Htn", "state", "established", "sport", "=", ":" + ECHO)
                                .lines()
                                .size()
                        == count);
    }

    /** Those who will connect once something has changed: to outside, from outside, and, for comparison, the host itself. */
    private List<LabProgram> waiting(String address) {
        List<LabProgram> waiting = List.of(
                running.java(web, FirstPage.class, NEAR, "80", changed.toString()),
                running.java(running.near(), FirstPage.class, address, "8080", changed.toString()),
                running.java(running.host(), FirstPage.class, NEAR, "80", changed.toString()));
        waiting.forEach(program -> program.awaitText("waiting", PATIENCE));
        return waiting;
    }

    /** The change is complete. What the kernel and this machine need is what the host's own connection takes. */
    private void connectWithinASecond(List<LabProgram> waiting) throws IOException {
        long since = System.currentTimeMillis();
        Files.writeString(changed, "");
        List<List<String>> first = waiting.stream()
                .map(program -> program.await(PATIENCE).orThrow().lines())
                .toList();
        List<Long> took =
                first.stream().map(lines -> millis(lines.get(1)) - since).toList();
        assertThat(first)
                .extracting(lines -> lines.get(2))
                .containsExactly("this is near", "this is web", "this is near");
        assertThat(took)
                .as("until the first connection of a guest, to a guest, and of the host, in ms")
                .allSatisfy(millis -> assertThat(millis).isLessThan(NEW_CONNECTIONS.toMillis() + took.get(2)));
    }

    private static long millis(String at) {
        return Long.parseLong(at.substring("at ".length()));
    }

    /** The datagrams of the socket that talked before, and the rule against a server that answers the host. */
    private void goesOn() {
        long sentBefore = last(SENT);
        Waiting.require("an echo of a datagram sent from now on", NEWS_OF_THE_END, () -> last(ECHOED) > sentBefore);
        assertThat(Pages.fetch(running.host(), "http://" + NEAR + ":" + FORBIDDEN + "/")
                        .out())
                .isEqualTo("this is near\n");
        assertThat(web.run("socat", "-u", "/dev/null", "TCP:" + NEAR + ":" + FORBIDDEN)
                        .err())
                .contains("Connection refused");
        assertThat(running.gateway().drops()).containsKey("RULE_REJECTED");
    }

    private long last(Pattern number) {
        return number.matcher(talk.out())
                .results()
                .map(match -> Long.parseLong(match.group(1)))
                .reduce(0L, Math::max);
    }
}
