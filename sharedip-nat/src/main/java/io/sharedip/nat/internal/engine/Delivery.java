package io.sharedip.nat.internal.engine;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put48;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.Ipv4View;
import io.sharedip.stats.DropReason;

/**
 * The last step of a frame's way: the next hop's MAC address, fragmentation where the outgoing link is too small (RFC 791), and the
 * link itself. Says of each frame what became of it.
 */
final class Delivery {

    /** What became of a frame. */
    enum Outcome {
        SENT,
        HELD,
        UNRESOLVED,
        QUEUE_FULL,
        LINK_DOWN,
        LINK_FULL,
        TOO_BIG
    }

    private static final int ETHERNET = EthernetView.MIN_LENGTH;
    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    /** Set in the type of an option that every fragment bears. */
    private static final int OPTION_COPIED = 0x80;

    private final EngineSettings settings;
    private final OutsideAddresses outside;
    private final NeighbourTable neighbours;
    private final Identification identification;
    private final Frame fragment = new Frame();
    private byte[] room = new byte[2048];

    Delivery(
            EngineSettings settings,
            OutsideAddresses outside,
            NeighbourTable neighbours,
            Identification identification) {
        this.identification = identification;
        this.settings = settings;
        this.outside = outside;
        this.neighbours = neighbours;
    }

    /** Why a frame was dropped that did not leave. */
    static DropReason reason(Outcome outcome) {
        return switch (outcome) {
            case UNRESOLVED -> DropReason.NEIGHBOUR_UNRESOLVED;
            case QUEUE_FULL -> DropReason.NEIGHBOUR_QUEUE_FULL;
            case LINK_DOWN -> DropReason.LINK_DOWN;
            case TOO_BIG -> DropReason.PACKET_TOO_BIG;
            default -> DropReason.LINK_FULL;
        };
    }

    Outcome toGuest(Attachment guest, PacketContext c) {
        return send(guest, c.frame, guest.mac(), settings.routerMac(), c.fragmentation);
    }

    /** Sends a translated packet out, or keeps it until its next hop is known. */
    Outcome toOutside(Attachment uplink, PacketContext c, int destination, Attachment origin, long nowNanos) {
        if (!uplink.isUp()) {
            return Outcome.LINK_DOWN;
        }
        identification.renew(c);
        int nextHop = outside.isOnLink(destination) ? destination : outside.router();
        long mac = neighbours.resolve(nextHop, origin.number(), nowNanos);
        if (mac == NeighbourTable.FAILED) {
            return Outcome.UNRESOLVED;
        }
        if (mac == NeighbourTable.PENDING) {
            return neighbours.hold(nextHop, c.frame, origin, c.fragmentation) ? Outcome.HELD : Outcome.QUEUE_FULL;
        }
        return send(uplink, c.frame, mac, uplink.mac(), c.fragmentation);
    }

    /** Sends a frame to a known MAC address. */
    Outcome send(Attachment to, Frame frame, long destinationMac, long sourceMac, int fragmentation) {
        if (!to.isUp()) {
            return Outcome.LINK_DOWN;
        }
        put48(frame.array(), frame.offset(), destinationMac);
        put48(frame.array(), frame.offset() + 6, sourceMac);
        if (frame.segmentSize() > 0 && !to.link().acceptsSuperFrames()) {
            return Outcome.TOO_BIG;
        }
        int limit = Fragmentation.limit(fragmentation, to.mtu());
        if (frame.length() - ETHERNET > limit && frame.segmentSize() == 0) {
            return sendFragments(to, frame, limit, fragmentation);
        }
        return to.send(frame) ? Outcome.SENT : Outcome.LINK_FULL;
    }

    /** Splits a packet whose sender allows it, or has done so itself (RFC 791 section 3.2). */
    private Outcome sendFragments(Attachment to, Frame frame, int limit, int fragmentation) {
        final byte[] a = frame.array();
        final int ip = frame.offset() + ETHERNET;
        int header = (u8(a, ip) & 0xf) << 2;
        int payload = u16(a, ip + 2) - header;
        int dontFragment = u16(a, ip + 6) & Ipv4View.DONT_FRAGMENT;
        int largest = Fragmentation.largest(fragmentation);
        boolean forbidden = dontFragment != 0 && (largest == 0 || largest > to.mtu());
        if (forbidden || limit < header + 8) {
            return Outcome.TOO_BIG;
        }
        if (room.length < ETHERNET + limit) {
            room = new byte[ETHERNET + to.mtu()];
        }
        System.arraycopy(a, frame.offset(), room, 0, ETHERNET + header);
        int kept = header;
        for (int done = 0; done < payload; ) {
            int part = Math.min(payload - done, limit - kept & ~7);
            boolean last = done + part == payload;
            System.arraycopy(a, ip + header + done, room, ETHERNET + kept, part);
            put16(room, ETHERNET + 2, kept + part);
            put16(room, ETHERNET + 6, dontFragment | done >> 3 | (last ? 0 : Ipv4View.MORE_FRAGMENTS));
            put16(room, ETHERNET + 10, 0);
            put16(room, ETHERNET + 10, ~Checksum.sum(room, ETHERNET, kept));
            if (!to.send(fragment.wrap(room, 0, ETHERNET + kept + part))) {
                return Outcome.LINK_FULL;
            }
            if (done == 0) {
                kept = keepCopiedOptions(header);
            }
            done += part;
        }
        return Outcome.SENT;
    }

    /**
     * Makes the header of the later fragments of that of the first: of the options only those stay that are to be copied.
     *
     * @param header length of the first fragment's, in octets
     * @return length of theirs
     */
    private int keepCopiedOptions(int header) {
        int to = ETHERNET + Ipv4View.MIN_LENGTH;
        for (int from = to; from < ETHERNET + header; ) {
            int type = u8(room, from);
            if (type == OPTION_END) {
                break;
            }
            int length = type == OPTION_NOP ? 1 : u8(room, from + 1);
            if ((type & OPTION_COPIED) != 0) {
                System.arraycopy(room, from, room, to, length);
                to += length;
            }
            from += length;
        }
        while ((to - ETHERNET & 3) != 0) {
            room[to++] = OPTION_END;
        }
        int kept = to - ETHERNET;
        room[ETHERNET] = (byte) (0x40 | kept >> 2);
        return kept;
    }
}
