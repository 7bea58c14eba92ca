package io.sharedip.nat.internal.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A guest that speaks nonsense harms nothing: the corpus of the fuzz test, and programs of random octets. */
class TcpProgramTest {

    static Stream<Path> programs() throws IOException, URISyntaxException {
        Path directory =
                Path.of(Objects.requireNonNull(TcpProgramTest.class.getResource("TcpEndpointFuzzInputs/segments"))
                        .toURI());
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("programs")
    void a_program_of_the_corpus_keeps_the_rules_and_does_the_same_twice(Path file) throws IOException {
        byte[] program = Files.readAllBytes(file);
        assertThat(new TcpProgram(program).run()).isEqualTo(new TcpProgram(program).run());
    }

    @Test
    void random_programs_keep_the_rules() {
        for (long seed = 0; seed < 2_000; seed++) {
            Random random = new Random(seed);
            byte[] program = new byte[20 + random.nextInt(400)];
            random.nextBytes(program);
            if (random.nextBoolean()) {
                // opens the connection, so that what follows meets an open one
                byte[] opening = {0, 5, 15, 12, 7, 5, 0};
                System.arraycopy(opening, 0, program, 0, opening.length);
            }
            try {
                new TcpProgram(program).run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }
}
