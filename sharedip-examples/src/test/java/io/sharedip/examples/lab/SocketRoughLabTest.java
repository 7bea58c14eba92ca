package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Guests with a bad cable, guests that do not read, and guests that talk nonsense, behind one gateway with sockets. */
@Tag("lab")
class SocketRoughLabTest {
    private static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final Duration SLOW = Duration.ofSeconds(60);
    private static final String ROUTER_MAC = "02:00:5e:00:00:01";
    private static final int SLOW_EACH_WAY = 4;
    private static final int UPWARDS = 7031;
    private static final int DOWNWARDS = 7032;
    private static final int READ_AT_LAST = 20_000_000;
    /** All buffers of one way: the kernels' at both ends of both connections, and the gateway's. */
    private static final long BUFFERS = 32 << 20;

    private static final long RESIDENT_GROWTH = 96 << 20;
    private static final int OF_NONSENSE = 500;
    private static final Pattern SENT = Pattern.compile("bytes_acked:(\\d+)");

    private static SocketLab running;
    private static LabMachine web;
    private static LabMachine db;

    @BeforeAll
    static void start() {
        running = SocketLab.with(
                GatewayFile.withSockets()
                        .setting("router-mac: \"" + ROUTER_MAC + "\"")
                        .setting("capacity: { flows: 5000, flows-per-guest: " + OF_NONSENSE + " }"),
                1500);
        web = running.network().guest("web");
        db = running.join("db", 1500);
        running.echoOn(running.near(), 7000);
    }

    @AfterAll
    static void stop() {
        if (running != null) {
            running.close();
        }
    }

    /**
     * While nobody reads on eight connections for a minute, a guest exchanges 30 MB each way over a cable that loses 1 %, is 20 ms
     * long there and back, doubles 1 % and lets 5 % be overtaken. At last all is read.
     */
    @Test
    void a_minute_of_slow_readers_takes_no_memory_beside_a_rough_exchange() throws IOException {
        Path read = running.lab().directory().resolve("read");
        String reader =
                script("while [ ! -e " + read + " ]; do sleep 0.1; done", "head -c " + READ_AT_LAST + " | wc -c >&2");
        LabProgram atNear = endless(running.near(), "TCP-LISTEN:" + DOWNWARDS + ",fork,reuseaddr");
        LabProgram nearReads = running.near().start("socat", "-u", "TCP-LISTEN:" + UPWARDS + ",fork,reuseaddr", reader);
        Listening.await(running.near(), "tcp", DOWNWARDS, PATIENCE);
        Listening.await(running.near(), "tcp", UPWARDS, PATIENCE);
        List<LabProgram> guestReads = IntStream.range(0, SLOW_EACH_WAY)
                .mapToObj(i -> db.start("socat", "-u", "TCP:" + NEAR + ":" + DOWNWARDS, reader))
                .toList();
        IntStream.range(0, SLOW_EACH_WAY).forEach(i -> endless(db, "TCP:" + NEAR + ":" + UPWARDS));
        Waiting.require("that the senders are held up", PATIENCE, SocketRoughLabTest::areHeldUp);
        List<Long> before = sent();
        assertThat(before)
                .hasSize(2 * SLOW_EACH_WAY)
                .allSatisfy(octets -> assertThat(octets).isLessThan(BUFFERS));
        long end = System.nanoTime() + SLOW.toNanos();
        Footprint first = Footprint.of(running.host(), running.gateway().pid());

        LabProgram wire = running.joinRoughly("web", 10, 10, 10, 50);
        long octets = Long.getLong("sharedip.lab.rough.octets", 30_000_000);
        running.exchange(web, octets, octets, PATIENCE);

        assertThat(wire.stop().out()).containsPattern("lost [1-9]\\d+ doubled [1-9]\\d+ overtaken [1-9]\\d+");
        Waiting.require("the end of a minute", PATIENCE, () -> System.nanoTime() - end > 0);
        assertThat(sent()).isEqualTo(before);
        assertThat(Footprint.of(running.host(), running.gateway().pid()).resident())
                .isLessThan(first.resident() + RESIDENT_GROWTH);

        Files.writeString(read, "");
        for (LabProgram guest : guestReads) {
            assertThat(guest.await(PATIENCE).err()).contains(Integer.toString(READ_AT_LAST));
        }
        Waiting.require(
                "what near reads",
                PATIENCE,
                () -> nearReads
                                .err()
                                .lines()
                                .filter(line -> line.strip().equals(Integer.toString(READ_AT_LAST)))
                                .count()
                        == SLOW_EACH_WAY);
        atNear.close();
    }

    private static LabProgram endless(LabMachine machine, String to) {
        return machine.start("socat", "-u", "OPEN:/dev/zero,rdonly", to);
    }

    /** What socat is to give its input to. */
    private static String script(String... lines) throws IOException {
        Path file = running.lab().directory().resolve("slow-reader");
        Files.write(file, List.of(lines));
        return "EXEC:sh " + file;
    }

    private static boolean areHeldUp() {
        List<Long> before = sent();
        running.near().run("sleep", "1");
        return before.size() == 2 * SLOW_EACH_WAY && sent().equals(before);
    }

    /** What the endless senders have got rid of, by connection. */
    private static List<Long> sent() {
        return Stream.of(
                        running.near().run("ss", "-Htni", "state", "established", "sport", "=", ":" + DOWNWARDS),
                        db.run("ss", "-Htni", "state", "established", "dport", "=", ":" + UPWARDS))
                .flatMap(outcome -> SENT.matcher(outcome.orThrow().out()).results())
                .map(match -> Long.valueOf(match.group(1)))
                .sorted()
                .toList();
    }

    @Test
    void hostile_tcp_of_one_guest_harms_nobody_else() throws IOException {
        Path go = running.lab().directory().resolve("go");
        LabProgram clients = running.java(db, EchoClients.class, NEAR, "7000", "42000", "20", "2000000", go.toString());
        clients.awaitText("connected 20", PATIENCE);
        try (Babbler babbler = Babbler.connect(running.socket("mail"), OneAddressNetwork.mac(2), ROUTER_MAC, 7000)) {
            babbler.babble(1, 10_000);
            Files.writeString(go, "");
            babbler.babble(2, 100_000);
            assertThat(babbler.heard()).isGreaterThan(1000);

            Outcome outcome = clients.await(PATIENCE);
            assertThat(outcome.exit()).as(outcome.describe()).isZero();
            assertThat(running.gateway().flows().stream()
                            .filter(flow -> flow.guest().equals("mail")))
                    .hasSizeLessThanOrEqualTo(OF_NONSENSE);
            assertThat(Pages.fetch(db, "http://" + NEAR + "/").out()).isEqualTo("this is near\n");
        }
        Map<String, Long> books = running.gateway().stats();
        assertThat(books.get("forwarded")
                        + books.get("answered")
                        + books.get("leftToHost")
                        + books.get("held")
                        + books.get("dropped"))
                .isEqualTo(books.get("framesIn"));
    }
}
