package io.sharedip.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.sharedip.packet.Frame;
import java.io.ByteArrayOutputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SendRingTest {

    private static final int SIZE = 1 << 12;

    @Test
    void givesBackEveryOctetInOrderAtEveryOffset() {
        for (int seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            SendRing ring = new SendRing(SIZE);
            ByteArrayOutputStream in = new ByteArrayOutputStream();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            int refused = 0;
            for (int i = 0; i < 5000; i++) {
                byte[] frame = Monitor.frame(Monitor.MAC_1, i, 14 + random.nextInt(500));
                int margin = random.nextInt(3);
                byte[] wider = new byte[frame.length + 2 * margin];
                System.arraycopy(frame, 0, wider, margin, frame.length);
                if (ring.offer(new Frame().wrap(wider, margin, frame.length))) {
                    in.writeBytes(Monitor.stream(frame));
                } else {
                    refused++;
                }
                if (random.nextInt(3) == 0) {
                    ring.publish();
                }
                if (random.nextInt(4) == 0) {
                    take(ring, 1 + random.nextInt(1000), out);
                }
            }
            ring.publish();
            while (take(ring, SIZE, out) > 0) {
                // all of it
            }
            assertThat(out.toByteArray()).isEqualTo(in.toByteArray());
            assertThat(refused).isPositive();
        }
    }

    @Test
    void fillsToTheLastOctetAndNoFurther() {
        SendRing ring = new SendRing(SIZE);
        assertThat(ring.offer(Frame.of(new byte[SIZE - 3]))).isFalse();
        assertThat(ring.offer(Frame.of(new byte[SIZE - 4]))).isTrue();
        assertThat(ring.offer(Frame.of(new byte[14]))).isFalse();
        ring.publish();
        take(ring, SIZE, new ByteArrayOutputStream());
        assertThat(ring.offer(Frame.of(new byte[14]))).isTrue();
    }

    @Test
    void showsNothingBeforeItIsPublished() {
        SendRing ring = new SendRing(SIZE);
        assertThat(ring.publish()).isFalse();
        ring.offer(Frame.of(new byte[14]));
        assertThat(ring.next(SIZE)).isNull();
        assertThat(ring.publish()).isTrue();
        assertThat(ring.publish()).isFalse();
        assertThat(take(ring, SIZE, new ByteArrayOutputStream())).isEqualTo(18);
    }

    @Test
    void discardLeavesABoundary() {
        SendRing ring = new SendRing(SIZE);
        ring.offer(Frame.of(new byte[100]));
        ring.publish();
        take(ring, 50, new ByteArrayOutputStream());
        byte[] later = Monitor.frame(Monitor.MAC_1, 1, 60);
        ring.offer(Frame.of(later));
        ring.discard();
        ring.publish();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        take(ring, SIZE, out);
        assertThat(out.toByteArray()).isEqualTo(Monitor.stream(later));
    }

    private static int take(SendRing ring, int limit, ByteArrayOutputStream out) {
        ByteBuf octets = ring.next(limit);
        if (octets == null) {
            return 0;
        }
        int length = octets.readableBytes();
        byte[] copy = new byte[length];
        octets.readBytes(copy);
        octets.release();
        out.writeBytes(copy);
        ring.free(length);
        return length;
    }
}
