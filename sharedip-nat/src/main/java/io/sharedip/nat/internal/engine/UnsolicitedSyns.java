package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.u48;

import io.sharedip.nat.internal.flow.KeyedHash;
import java.util.Arrays;

/**
 * SYNs from outside that nothing let in, remembered for six seconds before their sender is told (RFC 5382 REQ-4): if the guest calls
 * that very peer meanwhile, both open simultaneously, and an error would have ended the peer's attempt.
 *
 * <p>Only what an error quotes is kept, for at most 1,024 SYNs. Who finds no place is not told, which REQ-4 allows as well; a SYN that
 * is sent again is remembered once.
 */
final class UnsolicitedSyns {

    /** How long the sender is not told. */
    static final long DELAY_NANOS = 6_000_000_000L;

    private static final int ROOM = 1024;
    private static final int PROBES = 4;
    /** The longest IP header, and of TCP the ports and the sequence number at least. */
    private static final int QUOTE = 80;

    private static final int NONE = -1;

    private final KeyedHash hash;
    private final long[] addresses = new long[ROOM];
    private final int[] ports = new int[ROOM];
    private final long[] due = new long[ROOM];
    private final long[] macs = new long[ROOM];
    /** Octets quoted; 0 if forgotten, and -1 if the place is free. */
    private final int[] lengths = new int[ROOM];

    private final byte[] quotes = new byte[ROOM * QUOTE];
    private final int[] inOrder = new int[ROOM];
    private int head;
    private int count;

    /**
     * Remembers nothing yet.
     *
     * @param hash of what an attacker may choose
     */
    UnsolicitedSyns(KeyedHash hash) {
        this.hash = hash;
        Arrays.fill(lengths, NONE);
    }

    private static long addresses(int own, int peer) {
        return (long) own << 32 | (peer & 0xffffffffL);
    }

    private static int ports(int own, int peer) {
        return own << 16 | peer;
    }

    /** Remembers a SYN, which is dropped, until its time has come. */
    void hold(PacketContext c, long nowNanos) {
        long key = addresses(c.destination, c.source);
        int tuple = ports(c.destinationPort, c.sourcePort);
        int place = NONE;
        int first = hash.hash(key, tuple);
        for (int i = 0; i < PROBES; i++) {
            int slot = first + i & ROOM - 1;
            if (lengths[slot] == NONE) {
                place = place == NONE ? slot : place;
            } else if (lengths[slot] > 0 && addresses[slot] == key && ports[slot] == tuple) {
                return;
            }
        }
        if (place == NONE) {
            return;
        }
        addresses[place] = key;
        ports[place] = tuple;
        due[place] = nowNanos + DELAY_NANOS;
        macs[place] = u48(c.octets, c.start + 6);
        lengths[place] = Math.min(QUOTE, c.totalLength);
        System.arraycopy(c.octets, c.ip, quotes, place * QUOTE, lengths[place]);
        inOrder[head + count & ROOM - 1] = place;
        count++;
    }

    /** The guest calls the peer: nobody is told any more. */
    void forget(int own, int ownPort, int peer, int peerPort) {
        if (count == 0) {
            return;
        }
        long key = addresses(own, peer);
        int tuple = ports(ownPort, peerPort);
        int first = hash.hash(key, tuple);
        for (int i = 0; i < PROBES; i++) {
            int slot = first + i & ROOM - 1;
            if (lengths[slot] > 0 && addresses[slot] == key && ports[slot] == tuple) {
                lengths[slot] = 0;
            }
        }
    }

    /** Forgets everything: nobody is told any more. */
    void clear() {
        Arrays.fill(lengths, NONE);
        count = 0;
    }

    /** Tells those whose time has come, as far as the uplink's rate limit allows (RFC 5382 REQ-4 b: port unreachable). */
    void tick(Answers answers, Attachment uplink, long nowNanos) {
        while (count > 0 && due[inOrder[head]] - nowNanos <= 0) {
            int slot = inOrder[head];
            head = head + 1 & ROOM - 1;
            count--;
            if (lengths[slot] > 0) {
                answers.portUnreachable(
                        uplink,
                        macs[slot],
                        (int) (addresses[slot] >>> 32),
                        (int) addresses[slot],
                        quotes,
                        slot * QUOTE,
                        lengths[slot],
                        nowNanos);
            }
            lengths[slot] = NONE;
        }
    }
}
