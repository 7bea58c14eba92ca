package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
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
        Map<String, Long> before = Iperf.validDropped(running);

        assertThat(Iperf.load(running, 15, 4))
                .allSatisfy(rate -> assertThat(rate).isPositive());

        assertThat(Iperf.validDropped(running)).isEqualTo(before);
    }

    @Test
    void rfc5961_window_checks_drop_nothing_of_thousands_of_pages() {
        Map<String, Long> before = Iperf.validDropped(running);

        List<LabProgram> clients = Stream.of(
                        running.network().privateGuest(), running.guest("web"), running.guest("db"))
                .map(TcpLoadLabTest::fetchPages)
                .toList();

        for (LabProgram client : clients) {
            assertThat(client.await(PATIENCE).orThrow().lines()).hasSize(PAGES).containsOnly("200 " + WebServer.BIG);
        }
        assertThat(Iperf.validDropped(running)).isEqualTo(before);
    }

    /** That the other tests could fail: a server whose segments are renumbered on their way out is not heard. */
    @Test
    void rfc5961_data_outside_the_window_is_dropped_and_counted() {
        LabMachine near = running.network().near();
        near.start("socat", "TCP-LISTEN:7009,reuseaddr", "SYSTEM:sleep 1; echo late");
        Listening.await(near, "tcp", 7009, PATIENCE);
        near.shell(
                "nft add table ip strange",
                "nft 'add chain ip strange out { type filter hook output priority 0; }'",
                "nft add rule ip strange out tcp sport 7009 tcp flags psh tcp sequence set 1");
        try (LabProgram client = running.guest("db").start("socat", "-u", "TCP:" + NEAR + ":7009", "-")) {
            Waiting.require(
                    "a dropped segment",
                    PATIENCE,
                    () -> running.gateway().drops().getOrDefault("TCP_WINDOW", 0L) > 0);

            assertThat(client.out()).isEmpty();
        } finally {
            near.shell("nft delete table ip strange");
        }
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
