package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sharedip.LinkException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class UnixSocketFileTest {

    @TempDir
    Path directory;

    private final RecordingHost host = new RecordingHost();
    private QemuStreamLink link;

    @AfterEach
    void close() {
        if (link != null) {
            link.close();
        }
    }

    private Path open(Path path) {
        link = QemuStreamLink.listen("unix:" + path);
        link.open(host);
        return path;
    }

    private static void assertServes(Path path) throws IOException {
        try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            assertThat(socket.isConnected()).isTrue();
        }
    }

    @Test
    void isForTheOwnerAloneAndGoneAfterwards() throws IOException {
        Path path = open(directory.resolve("vm.sock"));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        assertServes(path);
        assertThat(directory).isDirectoryNotContaining(p -> !p.equals(path));
        assertThat(link.localAddress()).contains(UnixDomainSocketAddress.of(path));
        link.close();
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aDeadProcessesFileIsReplaced() throws IOException {
        Path path = directory.resolve("vm.sock");
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(path));
        dead.close();
        assertThat(path).exists();
        assertServes(open(path));
    }

    @Test
    void aLiveOneIsAnErrorAndStaysUndisturbed() throws IOException {
        Path path = directory.resolve("vm.sock");
        try (ServerSocketChannel live = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            live.bind(UnixDomainSocketAddress.of(path));
            assertThatExceptionOfType(LinkException.class)
                    .isThrownBy(() -> open(path))
                    .withMessageContaining("is in use by another process")
                    .satisfies(e -> assertThat(e.cure()).isPresent());
            assertServes(path);
        }
        assertThat(path).exists();
    }

    @Test
    void otherFilesAreNeverReplaced() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "precious");
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> open(file))
                .withMessageContaining("is not a socket");
        assertThat(file).hasContent("precious");

        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> open(Path.of("/dev/null")))
                .withMessageContaining("is not a socket");

        Path loop = Files.createSymbolicLink(directory.resolve("loop"), file);
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> open(loop))
                .withMessageContaining("is not a socket");
        assertThat(loop).isSymbolicLink();
    }

    @Test
    void aMissingDirectoryIsSaid() {
        assertThatExceptionOfType(LinkException.class)
                .isThrownBy(() -> open(directory.resolve("none/vm.sock")))
                .withMessageContaining("the directory " + directory.resolve("none") + " does not exist; create it");
    }

    @Test
    void theLongestPathWorksAndReplacesToo() throws IOException {
        int rest = UnixSocketFile.LONGEST - directory.toString().length() - 1;
        Path path = directory.resolve("x".repeat(rest));
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(path));
        dead.close();
        open(path);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        assertServes(path);
        link.close();
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aFileThatAnotherPutInThePlaceIsLeftAlone() throws IOException {
        Path path = open(directory.resolve("vm.sock"));
        Files.delete(path);
        Files.writeString(path, "theirs");
        link.close();
        assertThat(path).hasContent("theirs");
    }

    @Test
    void afterCloseTheSamePathCanBeOpenedAgain() throws IOException {
        Path path = directory.resolve("vm.sock");
        for (int i = 0; i < 20; i++) {
            assertServes(open(path));
            link.close();
        }
        assertThat(directory).isEmptyDirectory();
    }
}
