package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Where datagrams are received, several with one system call: one for all sockets of an event loop. Event loop only. */
final class Arrivals {

    static final int MOST = 16;

    private static final int LONGEST = 1 << 16;
    private static final int CONTROL_HEADER = 16;
    /** One control message with a number of 32 bits. */
    private static final int CONTROL = 24;

    private final Messages messages = new Messages(MOST, CONTROL);
    private final Memory memory = new Memory((long) MOST * LONGEST);
    private final ByteBuffer[] payloads = new ByteBuffer[MOST];

    Arrivals() {
        for (int i = 0; i < MOST; i++) {
            long start = (long) i * LONGEST;
            payloads[i] = memory.getByteBuffer(start, LONGEST).order(ByteOrder.BIG_ENDIAN);
            messages.payload(i, LibC.address(memory) + start, LONGEST);
        }
    }

    /** Receives what waits, up to {@value #MOST}; 0 if nothing does, or if the socket has an error to tell first. */
    int receive(int fd) {
        for (int i = 0; i < MOST; i++) {
            messages.prepare(i);
        }
        return Math.max(0, LibC.recvmmsg(fd, messages.from(0), MOST, LibC.MSG_DONTWAIT, 0));
    }

    int peer(int index) {
        return messages.peer(index);
    }

    int port(int index) {
        return messages.port(index);
    }

    /** What was received; borrowed until the next {@link #receive}. */
    ByteBuffer payload(int index) {
        return payloads[index].clear().limit(messages.length(index));
    }

    /** How many datagrams the socket had lost for want of room when one came, modulo 2^32; 0 if it does not say. */
    int lost(int index) {
        int at = messages.control(index);
        ByteBuffer table = messages.table();
        boolean told = messages.controlLength(index) > CONTROL_HEADER
                && table.getInt(at + 8) == LibC.SOL_SOCKET
                && table.getInt(at + 12) == LibC.SO_RXQ_OVFL;
        return told ? table.getInt(at + CONTROL_HEADER) : 0;
    }
}
