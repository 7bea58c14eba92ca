package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OffloadsTest {

    @Test
    void findsTheBitsOfWhatMergesFrames() {
        byte[] table = new byte[5 * 32];
        int at = 0;
        for (String name : List.of("tx-scatter-gather", "rx-gro", "rx-vlan-hw-parse", "rx-lro", "rx-gro-hw")) {
            byte[] octets = name.getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(octets, 0, table, at, octets.length);
            at += 32;
        }
        assertThat(Offloads.featureBits(table)).isEqualTo(Map.of("rx-gro", 1, "rx-lro", 3, "rx-gro-hw", 4));
        assertThat(Offloads.featureBits(new byte[7])).isEmpty();
    }

    @Test
    void writesTheLineThatWouldSwitchThemOff() {
        assertThat(Offloads.command("eth0", List.of("rx-lro", "rx-gro-hw", "rx-gro")))
                .isEqualTo("ethtool -K eth0 gro off rx-gro-hw off lro off");
        assertThat(Offloads.command("eth0", List.of())).isEmpty();
    }

    @Test
    void aCardThatDoesNotExistHasNone() {
        Offloads offloads = Offloads.switchOff("nosuch0");
        assertThat(offloads.command()).isEmpty();
        assertThat(offloads.switchedOff()).isEmpty();
        offloads.restore();
    }
}
