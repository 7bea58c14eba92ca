package io.sharedip.netty.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.socket.SocketChannel;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TransportTest {

    static Stream<Transport> transports() {
        return Stream.of(Transport.nio(), Transport.epoll(), Transport.ioUring());
    }

    @ParameterizedTest
    @MethodSource("transports")
    void small_segments_go_out_at_once_unless_said_otherwise(Transport transport) {
        SocketChannel channel = transport.socket();
        try {
            assertThat(channel.config().isTcpNoDelay()).isTrue();
        } finally {
            channel.unsafe().closeForcibly();
        }
    }
}
