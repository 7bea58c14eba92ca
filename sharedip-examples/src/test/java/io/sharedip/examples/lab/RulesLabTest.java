package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("lab")
class RulesLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    @Test
    void rules_that_are_replaced_judge_the_flows_that_are_under_way() {
        try (GatewayLab running = GatewayLab.with(GatewayFile.withClaims("sockets"))) {
            LabProgram forbidden = slowFetch(running.guest("web"));
            LabProgram allowed = slowFetch(running.guest("db"));
            forbidden.awaitText("web came from", PATIENCE);
            allowed.awaitText("db came from", PATIENCE);

            running.gateway()
                    .replaceRules("# the server is closed to web", "drop tcp from guest web to " + NEAR + "/32");
            running.nearWeb().letGo();

            Outcome complete = allowed.await(PATIENCE);
            assertThat(complete.exit()).as(complete.err()).isZero();
            assertThat(complete.out()).endsWith(WebServer.SLOW_END + "\n");
            Outcome cut = forbidden.await(PATIENCE);
            assertThat(cut.exit()).as("curl's time is over").isEqualTo(28);
            assertThat(cut.out()).doesNotContain(WebServer.SLOW_END);

            running.gateway().replaceRules("# no rule");
            Outcome again = Pages.fetch(running.guest("web"), "http://" + NEAR + "/");
            assertThat(again.out()).as(again.describe()).isEqualTo("this is near\n");
        }
    }

    @Test
    void rules_that_are_wrong_change_nothing() {
        String rule = "reject tcp from guest mail to any port 80";
        try (GatewayLab running =
                GatewayLab.with(GatewayFile.withClaims("sockets").rule(rule))) {
            Outcome refused = running.gateway().command("rules", "replace", "/nonexistent");
            assertThat(refused.exit()).isNotZero();

            Outcome page = Pages.fetch(running.guest("mail"), "http://" + NEAR + "/");
            assertThat(page.exit()).as(page.describe()).isEqualTo(7);
        }
    }

    /** Fetches a page that does not end before the server lets it go. */
    private static LabProgram slowFetch(LabMachine guest) {
        return guest.start("curl", "-sS", "-N", "--max-time", "10", "http://" + NEAR + "/cgi-bin/slow?" + guest.name());
    }
}
