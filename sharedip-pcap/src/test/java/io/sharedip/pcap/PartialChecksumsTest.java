package io.sharedip.pcap;

import static org.assertj.core.api.Assertions.assertThat;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PartialChecksumsTest {

    private static final String MAC = "02:00:00:00:00:01";

    private static byte[] tcp() {
        return Frames.tcp(MAC, "10.0.0.1", 1234, "10.0.0.2", 80, Frames.SYN_ACK);
    }

    private static byte[] udp() {
        return Frames.udp(MAC, "10.0.0.1", 1234, "10.0.0.2", 53, 33);
    }

    private static byte[] partial(byte[] frame, int at) {
        Octets.put16(frame, at, Frames.pseudoHeader(frame));
        return frame;
    }

    private static boolean isPartial(byte[] frame) {
        return PartialChecksums.isPartial(frame, frame.length);
    }

    @Test
    void completeChecksumsAreLeftAlone() {
        assertThat(isPartial(tcp())).isFalse();
        assertThat(isPartial(udp())).isFalse();
        assertThat(isPartial(Frames.arpRequest("10.0.0.1", "10.0.0.2"))).isFalse();
    }

    @Test
    void theSumOfThePseudoHeaderIsRecognised() {
        assertThat(isPartial(partial(tcp(), 50))).isTrue();
        assertThat(isPartial(partial(udp(), 40))).isTrue();
    }

    @Test
    void tagsAndPaddingAreLookedThrough() {
        byte[] frame = partial(tcp(), 50);
        assertThat(isPartial(Frames.tagged(frame, 7))).isTrue();
        byte[] outer = Frames.tagged(Frames.tagged(frame, 7), 8);
        Octets.put16(outer, 12, 0x88a8);
        assertThat(isPartial(outer)).isTrue();
        assertThat(isPartial(java.util.Arrays.copyOf(frame, 60))).as("padded").isTrue();
    }

    @Test
    void ipv6IsRecognisedToo() {
        byte[] frame = new byte[14 + 40 + 20];
        new Random(1).nextBytes(frame);
        Octets.put16(frame, 12, 0x86dd);
        Octets.put16(frame, 18, 20);
        Octets.put8(frame, 20, 6);
        Octets.put16(frame, 70, Checksum.add(Checksum.sum(frame, 22, 32), 26));
        assertThat(isPartial(frame)).isTrue();
        Octets.put16(frame, 70, Octets.u16(frame, 70) ^ 1);
        assertThat(isPartial(frame)).isFalse();
        Octets.put8(frame, 20, 58);
        assertThat(isPartial(frame)).as("ICMPv6").isFalse();
    }

    @Test
    void fragmentsAreNeverPartial() {
        byte[] frame = partial(udp(), 40);
        Octets.put16(frame, 20, 0x2000);
        assertThat(isPartial(frame)).as("first").isFalse();
        Octets.put16(frame, 20, 0x0001);
        assertThat(isPartial(frame)).as("later").isFalse();
        Octets.put16(frame, 20, 0x4000);
        assertThat(isPartial(frame)).as("may not be fragmented").isTrue();
    }

    @Test
    void noChecksumAtAllIsNotPartial() {
        byte[] frame = udp();
        Octets.put16(frame, 40, 0);
        assertThat(isPartial(frame)).isFalse();
    }

    @Test
    void damagedFramesAreHarmless() {
        Random random = new Random(42);
        for (byte[] frame :
                new byte[][] {partial(tcp(), 50), partial(udp(), 40), Frames.tagged(partial(tcp(), 50), 7)}) {
            for (int length = 0; length < frame.length; length++) {
                byte[] cut = java.util.Arrays.copyOf(frame, length);
                assertThat(isPartial(cut)).as("cut at " + length).isFalse();
            }
            for (int i = 0; i < 10_000; i++) {
                byte[] damaged = frame.clone();
                damaged[random.nextInt(frame.length)] = (byte) random.nextInt();
                damaged[random.nextInt(frame.length)] = (byte) random.nextInt();
                isPartial(damaged); // no exception
            }
        }
    }
}
