package io.sharedip.examples.gateway.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.sharedip.GatewayClosedException;
import io.sharedip.SharedIpException;
import io.sharedip.SyntaxException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's side of the control socket. The socket is taken first, so that a second gateway on the same path is refused before it
 * touches anything; clients that connect before {@link #serve} wait.
 */
public final class ControlServer implements AutoCloseable {

    /** Room for a chain of some ten thousand rules. */
    static final int LONGEST_REQUEST = 1 << 20;

    static final int MOST_CLIENTS = 16;

    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int BACKLOG = 64;
    private static final int BUFFER = 1 << 16;
    private static final JsonFactory JSON = new JsonFactory();

    private final Path path;
    private final @Nullable Object fileKey;
    private final ServerSocketChannel listener;
    private final Duration patience;
    private final Semaphore places = new Semaphore(MOST_CLIENTS);
    private final Set<TimedChannel> clients = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "gateway-control");
        thread.setDaemon(true);
        return thread;
    });

    private ControlServer(Path path, ServerSocketChannel listener, Duration patience) throws IOException {
        this.path = path;
        this.listener = listener;
        this.patience = patience;
        this.fileKey = fileKey(path);
    }

    /**
     * Takes a path for a gateway.
     *
     * @param path of the socket; its directory is made if it is missing
     * @return a server that listens but does not answer yet
     * @throws ControlException if the directory is not this user's alone, another gateway answers there, or the socket cannot be made
     */
    public static ControlServer bind(Path path) throws ControlException {
        return bind(path, PATIENCE);
    }

    static ControlServer bind(Path path, Duration patience) throws ControlException {
        Path absolute = path.toAbsolutePath();
        Path directory = absolute.getParent();
        if (directory == null) {
            throw new ControlException("the control socket cannot be " + path + "; name a file with --control");
        }
        ControlDirectory.prepare(directory);
        try {
            removeStale(absolute);
            ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                listener.bind(UnixDomainSocketAddress.of(absolute), BACKLOG);
                Files.setPosixFilePermissions(absolute, PosixFilePermissions.fromString("rw-------"));
                return new ControlServer(absolute, listener, patience);
            } catch (IOException e) {
                listener.close();
                throw e;
            }
        } catch (IOException e) {
            throw new ControlException(
                    "the control socket " + path + " cannot be opened: " + e.getMessage()
                            + "; name another with --control",
                    e);
        }
    }

    /** A socket to which nobody listens was left behind by a gateway that was killed. */
    private static void removeStale(Path path) throws IOException, ControlException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new ControlException("the control socket " + path
                    + " cannot be made, because a file of that name exists; remove it, or name"
                    + " another with --control");
        }
        if (answers(path)) {
            throw new ControlException("another gateway answers on the control socket " + path
                    + "; stop it, or name another with --control");
        }
        Files.deleteIfExists(path);
    }

    private static boolean answers(Path path) {
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return probe.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static @Nullable Object fileKey(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /**
     * Begins to answer.
     *
     * @param commands does what clients ask for
     */
    public void serve(GatewayCommands commands) {
        threads.execute(() -> accept(commands));
    }

    private void accept(GatewayCommands commands) {
        while (listener.isOpen()) {
            try {
                SocketChannel client = listener.accept();
                if (places.tryAcquire()) {
                    threads.execute(() -> converse(client, commands));
                } else {
                    turnAway(client);
                }
            } catch (IOException | RuntimeException e) {
                if (listener.isOpen()) {
                    LOG.warn("The control socket could not take a client: {}", e.toString());
                    pause();
                }
            }
        }
    }

    /** Too many open files, say: trying again at once would only burn the processor. */
    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void turnAway(SocketChannel client) throws IOException {
        try (client) {
            client.configureBlocking(false);
            client.write(ByteBuffer.wrap(
                    errorLine("busy", null, null, MOST_CLIENTS + " clients are connected already", "try again later")));
        }
    }

    private void converse(SocketChannel channel, GatewayCommands commands) {
        try (TimedChannel client = new TimedChannel(channel, patience)) {
            clients.add(client);
            try {
                Lines lines = new Lines(new BufferedInputStream(client.input(false)), LONGEST_REQUEST);
                OutputStream out = new BufferedOutputStream(client.output(), BUFFER);
                while (listener.isOpen() && answerNext(lines, out, commands)) {
                    client.allow(patience);
                }
            } finally {
                clients.remove(client);
            }
        } catch (IOException e) {
            LOG.debug("A client of the control socket is gone: {}", e.toString());
        } finally {
            places.release();
        }
    }

    private static boolean answerNext(Lines lines, OutputStream out, GatewayCommands commands) throws IOException {
        Optional<String> line;
        try {
            line = lines.next();
        } catch (Lines.TooLongException e) {
            out.write(errorLine(
                    "request",
                    "control request",
                    null,
                    "is longer than " + LONGEST_REQUEST + " octets",
                    "send less at once"));
            out.flush();
            return false;
        }
        if (line.isPresent()) {
            answer(line.get(), out, commands);
            out.flush();
        }
        return line.isPresent();
    }

    private static void answer(String line, OutputStream out, GatewayCommands commands) throws IOException {
        Answer result;
        try {
            result = commands.execute(Request.parse(line));
        } catch (SharedIpException e) {
            out.write(errorLine(e));
            return;
        } catch (RuntimeException e) {
            LOG.warn("A command on the control socket failed.", e);
            out.write(errorLine("failed", null, null, "the command failed: " + e.getMessage(), null));
            return;
        }
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            // An answer that breaks off must not look complete.
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
            json.writeStartObject();
            json.writeNumberField("v", Request.VERSION);
            json.writeBooleanField("ok", true);
            json.writeFieldName("result");
            result.write(json);
            json.writeEndObject();
            json.writeRaw('\n');
        }
    }

    private static byte[] errorLine(SharedIpException e) {
        if (e instanceof GatewayClosedException) {
            return errorLine("closed", null, null, e.problem(), "start it again");
        }
        String kind = e instanceof SyntaxException ? "syntax" : "refused";
        return errorLine(
                kind,
                e.setting().orElse(null),
                e.value().orElse(null),
                e.problem(),
                e.cure().orElse(null));
    }

    private static byte[] errorLine(
            String kind, @Nullable String setting, @Nullable String value, String problem, @Nullable String cure) {
        StringWriter line = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(line)) {
            json.writeStartObject();
            json.writeNumberField("v", Request.VERSION);
            json.writeBooleanField("ok", false);
            json.writeObjectFieldStart("error");
            json.writeStringField("kind", kind);
            writeIfPresent(json, "setting", setting);
            writeIfPresent(json, "value", value);
            json.writeStringField("problem", problem);
            writeIfPresent(json, "cure", cure);
            json.writeEndObject();
            json.writeEndObject();
            json.writeRaw('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return line.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void writeIfPresent(JsonGenerator json, String field, @Nullable String text) throws IOException {
        if (text != null) {
            json.writeStringField(field, text);
        }
    }

    /** Stops listening, drops the clients and removes the socket, unless somebody else has put another in its place. */
    @Override
    public void close() {
        try {
            listener.close();
            for (TimedChannel client : clients) {
                client.close();
            }
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && Objects.equals(fileKey, fileKey(path))) {
                Files.delete(path);
            }
        } catch (IOException e) {
            LOG.warn("The control socket {} could not be removed: {}", path, e.toString());
        }
        threads.shutdownNow();
    }
}
