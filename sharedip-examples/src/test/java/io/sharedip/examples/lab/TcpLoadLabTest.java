package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Loads of other people's making with the window checks on: not one valid segment is dropped. */
@Tag("lab")
class TcpLoadLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final int PAGES = 1500;

    private static GatewayLab running;

    @BeforeAll
    static void start() {
        running = GatewayLab.with(GatewayFile.withClaims("sockets")
                .setting("capacity: { flows: 20000, flows-per-guest: 6000 }")
                .setting("nat: { tcp-tracking: { window-checks: true } }"));
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    @Test
    void rfc5961_window_checks_drop_nothing_of_iperf3_up_and_down() {
        assertThat(Iperf.load(running, 15, 4))
                .allSatisfy(rate -> assertThat(rate).isPositive());

        assertThat(running.gateway().drops()).isEmpty();
    }

    @Test
    void rfc5961_window_checks_drop_nothing_of_thousands_of_pages() {
        List<LabProgram> clients = Stream.of(
                        running.network().privateGuest(), running.guest("web"), running.guest("db"))
                .map(TcpLoadLabTest::fetchPages)
                .toList();

        for (LabProgram client : clients) {
            assertThat(client.await(PATIENCE).orThrow().lines()).hasSize(PAGES).containsOnly("200 " + WebServer.BIG);
        }
        assertThat(running.gateway().drops()).isEmpty();
    }

    private static LabProgram fetchPages(LabMachine guest) {
        return guest.start(
                "curl",
                "-sS",
                "--parallel",
                "--parallel-max",
                "20",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code} %{size_download}\n",
                "http://" + NEAR + "/big?[1-" + PAGES + "]");
    }
}
