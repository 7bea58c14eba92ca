package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class HairpinTest {

    private static final int CALLER = 3;
    private static final int PORT = 61_007;
    private static final Net.Forward CALLED = Net.Forward.NAMES;
    private static final byte[] DATA = {1, 2, 3, 4};

    private static Packet call() {
        byte[] f = Wire.frame(
                CALLER, Net.guestAddress(CALLER), Net.SHARED, Wire.UDP, 7, Wire.udp(PORT, CALLED.outsidePort, DATA));
        f[Wire.IP + 6] = 0x40;
        Wire.fixIp(f, Wire.IP);
        return Objects.requireNonNull(Packet.of(f));
    }

    private static byte[] led(int port) {
        byte[] f = Wire.frame(
                Net.UPLINK,
                Net.SHARED,
                Net.guestAddress(CALLED.guest),
                Wire.UDP,
                7,
                Wire.udp(port, CALLED.insidePort, DATA));
        Octets.put48(f, 0, Net.guestMac(CALLED.guest));
        Octets.put48(f, 6, Net.ROUTER_MAC);
        f[Wire.IP + 6] = 0x40;
        f[Wire.IP + 8] = 63;
        Wire.fixIp(f, Wire.IP);
        return f;
    }

    private static boolean isHairpin(int link, byte[] frame) {
        return Hairpin.isOf(CALLER, call(), List.of(), List.of(new Emission(link, frame)));
    }

    @Test
    void the_packet_itself_to_the_guest_and_port_of_the_forward_from_the_callers_outside_endpoint_is_a_hairpin() {
        assertThat(isHairpin(CALLED.guest, led(PORT))).isTrue();
    }

    @Test
    void every_octet_of_a_hairpin_counts_and_so_does_the_guest_that_gets_it() {
        for (int at = 0; at < led(PORT).length; at++) {
            byte[] other = led(PORT);
            other[at] ^= 1;
            assertThat(isHairpin(CALLED.guest, other)).as("octet %d", at).isFalse();
        }
        assertThat(isHairpin(1, led(PORT))).isFalse();
        assertThat(isHairpin(CALLED.guest, led(PORT + 1))).isFalse();
    }
}
