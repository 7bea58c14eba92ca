package io.sharedip.examples.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;

/**
 * A web server (busybox httpd) on a lab machine. Its pages:
 * <ul>
 *   <li>{@code /}: says on which machine it is;
 *   <li>{@code /big}: {@link #BIG} octets;
 *   <li>{@code /cgi-bin/slow?NAME}: says who asks and from which endpoint, and does not end before {@link #letGo()};
 *   <li>{@code /cgi-bin/digest}: the SHA-256 of what was posted.
 * </ul>
 */
public final class WebServer implements AutoCloseable {

    /** How long the big page is. */
    public static final int BIG = 300_000;

    /** The last line of the slow page. */
    public static final String SLOW_END = "end of the page";

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final LabProgram httpd;
    private final Path root;
    private final Path gate;

    private WebServer(LabProgram httpd, Path root, Path gate) {
        this.httpd = httpd;
        this.root = root;
        this.gate = gate;
    }

    /**
     * Starts a web server.
     *
     * @param lab for the pages
     * @param machine where it runs
     * @param address to listen on
     * @param port to listen on
     * @return once it listens
     */
    public static WebServer start(Lab lab, LabMachine machine, String address, int port) {
        Path root = lab.directory().resolve("www-" + machine.name() + "-" + port);
        Path gate = root.resolve("go");
        try {
            Path scripts = Files.createDirectories(root.resolve("cgi-bin"));
            Files.writeString(root.resolve("index.html"), "this is " + machine.name() + "\n");
            Files.writeString(root.resolve("big"), "0123456789".repeat(BIG / 10));
            script(
                    scripts.resolve("slow"),
                    "echo \"$QUERY_STRING came from $REMOTE_ADDR:$REMOTE_PORT\"",
                    "i=0",
                    "while [ ! -e " + gate + " ] && [ $i -lt 1200 ]; do i=$((i + 1)); sleep 0.05; done",
                    "cat " + root.resolve("big"),
                    "echo",
                    "echo " + SLOW_END);
            script(scripts.resolve("who"), "echo \"you are $REMOTE_ADDR:$REMOTE_PORT\"");
            script(scripts.resolve("digest"), "head -c \"$CONTENT_LENGTH\" | sha256sum");
        } catch (IOException e) {
            throw new LabException("cannot write the pages of " + machine, e);
        }
        LabProgram httpd = machine.start("busybox", "httpd", "-f", "-p", address + ":" + port, "-h", root.toString());
        Listening.await(machine, "tcp", port, PATIENCE);
        return new WebServer(httpd, root, gate);
    }

    /**
     * Adds a page of random octets.
     *
     * @param name of the page
     * @param octets how long it is
     * @return its SHA-256 in hexadecimal digits
     */
    public String random(String name, int octets) {
        byte[] content = new byte[octets];
        new Random(octets).nextBytes(content);
        try {
            Files.write(root.resolve(name), content);
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (IOException | NoSuchAlgorithmException e) {
            throw new LabException("cannot write the page " + name, e);
        }
    }

    /** Lets the slow pages end. */
    public void letGo() {
        try {
            Files.writeString(gate, "");
        } catch (IOException e) {
            throw new LabException("cannot let the slow pages end", e);
        }
    }

    /** Makes slow pages that are asked for from now on wait again. */
    public void hold() {
        try {
            Files.deleteIfExists(gate);
        } catch (IOException e) {
            throw new LabException("cannot make the slow pages wait", e);
        }
    }

    @Override
    public void close() {
        httpd.close();
    }

    private static void script(Path file, String... lines) throws IOException {
        String head = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n";
        Files.writeString(file, head + String.join("\n", lines) + "\n");
        if (!file.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + file + " executable");
        }
    }
}
