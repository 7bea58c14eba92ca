package io.sharedip.netty;

import io.sharedip.ConfigurationException;
import io.sharedip.address.MacAddress;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.link.LinkHost;
import io.sharedip.packet.ChecksumState;
import io.sharedip.packet.Frame;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A link over an input and an output stream, most often those of the process: each Ethernet frame behind its length as a 2-octet
 * little-endian number, as gvproxy speaks with a monitor that has started it.
 *
 * <p>When the input ends, or the output cannot be written to, the link is {@linkplain LinkHost#down down} for good and what was given to
 * {@link #onEnd} is run, so that a process whose only purpose was this guest can end too. With {@link #standard} nothing else in the
 * process may write to {@code System.out}.
 *
 * <p><b>Lifetime.</b> {@link #open} starts two daemon threads named {@code sharedip-stdio}; {@link #close} ends them and closes both
 * streams. A thread that hangs in a stream which does not give way when it is closed is left to the end of the process.
 *
 * <p><b>Room.</b> What arrives waits in a bounded ring; when it is full the input is not read until the driver has caught up. What is sent
 * waits in a second ring; when that is full because nobody reads the output, {@link #isWritable} and {@link #send} return false.
 *
 * <p><b>Threads.</b> {@link #poll}, {@link #send} and {@link #flush} belong to the gateway's driver thread, as {@link Link} says; all other
 * methods may be called from anywhere.
 *
 * <p>A link sends frames of 14 to 65,535 octets, unpadded; others are refused. What arrives shorter than 14 octets is dropped with a
 * {@linkplain LinkHost#notice notice} now and then.
 */
public final class StdioLink implements Link {

    private static final int LONGEST = 65_535;
    private static final int HEADER = 2;
    private static final int ROOM = 1 << 17;
    private static final int CLOSE_MILLIS = 300;

    // hyperkit's greeting
    private static final byte[] MAGIC = "VMN3T".getBytes(StandardCharsets.US_ASCII);
    private static final int INIT = 49;
    private static final int COMMAND = 41;
    private static final int REPLY = 258;
    private static final int ETHERNET = 1;

    private enum State {
        NEW,
        OPEN,
        CLOSED
    }

    /** What an opened link works with. */
    private record Running(Arrivals arrived, SendRing leaving, LinkHost host, Thread reader, Thread writer) {}

    private final String name;
    private final InputStream in;
    private final OutputStream out;
    private final @Nullable MacAddress greeted;
    private final LinkOptions options;

    private final AtomicReference<State> state = new AtomicReference<>(State.NEW);
    private final AtomicBoolean over = new AtomicBoolean();
    private final RareNotice runt = new RareNotice();
    private final Runnable resume = this::resumeReading;
    private volatile @Nullable Running running;
    private volatile Runnable onEnd = () -> {};

    private StdioLink(
            String name, InputStream in, OutputStream out, @Nullable MacAddress greeted, LinkOptions options) {
        this.name = name;
        this.in = in;
        this.out = out;
        this.greeted = greeted;
        this.options = options;
    }

    /**
     * Makes a link over the process's own standard input and output. Nothing is read yet.
     *
     * @return a new link
     */
    public static StdioLink standard() {
        return new StdioLink(
                "stdio",
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                null,
                LinkOptions.DEFAULT);
    }

    /**
     * Makes a link over two streams, which it then owns. Nothing is read yet.
     *
     * @param name for messages, events and tables, behind {@code "stdio:"}
     * @param in read by one thread; needs no buffer
     * @param out written and flushed by another; needs no buffer
     * @return a new link
     */
    public static StdioLink on(String name, InputStream in, OutputStream out) {
        return new StdioLink(
                "stdio:" + Objects.requireNonNull(name, "name"),
                Objects.requireNonNull(in, "in"),
                Objects.requireNonNull(out, "out"),
                null,
                LinkOptions.DEFAULT);
    }

    /**
     * A link like this one that first answers hyperkit's greeting, by which the guest's card is told its MAC address and MTU; to be called
     * before the link is used.
     *
     * @param guest the guest's MAC address
     * @return a new link
     */
    public StdioLink withHyperkitGreeting(MacAddress guest) {
        return new StdioLink(name, in, out, Objects.requireNonNull(guest, "guest"), options);
    }

    /**
     * A link like this one with another MTU, 1500 unless said; to be called before the link is used.
     *
     * @param mtu of the guest's card, 68 to 65517 octets
     * @return a new link
     * @throws ConfigurationException if out of range
     */
    public StdioLink withMtu(int mtu) {
        return new StdioLink(name, in, out, greeted, options.withMtu(name, LONGEST - 18, mtu));
    }

    /**
     * A link like this one with other room in each direction, 512 KiB unless said; to be called before the link is used.
     *
     * @param octets 262,144 to 2<sup>30</sup>; rounded up to a power of two
     * @return a new link
     * @throws ConfigurationException if out of range
     */
    public StdioLink withQueue(int octets) {
        return new StdioLink(name, in, out, greeted, options.withQueue(name, octets));
    }

    /**
     * A link like this one that marks the frames that arrive; to be called before the link is used.
     *
     * @param checksums as for {@link QemuStreamLink#withChecksums}
     * @return a new link
     */
    public StdioLink withChecksums(ChecksumState checksums) {
        return new StdioLink(name, in, out, greeted, options.withChecksums(checksums));
    }

    /**
     * Says what to do when the input has ended or the output has broken; of the link it is called on alone.
     *
     * @param action run once, on a thread of the link's; not if the link is closed first
     */
    public void onEnd(Runnable action) {
        onEnd = Objects.requireNonNull(action, "action");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int mtu() {
        return options.mtu();
    }

    /** Empty: the streams end at no card. */
    @Override
    public Optional<MacAddress> macAddress() {
        return Optional.empty();
    }

    /**
     * Begins to read.
     *
     * @throws IllegalStateException if the link was opened before
     */
    @Override
    public void open(LinkHost host) {
        Objects.requireNonNull(host, "host");
        if (!state.compareAndSet(State.NEW, State.OPEN)) {
            throw new IllegalStateException(name + ": was opened before");
        }
        Thread reader = new Thread(this::read, "sharedip-stdio in");
        Thread writer = new Thread(this::write, "sharedip-stdio out");
        reader.setDaemon(true);
        writer.setDaemon(true);
        running = new Running(new Arrivals(options.queue()), new SendRing(options.queue()), host, reader, writer);
        reader.start();
        if (greeted == null) {
            writer.start();
        }
    }

    @Override
    public int poll(FrameHandler handler, int limit) {
        Running now = running;
        return now == null ? 0 : now.arrived.poll(handler, limit, resume);
    }

    private void resumeReading() {
        Running now = running;
        if (now != null) {
            LockSupport.unpark(now.reader);
        }
    }

    /**
     * Keeps a copy of the frame for {@link #flush}.
     *
     * @return false if a stream has ended, the queue is full, or the frame's length is not in 14 to 65,535
     */
    @Override
    public boolean send(Frame frame) {
        Running now = running;
        int length = frame.length();
        return now != null
                && !over.get()
                && length >= LinkOptions.SHORTEST_FRAME
                && length <= LONGEST
                && now.leaving.offer(frame);
    }

    @Override
    public void flush() {
        Running now = running;
        if (now != null && now.leaving.publish()) {
            LockSupport.unpark(now.writer);
        }
    }

    /** Whether there is room for a frame of the MTU, or a stream has ended. */
    @Override
    public boolean isWritable() {
        Running now = running;
        return now == null || over.get() || now.leaving.hasRoom(options.frame());
    }

    @Override
    public void close() {
        Running last = running;
        if (state.getAndSet(State.CLOSED) != State.OPEN || last == null) {
            return;
        }
        running = null;
        LockSupport.unpark(last.reader);
        LockSupport.unpark(last.writer);
        // a stream may wait for its user before it closes
        Thread closer = new Thread(this::closeStreams, "sharedip-stdio close");
        closer.setDaemon(true);
        closer.start();
        try {
            closer.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void closeStreams() {
        try {
            in.close();
        } catch (IOException ignored) {
            // nobody reads it any more
        }
        try {
            out.close();
        } catch (IOException ignored) {
            // nobody writes to it any more
        }
    }

    /** The name. */
    @Override
    public String toString() {
        return name;
    }

    private boolean isOpen() {
        return state.get() == State.OPEN;
    }

    private void end(Running of, String reason) {
        if (isOpen() && over.compareAndSet(false, true)) {
            of.host.down(reason);
            of.host.wakeup(); // what waits for room would wait for ever
            onEnd.run();
        }
    }

    private void read() {
        Running now = running;
        if (now == null) {
            return;
        }
        try {
            if (greeted != null) {
                greet(greeted);
                now.writer.start();
            }
            readFrames(now);
        } catch (IOException e) {
            end(now, "the input broke: " + e.getMessage());
        }
    }

    private void readFrames(Running now) throws IOException {
        byte[] octets = new byte[ROOM];
        Frame frame = new Frame();
        int start = 0;
        int end = 0;
        while (isOpen()) {
            int count = in.read(octets, end, ROOM - end);
            if (count < 0) {
                end(now, end == start ? "the input has ended" : "the input has ended within a frame");
                return;
            }
            end += count;
            while (end - start >= HEADER) {
                int length = (octets[start] & 0xff) | ((octets[start + 1] & 0xff) << 8);
                if (end - start < HEADER + length) {
                    break;
                }
                if (length < LinkOptions.SHORTEST_FRAME) {
                    runt.tell(now.host, "a frame of " + length + " octets was dropped, where 14 are the fewest");
                } else if (!put(now, frame.wrap(octets, start + HEADER, length).checksumState(options.checksums()))) {
                    return;
                }
                start += HEADER + length;
            }
            now.host.wakeup();
            if (start > ROOM - HEADER - LONGEST) {
                System.arraycopy(octets, start, octets, 0, end - start);
                end -= start;
                start = 0;
            }
        }
    }

    /** Puts a frame into the ring, when there is room; false if the link is closed before. */
    private boolean put(Running now, Frame frame) {
        while (!now.arrived.offer(frame)) {
            now.host.wakeup();
            while (now.arrived.isStalled() && isOpen()) {
                LockSupport.park(this);
            }
            if (!isOpen()) {
                return false;
            }
        }
        return true;
    }

    private void greet(MacAddress guest) throws IOException {
        byte[] init = in.readNBytes(INIT);
        if (init.length < INIT || !Arrays.equals(init, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new IOException("it does not begin with hyperkit's greeting");
        }
        out.write(init);
        out.flush();
        byte[] command = in.readNBytes(COMMAND);
        if (command.length < COMMAND || command[0] != ETHERNET) {
            throw new IOException("hyperkit does not ask for an Ethernet card");
        }
        byte[] reply = new byte[REPLY];
        reply[0] = ETHERNET;
        putLittleEndian(reply, 1, mtu());
        putLittleEndian(reply, 3, mtu() + LinkOptions.SHORTEST_FRAME);
        for (int i = 0; i < 6; i++) {
            reply[5 + i] = (byte) (guest.bits() >>> (40 - 8 * i));
        }
        out.write(reply);
        out.flush();
    }

    private static void putLittleEndian(byte[] octets, int at, int value) {
        octets[at] = (byte) value;
        octets[at + 1] = (byte) (value >>> 8);
    }

    private void write() {
        Running now = running;
        if (now == null) {
            return;
        }
        byte[] octets = new byte[ROOM];
        ByteBuffer pieces = ByteBuffer.allocateDirect(LONGEST);
        try {
            while (isOpen() && !over.get()) {
                int used = 0;
                boolean room = false;
                int length;
                while ((length = now.leaving.nextFrame()) > 0 && used + HEADER + length <= ROOM) {
                    ByteBuffer frame = now.leaving.frame(pieces);
                    putLittleEndian(octets, used, length);
                    frame.get(now.leaving.frameAt(), octets, used + HEADER, length);
                    used += HEADER + length;
                    room |= now.leaving.freeFrame();
                }
                if (room) {
                    now.host.wakeup();
                }
                if (used == 0) {
                    LockSupport.park(this);
                } else {
                    out.write(octets, 0, used);
                    out.flush();
                }
            }
        } catch (IOException e) {
            end(now, "the output broke: " + e.getMessage());
        }
    }
}
