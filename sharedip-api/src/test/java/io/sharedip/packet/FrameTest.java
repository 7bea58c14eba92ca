package io.sharedip.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Octets and frames: big-endian, bounded by the window. */
class FrameTest {

    @Test
    void octets_are_written_and_read_big_endian_at_any_place() {
        Random random = new Random(1);
        byte[] a = new byte[32];
        for (int i = 0; i < 2_000; i++) {
            long value = random.nextLong();
            int at = random.nextInt(24);
            Octets.put64(a, at, value);
            assertThat(Octets.i64(a, at)).isEqualTo(value);
            assertThat(Octets.i32(a, at)).isEqualTo((int) (value >>> 32));
            assertThat(Octets.u32(a, at)).isEqualTo(value >>> 32);
            assertThat(Octets.u48(a, at)).isEqualTo(value >>> 16);
            assertThat(Octets.u16(a, at)).isEqualTo((int) (value >>> 48));
            assertThat(Octets.u8(a, at)).isEqualTo((int) (value >>> 56));
            Octets.put48(a, at, value);
            assertThat(Octets.u48(a, at)).isEqualTo(value & 0xffffffffffffL);
            Octets.put32(a, at, (int) value);
            assertThat(Octets.i32(a, at)).isEqualTo((int) value);
            Octets.put16(a, at, (int) value);
            assertThat(Octets.u16(a, at)).isEqualTo((int) value & 0xffff);
            Octets.put8(a, at, (int) value);
            assertThat(Octets.u8(a, at)).isEqualTo((int) value & 0xff);
        }
    }

    @Test
    void octets_outside_the_array_are_refused() {
        byte[] a = new byte[8];
        assertThatThrownBy(() -> Octets.u16(a, 7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Octets.i32(a, 5)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Octets.u48(a, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Octets.i64(a, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Octets.put16(a, -1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void a_frame_is_a_window_and_nothing_outside_it_is_reached() {
        byte[] a = new byte[100];
        a[9] = 9;
        a[10] = 1;
        a[19] = 2;
        a[20] = 3;
        Frame frame = new Frame().wrap(a, 10, 10);
        assertThat(frame.u8(0)).isEqualTo(1);
        assertThat(frame.u8(9)).isEqualTo(2);
        assertThat(frame.array()).isSameAs(a);
        assertThat(frame.offset()).isEqualTo(10);
        for (int index : new int[] {-1, 10}) {
            assertThatThrownBy(() -> frame.u8(index)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> frame.put8(index, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThatThrownBy(() -> frame.u16(9)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.i32(7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.u32(7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.u48(5)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.put16(9, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.put32(7, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.put48(5, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> frame.length(91)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> new Frame().wrap(a, 95, 6)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(frame.length(90).u8(10)).isEqualTo(3);
    }

    @Test
    void the_offload_state_is_copied_with_the_frame_and_reset_by_wrapping() {
        Frame frame = Frame.of(new byte[] {1, 2, 3})
                .checksumState(ChecksumState.PARTIAL)
                .segmentSize(1448);
        Frame copy = Frame.copyOf(frame);
        assertThat(copy.checksumState()).isEqualTo(ChecksumState.PARTIAL);
        assertThat(copy.segmentSize()).isEqualTo(1448);
        copy.put8(0, 9);
        assertThat(frame.u8(0)).isEqualTo(1);
        frame.wrap(new byte[1], 0, 1);
        assertThat(frame.checksumState()).isEqualTo(ChecksumState.COMPLETE);
        assertThat(frame.segmentSize()).isZero();
        assertThatThrownBy(() -> frame.segmentSize(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_frame_never_shows_its_content() {
        Frame frame = Frame.of("secret".getBytes(StandardCharsets.US_ASCII)).segmentSize(7);
        assertThat(frame.toString()).contains("6 octets", "7").doesNotContain("secret", "115");
    }
}
