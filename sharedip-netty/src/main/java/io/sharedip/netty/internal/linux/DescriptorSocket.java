package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A socket for datagrams that is no channel: what it receives comes in batches, what it sends leaves in batches, and what routers say of
 * that is read from its error queue. Event loop only.
 */
public final class DescriptorSocket {

    private static final int NAME = 16;
    /** How many full batches are received before others have their turn. */
    private static final int BATCHES_IN_A_ROW = 4;

    private final int fd;
    private final int port;
    private final DescriptorLoop shared;
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

        /** The kernel did not send a datagram that was {@linkplain #send taken}; told from within a flush. */
        void refused(int peer, int port, int errno, int quoted);

        /**
         * An error about something that was sent.
         *
         * @param quoted the 16-bit number at offset 6 of what is quoted, which is a ping's sequence number
         */
        void error(int peer, int port, int type, int code, int mtu, int quoted);
    }

    private DescriptorSocket(int fd, int port, DescriptorLoop shared, Events events) throws ErrnoException {
        this.fd = fd;
        this.port = port;
        this.shared = shared;
        this.events = events;
        this.watch = shared.poller().watch(fd, this::ready);
    }

    /**
     * Opens and binds one.
     *
     * @param shared of its event loop
     * @param ping whether it is for ICMP echo, else for UDP
     * @param address to bind to, 0 for all
     * @param port to bind to, 0 for any
     * @param buffer what the kernel is asked to keep in each direction, in octets
     */
    public static DescriptorSocket open(
            DescriptorLoop shared, boolean ping, int address, int port, int buffer, Events events)
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
            DescriptorSocket socket = new DescriptorSocket(fd, bound, shared, events);
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

    int fd() {
        return fd;
    }

    /** Where to put a datagram together, right before {@link #send}. */
    public ByteBuffer outgoing(int length) {
        return shared.departures().place(length);
    }

    /**
     * Takes what was put together, to be sent with the next {@link DescriptorLoop#flush} at the latest.
     *
     * @param quoted as for {@link Events#error}
     * @return false if the socket is closed
     */
    public boolean send(int peer, int peerPort, int length, int quoted) {
        if (!closed) {
            shared.departures().add(this, peer, peerPort, length, quoted);
        }
        return !closed;
    }

    void refused(int peer, int peerPort, int errno, int quoted) {
        events.refused(peer, peerPort, errno, quoted);
    }

    private void ready() {
        int batches = 0;
        int count;
        do {
            count = receive();
        } while (count == Arrivals.MOST && ++batches < BATCHES_IN_A_ROW);
        if (count == 0 && batches == 0) {
            tellErrors();
        }
    }

    private int receive() {
        Arrivals arrivals = shared.arrivals();
        int count = closed ? 0 : arrivals.receive(fd);
        if (count > 0 && arrivals.lost(count - 1) != lost) {
            // the last one knows best
            events.lost(arrivals.lost(count - 1) - lost);
            lost = arrivals.lost(count - 1);
        }
        for (int i = 0; i < count && !closed; i++) {
            events.received(arrivals.peer(i), arrivals.port(i), arrivals.payload(i));
        }
        return count;
    }

    private void tellErrors() {
        ErrorQueue errors = shared.errors();
        while (!closed && errors.next(fd)) {
            events.error(errors.peer(), errors.port(), errors.type(), errors.code(), errors.mtu(), errors.quote(6));
        }
    }

    /** Closes it, once what it has taken is sent. Idempotent. */
    public void close() {
        if (!closed) {
            closed = true;
            shared.departures().flush();
            watch.end();
            LibC.close(fd);
        }
    }
}
