package io.sharedip.nat.internal.flow;

import static io.sharedip.packet.Octets.put16;
import static io.sharedip.packet.Octets.u16;

import io.sharedip.address.IpProtocol;
import io.sharedip.packet.Checksum;
import io.sharedip.stats.DropReason;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The protocols that are translated by address alone: GRE, ESP, SCTP and whatever else has no ports that could be rewritten. Two of
 * them, DCCP and UDP-Lite, have a checksum over the addresses.
 */
public final class AddressOnlyProtocols {

    private static final int DCCP = 33;
    private static final int UDP_LITE = 136;
    /** Where both keep their checksum. */
    private static final int CHECKSUM = 6;

    private static final int DCCP_HEADER = 12;
    private static final int UDP_LITE_HEADER = 8;

    private final boolean[] enabled = new boolean[256];

    /**
     * Makes a set.
     *
     * @param protocols without ports
     */
    public AddressOnlyProtocols(Set<IpProtocol> protocols) {
        protocols.forEach(protocol -> enabled[protocol.number()] = true);
    }

    /** Judges a packet of a protocol that is neither TCP nor UDP nor ICMP. @return why it is to be dropped, or null */
    @Nullable
    public DropReason judge(int protocol, int transportLength) {
        if (!enabled[protocol]) {
            return DropReason.PROTOCOL_UNSUPPORTED;
        }
        int least = protocol == DCCP ? DCCP_HEADER : protocol == UDP_LITE ? UDP_LITE_HEADER : 0;
        return transportLength < least ? DropReason.PROTOCOL_HEADER : null;
    }

    /** Whether a transport checksum covers the addresses of the IP header. */
    public static boolean coversAddresses(int protocol) {
        return protocol == DCCP || protocol == UDP_LITE;
    }

    /** Updates the transport checksum, if there is one, by what has changed in the addresses. */
    public static void updateChecksum(byte[] octets, int transport, int protocol, int delta) {
        if (coversAddresses(protocol)) {
            int at = transport + CHECKSUM;
            int updated = Checksum.update(u16(octets, at), delta);
            // UDP-Lite has no "no checksum" (RFC 3828 section 3.1)
            put16(octets, at, updated == 0 && protocol == UDP_LITE ? 0xffff : updated);
        }
    }
}
