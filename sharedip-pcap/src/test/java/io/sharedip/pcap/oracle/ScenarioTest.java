package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScenarioTest {

    @Test
    void a_seed_makes_the_same_steps_for_ever() {
        for (long seed = 0; seed < 20; seed++) {
            assertThat(lines(Scenario.of(seed))).isEqualTo(lines(Scenario.of(seed)));
        }
    }

    @Test
    void the_text_form_of_a_step_is_read_back() {
        for (Step step : Scenario.of(3)) {
            assertThat(Step.parse(step.format()).format()).isEqualTo(step.format());
        }
    }

    private static List<String> lines(List<Step> steps) {
        return steps.stream().map(Step::format).toList();
    }

    @Test
    void replacing_a_port_keeps_a_right_checksum_right_and_a_wrong_one_wrong() {
        byte[] frame =
                Wire.frame(Net.UPLINK, 0xc6120001, Net.SHARED, Wire.UDP, 1, Wire.udp(53, 61000, new byte[] {1, 2, 3}));
        byte[] expected =
                Wire.frame(Net.UPLINK, 0xc6120001, Net.SHARED, Wire.UDP, 1, Wire.udp(53, 65001, new byte[] {1, 2, 3}));
        byte[] wrong = frame.clone();
        Octets.put16(wrong, 40, Octets.u16(wrong, 40) ^ 0x1111);
        Wire.replacePort(frame, Wire.outsidePortAt(frame), 65001);
        assertThat(frame).isEqualTo(expected);
        Wire.replacePort(wrong, Wire.outsidePortAt(wrong), 65001);
        assertThat(Octets.u16(wrong, 40)).isNotEqualTo(Octets.u16(expected, 40));
    }

    @Test
    void replacing_a_port_inside_an_icmp_error_keeps_both_checksums_right() {
        byte[] inner = Wire.frame(Net.UPLINK, Net.SHARED, 0xc6120001, Wire.UDP, 1, Wire.udp(61000, 53, new byte[20]));
        byte[] packet = java.util.Arrays.copyOfRange(inner, 14, inner.length);
        byte[] frame = Wire.frame(Net.UPLINK, 0xc6120001, Net.SHARED, Wire.ICMP, 1, Wire.icmp(3, 3, 0, packet));
        Wire.replacePort(frame, Wire.outsidePortAt(frame), 65001);
        assertThat(Octets.u16(frame, 62)).isEqualTo(65001);
        assertThat(Checksum.sum(frame, 34, frame.length - 34)).isEqualTo(0xffff);
        int udp =
                Checksum.add(Checksum.sum(frame, 62, 28), Checksum.pseudoHeader(Net.SHARED, 0xc6120001, Wire.UDP, 28));
        assertThat(udp).isEqualTo(0xffff);
    }
}
