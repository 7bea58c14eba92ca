package io.sharedip.nat.internal.binding;

import io.sharedip.packet.ArpView;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * Decides which ARP questions of a guest are answered with the router MAC address (proxy ARP, RFC 1027): every address of the segment
 * but the guest's own, so that a guest which probes its own address (RFC 5227) is never told that it is taken. A guest with an
 * address of another network is answered for every address but its own: whatever it takes for its router, the gateway is it.
 */
public final class ArpResponder {

    private static final int ETHERNET = 1;
    private static final int IPV4 = 0x0800;

    private int network;
    private int mask;

    /**
     * Makes a responder for a segment.
     *
     * @param network the segment's network address
     * @param mask the segment's mask
     */
    public ArpResponder(int network, int mask) {
        this.network = network;
        this.mask = mask;
    }

    /** Answers for another segment from now on. */
    public void segment(int newNetwork, int newMask) {
        network = newNetwork;
        mask = newMask;
    }

    /** Whether a packet is ARP for Ethernet and IPv4 with a known operation. */
    public static boolean isSound(ArpView arp) {
        return arp.hardwareType() == ETHERNET
                && arp.protocolType() == IPV4
                && arp.hardwareLength() == 6
                && arp.protocolLength() == 4
                && (arp.operation() == ArpView.REQUEST || arp.operation() == ArpView.REPLY);
    }

    /**
     * Judges an ARP packet from a guest's link.
     *
     * @param arp the packet, of full length
     * @param etherSource the Ethernet source
     * @param boundMac the guest's MAC address
     * @param bound the guest's addresses
     * @return why it is not answered, or null if it is to be answered with the router MAC address
     */
    public @Nullable DropReason judge(ArpView arp, long etherSource, long boundMac, int[] bound) {
        if (!isSound(arp)) {
            return DropReason.ARP_MALFORMED;
        }
        if (etherSource != boundMac) {
            return DropReason.BINDING_MAC;
        }
        if (arp.senderMac() != etherSource) {
            return DropReason.ARP_SENDER_MISMATCH;
        }
        int sender = arp.senderAddress();
        int target = arp.targetAddress();
        boolean probe = sender == 0;
        if (!probe && !BindingGuard.contains(bound, sender)) {
            return DropReason.ARP_SPOOFED;
        }
        if (arp.operation() == ArpView.REPLY) {
            // an announcement (RFC 5227 section 2.3) may come as a reply; it claims only what is the guest's
            return sender == target ? DropReason.ARP_UNANSWERED : DropReason.ARP_UNSOLICITED;
        }
        boolean asked = isOfSegment(target) || (!probe && !isOfSegment(sender) && isUnicast(target));
        if (!asked || BindingGuard.contains(bound, target)) {
            return DropReason.ARP_UNANSWERED;
        }
        return null;
    }

    private boolean isOfSegment(int address) {
        boolean networkOrBroadcast = mask >>> 1 != 0x7fffffff && ((address & ~mask) == 0 || (address | mask) == -1);
        return (address & mask) == network && !networkOrBroadcast;
    }

    private static boolean isUnicast(int address) {
        int first = address >>> 24;
        return first != 0 && first != 127 && first < 224;
    }
}
