package io.sharedip.nat.internal.snapshot;

import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.i64;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put64;
import static io.sharedip.packet.Octets.put8;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u32;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.stats.TrackedState;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A view of one flow in a snapshot: {@link #SIZE} octets at an offset of an array that it does not own. Guests and forwards are
 * numbered in the order in which the snapshot lists them.
 */
public final class FlowRecord {

    /** Octets of a record. */
    public static final int SIZE = 120;

    /** In {@link #flags()}: begun by the guest, not by the peer. */
    public static final int BY_GUEST = 1;
    /** In {@link #flags()}: this guest's half of a hairpinned conversation that it began. */
    public static final int HAIRPIN_ORIGIN = 1 << 1;
    /** In {@link #flags()}: the guest has sent a SYN. */
    public static final int SYN_OUT = 1 << 2;
    /** In {@link #flags()}: the peer has sent a SYN. */
    public static final int SYN_IN = 1 << 3;
    /** In {@link #flags()}: the guest has sent a FIN. */
    public static final int FIN_OUT = 1 << 4;
    /** In {@link #flags()}: the peer has sent a FIN. */
    public static final int FIN_IN = 1 << 5;
    /** In {@link #flags()}: the guest has addressed the peer, which is what filtering asks. */
    public static final int PEER_ADDRESSED = 1 << 6;
    /** In {@link #flags()}: what both sides have announced is known, and the two windows hold it. */
    public static final int WINDOWS = 1 << 7;

    /** In {@link #flags()}: a SYN-ACK has acknowledged a SYN. */
    public static final int SYN_ACKED = 1 << 8;
    /** In {@link #flags()}: both sides have sent a SYN without an acknowledgment. */
    public static final int SIMULTANEOUS = 1 << 9;
    /** In {@link #flags()}: the sides may not agree on which connection this is: a SYN was answered by an ACK, or by two SYN-ACKs. */
    public static final int UNSETTLED = 1 << 10;
    /** In {@link #flags()}: the flow was picked up in mid-stream, so its windows are guesses. */
    public static final int PICKED_UP = 1 << 11;

    /** In {@link #flags()}: the flow has no mapping; its port is the same inside and outside. */
    public static final int UNMAPPED = 1 << 12;

    /** In {@link #flags()}: the guest knows its peer, another guest, by an address that the gateway had before. */
    public static final int FORMER_NAME = 1 << 13;

    static final int ALL_FLAGS = (1 << 14) - 1;

    /** In {@link #windowFlags}: the side has offered to scale windows. */
    public static final int SCALE_OFFERED = 1;
    /** In {@link #windowFlags}: the side has acknowledged something. */
    public static final int HAS_ACKED = 1 << 1;
    /** In {@link #windowFlags}: the side permits selective acknowledgments. */
    public static final int SACK_PERMITTED = 1 << 2;

    private static final int ALL_WINDOW_FLAGS = SCALE_OFFERED | HAS_ACKED | SACK_PERMITTED;

    private static final int GUEST = 0;
    private static final int PEER_GUEST = 2;
    private static final int PROTOCOL = 4;
    private static final int STATE = 5;
    private static final int FLAGS = 6;
    private static final int INSIDE_ADDRESS = 8;
    private static final int PEER_ADDRESS = 12;
    private static final int OUTSIDE_ADDRESS = 16;
    private static final int PEER_OUTSIDE_ADDRESS = 20;
    private static final int INSIDE_PORT = 24;
    private static final int PEER_PORT = 26;
    private static final int OUTSIDE_PORT = 28;
    private static final int FORWARD = 30;
    private static final int MAPPING_FORWARD = 32;
    private static final int MAPPING_PEER_PORT = 34;
    private static final int REMAINING = 36;
    private static final int MAPPING_REMAINING = 40;
    private static final int MAPPING_PEER = 44;
    private static final int PACKETS_OUT = 48;
    private static final int BYTES_OUT = 56;
    private static final int PACKETS_IN = 64;
    private static final int BYTES_IN = 72;
    private static final int WINDOW_OUT = 80;
    private static final int WINDOW_IN = 100;

    private static final int WINDOW_END = 0;
    private static final int WINDOW_MAX_END = 4;
    private static final int WINDOW_MAX = 8;
    private static final int WINDOW_MAX_ACK = 12;
    private static final int WINDOW_SCALE = 16;
    private static final int WINDOW_FLAGS = 17;
    private static final int WINDOW_ZERO = 18;
    private static final int WINDOW = 20;

    private static final int MOST_SCALE = 14;
    /** RFC 7323 section 2.3. */
    private static final long MOST_WINDOW = 1L << 30;

    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int ICMP = 1;

    /** The codes of the states, by position; a code never changes its meaning. */
    private static final TrackedState[] STATES = {
        TrackedState.UNREPLIED,
        TrackedState.REPLIED,
        TrackedState.HALF_OPEN,
        TrackedState.ESTABLISHED,
        TrackedState.HALF_CLOSED,
        TrackedState.CLOSED,
        TrackedState.RESET
    };

    private static final int[] CODES = new int[TrackedState.values().length];

    static {
        for (int code = 0; code < STATES.length; code++) {
            CODES[STATES[code].ordinal()] = code;
        }
    }

    private byte[] a = new byte[SIZE];
    private int at;

    /** Makes a view of an array of its own. */
    public FlowRecord() {}

    /** Looks at another place. @return this */
    public FlowRecord wrap(byte[] array, int offset) {
        a = array;
        at = offset;
        return this;
    }

    /** Sets every octet to 0. @return this */
    public FlowRecord clear() {
        Arrays.fill(a, at, at + SIZE, (byte) 0);
        return this;
    }

    /** What is wrong with the record, or null. */
    @Nullable
    String problem(int guests, int forwards) {
        if (guest() >= guests || peerGuest() > guests) {
            return "a flow names a guest that the snapshot does not list";
        }
        if (forward() > forwards || mappingForward() > forwards) {
            return "a flow names a forward that the snapshot does not list";
        }
        if (u8(a, at + STATE) >= STATES.length) {
            return "a flow has an unknown state";
        }
        boolean tcpState = state().compareTo(TrackedState.HALF_OPEN) >= 0;
        if (protocol() == 0 || tcpState != (protocol() == TCP)) {
            return "a flow has a state that its protocol has not";
        }
        if ((flags() & ~ALL_FLAGS) != 0) {
            return "a flow has flags that this version does not know";
        }
        if (!isMachine(insideAddress())
                || !isMachine(outsideAddress())
                || (has(FORMER_NAME) && !isMachine(peerAddress()))) {
            return "a flow has an address that no machine can have";
        }
        if (!portsFit()) {
            return "a flow has ports that its protocol has not";
        }
        if (!isMappingPeerSound()) {
            return "a flow names a peer that its mapping cannot be for";
        }
        if (packetsOut() < 0 || bytesOut() < 0 || packetsIn() < 0 || bytesIn() < 0) {
            return "a flow has a counter out of range";
        }
        return windowsProblem();
    }

    private boolean portsFit() {
        if (protocol() == TCP || protocol() == UDP) {
            return insidePort() != 0 && outsidePort() != 0 && peerPort() != 0;
        }
        return peerPort() == 0
                && forward() == 0
                && mappingForward() == 0
                && (protocol() == ICMP || (insidePort() == 0 && outsidePort() == 0));
    }

    /** Only mappings of the pool are for one peer; one that is for a port is for its address too. */
    private boolean isMappingPeerSound() {
        return mappingPeer() == 0
                ? mappingPeerPort() == 0
                : !has(UNMAPPED) && mappingForward() == 0 && (protocol() == TCP || protocol() == UDP);
    }

    private @Nullable String windowsProblem() {
        if ((flags() & WINDOWS) == 0) {
            for (int i = WINDOW_OUT; i < SIZE; i++) {
                if (a[at + i] != 0) {
                    return "a flow has windows that it says it has not";
                }
            }
            return null;
        }
        for (int window = WINDOW_OUT; window <= WINDOW_IN; window += WINDOW) {
            if (u8(a, at + window + WINDOW_SCALE) > MOST_SCALE) {
                return "a flow has a window scale out of range";
            }
            if (u32(a, at + window + WINDOW_MAX) > MOST_WINDOW) {
                return "a flow has a window out of range";
            }
            if ((u8(a, at + window + WINDOW_FLAGS) & ~ALL_WINDOW_FLAGS) != 0
                    || u16(a, at + window + WINDOW_ZERO) != 0) {
                return "a flow has flags that this version does not know";
            }
        }
        return protocol() == TCP ? null : "a flow that is not TCP has windows";
    }

    private static boolean isMachine(int address) {
        int first = address >>> 24;
        return first != 0 && first != 127 && first < 224;
    }

    /** Whose flow it is, 0 for the first guest. */
    public int guest() {
        return u16(a, at + GUEST);
    }

    public void guest(int index) {
        put16(a, at + GUEST, index);
    }

    /** One more than the index of the guest on the other side of a hairpin, 0 if the peer is outside. */
    public int peerGuest() {
        return u16(a, at + PEER_GUEST);
    }

    public void peerGuest(int indexPlusOne) {
        put16(a, at + PEER_GUEST, indexPlusOne);
    }

    public int protocol() {
        return u8(a, at + PROTOCOL);
    }

    public void protocol(int number) {
        put8(a, at + PROTOCOL, number);
    }

    public TrackedState state() {
        return STATES[u8(a, at + STATE)];
    }

    public void state(TrackedState state) {
        put8(a, at + STATE, CODES[state.ordinal()]);
    }

    public int flags() {
        return u16(a, at + FLAGS);
    }

    public void flags(int flags) {
        put16(a, at + FLAGS, flags);
    }

    public boolean has(int flag) {
        return (flags() & flag) != 0;
    }

    public int insideAddress() {
        return i32(a, at + INSIDE_ADDRESS);
    }

    public void insideAddress(int address) {
        put32(a, at + INSIDE_ADDRESS, address);
    }

    /** The peer's address as the guest sees it. */
    public int peerAddress() {
        return i32(a, at + PEER_ADDRESS);
    }

    public void peerAddress(int address) {
        put32(a, at + PEER_ADDRESS, address);
    }

    public int outsideAddress() {
        return i32(a, at + OUTSIDE_ADDRESS);
    }

    public void outsideAddress(int address) {
        put32(a, at + OUTSIDE_ADDRESS, address);
    }

    /** The peer's address as the outside sees it. */
    public int peerOutsideAddress() {
        return i32(a, at + PEER_OUTSIDE_ADDRESS);
    }

    public void peerOutsideAddress(int address) {
        put32(a, at + PEER_OUTSIDE_ADDRESS, address);
    }

    /** The guest's port; for ICMP the identifier, for protocols without ports 0. */
    public int insidePort() {
        return u16(a, at + INSIDE_PORT);
    }

    public void insidePort(int port) {
        put16(a, at + INSIDE_PORT, port);
    }

    public int peerPort() {
        return u16(a, at + PEER_PORT);
    }

    public void peerPort(int port) {
        put16(a, at + PEER_PORT, port);
    }

    public int outsidePort() {
        return u16(a, at + OUTSIDE_PORT);
    }

    public void outsidePort(int port) {
        put16(a, at + OUTSIDE_PORT, port);
    }

    /** One more than the index of the forward that the flow came through, 0 if none. */
    public int forward() {
        return u16(a, at + FORWARD);
    }

    public void forward(int indexPlusOne) {
        put16(a, at + FORWARD, indexPlusOne);
    }

    /** One more than the index of the forward whose port the mapping has, 0 if it is of the pool. */
    public int mappingForward() {
        return u16(a, at + MAPPING_FORWARD);
    }

    public void mappingForward(int indexPlusOne) {
        put16(a, at + MAPPING_FORWARD, indexPlusOne);
    }

    /** Whom the mapping is for as the outside sees it: the peer's address, 0 if for all. */
    public int mappingPeer() {
        return i32(a, at + MAPPING_PEER);
    }

    /** The port of the peer whom the mapping is for, 0 if for all of its ports. */
    public int mappingPeerPort() {
        return u16(a, at + MAPPING_PEER_PORT);
    }

    public void mappingPeer(int address, int port) {
        put32(a, at + MAPPING_PEER, address);
        put16(a, at + MAPPING_PEER_PORT, port);
    }

    /** Milliseconds from the snapshot's time until the flow ends if no packet comes. */
    public long remaining() {
        return u32(a, at + REMAINING);
    }

    public void remaining(long millis) {
        put32(a, at + REMAINING, (int) millis);
    }

    /** Milliseconds from the snapshot's time until the mapping would let nobody in any more. */
    public long mappingRemaining() {
        return u32(a, at + MAPPING_REMAINING);
    }

    public void mappingRemaining(long millis) {
        put32(a, at + MAPPING_REMAINING, (int) millis);
    }

    public long packetsOut() {
        return i64(a, at + PACKETS_OUT);
    }

    public long bytesOut() {
        return i64(a, at + BYTES_OUT);
    }

    public long packetsIn() {
        return i64(a, at + PACKETS_IN);
    }

    public long bytesIn() {
        return i64(a, at + BYTES_IN);
    }

    public void counters(long packetsOut, long bytesOut, long packetsIn, long bytesIn) {
        put64(a, at + PACKETS_OUT, packetsOut);
        put64(a, at + BYTES_OUT, bytesOut);
        put64(a, at + PACKETS_IN, packetsIn);
        put64(a, at + BYTES_IN, bytesIn);
    }

    private int window(boolean out) {
        return at + (out ? WINDOW_OUT : WINDOW_IN);
    }

    /** Sets what one side of a TCP flow, the guest or the peer, has sent and announced. */
    public void window(boolean out, int end, int maxEnd, int maxWindow, int maxAck, int scale, int windowFlags) {
        int w = window(out);
        put32(a, w + WINDOW_END, end);
        put32(a, w + WINDOW_MAX_END, maxEnd);
        put32(a, w + WINDOW_MAX, maxWindow);
        put32(a, w + WINDOW_MAX_ACK, maxAck);
        put8(a, w + WINDOW_SCALE, scale);
        put8(a, w + WINDOW_FLAGS, windowFlags);
    }

    public int windowEnd(boolean out) {
        return i32(a, window(out) + WINDOW_END);
    }

    public int windowMaxEnd(boolean out) {
        return i32(a, window(out) + WINDOW_MAX_END);
    }

    public int windowMax(boolean out) {
        return i32(a, window(out) + WINDOW_MAX);
    }

    public int windowMaxAck(boolean out) {
        return i32(a, window(out) + WINDOW_MAX_ACK);
    }

    public int windowScale(boolean out) {
        return u8(a, window(out) + WINDOW_SCALE);
    }

    public int windowFlags(boolean out) {
        return u8(a, window(out) + WINDOW_FLAGS);
    }
}
