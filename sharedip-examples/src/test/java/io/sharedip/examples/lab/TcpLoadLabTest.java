package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private static final int PAGES = 50;
    private static final int ENDLESS = 7010;
    private static final int HALF_OF_LOAD = 55;
    private static final String FETCH_PAGES = "curl -sS --parallel --parallel-max 5 -o /dev/null"
            + " -w '%{http_code} %{size_download}\\n' 'http://" + NEAR + "/big?[1-" + PAGES + "]'";
    private static final String LEAVE_DOWNLOAD =
            "socat -u TCP:" + NEAR + ":" + ENDLESS + " - 2>/dev/null | head -c 200000 | wc -c; sleep 1";

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

    /**
     * For two minutes guests send, receive, fetch pages and leave downloads in their middle, all at once. What a leaver's kernel says
     * to the data that still arrive are valid resets, by the hundred.
     */
    @Test
    void rfc5961_window_checks_drop_nothing_of_two_minutes_of_iperf3_and_pages() throws IOException {
        Map<String, Long> before = running.gateway().drops();
        List<Capture> atGuests = guests().map(TcpLoadLabTest::captureResets).toList();
        Capture atNear = captureResets(running.network().near());
        endlessServer();
        Path end = running.lab().directory().resolve("end-of-load");
        List<LabProgram> readers =
                guests().map(guest -> repeat(guest, end, FETCH_PAGES)).toList();
        List<LabProgram> leavers =
                guests().map(guest -> repeat(guest, end, LEAVE_DOWNLOAD)).toList();

        List<Double> rates = Iperf.load(running, HALF_OF_LOAD, 4);

        Files.writeString(end, "");
        for (LabProgram reader : readers) {
            assertThat(reader.await(PATIENCE).orThrow().lines())
                    .hasSizeGreaterThanOrEqualTo(PAGES)
                    .containsOnly("200 " + WebServer.BIG);
        }
        for (LabProgram leaver : leavers) {
            assertThat(leaver.await(PATIENCE).orThrow().lines()).isNotEmpty().containsOnly("200000");
        }
        assertThat(rates).hasSize(4).allSatisfy(rate -> assertThat(rate).isPositive());
        assertThat(running.gateway().drops()).isEqualTo(before);
        Waiting.require(
                "the end of the downloads at the server",
                PATIENCE,
                () -> !running.network()
                        .near()
                        .run("ss", "-Htn", "state", "connected", "sport", "=", ":" + ENDLESS)
                        .orThrow()
                        .out()
                        .contains(NEAR));
        List<String> guests =
                atGuests.stream().flatMap(capture -> capture.stop().stream()).toList();
        List<String> near = atNear.stop();
        assertThat(count(guests, " IP " + NEAR)).as("resets from outside").isEqualTo(count(near, " IP " + NEAR));
        assertThat(guests).as("resets of both sides").hasSameSizeAs(near).hasSizeGreaterThan(100);
    }

    /** That the other test could fail: a server whose segments are renumbered on their way out is not heard. */
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

    private static Stream<LabMachine> guests() {
        return Stream.of(running.network().privateGuest(), running.guest("web"), running.guest("db"));
    }

    private static Capture captureResets(LabMachine machine) {
        return Capture.start(machine, "eth0", "tcp[tcpflags] & tcp-rst != 0");
    }

    private static long count(List<String> lines, String text) {
        return lines.stream().filter(line -> line.contains(text)).count();
    }

    /** Sends as long as anybody reads. */
    private static void endlessServer() {
        LabMachine near = running.network().near();
        near.start("socat", "-U", "TCP-LISTEN:" + ENDLESS + ",reuseaddr,fork", "OPEN:/dev/zero,rdonly");
        Listening.await(near, "tcp", ENDLESS, PATIENCE);
    }

    private static LabProgram repeat(LabMachine guest, Path end, String command) {
        return guest.start("sh", "-c", "while " + command + " && [ ! -e " + end + " ]; do :; done");
    }
}
