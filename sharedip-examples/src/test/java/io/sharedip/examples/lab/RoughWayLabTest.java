package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * TCP over bad cables on both sides of the gateway, with the window checks on: not one valid segment is dropped, be it late,
 * doubled, overtaken or sent once more.
 */
@Tag("lab")
class RoughWayLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final int FILE_OCTETS = 8_000_000;

    private static GatewayLab running;
    private static LabMachine wire;

    @BeforeAll
    static void start() {
        GatewayFile file = GatewayFile.withClaims("sockets").setting("nat: { tcp-tracking: { window-checks: true } }");
        running = GatewayLab.with(file);
        OneAddressNetwork network = running.network();
        wire = running.lab().machine("wire");
        running.gateway().close();
        running.lab().splice(wire, "web", network.host(), OneAddressNetwork.card(0));
        running.lab().splice(wire, "own", network.host(), OneAddressNetwork.card(3));
        running.lab().splice(wire, "near", network.near(), "eth0");
        network.near()
                .shell(
                        "ip address add " + NEAR + "/25 dev eth0",
                        "ip route add default via 198.51.100.1",
                        "ethtool -K eth0 tx off >/dev/null");
        running.restart(file);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    private static LabProgram wires(int delayMillis, int lost, int doubled, int overtaken) {
        List<String> command =
                new ArrayList<>(List.of(GatewayProcess.java(), "-cp", GatewayProcess.jar(), RoughWire.class.getName()));
        for (int number : new int[] {delayMillis, lost, doubled, overtaken, 1}) {
            command.add(Integer.toString(number));
        }
        command.addAll(List.of("web", "web-on", "own", "own-on", "near", "near-on"));
        return wire.start(command).awaitText("ready", PATIENCE);
    }

    /**
     * Two programs call each other, each from the port that the other calls, and their SYNs cross on the way, which takes so long that
     * the second has all the time to begin. The guest has no rough cable, so that its SYN opens the gateway before the other comes.
     */
    @Test
    void rfc5382_req2_programs_that_open_simultaneously_meet() {
        LabMachine near = running.network().near();
        LabMachine db = running.guest("db");
        LabProgram wires = wires(1500, 0, 0, 0);
        near.run("ping", "-n", "-c", "1", "-W", "10", "198.51.100.1").orThrow();
        Map<String, Long> before = running.gateway().drops();
        int meeting = running.claimedPort();
        String segments = "tcp port " + meeting;
        try (Capture atNear = Capture.start(near, "eth0", segments);
                Capture atGuest = Capture.start(db, "eth0", segments)) {
            LabProgram outside = call(near, OneAddressNetwork.ADDRESS, meeting);
            Waiting.require(
                    "the SYN of near",
                    PATIENCE,
                    () -> flags(atNear.lines(), NEAR).contains("S"));
            LabProgram guest = call(db, NEAR, meeting);

            assertThat(outside.await(PATIENCE).orThrow().out()).isEqualTo("this is db\n");
            assertThat(guest.await(PATIENCE).orThrow().out()).isEqualTo("this is near\n");
            for (Capture capture : List.of(atNear, atGuest)) {
                List<String> seen = capture.stop();
                assertThat(flags(seen, NEAR)).startsWith("S").contains("S.");
                assertThat(flags(seen, OneAddressNetwork.ADDRESS))
                        .startsWith("S")
                        .contains("S.");
            }
        }
        assertThat(running.gateway().drops()).isEqualTo(before);
        wires.stop();
    }

    /** Calls from and to the same port, says who it is, and prints what the other says. */
    private static LabProgram call(LabMachine machine, String other, int port) {
        String to = "TCP:" + other + ":" + port + ",sourceport=" + port;
        return machine.start("sh", "-c", "echo this is " + machine + " | socat -t 30 - " + to);
    }

    /** The flags of the segments that an address has sent. */
    private static List<String> flags(List<String> lines, String from) {
        Pattern pattern = Pattern.compile(" IP " + Pattern.quote(from) + "\\.\\d+ > .*: Flags \\[([^]]+)]");
        return lines.stream()
                .map(pattern::matcher)
                .filter(Matcher::find)
                .map(matcher -> matcher.group(1))
                .toList();
    }

    @Test
    void rfc5961_window_checks_drop_nothing_where_segments_are_lost_doubled_and_overtaken() throws Exception {
        LabProgram wires = wires(1, 3, 10, 50);

        assertThat(Iperf.load(running, 10, 4))
                .allSatisfy(rate -> assertThat(rate).isPositive());
        exchangeFiles();

        String happened = wires.stop().out();
        assertThat(happened).containsPattern("lost [1-9]\\d+ doubled [1-9]\\d+ overtaken [1-9]\\d+");
        // A socket that has closed resets what still comes, an acknowledgment that was overtaken too, under the number
        // in that: its
        // receiver is past it, and ignores it (RFC 5961 section 3.2). Where nothing is overtaken, TcpLoadLabTest allows
        // no drop at all.
        assertThat(running.gateway().drops().keySet()).isSubsetOf("TCP_RST_WINDOW");
    }

    @Test
    void rfc5961_window_checks_drop_nothing_of_large_scaled_windows_on_a_long_way() {
        OneAddressNetwork network = running.network();
        for (LabMachine end : List.of(network.near(), network.privateGuest(), network.guest("web"))) {
            end.shell(
                    "echo '4096 1048576 33554432' > /proc/sys/net/ipv4/tcp_rmem",
                    "echo '4096 1048576 33554432' > /proc/sys/net/ipv4/tcp_wmem");
        }
        LabProgram wires = wires(20, 0, 0, 0);

        assertThat(Iperf.load(running, 10, 1))
                .allSatisfy(rate -> assertThat(rate).isPositive());

        wires.stop();
        assertThat(running.gateway().drops()).isEmpty();
    }

    /** A file goes there and another one comes back, at the same time; sums tell whether they arrived as they were. */
    private static void exchangeFiles() throws IOException, NoSuchAlgorithmException {
        Path sent = running.lab().directory().resolve("sent");
        String sumSent = randomFile(sent, 1);
        Path received = running.lab().directory().resolve("received");
        String sumServed = randomFile(running.lab().directory().resolve("www-near-80/random"), 2);
        LabMachine own = running.network().privateGuest();

        LabProgram upload = own.start("curl", "-sS", "--data-binary", "@" + sent, "http://" + NEAR + "/cgi-bin/digest");
        LabProgram download = own.start("curl", "-sS", "-o", received.toString(), "http://" + NEAR + "/random");

        assertThat(upload.await(PATIENCE).orThrow().out()).startsWith(sumSent);
        download.await(PATIENCE).orThrow();
        assertThat(sum(Files.readAllBytes(received))).isEqualTo(sumServed);
    }

    private static String randomFile(Path path, long seed) throws IOException, NoSuchAlgorithmException {
        byte[] octets = new byte[FILE_OCTETS];
        new Random(seed).nextBytes(octets);
        Files.write(path, octets);
        return sum(octets);
    }

    private static String sum(byte[] octets) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(octets));
    }
}
