package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a class of tests that leaves a buffer or a descriptor of a socket or an event loop behind. */
final class NothingLeaks implements BeforeAllCallback, AfterAllCallback {

    private long before;

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        assertThat(ResourceLeakDetector.getLevel())
                .as("set by the build")
                .isEqualTo(ResourceLeakDetector.Level.PARANOID);
        // what the JDK and Netty open once and keep is no leak
        for (SocketTransport transport : SocketTransport.values()) {
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                    UplinkRig rig = UplinkRig.on(transport)) {
                rig.connected(server.getLocalPort());
                server.accept().close();
                rig.bind();
            }
        }
        before = descriptors();
        LeakRecorder.LEAKS.clear();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        await().untilAsserted(() -> assertThat(descriptors()).isLessThanOrEqualTo(before));
        for (int i = 0; i < 3; i++) {
            // what was lost is found when the collector has met it and the next buffer is made
            System.gc();
            ByteBufAllocator.DEFAULT.directBuffer(1).release();
        }
        assertThat(LeakRecorder.LEAKS).isEmpty();
    }

    /** How many descriptors this process has that are no files. */
    static long descriptors() throws IOException {
        long count = 0;
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : all) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    count += target.startsWith("socket:") || target.startsWith("anon_inode:") ? 1 : 0;
                } catch (IOException closedMeanwhile) {
                    // not counted
                }
            }
        }
        return count;
    }
}
