package io.sharedip.examples.lab;

import static io.sharedip.examples.lab.OneAddressNetwork.NEAR;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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
    private static final Duration MINUTE = Duration.ofSeconds(60);
    private static final String ROUTER_MAC = "02:00:5e:00:00:01";
    private static final int EACH_WAY = 2;
    /** Ports of the servers that send; those that read are so much higher. */
    private static final int IDLE = 7031;

    private static final int SLOW = 7041;
    private static final int UPWARDS = 1;
    private static final String SMALL_WINDOW = ",rcvbuf=32768";
    private static final int READ_AT_LAST = 20_000_000;
    /** All buffers of one way: the kernels' at both ends of both connections, and the gateway's. */
    private static final long BUFFERS = 32 << 20;

    private static final long MOST_AT_ONCE = 200_000;
    /** A slow reader takes 600 KB in a minute, told in steps of a window; the exchange makes the minute longer where a machine is slow. */
    private static final long LEAST_READ = 50_000;

    private static final long MOST_READ = 2_000_000;
    /** For each of them the ring towards the guest that every connection may have, and the stream's buffer. */
    private static final long OF_CONNECTIONS = 4 * EACH_WAY * ((1 << 16) + (1 << 18));

    private static final long RESIDENT_SLACK = 64 << 20;
    private static final long HEAP_SLACK = 4 << 20;
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
     * For a minute nobody reads on four connections, and on four others somebody reads 10 KB a second through a small window. Meanwhile a
     * guest exchanges 30 MB each way over a cable that loses 1 %, is 20 ms long there and back, doubles 1 % and lets 5 % be overtaken. At
     * last all is read.
     */
    @Test
    void a_minute_of_slow_readers_takes_no_memory_beside_a_rough_exchange() throws IOException {
        Path read = running.lab().directory().resolve("read");
        String atLast = "head -c " + READ_AT_LAST + " | wc -c >&2";
        String idle = script("idle-reader", "while [ ! -e " + read + " ]; do sleep 1; done", atLast);
        String slow = script(
                "slow-reader", "while [ ! -e " + read + " ]; do head -c 10000 >/dev/null; sleep 1; done", atLast);
        exchangeOctets(db, 1_000_000);
        Footprint first = Footprint.of(running.host(), running.gateway().pid());
        List<LabProgram> readers = new ArrayList<>();
        readers.addAll(readers(IDLE, idle));
        readers.addAll(readers(SLOW, slow));
        Waiting.require("that the senders to idle readers are held up", PATIENCE, () -> areHeldUp(IDLE));
        Waiting.require("that the senders to slow readers have filled the way", PATIENCE, () -> areSlow(SLOW));
        List<Long> idleBefore = sent(IDLE);
        List<Long> slowBefore = sent(SLOW);
        assertThat(idleBefore)
                .hasSize(2 * EACH_WAY)
                .allSatisfy(octets -> assertThat(octets).isLessThan(BUFFERS));
        long begin = System.nanoTime();

        List<Long> resident = new ArrayList<>();
        ScheduledExecutorService sampling = Executors.newSingleThreadScheduledExecutor();
        try {
            var unused = sampling.scheduleAtFixedRate(
                    () -> resident.add(Footprint.resident(running.gateway().pid())), 0, 5, TimeUnit.SECONDS);
            LabProgram wire = running.joinRoughly("web", 10, 10, 10, 50);
            exchangeOctets(running.network().guest("web"), Long.getLong("sharedip.lab.rough.octets", 30_000_000));
            assertThat(wire.stop().out()).containsPattern("lost [1-9]\\d+ doubled [1-9]\\d+ overtaken [1-9]\\d+");
            Waiting.require("the end of a minute", PATIENCE, () -> System.nanoTime() - begin > MINUTE.toNanos());
        } finally {
            sampling.shutdownNow();
        }
        assertThat(sent(IDLE)).isEqualTo(idleBefore);
        assertThat(sent(SLOW))
                .zipSatisfy(slowBefore, (now, then) -> assertThat(now - then).isBetween(LEAST_READ, MOST_READ));
        assertThat(resident)
                .hasSizeGreaterThanOrEqualTo((int) MINUTE.toSeconds() / 5)
                .allSatisfy(
                        octets -> assertThat(octets).isLessThan(first.resident() + OF_CONNECTIONS + RESIDENT_SLACK));
        assertThat(Footprint.of(running.host(), running.gateway().pid()).heap())
                .isLessThan(first.heap() + OF_CONNECTIONS + HEAP_SLACK);

        Files.writeString(read, "");
        for (LabProgram reader : readers) {
            Waiting.require(
                    "what is read at last",
                    PATIENCE,
                    () -> reader.err()
                                    .lines()
                                    .filter(line -> line.strip().equals(Integer.toString(READ_AT_LAST)))
                                    .count()
                            == EACH_WAY);
        }
    }

    private static void exchangeOctets(LabMachine guest, long octets) {
        running.exchange(guest, octets, octets, PATIENCE);
    }

    /** Begins as many connections each way, and gives the programs at their reading ends. */
    private static List<LabProgram> readers(int port, String reader) {
        String listen = ",fork,reuseaddr";
        endless(running.near(), "TCP-LISTEN:" + port + listen);
        LabProgram nearReads =
                running.near().start("socat", "-u", "TCP-LISTEN:" + (port + UPWARDS) + listen + SMALL_WINDOW, reader);
        Listening.await(running.near(), "tcp", port, PATIENCE);
        Listening.await(running.near(), "tcp", port + UPWARDS, PATIENCE);
        String connect = "socat -u TCP:" + NEAR + ":" + port + SMALL_WINDOW + " '" + reader + "' &";
        LabProgram guestReads = db.start("sh", "-c", (connect + "\n").repeat(EACH_WAY) + "wait");
        IntStream.range(0, EACH_WAY).forEach(i -> endless(db, "TCP:" + NEAR + ":" + (port + UPWARDS)));
        return List.of(nearReads, guestReads);
    }

    private static LabProgram endless(LabMachine machine, String to) {
        return machine.start("socat", "-u", "OPEN:/dev/zero,rdonly", to);
    }

    /** What socat is to give its input to. */
    private static String script(String name, String... lines) throws IOException {
        Path file = running.lab().directory().resolve(name);
        Files.write(file, List.of(lines));
        return "EXEC:sh " + file;
    }

    private static boolean areHeldUp(int port) {
        List<Long> before = sent(port);
        running.near().run("sleep", "1");
        return before.size() == 2 * EACH_WAY && sent(port).equals(before);
    }

    private static boolean areSlow(int port) {
        List<Long> before = sent(port);
        running.near().run("sleep", "2");
        List<Long> after = sent(port);
        return before.size() == 2 * EACH_WAY
                && after.size() == before.size()
                && IntStream.range(0, after.size()).allMatch(i -> after.get(i) - before.get(i) < MOST_AT_ONCE);
    }

    /** What the endless senders have got rid of, by connection. */
    private static List<Long> sent(int port) {
        return Stream.of(
                        running.near().run("ss", "-Htni", "state", "established", "sport", "=", ":" + port),
                        db.run("ss", "-Htni", "state", "established", "dport", "=", ":" + (port + UPWARDS)))
                .flatMap(outcome -> SENT.matcher(outcome.orThrow().out())
                        .results()
                        .map(match -> Long.valueOf(match.group(1)))
                        .sorted())
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
