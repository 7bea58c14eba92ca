package io.sharedip.netty.internal.sockets;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * How many octets a stream may read. Netty asks it for the buffer of each read, and so reads no more than was requested.
 *
 * <p>One case needs more than a small buffer: when the peer has closed, Netty's epoll transport reads on to the end of what the kernel
 * holds, megabytes perhaps, whether asked to or not. An exception out of {@link Handle#allocate} is the one way to make it stop; it goes
 * on with the next {@link io.netty.channel.Channel#read}.
 */
final class Demand extends DefaultMaxMessagesRecvByteBufAllocator {

    /** Thrown to keep Netty from reading what nobody has asked for. */
    static final class Nothing extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private Nothing() {
            super("nothing was requested", null, false, false);
        }
    }

    /** The longest read, in octets. */
    static final int MOST_AT_ONCE = 1 << 16;

    private static final int AHEAD = 1 << 11;

    private final boolean mayRefuse;
    private final @Nullable ByteBuf shared;
    private int octets;
    private boolean discarding;
    private boolean atEnd;

    /**
     * Makes a demand of nothing.
     *
     * @param mayRefuse whether the transport takes an exception for a refusal; else it is given a small buffer
     * @param shared where all streams read to, of {@value #MOST_AT_ONCE} octets; null for a buffer for each read
     */
    Demand(boolean mayRefuse, @Nullable ByteBuf shared) {
        super(1);
        this.mayRefuse = mayRefuse;
        this.shared = shared;
    }

    int octets() {
        return octets;
    }

    void add(int more) {
        octets = (int) Math.min(Integer.MAX_VALUE, (long) octets + more);
    }

    void take(int octetsRead) {
        octets -= octetsRead;
    }

    /** From now on everything may be read, since all of it is thrown away. */
    void discard() {
        discarding = true;
    }

    boolean isDiscarding() {
        return discarding;
    }

    /** Whether the end of the peer's octets has been read, which Netty tells some calls later. */
    boolean isAtEnd() {
        return atEnd;
    }

    @Override
    @SuppressWarnings("deprecation") // its successor is the return type of the overridden method
    public Handle newHandle() {
        return new MaxMessageHandle() {
            @Override
            public int guess() {
                return discarding ? MOST_AT_ONCE : octets == 0 ? AHEAD : Math.min(octets, MOST_AT_ONCE);
            }

            @Override
            public void lastBytesRead(int bytes) {
                atEnd |= bytes < 0;
                super.lastBytesRead(bytes);
            }

            @Override
            public ByteBuf allocate(ByteBufAllocator allocator) {
                if (octets == 0 && mayRefuse && !discarding) {
                    throw new Nothing();
                }
                int size = guess();
                if (shared == null) {
                    return allocator.ioBuffer(size, size);
                }
                int start = MOST_AT_ONCE - size;
                return shared.setIndex(start, start).retain();
            }
        };
    }
}
