package io.sharedip.nat.internal.engine;

import io.sharedip.address.Ipv4Address;
import io.sharedip.address.UplinkAddress;
import java.util.Arrays;

/**
 * The place of the gateway on the uplink, which may change, and its addresses there: the one that guests share, and those that are mapped one to one. Says of each
 * whose it is, and as what a guest's address shows. A guest's address shows as one address only (RFC 4787 REQ-2, paired pooling).
 */
final class OutsideAddresses {

    private static final int NONE = -1;
    private static final int LEAST = 4;

    private int shared;
    private int network;
    private int mask;
    private int router;
    private int alias;
    private final boolean sockets;
    private int count;
    private int[] outside = new int[LEAST];
    private int[] guest = new int[LEAST];
    private int[] inside = new int[LEAST];
    /** Open addressing by outside address; an entry's number plus one, 0 is an empty place. At most half full. */
    private int[] byOutside = new int[2 * LEAST];
    /** The same by guest and inside address. */
    private int[] byInside = new int[2 * LEAST];

    /**
     * Puts the gateway somewhere.
     *
     * @param place where
     * @param sockets whether what guests send ends at sockets of the host: then the router is nobody but the gateway, and stands for the
     *     shared address as the alias does
     */
    OutsideAddresses(UplinkAddress place, boolean sockets) {
        this.sockets = sockets;
        place(place);
    }

    /** Puts the gateway elsewhere; the one-to-one addresses stay. */
    void place(UplinkAddress place) {
        shared = place.address().bits();
        network = ((Ipv4Address) place.prefix().network()).bits();
        mask = place.prefix().mask();
        router = place.router().bits();
        alias = place.alias().map(Ipv4Address::bits).orElse(sockets ? router : 0);
    }

    /** Network address of the segment. */
    int network() {
        return network;
    }

    /** Mask of the segment. */
    int mask() {
        return mask;
    }

    /** The next hop for everything outside the segment. */
    int router() {
        return router;
    }

    /** Stands for the shared address where a guest owns that itself, 0 if there is none. */
    int alias() {
        return alias;
    }

    /** Whether an address is the alias, or another name of the gateway that does as well. */
    boolean isAlias(int address) {
        return address != 0 && (address == alias || (sockets && address == router));
    }

    /** Whether guests know an address as the gateway's: the router's included, whoever that is outside. */
    boolean isGatewayName(int address) {
        return address == router || address == alias || address == shared;
    }

    /** The address that errors to guests come from: one that no guest has. */
    int gatewayAddress() {
        return alias != 0 ? alias : router;
    }

    boolean isSegmentBroadcast(int address) {
        return address == -1 || (mask >>> 1 != 0x7fffffff && mask != -1 && address == (network | ~mask));
    }

    boolean isOnLink(int destination) {
        return (destination & mask) == network;
    }

    /** The address that guests share. */
    int shared() {
        return shared;
    }

    /** Whether packets from outside to this address are the gateway's to judge. */
    boolean owns(int address) {
        return address == shared || isOneToOne(address);
    }

    /** Whether the address belongs to one guest alone. */
    boolean isOneToOne(int address) {
        return count > 0 && find(address) != NONE;
    }

    private int find(int address) {
        for (int i = place(address); byOutside[i] != 0; i = i + 1 & byOutside.length - 1) {
            int entry = byOutside[i] - 1;
            if (outside[entry] == address) {
                return entry;
            }
        }
        return NONE;
    }

    /** Number of the guest that a one-to-one address belongs to. */
    int guestOf(int address) {
        return guest[find(address)];
    }

    /** The guest's address that a one-to-one address stands for. */
    int insideOf(int address) {
        return inside[find(address)];
    }

    /** The address that a guest's address shows as. */
    int shownFor(int guestNumber, int address) {
        if (count == 0) {
            return shared;
        }
        for (int i = place(address ^ guestNumber); byInside[i] != 0; i = i + 1 & byInside.length - 1) {
            int entry = byInside[i] - 1;
            if (inside[entry] == address && guest[entry] == guestNumber) {
                return outside[entry];
            }
        }
        return shared;
    }

    /** The one-to-one addresses. */
    int[] oneToOne() {
        return Arrays.copyOf(outside, count);
    }

    /** Gives an address to a guest. */
    void add(int outsideAddress, int guestNumber, int insideAddress) {
        if (count == outside.length) {
            outside = Arrays.copyOf(outside, 2 * count);
            guest = Arrays.copyOf(guest, 2 * count);
            inside = Arrays.copyOf(inside, 2 * count);
        }
        outside[count] = outsideAddress;
        guest[count] = guestNumber;
        inside[count] = insideAddress;
        count++;
        index();
    }

    /** Takes a guest's addresses away. */
    void removeGuest(int guestNumber) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (guest[i] != guestNumber) {
                outside[kept] = outside[i];
                guest[kept] = guest[i];
                inside[kept] = inside[i];
                kept++;
            }
        }
        count = kept;
        index();
    }

    private void index() {
        byOutside = new int[2 * outside.length];
        byInside = new int[2 * outside.length];
        for (int entry = 0; entry < count; entry++) {
            put(byOutside, outside[entry], entry);
            put(byInside, inside[entry] ^ guest[entry], entry);
        }
    }

    private void put(int[] index, int key, int entry) {
        int i = place(key);
        while (index[i] != 0) {
            i = i + 1 & index.length - 1;
        }
        index[i] = entry + 1;
    }

    private int place(int key) {
        return ((key * 0x9E3779B1) >>> 8) & byOutside.length - 1;
    }
}
