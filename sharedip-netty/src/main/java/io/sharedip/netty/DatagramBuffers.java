package io.sharedip.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import java.nio.ByteBuffer;

/** Buffers for the datagrams of one round of reads, out of one piece of memory that is used over and over. Event loop only. */
final class DatagramBuffers extends DefaultMaxMessagesRecvByteBufAllocator {

    private final int size;
    private final int buffers;
    private final ByteBuf memory;
    private int next;

    /**
     * Makes buffers.
     *
     * @param size of each, octets
     * @param buffers that may be in use at once
     * @param reads in a row
     */
    DatagramBuffers(int size, int buffers, int reads) {
        super(reads);
        this.size = size;
        this.buffers = buffers;
        this.memory = Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(size * buffers));
    }

    @Override
    @SuppressWarnings("deprecation") // its successor is the return type of the overridden method
    public Handle newHandle() {
        return new MaxMessageHandle() {
            @Override
            public int guess() {
                return size;
            }

            @Override
            public ByteBuf allocate(ByteBufAllocator allocator) {
                if (memory.refCnt() == 1) {
                    next = 0; // all of them have been released
                }
                return next < buffers
                        ? memory.retainedSlice(next++ * size, size).clear()
                        : allocator.directBuffer(size, size);
            }
        };
    }
}
