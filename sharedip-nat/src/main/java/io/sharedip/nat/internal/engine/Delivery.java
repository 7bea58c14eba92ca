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

    private final EngineSettings settings;
    private final NeighbourTable neighbours;
    private final Frame fragment = new Frame();
    private byte[] room = new byte[2048];

    Delivery(EngineSettings settings, NeighbourTable neighbours) {
        this.settings = settings;
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

    Outcome toGuest(Attachment guest, Frame frame) {
        return send(guest, frame, guest.mac(), settings.routerMac());
    }

    Outcome toOutside(Attachment uplink, Frame frame, int destination, Attachment origin, long nowNanos) {
        if (!uplink.isUp()) {
            return Outcome.LINK_DOWN;
        }
        int nextHop = settings.isOnLink(destination) ? destination : settings.router();
        long mac = neighbours.resolve(nextHop, nowNanos);
        if (mac == NeighbourTable.FAILED) {
            return Outcome.UNRESOLVED;
        }
        if (mac == NeighbourTable.PENDING) {
            return neighbours.hold(nextHop, frame, origin) ? Outcome.HELD : Outcome.QUEUE_FULL;
        }
        return send(uplink, frame, mac, uplink.mac());
    }

    /** Sends a frame to a known MAC address. */
    Outcome send(Attachment to, Frame frame, long destinationMac, long sourceMac) {
        if (!to.isUp()) {
            return Outcome.LINK_DOWN;
        }
        put48(frame.array(), frame.offset(), destinationMac);
        put48(frame.array(), frame.offset() + 6, sourceMac);
        if (frame.segmentSize() > 0 && !to.link().acceptsSuperFrames()) {
            return Outcome.TOO_BIG;
        }
        if (frame.length() - ETHERNET > to.mtu() && frame.segmentSize() == 0) {
            return sendFragments(to, frame);
        }
        return to.send(frame) ? Outcome.SENT : Outcome.LINK_FULL;
    }

    /** Splits a packet whose sender allows it. Options are not repeated: the ones that would have to be are refused on entry. */
    private Outcome sendFragments(Attachment to, Frame frame) {
        final byte[] a = frame.array();
        final int ip = frame.offset() + ETHERNET;
        int header = (u8(a, ip) & 0xf) << 2;
        int payload = u16(a, ip + 2) - header;
        int flags = u16(a, ip + 6);
        if ((flags & Ipv4View.DONT_FRAGMENT) != 0 || to.mtu() < header + 8) {
            return Outcome.TOO_BIG;
        }
        if (room.length < ETHERNET + to.mtu()) {
            room = new byte[ETHERNET + to.mtu()];
        }
        boolean more = (flags & Ipv4View.MORE_FRAGMENTS) != 0;
        int base = flags & Ipv4View.OFFSET_MASK;
        for (int done = 0; done < payload; ) {
            int kept = done == 0 ? header : Ipv4View.MIN_LENGTH;
            int part = Math.min(payload - done, to.mtu() - kept & ~7);
            boolean last = done + part == payload;
            System.arraycopy(a, frame.offset(), room, 0, ETHERNET + kept);
            System.arraycopy(a, ip + header + done, room, ETHERNET + kept, part);
            room[ETHERNET] = (byte) (0x40 | kept >> 2);
            put16(room, ETHERNET + 2, kept + part);
            put16(room, ETHERNET + 6, base + (done >> 3) | (last && !more ? 0 : Ipv4View.MORE_FRAGMENTS));
            put16(room, ETHERNET + 10, 0);
            put16(room, ETHERNET + 10, ~Checksum.sum(room, ETHERNET, kept));
            if (!to.send(fragment.wrap(room, 0, ETHERNET + kept + part))) {
                return Outcome.LINK_FULL;
            }
            done += part;
        }
        return Outcome.SENT;
    }
}
