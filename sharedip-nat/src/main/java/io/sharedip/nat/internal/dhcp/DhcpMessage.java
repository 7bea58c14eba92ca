package io.sharedip.nat.internal.dhcp;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u48;
import static io.sharedip.packet.Octets.u8;

/**
 * What a DHCP message of a client says (RFC 2131 section 2, options of RFC 2132). One instance is reused; it refers to the octets that
 * were parsed last. Not thread-safe.
 */
public final class DhcpMessage {

    /** The least length of a message in octets: the fixed part and the magic cookie. */
    public static final int MIN_LENGTH = 240;

    /** The longest message that is looked at: what fits into an Ethernet frame. */
    public static final int MAX_LENGTH = 1472;

    static final int DISCOVER = 1;
    static final int OFFER = 2;
    static final int REQUEST = 3;
    static final int DECLINE = 4;
    static final int ACK = 5;
    static final int NAK = 6;
    static final int RELEASE = 7;
    static final int INFORM = 8;

    static final int BOOTREQUEST = 1;
    static final int BOOTREPLY = 2;
    static final int COOKIE = 0x63825363;
    static final int BROADCAST_FLAG = 0x8000;

    static final int SNAME = 44;
    static final int FILE = 108;
    private static final int SNAME_LENGTH = 64;
    private static final int FILE_LENGTH = 128;

    private static final int OVERLOAD_FILE = 1;
    private static final int OVERLOAD_SNAME = 2;

    byte[] octets = new byte[0];
    int offset;

    int type;
    int flags;
    int clientAddress;
    long hardwareAddress;
    /** Option 50, 0 if there is none. */
    int requestedAddress;
    /** Option 54, 0 if there is none. */
    int serverId;
    /** Option 57, 0 if there is none. */
    int maxSize;
    /** Index of option 61's first octet, 0 if there is none. */
    int clientId;

    int clientIdLength;
    boolean rapidCommit;

    private int overload;
    private boolean sound;

    /** Makes a message that says nothing. */
    public DhcpMessage() {}

    /**
     * Reads a message.
     *
     * @param a holds it
     * @param from index of its first octet
     * @param length in octets
     * @return whether it is a sound message of a client on this very link; if not, the fields mean nothing
     */
    public boolean parse(byte[] a, int from, int length) {
        if (length < MIN_LENGTH || length > MAX_LENGTH) {
            return false;
        }
        octets = a;
        offset = from;
        type = 0;
        requestedAddress = 0;
        serverId = 0;
        maxSize = 0;
        clientId = 0;
        clientIdLength = 0;
        rapidCommit = false;
        overload = 0;
        sound = true;
        boolean ethernet = u8(a, from + 1) == 1 && u8(a, from + 2) == 6;
        boolean relayed = i32(a, from + 24) != 0;
        if (u8(a, from) != BOOTREQUEST || !ethernet || relayed || i32(a, from + 236) != COOKIE) {
            return false;
        }
        flags = u16(a, from + 10);
        clientAddress = i32(a, from + 12);
        hardwareAddress = u48(a, from + 28);
        options(from + MIN_LENGTH, from + length);
        // which areas hold options is said once, by the first one (RFC 2131 section 4.1)
        int areas = overload;
        if ((areas & OVERLOAD_FILE) != 0) {
            options(from + FILE, from + FILE + FILE_LENGTH);
        }
        if ((areas & OVERLOAD_SNAME) != 0) {
            options(from + SNAME, from + SNAME + SNAME_LENGTH);
        }
        return sound && overload == areas && type >= DISCOVER && type <= INFORM;
    }

    private void options(int from, int end) {
        int at = from;
        while (at < end) {
            int code = u8(octets, at);
            if (code == DhcpOption.PAD) {
                at++;
                continue;
            }
            if (code == DhcpOption.END) {
                return;
            }
            if (at + 1 >= end || at + 2 + u8(octets, at + 1) > end) {
                sound = false;
                return;
            }
            int length = u8(octets, at + 1);
            option(code, at + 2, length);
            at += 2 + length;
        }
    }

    private void option(int code, int at, int length) {
        switch (code) {
            case DhcpOption.MESSAGE_TYPE -> {
                expect(length == 1 && type == 0);
                type = length == 1 ? u8(octets, at) : 0;
            }
            case DhcpOption.REQUESTED_ADDRESS -> {
                expect(length == 4 && requestedAddress == 0);
                requestedAddress = length == 4 ? i32(octets, at) : 0;
            }
            case DhcpOption.SERVER_ID -> {
                expect(length == 4 && serverId == 0);
                serverId = length == 4 ? i32(octets, at) : 0;
            }
            case DhcpOption.MAX_SIZE -> {
                expect(length == 2 && maxSize == 0);
                maxSize = length == 2 ? u16(octets, at) : 0;
            }
            case DhcpOption.OVERLOAD -> {
                expect(length == 1 && overload == 0);
                overload = length == 1 ? u8(octets, at) : 0;
                expect(overload >= 1 && overload <= 3);
            }
            case DhcpOption.RAPID_COMMIT -> {
                expect(length == 0);
                rapidCommit = true;
            }
            case DhcpOption.CLIENT_ID -> {
                expect(length > 0 && clientId == 0);
                clientId = at;
                clientIdLength = length;
            }
            default -> {
                // asks for nothing that every answer does not hold anyway
            }
        }
    }

    private void expect(boolean condition) {
        sound &= condition;
    }
}
