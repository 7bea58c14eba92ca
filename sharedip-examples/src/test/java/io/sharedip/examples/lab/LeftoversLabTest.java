package io.sharedip.examples.lab;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

@Tag("lab")
class LeftoversLabTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int FILES = 2_000;

    @TempDir
    private Path scratch;

    @RepeatedTest(3)
    void labs_that_open_at_once_remove_what_a_killed_one_has_left() throws Exception {
        Path directory = killedLab();
        Callable<Boolean> open = () -> {
            try (Lab lab = Lab.open()) {
                return Files.isDirectory(lab.directory());
            }
        };

        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            for (Future<Boolean> opened : threads.invokeAll(List.of(open, open, open))) {
                assertThat(opened.get()).isTrue();
            }
        } finally {
            threads.shutdown();
        }

        assertThat(directory).doesNotExist();
        assertThat(Waiting.until(
                        PATIENCE,
                        () -> !here("ip", "netns", "list")
                                .out()
                                .contains(directory.getFileName().toString())))
                .isTrue();
    }

    /**
     * A directory with files and a namespace of its name, as of a lab whose process has died. It is whole before it has that
     * name, since a lab of another test may find it at once.
     */
    private Path killedLab() throws IOException, InterruptedException {
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        Path made = Files.createTempDirectory("sharedip-killed-");
        for (int i = 0; i < FILES; i++) {
            Files.createTempFile(made, "program", ".err");
        }
        String name = "sharedip-lab-" + dead.pid() + "-killed";
        here("ip", "netns", "add", name).orThrow();
        return Files.move(made, made.resolveSibling(name));
    }

    private Outcome here(String... command) {
        return LabProgram.start(scratch, List.of(), List.of(command)).await(PATIENCE);
    }
}
