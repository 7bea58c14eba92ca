package io.sharedip.netty;

import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where a stream is listened for. Immutable; holds nothing until {@link #bind}. */
abstract sealed class StreamAddress {

    static final String SETTING = "qemu-stream";

    private static final String UNIX = "unix:";
    private static final String TCP = "tcp:";
    private static final String FORMS =
            "write unix:PATH or tcp:HOST:PORT, such as unix:/run/vm1.sock or tcp:127.0.0.1:5001";

    private final String text;

    private StreamAddress(String text) {
        this.text = text;
    }

    /** The way it was written. */
    @Override
    public String toString() {
        return text;
    }

    /**
     * Listens.
     *
     * @param link name for messages
     * @throws LinkException if that cannot be; nothing is left behind
     */
    abstract Bound bind(String link);

    /** A socket that listens, and what must be undone when it is closed. */
    interface Bound {

        SocketAddress address();

        /** Hands the socket over to Netty, once; the channel then owns it. */
        ServerChannel channel();

        /** Undoes what lies outside the socket, which has been closed. */
        void clean();
    }

    static StreamAddress parse(String text) {
        Objects.requireNonNull(text, "text");
        if (text.startsWith(UNIX)) {
            return new Unix(text, path(text));
        }
        if (text.startsWith(TCP)) {
            return tcp(text);
        }
        throw new SyntaxException(SETTING, text, 0, "begins with neither 'unix:' nor 'tcp:'", FORMS);
    }

    private static Path path(String text) {
        String path = text.substring(UNIX.length());
        if (path.isEmpty()) {
            throw new SyntaxException(SETTING, text, text.length(), "has no path", FORMS);
        }
        if (path.endsWith("/")) {
            throw new SyntaxException(SETTING, text, text.length() - 1, "names a directory", "name a file in it");
        }
        int length = path.getBytes(Unix.NAMES).length;
        if (length > Unix.LONGEST) {
            throw new ConfigurationException(
                    SETTING,
                    text,
                    "has a path of " + length + " octets, and a unix socket's may have " + Unix.LONGEST,
                    "put the socket into a directory nearer to the root, such as /run");
        }
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            int at = UNIX.length() + Math.max(0, e.getIndex());
            throw new SyntaxException(SETTING, text, at, "is no path on this system", FORMS);
        }
    }

    private static StreamAddress tcp(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < TCP.length()) {
            throw new SyntaxException(SETTING, text, text.length(), "has no port", FORMS);
        }
        String host = text.substring(TCP.length(), colon);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (bracketed) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw new SyntaxException(
                    SETTING,
                    text,
                    TCP.length() + host.indexOf(':'),
                    "has a colon in its host",
                    "put an IPv6 address into brackets: tcp:[::1]:5001");
        }
        if (host.isBlank()) {
            throw new SyntaxException(
                    SETTING,
                    text,
                    TCP.length(),
                    "has no host",
                    "name the address to listen on, such as tcp:127.0.0.1:5001 for this machine alone");
        }
        String digits = text.substring(colon + 1);
        int port = 0;
        boolean number = !digits.isEmpty() && digits.length() <= 5;
        for (int i = 0; number && i < digits.length(); i++) {
            char c = digits.charAt(i);
            number = c >= '0' && c <= '9';
            port = 10 * port + (c - '0');
        }
        if (!number || port > 65535) {
            throw new SyntaxException(SETTING, text, colon + 1, "has no port that is a number of 0 to 65535", FORMS);
        }
        return new Tcp(text, host, port);
    }

    private static LinkException failure(
            String link, String problem, @Nullable String cure, @Nullable Throwable cause) {
        return new LinkException(link, problem, cure, cause);
    }

    private static void closeQuietly(ServerSocketChannel socket) {
        try {
            socket.close();
        } catch (IOException ignored) {
            // nothing depends on it: the caller reports what went wrong before
        }
    }

    /** A TCP address; the host is looked up when it is bound. */
    static final class Tcp extends StreamAddress {

        private final String host;
        private final int port;

        private Tcp(String text, String host, int port) {
            super(text);
            this.host = host;
            this.port = port;
        }

        @Override
        Bound bind(String link) {
            InetAddress address;
            try {
                address = InetAddress.getByName(host);
            } catch (UnknownHostException e) {
                throw failure(
                        link,
                        "the host '" + host + "' is not known",
                        "name an address of this machine, such as 127.0.0.1",
                        e);
            }
            ServerSocketChannel socket = null;
            try {
                socket = ServerSocketChannel.open();
                if (!System.getProperty("os.name", "").startsWith("Windows")) {
                    // a restarted gateway is not kept waiting by old connections; on Windows this would allow two
                    // listeners
                    socket.setOption(StandardSocketOptions.SO_REUSEADDR, true);
                }
                socket.bind(new InetSocketAddress(address, port));
                return new BoundTcp(socket, socket.getLocalAddress());
            } catch (IOException e) {
                if (socket != null) {
                    closeQuietly(socket);
                }
                throw explain(link, e);
            }
        }

        LinkException explain(String link, IOException e) {
            String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
            if (message.contains("permission") || message.contains("denied")) {
                return failure(
                        link,
                        "this process may not listen on port " + port,
                        port < 1024
                                ? "choose a port of 1024 or more, or give the process CAP_NET_BIND_SERVICE"
                                : "choose another port",
                        e);
            }
            if (message.contains("assign")) {
                return failure(
                        link,
                        host + " is not an address of this machine",
                        "listen on 127.0.0.1 or on a card's address",
                        e);
            }
            if (e instanceof BindException) {
                return failure(
                        link,
                        "port " + port + " of " + host + " is in use by another program",
                        "stop that program (ss -ltnp names it) or choose another port",
                        e);
            }
            return failure(link, "cannot listen: " + e.getMessage(), null, e);
        }
    }

    private record BoundTcp(ServerSocketChannel socket, SocketAddress address) implements Bound {

        @Override
        public ServerChannel channel() {
            return new NioServerSocketChannel(socket);
        }

        @Override
        public void clean() {}
    }

    /** A unix socket's path. */
    static final class Unix extends StreamAddress {

        /** What Java takes: two less than the kernel's {@code sun_path}, 108 octets on Linux, 104 on macOS and the BSDs. */
        static final int LONGEST = System.getProperty("os.name", "Linux").startsWith("Linux") ? 106 : 102;

        private static final Charset NAMES = names();
        private static final int TYPE = 0170000;
        private static final int SOCKET = 0140000;

        private final Path path;

        private Unix(String text, Path path) {
            super(text);
            this.path = path;
        }

        private static Charset names() {
            try {
                return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
            } catch (IllegalArgumentException e) {
                return StandardCharsets.UTF_8;
            }
        }

        @Override
        Bound bind(String link) {
            try {
                Path directory = path.toAbsolutePath().getParent();
                if (directory != null && !Files.isDirectory(directory)) {
                    throw failure(
                            link,
                            "the directory " + directory + " does not exist",
                            "create it, or name a path in another one",
                            null);
                }
                boolean stale = leftBehind(link);
                Path hidden = Files.createTempDirectory(directory(), ".q");
                try {
                    Path socket = hidden.resolve("s");
                    return socket.toString().getBytes(NAMES).length > LONGEST ? bindInPlace(stale) : bindHidden(socket);
                } finally {
                    Files.deleteIfExists(hidden);
                }
            } catch (AccessDeniedException e) {
                throw failure(
                        link,
                        "this process may not create " + path,
                        "give it the right to write to the directory, or name a path in another one",
                        e);
            } catch (IOException e) {
                throw failure(link, "cannot listen on " + path + ": " + e.getMessage(), null, e);
            }
        }

        private Path directory() {
            Path parent = path.getParent();
            return parent != null ? parent : Path.of("");
        }

        /** Whether a dead process's socket is there; one that is alive, or another kind of file, is an error. */
        private boolean leftBehind(String link) throws IOException {
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                return false;
            }
            if (!isSocket()) {
                throw failure(
                        link, path + " is there already and is not a socket", "remove it, or name another path", null);
            }
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                probe.configureBlocking(false); // a full backlog must not stop us
                probe.connect(UnixDomainSocketAddress.of(path));
            } catch (ConnectException nobodyListens) {
                return true;
            } catch (NoSuchFileException goneMeanwhile) {
                return false;
            }
            throw failure(
                    link,
                    path + " is in use by another process",
                    "stop that process (ss -xlp names it) or name another path",
                    null);
        }

        private boolean isSocket() throws IOException {
            try {
                Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
                return mode instanceof Integer bits && (bits & TYPE) == SOCKET;
            } catch (UnsupportedOperationException | IllegalArgumentException e) {
                return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther();
            }
        }

        /**
         * Binds inside a directory that nobody else may enter and moves the socket into its place when it is ready: there is
         * no moment at which others could connect, and a stale file is replaced in one step.
         */
        private Bound bindHidden(Path hidden) throws IOException {
            ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                socket.bind(UnixDomainSocketAddress.of(hidden));
                restrict(hidden);
                Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
                return new BoundUnix(socket, path, key());
            } catch (IOException | RuntimeException e) {
                closeQuietly(socket);
                Files.deleteIfExists(hidden);
                throw e;
            }
        }

        /** For a path so long that nothing may be added to it. */
        private Bound bindInPlace(boolean stale) throws IOException {
            if (stale) {
                Files.deleteIfExists(path);
            }
            ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                socket.bind(UnixDomainSocketAddress.of(path));
            } catch (IOException | RuntimeException e) {
                closeQuietly(socket);
                throw e;
            }
            try {
                restrict(path);
                return new BoundUnix(socket, path, key());
            } catch (IOException | RuntimeException e) {
                closeQuietly(socket);
                Files.deleteIfExists(path);
                throw e;
            }
        }

        private static void restrict(Path socket) throws IOException {
            try {
                Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
            } catch (UnsupportedOperationException ignored) {
                // a system without such permissions: the directory's have to do
            }
        }

        private @Nullable Object key() throws IOException {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey();
        }
    }

    private record BoundUnix(
            ServerSocketChannel socket, Path path, @Nullable Object key) implements Bound {

        @Override
        public SocketAddress address() {
            return UnixDomainSocketAddress.of(path);
        }

        @Override
        public ServerChannel channel() {
            return new NioServerDomainSocketChannel(socket);
        }

        /** Removes the file, unless another process has put its own in the place meanwhile. */
        @Override
        public void clean() {
            try {
                BasicFileAttributes now =
                        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                if (Objects.equals(key, now.fileKey())) {
                    Files.delete(path);
                }
            } catch (IOException ignored) {
                // gone already, or no longer ours to remove; the next start replaces it
            }
        }
    }
}
