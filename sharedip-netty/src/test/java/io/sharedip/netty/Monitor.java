package io.sharedip.netty;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Random;

/** The other end of a stream: what a virtual machine monitor does, on a plain socket. */
final class Monitor implements AutoCloseable {

    static final long MAC_1 = 0x525400000001L;
    static final long MAC_2 = 0x525400000002L;
    static final long MAC_3 = 0x525400000003L;

    final SocketChannel socket;

    Monitor(SocketChannel socket) {
        this.socket = socket;
    }

    static Monitor connect(SocketAddress address) {
        try {
            return new Monitor(SocketChannel.open(address));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A frame whose content follows from its number. */
    static byte[] frame(long sourceMac, int number, int length) {
        byte[] octets = new byte[length];
        new Random(number).nextBytes(octets);
        ByteBuffer buffer = ByteBuffer.wrap(octets);
        buffer.putShort(0, (short) 0x0200).putInt(2, number);
        buffer.putShort(6, (short) (sourceMac >>> 32)).putInt(8, (int) sourceMac);
        return octets;
    }

    /** The number that {@link #frame} was given. */
    static int number(byte[] frame) {
        return ByteBuffer.wrap(frame).getInt(2);
    }

    /** Frames as they go over the stream. */
    static byte[] stream(byte[]... frames) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] frame : frames) {
            out.writeBytes(length(frame.length));
            out.writeBytes(frame);
        }
        return out.toByteArray();
    }

    static byte[] length(int length) {
        return ByteBuffer.allocate(4).putInt(length).array();
    }

    void write(byte[] octets) {
        write(octets, 0, octets.length);
    }

    void write(byte[] octets, int from, int to) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(octets, from, to - from);
            while (buffer.hasRemaining()) {
                socket.write(buffer);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void send(byte[]... frames) {
        write(stream(frames));
    }

    /** Reads one frame; null at the end of the stream. Waits for ever, which the test's timeout ends. */
    byte[] read() {
        ByteBuffer header = ByteBuffer.allocate(4);
        if (!fill(header)) {
            return null;
        }
        ByteBuffer frame = ByteBuffer.allocate(header.getInt(0));
        if (!fill(frame)) {
            return null;
        }
        return frame.array();
    }

    private boolean fill(ByteBuffer buffer) {
        try {
            while (buffer.hasRemaining()) {
                if (socket.read(buffer) < 0) {
                    return false;
                }
            }
            return true;
        } catch (IOException reset) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
