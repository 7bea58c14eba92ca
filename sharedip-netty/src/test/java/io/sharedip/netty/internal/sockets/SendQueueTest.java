package io.sharedip.netty.internal.sockets;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SendQueueTest {

    private static final int CAPACITY = 1 << 17;

    private final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true);
    private final Peer peer = new Peer();
    private final List<Integer> waitingAfterProgress = new ArrayList<>();
    private final List<Throwable> failures = new ArrayList<>();
    private final SendQueue queue = new SendQueue(CAPACITY, this::progress, failures::add);

    /** A channel whose peer reads only as much as the test lets it. */
    private static final class Peer extends EmbeddedChannel {

        private final ByteArrayOutputStream read = new ByteArrayOutputStream();
        private int willing;
        private int mostBuffersAtOnce;

        @Override
        protected void doWrite(ChannelOutboundBuffer buffers) throws Exception {
            mostBuffersAtOnce = Math.max(mostBuffersAtOnce, buffers.size());
            while (willing > 0 && buffers.current() instanceof ByteBuf first) {
                int length = Math.min(willing, first.readableBytes());
                first.getBytes(first.readerIndex(), read, length);
                willing -= length;
                buffers.removeBytes(length);
            }
        }

        void reads(int octets) {
            willing = octets;
            flush();
        }
    }

    SendQueueTest() {
        peer.config().setAllocator(memory);
    }

    @AfterEach
    void nothing_is_kept() {
        queue.release();
        peer.close();
        assertThat(memory.metric().usedDirectMemory()).isZero();
    }

    private void progress() {
        waitingAfterProgress.add(queue.waiting());
    }

    private static byte[] random(int length) {
        byte[] octets = new byte[length];
        new Random(length).nextBytes(octets);
        return octets;
    }

    /** Writes in pieces, each of which goes out in a turn of its own. */
    private void turns(byte[] octets, int from, int to, int piece) {
        for (int at = from; at < to; at += piece) {
            int length = Math.min(piece, to - at);
            assertThat(queue.write(peer, octets, at, length)).isEqualTo(length);
            queue.flush(peer);
        }
    }

    @Test
    void single_octets_to_a_peer_that_does_not_read_take_no_more_than_twice_their_room() {
        byte[] sent = random(CAPACITY);

        turns(sent, 0, CAPACITY, 1);

        assertThat(queue.room()).isZero();
        assertThat(memory.metric().usedDirectMemory()).isLessThanOrEqualTo(2 * CAPACITY);
        assertThat(peer.mostBuffersAtOnce).isLessThanOrEqualTo(4);
        peer.reads(CAPACITY);
        assertThat(peer.read.toByteArray()).isEqualTo(sent);
        assertThat(queue.isEmpty()).isTrue();
        assertThat(waitingAfterProgress).last().isEqualTo(0);
        assertThat(failures).isEmpty();
    }

    @Test
    void what_waits_goes_out_in_order_as_the_peer_reads_and_without_another_turn() {
        byte[] sent = random(1_000_000);
        Random random = new Random(7);
        int written = 0;
        while (written < sent.length) {
            int piece = Math.min(sent.length - written, 1 + random.nextInt(random.nextBoolean() ? 10 : 90_000));
            written += queue.write(peer, sent, written, piece);
            queue.flush(peer);
            peer.reads(random.nextInt(60_000));
        }

        peer.reads(sent.length);

        assertThat(queue.isEmpty()).isTrue();
        assertThat(peer.read.toByteArray()).isEqualTo(sent);
    }

    @Test
    void what_is_written_in_one_turn_goes_out_at_once_if_nothing_is_waiting() {
        byte[] sent = random(130_000);

        peer.willing = sent.length;
        turns(sent, 0, sent.length, sent.length);

        assertThat(peer.mostBuffersAtOnce).isEqualTo(2);
        assertThat(peer.read.toByteArray()).isEqualTo(sent);
        assertThat(waitingAfterProgress).containsExactly(130_000 - 65_536, 0);
    }

    @Test
    void nothing_more_is_handed_over_once_something_could_not_be_sent() {
        turns(random(10), 0, 10, 1);

        peer.close();

        assertThat(failures).hasSize(1);
        queue.release();
        assertThat(queue.isEmpty()).isTrue();
        assertThat(waitingAfterProgress).isEmpty();
    }
}
