package io.sharedip.examples.gateway.control;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * A socket as streams that do not wait for ever, which the JDK has for TCP but not for unix sockets. {@link #allow} begins a new time
 * limit; each piece that the other side takes of what is written begins it again. One thread uses it, any thread
 * closes it.
 */
final class TimedChannel implements Closeable {

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private volatile long limitNanos;
    private volatile long deadlineNanos;

    TimedChannel(SocketChannel channel, Duration limit) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        this.selector = Selector.open();
        this.key = channel.register(selector, 0);
        allow(limit);
    }

    void allow(Duration limit) {
        limitNanos = limit.toNanos();
        renew();
    }

    private void renew() {
        deadlineNanos = System.nanoTime() + limitNanos;
    }

    private void await(int operation) throws IOException {
        try {
            key.interestOps(operation);
            long millis = (deadlineNanos - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                throw new SocketTimeoutException("the other side took too long");
            }
            selector.select(millis);
            selector.selectedKeys().clear();
        } catch (ClosedSelectorException | CancelledKeyException e) {
            ClosedChannelException closed = new ClosedChannelException();
            closed.initCause(e);
            throw closed;
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new InterruptedIOException("interrupted");
        }
    }

    /**
     * What the other side sends.
     *
     * @param renew whether each piece that arrives begins a new time limit; if not, all of them share one
     */
    InputStream input(boolean renew) {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] array, int offset, int length) throws IOException {
                ByteBuffer buffer = ByteBuffer.wrap(array, offset, length);
                if (length == 0) {
                    return 0;
                }
                int count = channel.read(buffer);
                while (count == 0) {
                    await(SelectionKey.OP_READ);
                    count = channel.read(buffer);
                }
                if (renew) {
                    renew();
                }
                return count;
            }
        };
    }

    OutputStream output() {
        return new OutputStream() {
            @Override
            public void write(int octet) throws IOException {
                write(new byte[] {(byte) octet}, 0, 1);
            }

            @Override
            public void write(byte[] array, int offset, int length) throws IOException {
                ByteBuffer buffer = ByteBuffer.wrap(array, offset, length);
                renew();
                while (buffer.hasRemaining()) {
                    if (channel.write(buffer) > 0) {
                        renew();
                    } else {
                        await(SelectionKey.OP_WRITE);
                    }
                }
            }
        };
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }
}
