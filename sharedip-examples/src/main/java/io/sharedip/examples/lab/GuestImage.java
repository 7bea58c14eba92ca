package io.sharedip.examples.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The kernel and the file system of the lab's virtual machines, which the project's script makes of Debian packages. */
public final class GuestImage {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final Path directory;

    private GuestImage(Path directory) {
        this.directory = directory;
    }

    /**
     * The image that the environment variable {@code SHAREDIP_GUEST} names, or else one that is made now unless it has been before.
     *
     * @param scratch a directory for output
     * @return ready to boot
     */
    public static GuestImage get(Path scratch) {
        String made = System.getenv("SHAREDIP_GUEST");
        if (made == null || made.isBlank()) {
            Path script = Stream.of("", "..")
                    .map(up -> Path.of(up, ".ci", "guest", "build"))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow(() -> new LabException(
                            "no image of a virtual machine: set SHAREDIP_GUEST to what .ci/guest/build prints"));
            made = LabProgram.start(scratch, List.of(), List.of(script.toString()))
                    .await(PATIENCE)
                    .orThrow()
                    .out();
        }
        GuestImage image = new GuestImage(Path.of(made.strip()));
        if (!Files.isReadable(image.kernel()) || !Files.isReadable(image.initramfs())) {
            throw new LabException("no image of a virtual machine in " + image.directory
                    + ": set SHAREDIP_GUEST to what .ci/guest/build prints");
        }
        return image;
    }

    Path kernel() {
        return directory.resolve("vmlinuz");
    }

    Path initramfs() {
        return directory.resolve("initramfs");
    }
}
