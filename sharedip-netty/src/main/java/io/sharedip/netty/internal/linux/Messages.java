package io.sharedip.netty.internal.linux;

import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A row of messages, each with one piece of payload, as the calls of the C library take them. The layouts are those of 64-bit Linux. */
final class Messages {

    private static final int NAME = 16;
    private static final int VECTOR = 16;
    private static final int HEADER = 64;

    private static final int NAME_LENGTH_AT = 8;
    private static final int VECTORS_AT = 16;
    private static final int VECTOR_COUNT_AT = 24;
    private static final int CONTROL_AT = 32;
    private static final int CONTROL_LENGTH_AT = 40;
    private static final int FLAGS_AT = 48;
    private static final int LENGTH_AT = 56;

    private final int vectors;
    private final int headers;
    private final int controls;
    private final int controlRoom;
    private final Memory memory;
    private final long base;
    private final ByteBuffer table;
    private final ByteBuffer names;

    /**
     * Makes a row.
     *
     * @param controlRoom for the control messages of each, in octets, a multiple of 8
     */
    Messages(int count, int controlRoom) {
        this.vectors = count * NAME;
        this.headers = vectors + count * VECTOR;
        this.controls = headers + count * HEADER;
        this.controlRoom = controlRoom;
        this.memory = new Memory(controls + (long) count * controlRoom);
        memory.clear();
        this.base = LibC.address(memory);
        this.table = memory.getByteBuffer(0, memory.size()).order(ByteOrder.nativeOrder());
        this.names = memory.getByteBuffer(0, vectors).order(ByteOrder.BIG_ENDIAN);
        for (int i = 0; i < count; i++) {
            int header = headers + i * HEADER;
            table.putShort(i * NAME, (short) LibC.AF_INET);
            table.putLong(header, base + (long) i * NAME).putInt(header + NAME_LENGTH_AT, NAME);
            table.putLong(header + VECTORS_AT, base + vectors + (long) i * VECTOR)
                    .putLong(header + VECTOR_COUNT_AT, 1);
            if (controlRoom > 0) {
                table.putLong(header + CONTROL_AT, base + controls + (long) i * controlRoom);
            }
        }
    }

    /** The address of one message and of those behind it. */
    long from(int index) {
        return base + headers + (long) index * HEADER;
    }

    /** Where the payload is, or where it is to go. */
    void payload(int index, long address, int length) {
        table.putLong(vectors + index * VECTOR, address).putLong(vectors + index * VECTOR + 8, length);
    }

    /** Makes one ready to be received into, since the kernel writes over what room there was. */
    void prepare(int index) {
        int header = headers + index * HEADER;
        table.putInt(header + NAME_LENGTH_AT, NAME)
                .putLong(header + CONTROL_LENGTH_AT, controlRoom)
                .putInt(header + FLAGS_AT, 0);
    }

    /** How long what was received is. */
    int length(int index) {
        return table.getInt(headers + index * HEADER + LENGTH_AT);
    }

    void name(int index, int peer, int port) {
        names.putShort(index * NAME + 2, (short) port).putInt(index * NAME + 4, peer);
    }

    int peer(int index) {
        return names.getInt(index * NAME + 4);
    }

    int port(int index) {
        return names.getShort(index * NAME + 2) & 0xffff;
    }

    /** Of all: for the control messages, in the machine's order of octets. */
    ByteBuffer table() {
        return table;
    }

    /** Where the control messages of one begin in {@link #table}. */
    int control(int index) {
        return controls + index * controlRoom;
    }

    /** How much of the room for control messages the kernel has used. */
    int controlLength(int index) {
        return (int) table.getLong(headers + index * HEADER + CONTROL_LENGTH_AT);
    }
}
