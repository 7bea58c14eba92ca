package io.sharedip.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Octets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class FrameRingTest {

    private static List<byte[]> drain(FrameRing ring, int limit) {
        List<byte[]> taken = new ArrayList<>();
        ring.drain(
                (frames, count) -> {
                    for (int i = 0; i < count; i++) {
                        taken.add(frames[i].toByteArray());
                    }
                },
                limit);
        return taken;
    }

    @Test
    void frames_come_out_as_they_went_in_whatever_their_lengths() {
        Random random = new Random(1);
        FrameRing ring = new FrameRing(4096);
        Deque<byte[]> model = new ArrayDeque<>();
        long refused = 0;
        for (int step = 0; step < 50_000; step++) {
            if (random.nextInt(3) > 0) {
                byte[] frame = new byte[random.nextInt(random.nextInt(20) == 0 ? 1600 : 90)];
                random.nextBytes(frame);
                if (ring.offer(frame, 0, frame.length)) {
                    model.add(frame);
                } else {
                    refused++;
                }
            } else {
                for (byte[] frame : drain(ring, 1 + random.nextInt(200))) {
                    assertThat(frame).isEqualTo(model.remove());
                }
            }
            assertThat(ring.isEmpty()).isEqualTo(model.isEmpty());
            assertThat(ring.refused()).isEqualTo(refused);
        }
        assertThat(refused).isPositive();
    }

    @Test
    void a_drain_hands_over_no_more_than_its_limit() {
        FrameRing ring = new FrameRing(1 << 16);
        for (int i = 0; i < 300; i++) {
            ring.offer(new byte[60], 0, 60);
        }
        assertThat(drain(ring, 1)).hasSize(1);
        assertThat(drain(ring, 150)).hasSize(150);
        assertThat(drain(ring, 1000)).hasSize(149);
        assertThat(drain(ring, 1000)).isEmpty();
    }

    @Test
    void the_offload_state_goes_through() {
        FrameRing ring = new FrameRing(1 << 17);
        for (ChecksumState state : ChecksumState.values()) {
            ring.offer(Frame.of(new byte[65_550]).checksumState(state).segmentSize(1448));
            ring.drain(
                    (frames, count) -> {
                        assertThat(frames[0].checksumState()).isEqualTo(state);
                        assertThat(frames[0].segmentSize()).isEqualTo(1448);
                        assertThat(frames[0].length()).isEqualTo(65_550);
                    },
                    1);
        }
        assertThat(ring.isEmpty()).isTrue();
    }

    @Test
    void a_frame_that_never_fits_is_refused_and_the_ring_goes_on() {
        FrameRing ring = new FrameRing(1024);
        assertThat(ring.offer(new byte[1017], 0, 1017)).isFalse();
        assertThat(ring.offer(new byte[1016], 0, 1016)).isTrue();
        assertThat(ring.offer(new byte[1], 0, 1)).isFalse();
        assertThat(drain(ring, 10)).hasSize(1);
        assertThat(ring.offer(new byte[1], 0, 1)).isTrue();
        assertThat(ring.refused()).isEqualTo(2);
    }

    @Test
    void a_handler_that_throws_does_not_see_its_batch_again() {
        FrameRing ring = new FrameRing(4096);
        ring.offer(new byte[10], 0, 10);
        assertThatThrownBy(() -> ring.drain(
                        (frames, count) -> {
                            throw new IllegalStateException("no");
                        },
                        10))
                .isInstanceOf(IllegalStateException.class);
        assertThat(ring.isEmpty()).isTrue();
        ring.offer(new byte[11], 0, 11);
        assertThat(drain(ring, 10)).hasSize(1);
    }

    @Test
    void a_handler_may_offer_but_not_drain() {
        FrameRing ring = new FrameRing(4096);
        ring.offer(new byte[10], 0, 10);
        ring.drain(
                (frames, count) -> {
                    ring.offer(new byte[20], 0, 20);
                    assertThatThrownBy(() -> ring.drain((f, c) -> {}, 1)).isInstanceOf(IllegalStateException.class);
                },
                1);
        assertThat(drain(ring, 10)).hasSize(1).allMatch(f -> f.length == 20);
    }

    @Test
    void a_capacity_out_of_range_is_refused() {
        for (int capacity : new int[] {0, 1023, (1 << 30) + 1}) {
            assertThatThrownBy(() -> new FrameRing(capacity)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(new FrameRing(1025).capacity()).isEqualTo(2048);
    }

    @Test
    @Timeout(20)
    void two_threads_lose_nothing_and_mix_nothing_up() throws Exception {
        FrameRing ring = new FrameRing(8192);
        int frames = 200_000;
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread producer = new Thread(() -> {
            byte[] frame = new byte[200];
            for (int i = 0; i < frames; ) {
                int length = 8 + i % 190;
                Octets.put32(frame, 0, i);
                Octets.put32(frame, length - 4, i);
                if (ring.offer(frame, 0, length)) {
                    i++;
                } else {
                    Thread.yield();
                }
            }
        });
        producer.start();
        int[] next = {0};
        while (next[0] < frames && failure.get() == null) {
            int taken = ring.drain(
                    (batch, count) -> {
                        for (int i = 0; i < count; i++) {
                            int n = next[0]++;
                            if (batch[i].length() != 8 + n % 190
                                    || batch[i].i32(0) != n
                                    || batch[i].i32(batch[i].length() - 4) != n) {
                                failure.compareAndSet(null, new AssertionError("frame " + n + " is " + batch[i]));
                            }
                        }
                    },
                    64);
            if (taken == 0) {
                Thread.yield();
            }
        }
        producer.join();
        assertThat(failure.get()).isNull();
        assertThat(ring.isEmpty()).isTrue();
    }
}
