package io.sharedip.pcap.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ComparisonTest {

    private static final int PEER = 0xc6120001;
    private static final byte[] SENT =
            Wire.frame(1, Net.guestAddress(1), PEER, Wire.UDP, 7, Wire.udp(61000, 53, new byte[600]));
    private static final Step STEP = new Step(1, 0, -1, 61000, SENT, "test");

    private static Emission out() {
        return new Emission(
                Net.UPLINK, Wire.frame(Net.UPLINK, Net.SHARED, PEER, Wire.UDP, 7, Wire.udp(61000, 53, new byte[600])));
    }

    private static Emission error(int quoted, int id, int type) {
        byte[] icmp = Wire.icmp(type, 0, 0, Arrays.copyOfRange(SENT, 14, 14 + quoted));
        return new Emission(1, Wire.frame(1, Net.ALIAS, Net.guestAddress(1), Wire.ICMP, id, icmp));
    }

    private static List<Emission> fragments(int size) {
        byte[] whole = out().frame();
        List<Emission> pieces = new java.util.ArrayList<>();
        for (int at = 0; at < whole.length - 34; at += size) {
            int length = Math.min(size, whole.length - 34 - at);
            byte[] piece = Arrays.copyOf(whole, 34 + length);
            System.arraycopy(whole, 34 + at, piece, 34, length);
            Octets.put16(piece, 16, 20 + length);
            Octets.put16(piece, 20, (at + length < whole.length - 34 ? 0x2000 : 0) | at / 8);
            Wire.fixIp(piece, 14);
            pieces.add(new Emission(Net.UPLINK, piece));
        }
        return pieces;
    }

    @Test
    void every_octet_of_a_translated_packet_counts() {
        for (int at = 0; at < out().frame().length; at++) {
            Emission other = out();
            other.frame()[at] ^= 1;
            assertThat(Comparison.difference(STEP, List.of(out()), List.of(other)))
                    .as("octet %d", at)
                    .isNotNull();
        }
        assertThat(Comparison.difference(STEP, List.of(out()), List.of(out()))).isNull();
        assertThat(Comparison.difference(STEP, List.of(out()), List.of())).isNotNull();
        assertThat(Comparison.difference(STEP, List.of(), List.of(out()))).isNotNull();
        assertThat(Comparison.difference(STEP, List.of(out()), List.of(out(), out())))
                .isNotNull();
        assertThat(Comparison.difference(STEP, List.of(out()), List.of(new Emission(2, out().frame()))))
                .isNotNull();
    }

    @Test
    void of_an_own_error_the_identification_and_the_length_of_the_quotation_are_free_but_nothing_else() {
        assertThat(Comparison.difference(STEP, List.of(error(548, 1, 11)), List.of(error(28, 2, 11))))
                .isNull();
        assertThat(Comparison.difference(STEP, List.of(error(548, 1, 11)), List.of(error(548, 1, 3))))
                .isNotNull();
        Emission broken = error(28, 1, 11);
        broken.frame()[14 + 28 + 22] ^= 1;
        assertThat(Comparison.difference(STEP, List.of(error(548, 1, 11)), List.of(broken)))
                .isNotNull();
    }

    @Test
    void into_how_many_fragments_a_datagram_leaves_is_free_but_not_what_is_in_them() {
        assertThat(Comparison.difference(STEP, fragments(24), fragments(200))).isNull();
        assertThat(Comparison.difference(STEP, fragments(24), List.of(out()))).isNull();
        List<Emission> incomplete = fragments(24).subList(0, 20);
        assertThat(Comparison.difference(STEP, fragments(24), incomplete)).isNotNull();
        List<Emission> broken = fragments(24);
        broken.get(5).frame()[40] ^= 1;
        assertThat(Comparison.difference(STEP, fragments(24), broken)).isNotNull();
    }

    private static List<Emission> identified(int id, boolean atomic) {
        byte[] f = out().frame().clone();
        Octets.put16(f, 18, id);
        f[20] = (byte) (atomic ? 0x40 : 0);
        Wire.fixIp(f, 14);
        return Comparison.withoutIdentifications(STEP, List.of(new Emission(Net.UPLINK, f)));
    }

    @Test
    void an_identification_is_free_only_of_what_may_be_fragmented() {
        assertThat(Comparison.difference(STEP, identified(7, false), identified(8, false)))
                .isNull();
        assertThat(Comparison.difference(STEP, identified(7, true), identified(8, true)))
                .isNotNull();
        assertThat(Comparison.difference(STEP, identified(7, true), identified(7, true)))
                .isNull();
    }
}
