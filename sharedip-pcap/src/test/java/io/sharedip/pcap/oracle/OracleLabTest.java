package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Oracle.Divergence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The Linux kernel as an oracle: its own translation and the engine get the same frames, and after each frame the same must have come
 * out of both, but for the table of intended differences.
 *
 * <p>{@code -Doracle.seeds=} and {@code -Doracle.first=} choose other seeds. A case that fails is printed in its shortest form; kept in a
 * file below {@code src/test/resources/oracle} it is played in every run.
 */
@Tag("lab")
class OracleLabTest {

    private static final Path CASES = Path.of("src/test/resources/oracle");
    private static final int SEEDS = 2_400;
    private static final int LEAST_FRAMES = 200_000;
    private static final int SHOWN = 5;

    private static KernelNat kernel;

    @BeforeAll
    static void build() {
        kernel = new KernelNat();
    }

    @AfterAll
    static void remove() {
        if (kernel != null) {
            kernel.close();
        }
    }

    @Test
    void the_kernel_and_the_engine_say_the_same_of_every_frame() {
        int seeds = Integer.getInteger("oracle.seeds", SEEDS);
        long first = Long.getLong("oracle.first", 1);
        long start = System.nanoTime();
        List<String> divergences = new ArrayList<>();
        List<Long> accidents = new ArrayList<>();
        try (EngineNat engine = new EngineNat()) {
            Oracle oracle = new Oracle(kernel, engine);
            for (long seed = first; seed < first + seeds; seed++) {
                List<Step> steps = Scenario.of(seed);
                Divergence found = oracle.play(steps, true);
                if (found != null && oracle.play(steps, false) == null) {
                    // a pause of a second lets the kernel forget fragments
                    accidents.add(seed);
                } else if (found != null) {
                    divergences.add(divergences.size() < SHOWN ? shrunk(oracle, seed, steps, found) : "seed " + seed);
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            System.out.printf(
                    "oracle: seeds %d to %d, %.0f s, %.0f frames a second%n%s",
                    first, first + seeds - 1, seconds, oracle.frames() / seconds, oracle.report());
            if (!accidents.isEmpty()) {
                System.out.println("oracle: differed once and not again: seeds " + accidents);
            }
            assertThat(divergences)
                    .as("seeds on which the kernel and the engine differ")
                    .isEmpty();
            assertThat(accidents).as("seeds that differed once and not again").hasSizeLessThanOrEqualTo(seeds / 200);
            if (seeds >= SEEDS) {
                assertThat(oracle.frames()).isGreaterThanOrEqualTo(LEAST_FRAMES);
                assertThat(oracle.differences().keySet())
                        .as("intended differences that occur")
                        .containsExactlyInAnyOrder(Difference.values());
            }
        }
    }

    private static String shrunk(Oracle oracle, long seed, List<Step> steps, Divergence found) {
        List<Step> shortest = oracle.shrunk(steps, found);
        Divergence last = oracle.play(shortest, false);
        StringBuilder s = new StringBuilder("seed " + seed + ", step " + found.index() + ", shrunk:\n");
        shortest.forEach(step -> s.append(step.format()).append('\n'));
        return s.append(last == null ? "(did not occur again) " + found.what() : last.what())
                .toString();
    }

    static Stream<Path> cases() throws IOException {
        try (Stream<Path> files = Files.list(CASES)) {
            return files.filter(f -> f.toString().endsWith(".case")).sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void cases_that_once_differed_do_so_no_more(Path file) throws IOException {
        List<Step> steps = Files.readAllLines(file).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(Step::parse)
                .toList();
        try (EngineNat engine = new EngineNat()) {
            assertThat(new Oracle(kernel, engine).play(steps, false)).isNull();
        }
    }

    /** Engines with a fault, which the oracle must find. */
    enum Fault {
        WRONG_CHECKSUM(frame -> changed(frame, 17, 40)),
        UNTRANSLATED_TIME_TO_LIVE(frame -> changed(frame, 6, 22)),
        WRONG_SEQUENCE_NUMBER(frame -> changed(frame, 6, 41)),
        WRONG_DATA(frame -> changed(frame, 17, frame.length - 1)),
        SWALLOWED(frame -> frame[23] == 17 && frame.length % 16 == 3 ? new byte[0] : frame);

        private final UnaryOperator<byte[]> fault;

        Fault(UnaryOperator<byte[]> fault) {
            this.fault = fault;
        }

        private static byte[] changed(byte[] frame, int protocol, int at) {
            if (frame.length > at && frame[23] == protocol && frame.length % 16 == 3) {
                Octets.put8(frame, at, Octets.u8(frame, at) ^ 1);
            }
            return frame;
        }

        List<Nat.Emission> on(List<Nat.Emission> emissions) {
            return emissions.stream()
                    .map(e -> new Nat.Emission(e.link(), fault.apply(e.frame())))
                    .filter(e -> e.frame().length > 0)
                    .toList();
        }
    }

    private record Faulty(EngineNat engine, Fault fault) implements Nat {
        @Override
        public void reset() {
            engine.reset();
        }

        @Override
        public List<Emission> exchange(int link, byte[] frame) {
            return fault.on(engine.exchange(link, frame));
        }

        @Override
        public void close() {
            engine.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_engine_with_a_fault_is_found_and_the_case_shrinks_to_a_few_frames(Fault fault) {
        try (Faulty faulty = new Faulty(new EngineNat(), fault)) {
            Oracle oracle = new Oracle(kernel, faulty);
            for (long seed = 1; seed < 50; seed++) {
                List<Step> steps = Scenario.of(seed);
                Divergence found = oracle.play(steps, false);
                if (found != null) {
                    List<Step> shortest = oracle.shrunk(steps, found);
                    assertThat(shortest).hasSizeBetween(1, 4);
                    return;
                }
            }
        }
        assertThat(fault).as("a fault that the oracle did not find").isNull();
    }
}
