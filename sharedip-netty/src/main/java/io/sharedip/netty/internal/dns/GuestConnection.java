package io.sharedip.netty.internal.dns;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.u16;

import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A guest's TCP connection (RFC 7766): messages with their lengths before them, several at once, answered as the answers come. What a
 * guest can make this keep is bounded: one message that is coming, and {@link #MOST_OPEN} questions or answers; while there are as many,
 * nothing more is read. Driver's thread only.
 */
public final class GuestConnection implements HostStream {

    /** What a connection needs of the server. */
    public interface Server {

        /**
         * A question has come.
         *
         * @param message whole
         * @param answer hears once, on the driver's thread and not within this call; null ends the connection
         */
        void asked(byte[] message, Consumer<byte @Nullable []> answer);

        /** The connection has ended; called once. */
        void ended();

        /**
         * Runs something on the driver's thread soon.
         *
         * @param action must not block
         */
        void execute(Runnable action);
    }

    private static final int MOST_OPEN = 16;
    private static final int LENGTH = 2;

    private final Server server;
    private final Handler handler;
    private final byte[] in = new byte[LENGTH + Query.LONGEST];
    private final ArrayDeque<byte[]> out = new ArrayDeque<>();
    private int filled;
    private int asked;
    private int sent;
    private long requested;
    private boolean tookLess;
    private boolean inputEnded;
    private boolean ended;
    private boolean active = true;

    /**
     * Makes a connection that is established.
     *
     * @param server answers
     * @param handler the guest's end
     */
    public GuestConnection(Server server, Handler handler) {
        this.server = server;
        this.handler = handler;
    }

    @Override
    public int write(byte[] octets, int offset, int length) {
        if (ended) {
            return length;
        }
        active = true;
        int taken = 0;
        while (taken < length && filled < in.length && !ended) {
            int part = Math.min(length - taken, in.length - filled);
            System.arraycopy(octets, offset + taken, in, filled, part);
            filled += part;
            taken += part;
            take();
        }
        tookLess = taken < length;
        return ended ? length : taken;
    }

    private void take() {
        while (!ended && asked + out.size() < MOST_OPEN && filled >= LENGTH) {
            int length = u16(in, 0);
            if (length < Query.HEADER || length > Query.LONGEST) {
                fail();
                return;
            }
            if (filled < LENGTH + length) {
                return;
            }
            byte[] message = Arrays.copyOfRange(in, LENGTH, LENGTH + length);
            filled -= LENGTH + length;
            System.arraycopy(in, LENGTH + length, in, 0, filled);
            asked++;
            server.asked(message, this::answered);
        }
    }

    private void answered(byte @Nullable [] message) {
        asked--;
        if (ended) {
            return;
        }
        if (message == null) {
            fail();
            return;
        }
        byte[] framed = new byte[LENGTH + message.length];
        put16(framed, 0, message.length);
        System.arraycopy(message, 0, framed, LENGTH, message.length);
        out.add(framed);
        move();
    }

    private void move() {
        while (!ended && requested > 0 && !out.isEmpty()) {
            byte[] head = out.element();
            int part = (int) Math.min(requested, head.length - sent);
            requested -= part;
            int from = sent;
            sent += part;
            if (sent == head.length) {
                out.remove();
                sent = 0;
            }
            handler.received(ByteBuffer.wrap(head, from, part).slice());
        }
        take();
        if (!ended && tookLess && filled < in.length) {
            tookLess = false;
            handler.writable();
        }
        if (!ended && inputEnded && asked == 0 && out.isEmpty()) {
            handler.endOfInput();
            end();
        }
    }

    /** Ends it with a reset if nothing has come since this was asked last. */
    public void endIfIdle() {
        if (!active && asked == 0) {
            fail();
        }
        active = false;
    }

    private void fail() {
        if (!ended) {
            end();
            server.execute(() -> handler.failed(Failure.RESET));
        }
    }

    private void end() {
        if (!ended) {
            ended = true;
            out.clear();
            server.ended();
        }
    }

    @Override
    public int room() {
        return ended ? 0 : in.length - filled;
    }

    @Override
    public int capacity() {
        return in.length;
    }

    @Override
    public void shutdownOutput() {
        inputEnded = true;
        server.execute(this::move);
    }

    @Override
    public void request(int octets) {
        requested += octets;
        server.execute(this::move);
    }

    @Override
    public void reset() {
        end();
    }

    @Override
    public void close() {
        end();
    }
}
