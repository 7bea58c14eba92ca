package io.sharedip.netty.internal.sockets;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a stream has taken and the kernel has not: copies in pooled buffers, filled one after the other, so that the many small writes of a
 * turn go out with few system calls. A buffer that is not full goes to Netty only when the kernel has taken all of the turns before:
 * however small the writes are, what is held stays in proportion to its octets. Event loop only.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the listener hears of it
final class SendQueue {

    private static final int CHUNK = 1 << 16;
    private static final int LEAST = 1 << 9;

    private final int capacity;
    private final Runnable progress;
    private final Consumer<Throwable> failure;
    private @Nullable ByteBuf filling;
    private int waiting;
    /** Writes that Netty has not done with. */
    private int unfinished;
    /** The last of these, which have not been flushed. */
    private int unflushed;

    /**
     * Makes an empty queue.
     *
     * @param progress is told whenever some octets have gone to the kernel, from within {@link #flush} at times
     * @param failure is told why some could not go
     */
    SendQueue(int capacity, Runnable progress, Consumer<Throwable> failure) {
        this.capacity = capacity;
        this.progress = progress;
        this.failure = failure;
    }

    int room() {
        return capacity - waiting;
    }

    boolean isEmpty() {
        return waiting == 0;
    }

    int waiting() {
        return waiting;
    }

    /** Takes as many octets as there is room for. */
    int write(Channel channel, byte[] octets, int offset, int length) {
        int taken = Math.min(length, room());
        int left = taken;
        int from = offset;
        while (left > 0) {
            ByteBuf buffer = filling;
            if (buffer == null) {
                buffer = channel.alloc().directBuffer(Math.min(CHUNK, Math.max(LEAST, left)), CHUNK);
                filling = buffer;
            }
            int part = Math.min(left, buffer.maxWritableBytes());
            buffer.writeBytes(octets, from, part);
            from += part;
            left -= part;
            waiting += part;
            if (buffer.maxWritableBytes() == 0) {
                handOver(channel, buffer);
            }
        }
        return taken;
    }

    void flush(Channel channel) {
        ByteBuf buffer = filling;
        if (buffer != null && unfinished == unflushed) {
            handOver(channel, buffer);
        }
        unflushed = 0;
        channel.flush();
    }

    private void handOver(Channel channel, ByteBuf buffer) {
        filling = null;
        unfinished++;
        unflushed++;
        channel.write(buffer).addListener(new Written(buffer.readableBytes()));
    }

    /** Lets go of what was never handed to Netty, which sees to the rest. */
    void release() {
        ByteBuf buffer = filling;
        filling = null;
        if (buffer != null) {
            waiting -= buffer.readableBytes();
            buffer.release();
        }
    }

    private final class Written implements ChannelFutureListener {

        private final int octets;

        private Written(int octets) {
            this.octets = octets;
        }

        @Override
        public void operationComplete(ChannelFuture write) {
            waiting -= octets;
            unfinished--;
            Throwable cause = write.cause();
            if (cause != null) {
                failure.accept(cause);
                return;
            }
            if (unfinished == 0 && filling != null) {
                flush(write.channel());
            }
            progress.run();
        }
    }
}
