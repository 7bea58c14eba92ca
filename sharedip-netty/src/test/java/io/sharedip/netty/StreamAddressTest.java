package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.SyntaxException;
import java.net.BindException;
import java.net.SocketException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StreamAddressTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "unix:/run/vm1.sock",
                "unix:relative.sock",
                "tcp:127.0.0.1:5001",
                "tcp:[::1]:65535",
                "tcp:localhost:0",
                "tcp:host-1.example:080"
            })
    void goodOnesKeepTheirText(String text) {
        assertThat(StreamAddress.parse(text)).hasToString(text);
        assertThat(QemuStreamLink.listen(text).name()).isEqualTo("qemu-stream:" + text);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "\"\"                 | 0  | begins with neither 'unix:' nor 'tcp:' | unix:PATH",
                "/run/vm1.sock        | 0  | begins with neither 'unix:' nor 'tcp:' | unix:PATH",
                "udp:127.0.0.1:1      | 0  | begins with neither 'unix:' nor 'tcp:' | tcp:HOST:PORT",
                "unix:                | 5  | has no path                            | unix:PATH",
                "unix:/run/           | 9  | names a directory                      | name a file",
                "tcp:                 | 4  | has no port                            | tcp:HOST:PORT",
                "tcp:5001             | 8  | has no port                            | tcp:HOST:PORT",
                "tcp::5001            | 4  | has no host                            | tcp:127.0.0.1",
                "tcp:[]:5001          | 4  | has no host                            | tcp:127.0.0.1",
                "tcp:::1:5001         | 4  | has a colon in its host                | tcp:[::1]:5001",
                "tcp:127.0.0.1:       | 14 | has no port that is a number           | tcp:HOST:PORT",
                "tcp:127.0.0.1:http   | 14 | has no port that is a number           | tcp:HOST:PORT",
                "tcp:127.0.0.1:65536  | 14 | has no port that is a number           | tcp:HOST:PORT",
                "tcp:127.0.0.1:999999 | 14 | has no port that is a number           | tcp:HOST:PORT",
                "tcp:127.0.0.1:-1     | 14 | has no port that is a number           | tcp:HOST:PORT"
            })
    void badOnesSayWhereAndWhatInstead(String text, int position, String problem, String cure) {
        assertThatExceptionOfType(SyntaxException.class)
                .isThrownBy(() -> QemuStreamLink.listen(text))
                .satisfies(e -> {
                    assertThat(e.position()).isEqualTo(position);
                    assertThat(e.problem()).contains(problem);
                    assertThat(e.cure()).hasValueSatisfying(c -> assertThat(c).contains(cure));
                    assertThat(e.setting()).contains("qemu-stream");
                    assertThat(e.value()).contains(text);
                });
        assertThatExceptionOfType(SyntaxException.class).isThrownBy(() -> QemuStreamListener.listen(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"unix:/run/vm1.sock", "tcp:127.0.0.1:5001", "tcp:[::1]:5001"})
    void oneToConnectToIsWrittenBehindItsWord(String address) {
        QemuStreamLink link = QemuStreamLink.parse("connect " + address);
        assertThat(link.name()).isEqualTo("qemu-stream:connect " + address);
        assertThat(QemuStreamLink.connect(address).name()).isEqualTo(link.name());
        assertThat(QemuStreamLink.parse(address).name())
                .isEqualTo(QemuStreamLink.listen(address).name());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "connect              | 0  | begins with neither",
                "connect /run/vm.sock | 8  | begins with neither",
                "connect tcp:host     | 16 | has no port",
                "connect tcp:host:0   | 17 | has port 0",
                "connect unix:/run/   | 17 | names a directory"
            })
    void badOnesToConnectToSayWhereToo(String text, int position, String problem) {
        assertThatExceptionOfType(SyntaxException.class)
                .isThrownBy(() -> QemuStreamLink.parse(text))
                .withMessageContaining(problem)
                .satisfies(e -> assertThat(e.position()).isEqualTo(position))
                .satisfies(e -> assertThat(e.cure()).isPresent());
        assertThatExceptionOfType(SyntaxException.class).isThrownBy(() -> QemuStreamLink.listen(text));
    }

    @Test
    void aPathWithANulIsRefused() {
        assertThatExceptionOfType(SyntaxException.class).isThrownBy(() -> QemuStreamLink.listen("unix:/run/a\0b"));
    }

    @Test
    void aPathLongerThanTheKernelTakesIsRefused() {
        String longest = "/" + "x".repeat(UnixSocketFile.LONGEST - 1);
        assertThat(StreamAddress.parse("unix:" + longest)).isNotNull();
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> QemuStreamLink.listen("unix:" + longest + "x"))
                .withMessageContaining("has a path of " + (UnixSocketFile.LONGEST + 1) + " octets")
                .satisfies(e -> assertThat(e.cure())
                        .hasValueSatisfying(c -> assertThat(c).contains("/run")));
    }

    @Test
    void whyAPortCannotBeHadIsSaid() {
        HostAndPort low = new HostAndPort("127.0.0.1", 80);
        HostAndPort high = new HostAndPort("127.0.0.1", 8080);
        LinkException privileged = low.explain("l", new SocketException("Permission denied"));
        assertThat(privileged).hasMessageContaining("may not listen on port 80").hasMessageContaining("1024 or more");
        LinkException forbidden = high.explain("l", new SocketException("Permission denied"));
        assertThat(forbidden).hasMessageContaining("choose another port");
        LinkException used = high.explain("l", new BindException("Address already in use"));
        assertThat(used).hasMessageContaining("port 8080 of 127.0.0.1 is in use");
    }
}
