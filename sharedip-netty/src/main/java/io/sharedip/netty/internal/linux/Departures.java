package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Where datagrams wait that are to be sent, those of one socket in a row with one system call, which costs more than what the kernel does
 * for each: one for all sockets of an event loop. Event loop only.
 */
final class Departures {

    static final int MOST = 64;

    private static final int ROOM = 1 << 17;

    private final Messages messages = new Messages(MOST, 0);
    private final Memory memory = new Memory(ROOM);
    private final ByteBuffer payloads = memory.getByteBuffer(0, ROOM).order(ByteOrder.BIG_ENDIAN);
    private final DescriptorSocket[] senders = new DescriptorSocket[MOST];
    private final int[] quotes = new int[MOST];
    private int count;
    private int used;

    /** Where to put the next one together, which is at most {@value #ROOM} octets long. Others may have to go for it. */
    ByteBuffer place(int length) {
        if (count == MOST || length > ROOM - used) {
            flush();
        }
        return payloads.limit(used + length).position(used);
    }

    /** Takes what was put together in the last {@link #place}. */
    void add(DescriptorSocket sender, int peer, int port, int length, int quote) {
        messages.name(count, peer, port);
        messages.payload(count, LibC.address(memory) + used, length);
        senders[count] = sender;
        quotes[count] = quote;
        used += length;
        count++;
    }

    /** Sends all. A socket hears of each one that the kernel refuses. */
    void flush() {
        for (int from = 0; from < count; ) {
            int to = from + 1;
            while (to < count && senders[to] == senders[from]) {
                to++;
            }
            send(senders[from], from, to);
            from = to;
        }
        Arrays.fill(senders, 0, count, null);
        count = 0;
        used = 0;
    }

    private void send(DescriptorSocket sender, int from, int to) {
        boolean again = false;
        int next = from;
        while (next < to) {
            int sent = LibC.sendmmsg(sender.fd(), messages.from(next), to - next, LibC.MSG_DONTWAIT);
            int errno = sent > 0 ? 0 : LibC.errno();
            if (sent > 0) {
                next += sent;
                again = false;
            } else if (!again && !LibC.isFull(errno)) {
                // it may be the error of an earlier datagram, which the kernel tells at the next call whatever that is
                // about, and once; the socket reads of it from its error queue
                again = true;
            } else {
                sender.refused(messages.peer(next), messages.port(next), errno, quotes[next]);
                next++;
                again = false;
            }
        }
    }
}
