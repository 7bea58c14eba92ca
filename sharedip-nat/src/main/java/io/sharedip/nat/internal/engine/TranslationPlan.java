package io.sharedip.nat.internal.engine;

import io.sharedip.GuestId;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import java.util.List;
import java.util.Set;

/**
 * What is translated in another way than to the shared address and a port of the pool.
 *
 * @param protocols without ports that are translated by address alone
 * @param oneToOne addresses that belong to one guest each
 * @param exempt destinations that guests' packets go to untranslated (RFC 6888 REQ-6), IPv4
 */
public record TranslationPlan(Set<IpProtocol> protocols, List<OneToOne> oneToOne, List<IpPrefix> exempt) {

    public TranslationPlan {
        protocols = Set.copyOf(protocols);
        oneToOne = List.copyOf(oneToOne);
        exempt = List.copyOf(exempt);
    }

    /**
     * An outside address that belongs to one address of a guest.
     *
     * @param outside address of the segment
     * @param guest that has it
     * @param inside address of the guest, 0 for the only one it has
     */
    public record OneToOne(int outside, GuestId guest, int inside) {}

    /** Whether packets to a destination go untranslated. */
    boolean isExempt(int destination) {
        // asked for each new flow, for which an iterator would be garbage
        for (int i = 0; i < exempt.size(); i++) {
            IpPrefix prefix = exempt.get(i);
            if ((destination & prefix.mask()) == ((Ipv4Address) prefix.network()).bits()) {
                return true;
            }
        }
        return false;
    }
}
