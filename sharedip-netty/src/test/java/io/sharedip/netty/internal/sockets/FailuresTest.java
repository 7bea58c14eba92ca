package io.sharedip.netty.internal.sockets;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.uplink.HostStream.Failure;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailuresTest {

    @ParameterizedTest
    @CsvSource({
        "Connection refused, REFUSED",
        "Connection reset, RESET",
        "Connection reset by peer, RESET",
        "Broken pipe, RESET",
        "No route to host, HOST_UNREACHABLE",
        "Host is down, HOST_UNREACHABLE",
        "Network is unreachable, NETWORK_UNREACHABLE",
        "Permission denied, PROHIBITED",
        "Operation not permitted, PROHIBITED",
        "Connection timed out, TIMED_OUT",
        "Too many open files, NO_RESOURCES",
        "Too many open files in system, NO_RESOURCES",
        "No buffer space available, NO_RESOURCES",
        "Cannot assign requested address, NO_RESOURCES",
        "something else, OTHER",
        "connect(..) failed with error(-113): keine Route, HOST_UNREACHABLE",
        "recv(..) failed with error(-110): abgelaufen, TIMED_OUT",
    })
    void the_text_tells_what_it_was(String text, Failure failure) {
        assertThat(Failures.of(new SocketException(text))).isEqualTo(failure);
        assertThat(Failures.of(new IllegalStateException("opening", new IOException(text))))
                .isEqualTo(failure);
    }

    @Test
    void without_a_text_the_class_tells() {
        assertThat(Failures.of(new ConnectException())).isEqualTo(Failure.REFUSED);
        assertThat(Failures.of(new NoRouteToHostException())).isEqualTo(Failure.HOST_UNREACHABLE);
        assertThat(Failures.of((Throwable) null)).isEqualTo(Failure.OTHER);
        assertThat(Failures.of(new IOException())).isEqualTo(Failure.OTHER);
    }

    @ParameterizedTest
    @CsvSource({
        "'bind(..) failed with error(-98): Address already in use', true",
        "'bind(..) failed with error(-13): Permission denied', true",
        "'Permission denied: /192.0.2.1:80', true",
        "'connect(..) failed with error(-99): Cannot assign requested address', true",
        "'connect(..) failed with error(-111): Connection refused', false",
        "'No route to host', false",
    })
    void a_port_that_is_taken_or_privileged_may_be_why_a_connection_fails(String message, boolean may) {
        assertThat(Failures.mayBeAboutLocalPort(new SocketException(message))).isEqualTo(may);
    }
}
