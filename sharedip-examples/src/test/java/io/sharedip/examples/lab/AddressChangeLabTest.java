package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static io.sharedip.examples.lab.OneAddressNetwork.ROUTER;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The host gets another address, and the gateway on its card is told so. */
@Tag("lab")
class AddressChangeLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String OTHER = "192.0.2.11";
    private static final int FORBIDDEN = 7099;

    private GatewayLab running;
    private LabMachine web;

    @BeforeEach
    void start() {
        running = GatewayLab.with(GatewayFile.withClaims("sockets")
                .forward("tcp 8080 -> web:80")
                .rule("reject tcp from any to any port " + FORBIDDEN));
        web = running.guest("web");
        WebServer.start(running.lab(), web, ADDRESS, 80);
        LabMachine near = running.network().near();
        near.start(GatewayProcess.java(), "-cp", GatewayProcess.jar(), EchoServer.class.getName(), "7001");
        Listening.await(near, "udp", 7001, PATIENCE);
    }

    @AfterEach
    void stop() {
        running.close();
    }

    /** One UDP socket of the guest's talks before and after; a peer such as QUIC's would follow it. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void case03_flows_are_kept_or_flushed_as_set(boolean kept) throws IOException {
        Path go = running.lab().directory().resolve("go");
        String talk =
                "for i in 1 2 3 4 5; do echo hello >&3; timeout 4 dd bs=2048 count=1 <&3 2>/dev/null && break; done; ";
        LabProgram talks = web.start(
                "bash",
                "-c",
                "exec 3<>/dev/udp/" + NEAR + "/7001; " + talk + "while [ ! -e " + go + " ]; do sleep 0.1; done; "
                        + talk);
        talks.awaitText("hello", PATIENCE);
        List<String> before = outside();
        assertThat(before).singleElement().asString().startsWith(ADDRESS + ":");

        move(kept);

        List<String> after = kept ? List.of(before.get(0).replace(ADDRESS, OTHER)) : List.of();
        assertThat(outside()).isEqualTo(after);
        Files.writeString(go, "");
        assertThat(talks.await(PATIENCE).orThrow().lines()).containsExactly("hello", "hello");
        assertThat(outside()).singleElement().asString().startsWith(OTHER + ":");
        if (kept) {
            assertThat(outside()).isEqualTo(after);
        }
    }

    private List<String> outside() {
        return running.gateway().flows().stream()
                .filter(flow -> flow.peer().equals(NEAR + ":7001"))
                .map(FlowRow::outside)
                .toList();
    }

    @Test
    void case03_guests_forwards_rules_and_the_host_go_on_under_the_new_address() {
        move(false);

        assertThat(Pages.fetch(web, "http://" + NEAR + "/").out()).isEqualTo("this is near\n");
        assertThat(Pages.fetch(running.network().host(), "http://" + NEAR + "/").out())
                .isEqualTo("this is near\n");
        assertThat(Pages.fetch(running.network().near(), "http://" + OTHER + ":8080/")
                        .out())
                .isEqualTo("this is web\n");
        assertThat(Pages.fetch(running.network().near(), "http://" + ADDRESS + ":8080/", "--max-time", "2")
                        .exit())
                .isNotZero();
        assertThat(web.run("socat", "-u", "/dev/null", "TCP:" + NEAR + ":" + FORBIDDEN)
                        .err())
                .contains("Connection refused");
        assertThat(running.gateway().drops()).containsKey("RULE_REJECTED");
        assertThat(web.run("ping", "-c", "1", "-W", "5", NEAR).orThrow().out()).contains(" 0% packet loss");
    }

    private void move(boolean keepFlows) {
        running.network()
                .host()
                .shell(
                        "ip address delete " + ADDRESS + "/24 dev up0",
                        "ip address add " + OTHER + "/24 dev up0",
                        "ip route add default via " + ROUTER);
        List<String> command = new ArrayList<>(
                List.of("address", "change", OTHER + "/24", "--router", ROUTER, "--alias", OneAddressNetwork.ALIAS));
        if (keepFlows) {
            command.add("--keep-flows");
        }
        running.gateway().ask(command.toArray(String[]::new));
    }
}
