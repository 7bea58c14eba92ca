package io.sharedip.nat.internal.dhcp;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put8;

import java.util.Arrays;

/** Writes answers into one buffer that is reused. What does not fit into what the client takes is left out. Not thread-safe. */
final class DhcpReply {

    /** What every client takes, in octets with the headers of IP and UDP (RFC 2131 section 2). */
    static final int LEAST_LIMIT = 576;

    private static final int HEADERS = 28;
    private static final int MOST = DhcpMessage.MAX_LENGTH;
    /** Clients of old drop shorter messages (RFC 1542 section 2.1). */
    private static final int LEAST = 300;

    private final byte[] room = new byte[MOST];
    private int at;
    private int limit;

    /**
     * Begins an answer with what every one holds.
     *
     * @param to the message that it answers
     * @param type of the answer
     * @param server what names the server
     * @param address given to the client, or 0
     * @param most octets of the datagram
     */
    void begin(DhcpMessage to, int type, int server, int address, int most) {
        Arrays.fill(room, (byte) 0);
        limit = Math.min(most - HEADERS, MOST) - 1;
        // hardware, transaction, flags, client's address and hardware address are the client's
        System.arraycopy(to.octets, to.offset, room, 0, DhcpMessage.SNAME);
        put8(room, 0, DhcpMessage.BOOTREPLY);
        put8(room, 3, 0);
        put16(room, 8, 0);
        if (type == DhcpMessage.NAK) {
            put32(room, 12, 0);
        }
        put32(room, 16, address);
        put32(room, 20, 0);
        put32(room, 236, DhcpMessage.COOKIE);
        at = DhcpMessage.MIN_LENGTH;
        put8(room, at, DhcpOption.MESSAGE_TYPE);
        put8(room, at + 1, 1);
        put8(room, at + 2, type);
        at += 3;
        i32(DhcpOption.SERVER_ID, server);
        if (to.clientIdLength > 0) {
            // RFC 6842
            octets(DhcpOption.CLIENT_ID, to.octets, to.clientId, to.clientIdLength);
        }
    }

    void i32(int code, int value) {
        if (open(code, 4)) {
            put32(room, at - 4, value);
        }
    }

    void i32s(int code, int[] values) {
        if (open(code, 4 * values.length)) {
            for (int i = 0; i < values.length; i++) {
                put32(room, at - 4 * (values.length - i), values[i]);
            }
        }
    }

    void u16(int code, int value) {
        if (open(code, 2)) {
            put16(room, at - 2, value);
        }
    }

    void empty(int code) {
        open(code, 0);
    }

    void octets(int code, byte[] source, int from, int length) {
        if (open(code, length)) {
            System.arraycopy(source, from, room, at - length, length);
        }
    }

    /** A text in ASCII. */
    void text(int code, String text) {
        int length = text.length();
        if (open(code, length)) {
            for (int i = 0; i < length; i++) {
                put8(room, at - length + i, text.charAt(i));
            }
        }
    }

    private boolean open(int code, int length) {
        if (length > 255 || at + 2 + length > limit) {
            return false;
        }
        put8(room, at, code);
        put8(room, at + 1, length);
        at += 2 + length;
        return true;
    }

    void end() {
        put8(room, at, DhcpOption.END);
        at = Math.max(at + 1, LEAST);
    }

    byte[] octets() {
        return room;
    }

    int length() {
        return at;
    }
}
