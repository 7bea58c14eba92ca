package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.Executor;

/**
 * A socket for datagrams that is no channel: what it receives comes in batches, and what routers say of what it sent is read from its error
 * queue. Event loop only.
 */
public final class DescriptorSocket {

    private static final int NAME = 16;

    private final int fd;
    private final int port;
    private final DatagramBatch batch;
    private final Executor loop;
    private final Events events;
    private final Poller.Watch watch;
    private int lost;
    private boolean closed;

    /** Hears of one socket, on the event loop. */
    public interface Events {

        /** A datagram has come. */
        void received(int peer, int port, ByteBuffer payload);

        /** The kernel had no room for some that came before the next one. */
        void lost(int datagrams);

        /**
         * An error about something that was sent.
         *
         * @param quoted the 16-bit number at offset 6 of what is quoted, which is a ping's sequence number
         */
        void error(int peer, int port, int type, int code, int mtu, int quoted);
    }

    private DescriptorSocket(int fd, int port, DatagramBatch batch, Executor loop, Poller poller, Events events)
            throws ErrnoException {
        this.fd = fd;
        this.port = port;
        this.batch = batch;
        this.loop = loop;
        this.events = events;
        this.watch = poller.watch(fd, this::ready);
    }

    /**
     * Opens and binds one.
     *
     * @param ping whether it is for ICMP echo, else for UDP
     * @param address to bind to, 0 for all
     * @param port to bind to, 0 for any
     * @param buffer what the kernel is asked to keep in each direction, in octets
     * @param loop the event loop
     */
    public static DescriptorSocket open(
            boolean ping,
            int address,
            int port,
            int buffer,
            DatagramBatch batch,
            Executor loop,
            Poller poller,
            Events events)
            throws ErrnoException {
        int fd = LibC.socket(LibC.AF_INET, LibC.SOCK_DGRAM | LibC.SOCK_FLAGS, ping ? LibC.IPPROTO_ICMP : 0);
        if (fd < 0) {
            throw new ErrnoException("socket", LibC.errno());
        }
        boolean opened = false;
        try {
            LibC.setOption(fd, LibC.SOL_SOCKET, LibC.SO_RCVBUF, buffer);
            LibC.setOption(fd, LibC.SOL_SOCKET, LibC.SO_SNDBUF, buffer);
            LibC.setOption(fd, LibC.SOL_SOCKET, LibC.SO_RXQ_OVFL, 1);
            LibC.setOption(fd, LibC.SOL_IP, LibC.IP_RECVERR, 1);
            LibC.setOption(fd, LibC.SOL_IP, LibC.IP_MTU_DISCOVER, LibC.IP_PMTUDISC_WANT);
            int bound = bind(fd, address, port);
            DescriptorSocket socket = new DescriptorSocket(fd, bound, batch, loop, poller, events);
            opened = true;
            return socket;
        } finally {
            if (!opened) {
                LibC.close(fd);
            }
        }
    }

    private static int bind(int fd, int address, int port) throws ErrnoException {
        try (Memory memory = new Memory(NAME + 4)) {
            memory.clear();
            ByteBuffer name = memory.getByteBuffer(0, NAME).order(ByteOrder.BIG_ENDIAN);
            memory.setShort(0, (short) LibC.AF_INET);
            name.putShort(2, (short) port).putInt(4, address);
            if (LibC.bind(fd, LibC.address(memory), NAME) != 0) {
                throw new ErrnoException("bind", LibC.errno());
            }
            memory.setInt(NAME, NAME);
            LibC.getsockname(fd, LibC.address(memory), LibC.address(memory) + NAME);
            return name.getShort(2) & 0xffff;
        }
    }

    /** The port it is bound to; for a ping socket the identifier. */
    public int port() {
        return port;
    }

    /** Where to put a datagram together, right before {@link #send}. */
    public ByteBuffer outgoing() {
        return batch.outgoing();
    }

    /**
     * Sends what was put together.
     *
     * @return 0, or the error number of the kernel's refusal
     */
    public int send(int peer, int peerPort, int length) {
        if (closed) {
            return LibC.ENOBUFS;
        }
        int errno = batch.send(fd, peer, peerPort, length);
        if (errno != 0 && errno != LibC.EAGAIN && errno != LibC.ENOBUFS) {
            // it may be the error of an earlier datagram, which the kernel tells at the next call whatever that is
            // about
            while (batch.nextError(fd)) {
                tellLater();
            }
            errno = batch.send(fd, peer, peerPort, length);
        }
        return errno;
    }

    private void tellLater() {
        int peer = batch.errorPeer();
        int peerPort = batch.errorPort();
        int type = batch.errorType();
        int code = batch.errorCode();
        int mtu = batch.errorMtu();
        int quoted = batch.errorQuote(6);
        loop.execute(() -> {
            if (!closed) {
                events.error(peer, peerPort, type, code, mtu, quoted);
            }
        });
    }

    /** Whether a send was refused because there is no room just now. */
    public static boolean isFull(int errno) {
        return errno == LibC.EAGAIN || errno == LibC.ENOBUFS;
    }

    private void ready() {
        int count = closed ? 0 : batch.receive(fd);
        if (count > 0 && batch.lost(count - 1) != lost) {
            // the last one knows best
            events.lost(batch.lost(count - 1) - lost);
            lost = batch.lost(count - 1);
        }
        for (int i = 0; i < count && !closed; i++) {
            events.received(batch.peer(i), batch.port(i), batch.payload(i));
        }
        if (count == 0) {
            while (!closed && batch.nextError(fd)) {
                events.error(
                        batch.errorPeer(),
                        batch.errorPort(),
                        batch.errorType(),
                        batch.errorCode(),
                        batch.errorMtu(),
                        batch.errorQuote(6));
            }
        }
    }

    /** Closes it. Idempotent. */
    public void close() {
        if (!closed) {
            closed = true;
            watch.end();
            LibC.close(fd);
        }
    }
}
