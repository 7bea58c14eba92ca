package io.sharedip.nat.internal.binding;

import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/** Lets pass only what a guest sends from its own MAC address and one of its own IP addresses. */
public final class BindingGuard {

    private BindingGuard() {}

    /**
     * Judges a sender.
     *
     * @param boundMac the guest's MAC address
     * @param bound the guest's addresses
     * @param mac the Ethernet source
     * @param address the IP source
     * @return why the packet is to be dropped, or null
     */
    public static @Nullable DropReason judge(long boundMac, int[] bound, long mac, int address) {
        if (mac != boundMac) {
            return DropReason.BINDING_MAC;
        }
        return contains(bound, address) ? null : DropReason.BINDING_ADDRESS;
    }

    static boolean contains(int[] bound, int address) {
        for (int each : bound) {
            if (each == address) {
                return true;
            }
        }
        return false;
    }
}
