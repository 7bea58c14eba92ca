package io.sharedip.examples.gateway;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A directory of this user's alone for the socket between gateway and QEMU; both are gone in the end. */
record SocketDirectory(Path path) implements AutoCloseable {

    static SocketDirectory make() throws IOException {
        return new SocketDirectory(Files.createTempDirectory("sharedip-qemu"));
    }

    Path socket() {
        return path.resolve("link.sock");
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(socket());
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
