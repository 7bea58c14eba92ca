package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.ADDRESS;
import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However the gateway ends, it leaves nothing behind that is in the way of the host, of a guest or of the next start. */
@Tag("lab")
class RestartLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int FIRST_PORT = 61000;

    @ParameterizedTest
    @ValueSource(strings = {"sockets", "firewall"})
    void a_killed_gateway_leaves_no_claim_and_the_next_one_works(String claims) {
        GatewayFile file = GatewayFile.withClaims(claims);
        try (GatewayLab running = GatewayLab.with(file)) {
            fetchesAPage(running);
            assertThat(holdsClaims(running, claims)).as("claims are held").isTrue();

            running.gateway().kill();

            assertThat(Waiting.until(PATIENCE, () -> !holdsClaims(running, claims)))
                    .as("claims are gone: %s", leftOvers(running))
                    .isTrue();
            hostGetsAPort(running);

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
            assertThat(holdsClaims(running, claims)).as(leftOvers(running)).isFalse();
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

    private static boolean holdsClaims(GatewayLab running, String claims) {
        LabMachine host = running.network().host();
        if (claims.equals("sockets")) {
            return Listening.ports(host, "tcp").stream().anyMatch(port -> port >= FIRST_PORT)
                    || Listening.ports(host, "udp").stream().anyMatch(port -> port >= FIRST_PORT);
        }
        return host.run("nft", "list", "ruleset").out().contains(Integer.toString(FIRST_PORT));
    }

    private static void hostGetsAPort(GatewayLab running) {
        WebServer.start(running.lab(), running.network().host(), ADDRESS, FIRST_PORT)
                .close();
    }

    private static String leftOvers(GatewayLab running) {
        LabMachine host = running.network().host();
        return host.run("nft", "list", "ruleset").out()
                + host.run("ss", "-ltunp").out();
    }
}
