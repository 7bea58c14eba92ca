package io.sharedip.examples.gateway.control;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Where the control socket is if nobody says otherwise. Gateway and commands must come to the same answer. */
public final class ControlPath {

    /** The socket's name in its directory. */
    static final String NAME = "sharedip-gateway.sock";

    private static final int EFFECTIVE = 2;

    private ControlPath() {}

    /**
     * The first of: what the command line says, what the file says, the user's runtime directory, a private directory of the user
     * under the temporary directory.
     *
     * @param option what the command line says
     * @param file what the file says
     * @return the socket's path
     */
    public static Path choose(Optional<Path> option, Optional<Path> file) {
        return option.or(() -> file)
                .orElseGet(() -> fallback(System.getenv(), Path.of(System.getProperty("java.io.tmpdir"))));
    }

    /** The temporary directory itself belongs to everybody, so there the socket gets a directory of its own. */
    static Path fallback(Map<String, String> environment, Path temporary) {
        String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        // The specification says that a relative path is to be ignored.
        return runtime.startsWith("/")
                ? Path.of(runtime, NAME)
                : temporary.resolve("sharedip-gateway-" + uid()).resolve(NAME);
    }

    /** On Linux, {@link UnixSystem} of Java 17 says 0 for a user who is not in the password file. */
    static long uid() {
        try (Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
            return status.filter(line -> line.startsWith("Uid:"))
                    .map(line -> Long.parseLong(line.split("\\s+")[EFFECTIVE]))
                    .findFirst()
                    .orElseGet(() -> new UnixSystem().getUid());
        } catch (IOException e) {
            return new UnixSystem().getUid();
        }
    }
}
