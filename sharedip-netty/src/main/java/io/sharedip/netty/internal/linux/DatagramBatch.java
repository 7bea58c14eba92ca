package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory in which datagrams are received, several with one system call, and from which they are sent: one for all sockets of an event loop.
 * The layouts are those of 64-bit Linux.
 */
public final class DatagramBatch {

    static final int SLOTS = 16;

    private static final int SLOT = 1 << 16;
    private static final int NAME = 16;
    private static final int VECTOR = 16;
    private static final int HEADER = 64;
    private static final int CONTROL = 256;
    /** One control message with a number of 32 bits. */
    private static final int SLOT_CONTROL = 24;

    private static final int NAMES = 0;
    private static final int VECTORS = NAMES + SLOTS * NAME;
    private static final int HEADERS = VECTORS + SLOTS * VECTOR;
    private static final int CONTROLS = HEADERS + SLOTS * HEADER;
    private static final int ERROR_NAME = CONTROLS + SLOTS * SLOT_CONTROL;
    private static final int ERROR_VECTOR = ERROR_NAME + NAME;
    private static final int ERROR_HEADER = ERROR_VECTOR + VECTOR;
    private static final int ERROR_CONTROL = ERROR_HEADER + HEADER;
    private static final int ERROR_QUOTE = ERROR_CONTROL + CONTROL;
    private static final int QUOTE = 256;
    private static final int SEND_NAME = ERROR_QUOTE + QUOTE;
    private static final int TABLES = SEND_NAME + NAME;

    private static final int NAME_LENGTH_AT = 8;
    private static final int CONTROL_AT = 32;
    private static final int CONTROL_LENGTH_AT = 40;
    private static final int FLAGS_AT = 48;
    private static final int LENGTH_AT = 56;

    private static final int CONTROL_HEADER = 16;
    private static final int ORIGIN_LOCAL = 1;
    private static final int ORIGIN_ICMP = 2;
    private static final int EMSGSIZE = 90;

    private final Memory tables = new Memory(TABLES);
    private final Memory payloads = new Memory((long) SLOTS * SLOT);
    private final Memory outgoing = new Memory(SLOT);
    private final ByteBuffer table = tables.getByteBuffer(0, TABLES).order(ByteOrder.nativeOrder());
    private final ByteBuffer names = tables.getByteBuffer(0, TABLES).order(ByteOrder.BIG_ENDIAN);
    private final ByteBuffer sending = outgoing.getByteBuffer(0, SLOT).order(ByteOrder.BIG_ENDIAN);
    private final ByteBuffer[] slots = new ByteBuffer[SLOTS];
    private final long base = LibC.address(tables);

    private int errorType;
    private int errorCode;
    private int errorMtu;

