package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads what routers, and this host, said of what a socket has sent: one for all sockets of an event loop. Event loop only. */
final class ErrorQueue {

    private static final int CONTROL = 256;
    private static final int QUOTE = 256;
    private static final int CONTROL_HEADER = 16;
    private static final int ORIGIN_LOCAL = 1;
    private static final int ORIGIN_ICMP = 2;
    private static final int EMSGSIZE = 90;

    private final Messages messages = new Messages(1, CONTROL);
    private final Memory quoted = new Memory(QUOTE);
    private final ByteBuffer quote = quoted.getByteBuffer(0, QUOTE).order(ByteOrder.BIG_ENDIAN);

    private int type;
    private int code;
    private int mtu;

    ErrorQueue() {
        messages.payload(0, LibC.address(quoted), QUOTE);
    }

    /** Takes the next error off a socket's queue; false if there is none. What it says stays until the next one. */
    boolean next(int fd) {
        while (true) {
            messages.prepare(0);
            if (LibC.recvmsg(fd, messages.from(0), LibC.MSG_ERRQUEUE | LibC.MSG_DONTWAIT) < 0) {
                return false;
            }
            if (parse(messages.controlLength(0))) {
                return true;
            }
        }
    }

    private boolean parse(int length) {
        ByteBuffer table = messages.table();
        int at = messages.control(0);
        int end = at + length;
        while (at + CONTROL_HEADER <= end) {
            int size = (int) table.getLong(at);
            if (size < CONTROL_HEADER) {
                return false;
            }
            if (table.getInt(at + 8) == LibC.SOL_IP && table.getInt(at + 12) == LibC.IP_RECVERR) {
                return extended(table, at + CONTROL_HEADER);
            }
            at += (size + 7) & ~7;
        }
        return false;
    }

    /** Reads a {@code sock_extended_err}. */
    private boolean extended(ByteBuffer table, int at) {
        int origin = table.get(at + 4);
        int info = table.getInt(at + 8);
        if (origin == ORIGIN_ICMP) {
            type = table.get(at + 5) & 0xff;
            code = table.get(at + 6) & 0xff;
            mtu = type == 3 && code == 4 ? info : 0;
            return true;
        }
        if (origin == ORIGIN_LOCAL && table.getInt(at) == EMSGSIZE) {
            type = 3;
            code = 4;
            mtu = info;
            return true;
        }
        return false;
    }

    int type() {
        return type;
    }

    int code() {
        return code;
    }

    int mtu() {
        return mtu;
    }

    /** Where the datagram that the error is about was to go. */
    int peer() {
        return messages.peer(0);
    }

    int port() {
        return messages.port(0);
    }

    /** A 16-bit number of what the error quotes, behind its IP header, and for UDP behind the UDP header. */
    int quote(int offset) {
        return quote.getShort(offset) & 0xffff;
    }
}
