package io.sharedip.nat.internal.engine;

import io.sharedip.GuestId;
import io.sharedip.address.Ipv4Address;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The guests by number. Numbers begin at 1 and are reused only when all 65,535 have been used. */
final class GuestDirectory {

    private static final int MOST = 1 << 16;

    private @Nullable Attachment[] byNumber = new Attachment[16];
    /** Those that are there, in the order in which they came. */
    private final List<Attachment> all = new ArrayList<>();

    /** Every address of every guest, open addressing; 0 is an empty place. */
    private int[] inside = new int[8];

    private int last;
    /** {@link #addresses()}, or null if it must be made again. */
    private @Nullable Map<GuestId, List<Ipv4Address>> addresses;

    /** How many guests there are. */
    int count() {
        return all.size();
    }

    /** One of the guests by its place among those that are there, from 0: what a walk over all of them that allocates nothing asks. */
    Attachment at(int place) {
        return all.get(place);
    }

    @Nullable
    Attachment get(int number) {
        return number < byNumber.length ? byNumber[number] : null;
    }

    @Nullable
    Attachment find(GuestId id) {
        for (Attachment guest : all) {
            if (guest.guestId().equals(id)) {
                return guest;
            }
        }
        return null;
    }

    /** A number for a new guest, or 0 if there are too many. */
    int nextNumber() {
        for (int i = 1; i < MOST; i++) {
            int candidate = (last + i) % MOST;
            if (candidate != 0 && get(candidate) == null) {
                return candidate;
            }
        }
        return 0;
    }

    void put(Attachment guest) {
        int number = guest.number();
        if (number >= byNumber.length) {
            byNumber = Arrays.copyOf(byNumber, Math.min(MOST, Math.max(number + 1, byNumber.length * 2)));
        }
        byNumber[number] = guest;
        last = number;
        all.add(guest);
        addressesChanged();
    }

    void remove(Attachment guest) {
        byNumber[guest.number()] = null;
        all.remove(guest);
        addressesChanged();
    }

    /** The guests in the order in which they came. */
    List<Attachment> all() {
        return List.copyOf(all);
    }

    /** Whether a guest has an address. */
    boolean anyOwns(int address) {
        for (int i = place(address); inside[i] != 0; i = i + 1 & inside.length - 1) {
            if (inside[i] == address) {
                return true;
            }
        }
        return false;
    }

    /** Whether a guest has an address that no other guest has. */
    boolean isOnlyOwner(Attachment guest, int address) {
        for (int place = 0; place < count(); place++) {
            Attachment other = at(place);
            if (other != guest && other.owns(address)) {
                return false;
            }
        }
        return guest.owns(address);
    }

    /** The guests with their addresses; never changed, a new one after a change. */
    Map<GuestId, List<Ipv4Address>> addresses() {
        Map<GuestId, List<Ipv4Address>> known = addresses;
        if (known == null) {
            Map<GuestId, List<Ipv4Address>> made = new HashMap<>();
            for (Attachment guest : all) {
                made.put(
                        guest.guestId(),
                        Arrays.stream(guest.addresses())
                                .mapToObj(Ipv4Address::new)
                                .toList());
            }
            known = Map.copyOf(made);
            addresses = known;
        }
        return known;
    }

    /** To be called when a guest's addresses have changed. */
    void addressesChanged() {
        addresses = null;
        int count = 0;
        for (Attachment guest : all) {
            count += guest.addresses().length;
        }
        inside = new int[Integer.highestOneBit(Math.max(8, count * 2)) << 1];
        for (Attachment guest : all) {
            for (int address : guest.addresses()) {
                int i = place(address);
                while (inside[i] != 0) {
                    i = i + 1 & inside.length - 1;
                }
                inside[i] = address;
            }
        }
    }

    private int place(int address) {
        return ((address * 0x9E3779B1) >>> 8) & inside.length - 1;
    }
}
