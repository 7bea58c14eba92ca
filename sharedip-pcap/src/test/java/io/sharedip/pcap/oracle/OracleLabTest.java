package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.pcap.oracle.Oracle.Divergence;
import io.sharedip.pcap.oracle.Oracle.Judgement;
import io.sharedip.pcap.oracle.Oracle.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
    private static final int MOST_FORGIVEN = 2;
    private static final int FAULT_SEEDS = 1_000;

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
        List<Long> forgiven = new ArrayList<>();
        try (EngineNat engine = new EngineNat()) {
            Oracle oracle = new Oracle(kernel, engine);
            for (long seed = first; seed < first + seeds; seed++) {
                List<Step> steps = Scenario.of(seed);
                Judgement judged = oracle.judge(steps);
                if (judged.verdict() == Verdict.FORGIVEN) {
                    forgiven.add(seed);
                } else if (judged.verdict() == Verdict.DIFFER) {
                    divergences.add(divergences.size() < SHOWN ? told(oracle, seed, steps, judged) : "seed " + seed);
                }
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            System.out.printf(
                    "oracle: seeds %d to %d, %.0f s, %.0f frames a second%n%s",
                    first, first + seeds - 1, seconds, oracle.frames() / seconds, oracle.report());
            if (!forgiven.isEmpty()) {
                System.out.println(
                        "oracle: differed after a pause between fragments, and not again: seeds " + forgiven);
            }
            assertThat(divergences)
                    .as("seeds on which the kernel and the engine differ")
                    .isEmpty();
            assertThat(forgiven)
                    .as("seeds that differed after a pause between fragments, and not again")
                    .hasSizeLessThanOrEqualTo(MOST_FORGIVEN);
            if (seeds >= SEEDS) {
                assertThat(oracle.frames()).isGreaterThanOrEqualTo(LEAST_FRAMES);
                assertThat(oracle.differences().keySet())
                        .as("intended differences that occur")
                        .containsExactlyInAnyOrder(Difference.values());
                oracle.differences()
                        .forEach((difference, count) -> assertThat(count)
                                .as("how often %s occurs", difference)
                                .isLessThanOrEqualTo(oracle.frames() * difference.mostOfMillion() / 1_000_000));
            }
        }
    }

    private static String told(Oracle oracle, long seed, List<Step> steps, Judgement judged) {
        Divergence found = Objects.requireNonNull(judged.found());
        if (!judged.again()) {
            return "seed " + seed + ", step " + found.index() + ", once and not again, "
                    + found.pauseNanos() / 1_000_000 + " ms after its first fragment:\n"
                    + found.step().format() + "\n" + found.what();
        }
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

    @ParameterizedTest
    @EnumSource
    void an_engine_with_a_fault_is_found_and_the_case_shrinks_to_a_few_frames(Fault fault) {
        try (Nat faulty = fault.in(new EngineNat())) {
            Oracle oracle = new Oracle(kernel, faulty);
            for (long seed = 1; seed < FAULT_SEEDS; seed++) {
                List<Step> steps = Scenario.of(seed);
                Divergence found = oracle.play(steps, false);
                if (found != null) {
                    assertThat(oracle.shrunk(steps, found)).hasSizeBetween(1, 4);
                    return;
                }
            }
        }
        assertThat(fault).as("a fault that the oracle did not find").isNull();
    }
}
