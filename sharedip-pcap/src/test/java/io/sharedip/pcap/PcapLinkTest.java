package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.Frame;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be told of links without opening a card. */
class PcapLinkTest {

    @Test
    void isNamedAfterItsCard() {
        assertThat(PcapLink.uplink("eth0").name()).isEqualTo("pcap:eth0");
        assertThat(PcapLink.uplink("eth0")).hasToString("pcap:eth0");
        assertThat(PcapLink.guest("veth-1.7")).hasToString("pcap:veth-1.7 (sealed)");
        assertThat(PcapLink.guest("eth0").macAddress()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a b", "a/b", "sixteen-letters-", "a\"b", "a\nb", "eth0:1", "ä"})
    void refusesWhatIsNoNameOfACard(String name) {
        assertThatThrownBy(() -> PcapLink.uplink(name))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("is not the name of a network card; use a name that `ip link` shows");
        assertThatThrownBy(() -> PcapLink.guest(name)).isInstanceOf(ConfigurationException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1 << 20 - 1, (1 << 30) + 1})
    void refusesSizesOutOfRange(int octets) {
        PcapLink link = PcapLink.uplink("eth0");
        assertThatThrownBy(() -> link.withBufferSize(octets))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("buffer size: '" + octets + "' is out of range; use 1048576 to 1073741824");
        assertThatThrownBy(() -> link.withQueueSize(octets)).hasMessageStartingWith("queue size: ");
    }

    @Test
    void aSizedLinkIsAnotherLink() {
        PcapLink link = PcapLink.guest("eth0");
        assertThat(link.withBufferSize(64 << 20).withQueueSize(1 << 20))
                .isNotSameAs(link)
                .hasToString("pcap:eth0 (sealed)");
    }

    @Test
    void aLinkThatIsNotOpenTakesNothingAndClosesQuietly() {
        PcapLink link = PcapLink.uplink("eth0");
        assertThat(link.send(Frame.of(new byte[60]))).isFalse();
        assertThat(link.poll((frames, count) -> {}, 1)).isZero();
        link.flush();
        link.close();
        link.close();
        assertThatThrownBy(() -> link.open(new NoHost())).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void namesTheCardsThatExistWhereOneDoesNot() {
        assertThatThrownBy(() -> Card.require("pcap:nosuch0", "nosuch0"))
                .isInstanceOf(LinkException.class)
                .hasMessageStartingWith(
                        "link pcap:nosuch0: there is no network card 'nosuch0'; use one of those that exist here: "
                                + String.join(", ", Card.names()));
    }

    @Test
    void readsTheNamesOfCards() {
        assertThat(Card.names(List.of(
                        "Inter-|   Receive                   |  Transmit",
                        " face |bytes    packets errs drop|bytes    packets",
                        "    lo:  1 2 3 4",
                        "wlan0.7:1 2 3 4",
                        "  eth0: 1 2 3 4",
                        "nonsense")))
                .containsExactly("eth0", "wlan0.7");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "socket: Operation not permitted | CAP_NET_RAW",
                "You don't have permission to perform this capture on that device | unshare -Urn",
                "That device is not up | run: ip link set eth0 up",
                "can't mmap rx ring: Cannot allocate memory | withBufferSize"
            })
    void saysTheCureOfWhatLibpcapComplainsAbout(String said, String cure) {
        LinkException e = Capture.openFailure("pcap:eth0", "eth0", said, null);
        assertThat(e.cure().orElseThrow()).contains(cure);
    }

    @Test
    void namesThePackageWhereLibpcapIsMissing() throws Exception {
        Process java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dorg.pcap4j.core.pcapLibName=no-such-library",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LabAgent.class.getName(),
                        "link",
                        "uplink",
                        "eth0")
                .redirectErrorStream(true)
                .start();
        java.getOutputStream().close();
        assertThat(new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("ERROR link pcap:eth0: libpcap is missing; run: apt-get install libpcap0.8");
    }

    @Test
    void sealsHaveNamesThatNftTakes() {
        assertThat(Seal.tableName("veth1")).isEqualTo("sharedip_seal_veth1");
        assertThat(Seal.tableName("a.b-c@")).isEqualTo("sharedip_seal_a_2eb_2dc_40");
    }

    private static final class NoHost implements LinkHost {
        @Override
        public void wakeup() {}

        @Override
        public boolean onDriverThread() {
            return false;
        }

        @Override
        public void deliver(Frame[] frames, int count) {}

        @Override
        public void up() {}

        @Override
        public void down(String reason) {}

        @Override
        public void notice(String message) {}
    }
}
