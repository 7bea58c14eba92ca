package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.nat.TcpTracking;
import io.sharedip.packet.Checksum;
import io.sharedip.packet.TcpView;

/**
 * Lowers the maximum segment size that a SYN or SYN-ACK announces (RFC 9293 section 3.7.1), so that two sides that cannot hear "too
 * big" send nothing that is. Never raises one, adds none, and leaves a SYN alone whose options make no sense.
 */
final class MssClamp {

    private static final int HEADERS = 40;
    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    private static final int OPTION_MSS = 2;

    private final int setting;

    /**
     * Makes a clamp.
     *
     * @param setting {@link TcpTracking#mssClamp}
     */
    MssClamp(int setting) {
        this.setting = setting;
    }

    /**
     * Lowers a packet's maximum segment size, if it is a SYN's and larger.
     *
     * @param mtu of the smaller of the two links on its way
     */
    void lower(PacketContext c, int mtu) {
        if (setting == 0 || c.protocol != TCP || (c.tcpFlags & TcpView.SYN) == 0) {
            return;
        }
        int most = setting == TcpTracking.MSS_OF_LINK ? mtu - HEADERS : setting;
        final byte[] a = c.octets;
        int at = find(a, c.transport);
        if (at < 0 || u16(a, at) <= most) {
            return;
        }
        int delta = Checksum.delta16(u16(a, at), most);
        if ((at - c.transport & 1) != 0) {
            // across two words of the sum, so each octet counts at the other's place
            delta = delta >>> 8 | (delta & 0xff) << 8;
        }
        put16(a, at, most);
        if (!c.checksumDue) {
            int checksum = c.transport + 16;
            put16(a, checksum, Checksum.update(u16(a, checksum), delta));
        }
    }

    /** Index of the value of the MSS option, or -1. */
    private static int find(byte[] a, int transport) {
        int limit = transport + (u8(a, transport + 12) >>> 4 << 2);
        for (int i = transport + TcpView.MIN_LENGTH; i < limit; ) {
            int kind = u8(a, i);
            if (kind == OPTION_NOP) {
                i++;
                continue;
            }
            if (kind == OPTION_END || i + 1 >= limit) {
                return -1;
            }
            int length = u8(a, i + 1);
            if (length < 2 || i + length > limit) {
                return -1;
            }
            if (kind == OPTION_MSS) {
                return length == 4 ? i + 2 : -1;
            }
            i += length;
        }
        return -1;
    }
}
