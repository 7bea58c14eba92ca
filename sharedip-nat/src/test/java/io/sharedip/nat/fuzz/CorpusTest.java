package io.sharedip.nat.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.nat.internal.snapshot.Snapshot;
import io.sharedip.nat.internal.snapshot.SnapshotReader;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Replays the corpus of the fuzz tests, which is kept with the sources, and programs of random octets. */
class CorpusTest {

    private static List<Path> corpus(String directory) throws IOException, URISyntaxException {
        URL url = Objects.requireNonNull(CorpusTest.class.getResource(directory), directory);
        try (Stream<Path> files = Files.list(Path.of(url.toURI()))) {
            return files.sorted().toList();
        }
    }

    static List<Path> framePrograms() throws IOException, URISyntaxException {
        return corpus("FrameEntryFuzzInputs/frames");
    }

    @ParameterizedTest
    @MethodSource("framePrograms")
    void a_frame_program_of_the_corpus_keeps_the_invariants_and_does_the_same_twice(Path file) throws IOException {
        byte[] program = Files.readAllBytes(file);
        assertThat(new FrameProgram(program).run()).isEqualTo(new FrameProgram(program).run());
    }

    static List<Path> socketPrograms() throws IOException, URISyntaxException {
        return corpus("SocketFrameFuzzInputs/frames");
    }

    @ParameterizedTest
    @MethodSource("socketPrograms")
    void a_program_of_a_gateway_over_sockets_keeps_the_invariants_and_does_the_same_twice(Path file)
            throws IOException {
        byte[] program = Files.readAllBytes(file);
        assertThat(new SocketProgram(program).run()).isEqualTo(new SocketProgram(program).run());
    }

    static List<Path> snapshots() throws IOException, URISyntaxException {
        return corpus("SnapshotReaderFuzzInputs/snapshots");
    }

    @ParameterizedTest
    @MethodSource("snapshots")
    void a_snapshot_of_the_corpus_is_read_or_refused(Path file) throws IOException {
        boolean good = file.getFileName().toString().startsWith("good");
        boolean accepted = new SnapshotInput(Files.readAllBytes(file)).run();
        assertThat(accepted || !good).isTrue();
    }

    @Test
    void the_flows_of_snapshots_that_such_a_gateway_has_written_are_there_again()
            throws IOException, URISyntaxException {
        for (Path file : snapshots()) {
            if (file.getFileName().toString().startsWith("good-of-")) {
                Snapshot snapshot = SnapshotReader.read(Files.readAllBytes(file));
                RestoreProgram plain = new RestoreProgram(snapshot, 4);
                RestoreProgram full = new RestoreProgram(snapshot, 7);
                plain.run();
                full.run();
                assertThat(plain.restored() + full.restored())
                        .as(file.toString())
                        .isPositive();
            }
        }
    }

    static List<Path> dhcpMessages() throws IOException, URISyntaxException {
        return corpus("DhcpServerFuzzInputs/messages");
    }

    @ParameterizedTest
    @MethodSource("dhcpMessages")
    void a_dhcp_message_of_the_corpus_is_answered_soundly_or_refused(Path file) throws IOException {
        boolean good = file.getFileName().toString().startsWith("good");
        boolean answered = new DhcpInput(Files.readAllBytes(file)).run();
        assertThat(answered || !good).isTrue();
    }

    @Test
    void random_dhcp_options_harm_nothing() {
        Random random = new Random(2131);
        for (int i = 0; i < 20_000; i++) {
            byte[] message = new byte[240 + random.nextInt(100)];
            random.nextBytes(message);
            // a type that reaches the server's decisions
            if (message.length > 242) {
                message[240] = 53;
                message[241] = 1;
                message[242] = (byte) (1 + random.nextInt(8));
            }
            new DhcpInput(message).run();
        }
    }

    @Test
    void random_frame_programs_keep_the_invariants() {
        Random random = new Random(5382);
        for (int i = 0; i < 500; i++) {
            byte[] program = new byte[20 + random.nextInt(400)];
            random.nextBytes(program);
            new FrameProgram(program).run();
        }
    }

    @Test
    void random_programs_of_a_gateway_over_sockets_keep_the_invariants() {
        Random random = new Random(9293);
        for (int i = 0; i < 500; i++) {
            byte[] program = new byte[20 + random.nextInt(400)];
            random.nextBytes(program);
            new SocketProgram(program).run();
        }
    }
}