    public DatagramBatch() {
        tables.clear();
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = payloads.getByteBuffer((long) i * SLOT, SLOT).order(ByteOrder.BIG_ENDIAN);
            message(
                    HEADERS + i * HEADER,
                    NAMES + i * NAME,
                    VECTORS + i * VECTOR,
                    LibC.address(payloads) + (long) i * SLOT,
                    SLOT);
            table.putLong(HEADERS + i * HEADER + CONTROL_AT, base + CONTROLS + (long) i * SLOT_CONTROL);
        }
        message(ERROR_HEADER, ERROR_NAME, ERROR_VECTOR, base + ERROR_QUOTE, QUOTE);
        table.putLong(ERROR_HEADER + CONTROL_AT, base + ERROR_CONTROL);
        table.putShort(SEND_NAME, (short) LibC.AF_INET);
    }

    private void message(int header, int name, int vector, long payload, int length) {
        table.putLong(vector, payload).putLong(vector + 8, length);
        table.putLong(header, base + name).putLong(header + 16, base + vector).putLong(header + 24, 1);
    }

    /** Receives what waits, up to {@value #SLOTS}; 0 if nothing does, or if the socket has an error to tell first. */
    int receive(int fd) {
        for (int i = 0; i < SLOTS; i++) {
            table.putInt(HEADERS + i * HEADER + NAME_LENGTH_AT, NAME);
            table.putLong(HEADERS + i * HEADER + CONTROL_LENGTH_AT, SLOT_CONTROL);
        }
        return Math.max(0, LibC.recvmmsg(fd, base + HEADERS, SLOTS, LibC.MSG_DONTWAIT, 0));
    }

    int peer(int slot) {
        return names.getInt(NAMES + slot * NAME + 4);
    }

    int port(int slot) {
        return names.getShort(NAMES + slot * NAME + 2) & 0xffff;
    }

    /** What was received; borrowed until the next {@link #receive}. */
    ByteBuffer payload(int slot) {
        return slots[slot].clear().limit(table.getInt(HEADERS + slot * HEADER + LENGTH_AT));
    }

    /** How many datagrams the socket had lost for want of room when one came, modulo 2^32; 0 if it does not say. */
    int lost(int slot) {
        int at = CONTROLS + slot * SLOT_CONTROL;
        boolean told = table.getLong(HEADERS + slot * HEADER + CONTROL_LENGTH_AT) > CONTROL_HEADER
                && table.getInt(at + 8) == LibC.SOL_SOCKET
                && table.getInt(at + 12) == LibC.SO_RXQ_OVFL;
        return told ? table.getInt(at + CONTROL_HEADER) : 0;
    }

    /** Where a datagram is to be put together. */
    ByteBuffer outgoing() {
        return sending.clear();
    }

    /** Sends what was put together; 0 or the error number. */
    int send(int fd, int peer, int port, int length) {
        names.putShort(SEND_NAME + 2, (short) port).putInt(SEND_NAME + 4, peer);
        long sent = LibC.sendto(fd, LibC.address(outgoing), length, LibC.MSG_DONTWAIT, base + SEND_NAME, NAME);
        return sent >= 0 ? 0 : LibC.errno();
    }

    /** Takes the next error off a socket's queue; false if there is none. What it says stays until the next one. */
    boolean nextError(int fd) {
        while (true) {
            table.putInt(ERROR_HEADER + NAME_LENGTH_AT, NAME);
            table.putLong(ERROR_HEADER + CONTROL_LENGTH_AT, CONTROL);
            table.putInt(ERROR_HEADER + FLAGS_AT, 0);
            if (LibC.recvmsg(fd, base + ERROR_HEADER, LibC.MSG_ERRQUEUE | LibC.MSG_DONTWAIT) < 0) {
                return false;
            }
            if (parse((int) table.getLong(ERROR_HEADER + CONTROL_LENGTH_AT))) {
                return true;
            }
        }
    }

    private boolean parse(int length) {
        int at = ERROR_CONTROL;
        int end = ERROR_CONTROL + length;
        while (at + CONTROL_HEADER <= end) {
            int size = (int) table.getLong(at);
            if (size < CONTROL_HEADER) {
                return false;
            }
            if (table.getInt(at + 8) == LibC.SOL_IP && table.getInt(at + 12) == LibC.IP_RECVERR) {
                return extended(at + CONTROL_HEADER);
            }
            at += (size + 7) & ~7;
        }
        return false;
    }

    /** Reads a {@code sock_extended_err}. */
    private boolean extended(int at) {
        int origin = table.get(at + 4);
        int info = table.getInt(at + 8);
        if (origin == ORIGIN_ICMP) {
            errorType = table.get(at + 5) & 0xff;
            errorCode = table.get(at + 6) & 0xff;
            errorMtu = errorType == 3 && errorCode == 4 ? info : 0;
            return true;
        }
        if (origin == ORIGIN_LOCAL && table.getInt(at) == EMSGSIZE) {
            errorType = 3;
            errorCode = 4;
            errorMtu = info;
            return true;
        }
        return false;
    }

    int errorType() {
        return errorType;
    }

    int errorCode() {
        return errorCode;
    }

    int errorMtu() {
        return errorMtu;
    }

    /** Where the datagram that the error is about was to go. */
    int errorPeer() {
        return names.getInt(ERROR_NAME + 4);
    }

    int errorPort() {
        return names.getShort(ERROR_NAME + 2) & 0xffff;
    }

    /** A 16-bit number of what the error quotes, behind its IP header, and for UDP behind the UDP header. */
    int errorQuote(int offset) {
        return names.getShort(ERROR_QUOTE + offset) & 0xffff;
    }
}
