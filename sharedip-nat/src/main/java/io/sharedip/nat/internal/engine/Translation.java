package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.nat.internal.engine.PacketContext.UDP;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.put32;
import static io.sharedip.packet.Octets.put8;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.nat.internal.flow.AddressOnlyProtocols;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.ChecksumState;

/**
 * Rewrites addresses, ports and the time to live in place. Checksums are updated incrementally (RFC 1624) by the deltas that the
 * flow remembers, so a checksum that was wrong stays wrong; only one that is due anyway is computed in full.
 */
final class Translation {

    /** The delta of a time to live that becomes one less: it is the high octet of its word. */
    private static final int TTL_DELTA = 0xfeff;

    private Translation() {}

    static void outwards(PacketContext c, FlowTable table, int flow, int peerOutside) {
        final byte[] a = c.octets;
        final int ip = c.ip;
        put32(a, ip + 12, table.outsideAddress(flow));
        put32(a, ip + 16, peerOutside);
        put8(a, ip + 8, u8(a, ip + 8) - 1);
        put16(a, ip + 10, Checksum.update(u16(a, ip + 10), Checksum.add(table.addressDelta(flow), TTL_DELTA)));
        if (c.hasPorts()) {
            put16(a, c.transport + (c.protocol == ICMP ? 4 : 0), table.outsidePort(flow));
        }
        transportChecksum(c, table.tupleDelta(flow));
    }

    static void inwards(PacketContext c, FlowTable table, int flow, boolean hairpin) {
        final byte[] a = c.octets;
        final int ip = c.ip;
        put32(a, ip + 12, table.peerAddress(flow));
        put32(a, ip + 16, table.insideAddress(flow));
        int delta = ~table.addressDelta(flow) & 0xffff;
        if (!hairpin) {
            // a hairpinned packet has been counted down on its way out
            put8(a, ip + 8, u8(a, ip + 8) - 1);
            delta = Checksum.add(delta, TTL_DELTA);
        }
        put16(a, ip + 10, Checksum.update(u16(a, ip + 10), delta));
        if (c.hasPorts()) {
            put16(a, c.transport + (c.protocol == ICMP ? 4 : 2), table.insidePort(flow));
        }
        transportChecksum(c, ~table.tupleDelta(flow) & 0xffff);
    }

    /** Updates the transport checksum by what has changed under it, or computes it if that is due. */
    static void transportChecksum(PacketContext c, int delta) {
        if (c.checksumDue) {
            complete(c);
            return;
        }
        final byte[] a = c.octets;
        if (c.protocol == TCP) {
            int at = c.transport + 16;
            put16(a, at, Checksum.update(u16(a, at), delta));
        } else if (c.protocol == UDP) {
            int at = c.transport + 6;
            int old = u16(a, at);
            if (old != 0) {
                int updated = Checksum.update(old, delta);
                // 0 would say that there is no checksum (RFC 768)
                put16(a, at, updated == 0 ? 0xffff : updated);
            }
        } else if (c.protocol == ICMP) {
            int at = c.transport + 2;
            put16(a, at, Checksum.update(u16(a, at), delta));
        } else {
            AddressOnlyProtocols.updateChecksum(a, c.transport, c.protocol, delta);
        }
    }

    /** Computes the transport checksum in full, over addresses and ports as they are now in the packet. */
    private static void complete(PacketContext c) {
        final byte[] a = c.octets;
        int at = c.transport + (c.protocol == TCP ? 16 : c.protocol == UDP ? 6 : 2);
        int length = c.protocol == UDP ? u16(a, c.transport + 4) : c.transportLength;
        put16(a, at, 0);
        int sum = Checksum.sum(a, c.transport, length);
        if (c.protocol != ICMP) {
            int addresses = Checksum.sum(a, c.ip + 12, 8);
            sum = Checksum.add(sum, Checksum.add(addresses, Checksum.fold(c.protocol + length)));
        }
        int checksum = ~sum & 0xffff;
        put16(a, at, c.protocol == UDP && checksum == 0 ? 0xffff : checksum);
        c.checksumDue = false;
        c.frame.checksumState(ChecksumState.COMPLETE);
    }

    /** Rewrites the outer header of an ICMP error whose inner packet has been rewritten, and computes its checksum in full. */
    static void error(PacketContext c, int source, int destination, boolean countDown) {
        final byte[] a = c.octets;
        final int ip = c.ip;
        put32(a, ip + 12, source);
        put32(a, ip + 16, destination);
        if (countDown) {
            put8(a, ip + 8, u8(a, ip + 8) - 1);
        }
        put16(a, ip + 10, 0);
        put16(a, ip + 10, ~Checksum.sum(a, ip, c.headerLength));
        put16(a, c.transport + 2, 0);
        put16(a, c.transport + 2, ~Checksum.sum(a, c.transport, c.transportLength));
        c.checksumDue = false;
        c.frame.checksumState(ChecksumState.COMPLETE);
    }
}
