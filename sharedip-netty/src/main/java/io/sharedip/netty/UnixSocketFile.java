package io.sharedip.netty;

import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The file of a unix socket: makes one for the owner alone, in the place of a dead process's at most, and removes it. */
final class UnixSocketFile {

    /** What Java takes: two less than the kernel's {@code sun_path}, 108 octets on Linux, 104 on macOS and the BSDs. */
    static final int LONGEST = System.getProperty("os.name", "Linux").startsWith("Linux") ? 106 : 102;

    private static final Charset NAMES = names();
    private static final int TYPE = 0170000;
    private static final int SOCKET = 0140000;
    private static final int ATTEMPTS = 20;

    /** Binds a socket. */
    @FunctionalInterface
    interface Binding {
        void bind(Path at) throws IOException;
    }

    /** Says whether the socket of a file still belongs to somebody. */
    @FunctionalInterface
    interface Probe {
        boolean isAlive(Path path) throws IOException;
    }

    private final String link;
    private final Path path;
    private final @Nullable Object key;

    private UnixSocketFile(String link, Path path, @Nullable Object key) {
        this.link = link;
        this.path = path;
        this.key = key;
    }

    private static Charset names() {
        try {
            return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        } catch (IllegalArgumentException e) {
            return StandardCharsets.UTF_8;
        }
    }

    /** The octets of a path, as the kernel is given them. */
    static byte[] octets(String path) {
        return path.getBytes(NAMES);
    }

    /**
     * Reads a path that stands in a text.
     *
     * @throws ConfigurationException if it can be none
     */
    static Path parse(String setting, String text, int from, int to, String forms) {
        String path = text.substring(from, to);
        if (path.isEmpty()) {
            throw new SyntaxException(setting, text, from, "has no path", forms);
        }
        if (path.endsWith("/")) {
            throw new SyntaxException(setting, text, to - 1, "names a directory", "name a file in it");
        }
        int length = octets(path).length;
        if (length > LONGEST) {
            throw new ConfigurationException(
                    setting,
                    text,
                    "has a path of " + length + " octets, and a unix socket's may have " + LONGEST,
                    "put the socket into a directory nearer to the root, such as /run");
        }
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            throw new SyntaxException(
                    setting, text, from + Math.max(0, e.getIndex()), "is no path on this system", forms);
        }
    }

    /**
     * Binds inside a directory that nobody else may enter and moves the socket into its place when it is ready: there is no moment at
     * which others could connect, and a stale file is replaced in one step. Only where nothing may be added to a path that is long
     * already the socket is bound in its place.
     *
     * @param link name for messages
     * @throws LinkException if that cannot be; nothing is left behind but the socket, which the caller closes
     */
    static UnixSocketFile bindHidden(String link, Path path, Probe probe, Binding binding) {
        return bind(link, path, () -> {
            boolean stale = isStale(link, path, probe);
            Path hidden = makeDirectory(path);
            try {
                Path socket = hidden.resolve("s");
                if (octets(socket.toString()).length > LONGEST) {
                    inPlace(path, stale, binding);
                    return;
                }
                try {
                    binding.bind(socket);
                    restrict(socket);
                    Files.move(socket, path, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    Files.deleteIfExists(socket);
                }
            } finally {
                Files.deleteIfExists(hidden);
            }
        });
    }

    /** Binds in its place, for a socket whose name others see. */
    static UnixSocketFile bindInPlace(String link, Path path, Probe probe, Binding binding) {
        return bind(link, path, () -> inPlace(path, isStale(link, path, probe), binding));
    }

    @FunctionalInterface
    private interface Action {
        void run() throws IOException;
    }

    private static UnixSocketFile bind(String link, Path path, Action action) {
        try {
            Path directory = path.toAbsolutePath().getParent();
            if (directory != null && !Files.isDirectory(directory)) {
                throw new LinkException(
                        link,
                        "the directory " + directory + " does not exist",
                        "create it, or name a path in another one",
                        null);
            }
            action.run();
            return new UnixSocketFile(link, path, key(path));
        } catch (AccessDeniedException e) {
            throw new LinkException(
                    link,
                    "this process may not create " + path,
                    "give it the right to write to the directory, or name a path in another one",
                    e);
        } catch (IOException e) {
            throw new LinkException(link, "cannot listen on " + path + ": " + e.getMessage(), null, e);
        }
    }

    private static void inPlace(Path path, boolean stale, Binding binding) throws IOException {
        if (stale) {
            Files.deleteIfExists(path);
        }
        binding.bind(path);
        try {
            restrict(path);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(path);
            throw e;
        }
    }

    private static Path makeDirectory(Path path) throws IOException {
        Path parent = path.getParent();
        Path directory = parent != null ? parent : Path.of("");
        for (int attempt = 1; ; attempt++) {
            // short, since the kernel counts
            Path hidden = directory.resolve(
                    ".q" + Integer.toString(ThreadLocalRandom.current().nextInt(36 * 36 * 36 * 36), 36));
            try {
                return make(hidden);
            } catch (FileAlreadyExistsException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private static Path make(Path directory) throws IOException {
        try {
            return Files.createDirectory(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (UnsupportedOperationException e) {
            return Files.createDirectory(directory);
        }
    }

    /** Whether a dead process's socket is there; one that is alive, or another kind of file, is an error. */
    private static boolean isStale(String link, Path path, Probe probe) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        if (!isSocket(path)) {
            throw new LinkException(
                    link, path + " is there already and is not a socket", "remove it, or name another path", null);
        }
        if (probe.isAlive(path)) {
            throw new LinkException(
                    link,
                    path + " is in use by another process",
                    "stop that process (ss -xlp names it) or name another path",
                    null);
        }
        return true;
    }

    private static boolean isSocket(Path path) throws IOException {
        try {
            Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            return mode instanceof Integer bits && (bits & TYPE) == SOCKET;
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther();
        }
    }

    private static void restrict(Path socket) throws IOException {
        try {
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
        } catch (UnsupportedOperationException ignored) {
            // a system without such permissions: the directory's have to do
        }
    }

    private static @Nullable Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /** Removes the file, unless another process has put its own in the place meanwhile. */
    void remove() {
        try {
            if (Objects.equals(key, key(path))) {
                Files.delete(path);
            }
        } catch (IOException ignored) {
            // gone already, or no longer ours to remove; the next start replaces it
        }
    }

    /** The link's name and the path, for debugging. */
    @Override
    public String toString() {
        return link + " at " + path;
    }
}
