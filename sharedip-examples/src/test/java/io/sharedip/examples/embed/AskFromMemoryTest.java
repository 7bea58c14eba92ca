package io.sharedip.examples.embed;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AskFromMemoryTest {

    @Test
    void a_guest_in_memory_asks_a_server_of_the_host() throws Exception {
        try (DatagramSocket server = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Void> served = CompletableFuture.runAsync(() -> {
                try {
                    DatagramPacket packet = new DatagramPacket(new byte[1000], 1000);
                    server.receive(packet);
                    server.send(packet);
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });

            assertThat(AskFromMemory.ask(server.getLocalPort(), "anybody there?"))
                    .isEqualTo("anybody there?");
            served.get();
        }
    }
}
