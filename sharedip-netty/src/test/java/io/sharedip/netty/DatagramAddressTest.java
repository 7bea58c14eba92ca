package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sharedip.SyntaxException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatagramAddressTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1:5001",
                "localhost:0",
                "127.0.0.1:5001->127.0.0.1:5002",
                "127.0.0.1:5001 -> 127.0.0.1:5002",
                "0.0.0.0:5001->any",
                "[::1]:5001->[::1]:5002"
            })
    void goodOnesOverUdpKeepTheirText(String text) {
        assertThat(DatagramLink.udp(text).name()).isEqualTo("udp:" + text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/run/gw.sock", "gw.sock", "/run/gw.sock->/run/vm.sock", "/run/gw.sock -> /run/vm.sock"})
    void goodOnesOverUnixKeepTheirText(String text) {
        assertThat(DatagramLink.unix(text).name()).isEqualTo("unix-datagram:" + text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"                     | 0  | has no port",
                "127.0.0.1                | 9  | has no port",
                ":5001                    | 0  | has no host",
                "::1:5001                 | 0  | has a colon in its host",
                "127.0.0.1:x              | 10 | has no port that is a number",
                "127.0.0.1:1->            | 13 | has no port",
                "127.0.0.1:1->anyone      | 19 | has no port",
                "127.0.0.1:1->127.0.0.1:0 | 23 | has port 0"
            })
    void badOnesOverUdpSayWhere(String text, int position, String problem) {
        assertThatExceptionOfType(SyntaxException.class)
                .isThrownBy(() -> DatagramLink.udp(text))
                .withMessageContaining(problem)
                .satisfies(e -> assertThat(e.position()).isEqualTo(position))
                .satisfies(e -> assertThat(e.cure()).isPresent());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"                | 0  | has no path",
                "/run/                | 4  | names a directory",
                "->/run/vm.sock       | 0  | has no path",
                "/run/gw.sock->       | 14 | has no path",
                "/run/gw.sock->/run/  | 18 | names a directory",
                "/run/a.sock->/run/a.sock | 13 | names one path twice"
            })
    void badOnesOverUnixSayWhere(String text, int position, String problem) {
        assertThatExceptionOfType(SyntaxException.class)
                .isThrownBy(() -> DatagramLink.unix(text))
                .withMessageContaining(problem)
                .satisfies(e -> assertThat(e.position()).isEqualTo(position))
                .satisfies(e -> assertThat(e.cure()).isPresent());
    }
}
