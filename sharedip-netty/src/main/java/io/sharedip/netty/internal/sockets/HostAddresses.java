package io.sharedip.netty.internal.sockets;

import io.sharedip.address.Ipv4Address;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is the host itself: a snapshot of its own addresses, and of its routes as far as they matter for telling that they changed.
 *
 * @param own the addresses of all cards, loopback left out, in ascending order
 * @param masks of prefixes that are the host's as a whole, with the prefixes of each: what a loopback card is given with a prefix
 * @param routes a text that changes when they do
 */
record HostAddresses(Set<Integer> own, Map<Integer, Set<Integer>> masks, String routes) {

    private static final Path ROUTES = Path.of("/proc/thread-self/net/route");
    /** The JDK's way of saying that there is none, or none with an address. */
    private static final String NO_CARDS = "No network interfaces configured";

    private static final int LOOPBACK_MASK = 0xff000000;
    private static final int LOOPBACK = 0x7f000000;

    /**
     * Looks.
     *
     * @throws IOException if not everything could be seen, as when no descriptor is left: a part is never given for the whole, since
     *     whatever is missing would be open to guests
     */
    static HostAddresses read() throws IOException {
        Set<Integer> own = new TreeSet<>();
        Map<Integer, Set<Integer>> masks = new HashMap<>();
        for (NetworkInterface card : cards()) {
            for (InterfaceAddress address : card.getInterfaceAddresses()) {
                if (address.getAddress() instanceof Inet4Address v4 && !v4.isLoopbackAddress()) {
                    int bits = Addresses.bits(v4);
                    own.add(bits);
                    int length = address.getNetworkPrefixLength();
                    if (card.isLoopback() && length > 0 && length < 32) {
                        int mask = -1 << (32 - length);
                        masks.computeIfAbsent(mask, none -> new HashSet<>()).add(bits & mask);
                    }
                }
            }
        }
        return new HostAddresses(own, masks, readRoutes());
    }

    private static List<NetworkInterface> cards() throws SocketException {
        try {
            return NetworkInterface.networkInterfaces().toList();
        } catch (SocketException e) {
            if (NO_CARDS.equals(e.getMessage())) {
                return List.of();
            }
            throw e;
        }
    }

    /** The routes' destinations, gateways and cards, without the counters beside them. */
    private static String readRoutes() throws IOException {
        List<String> routes = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(ROUTES)) {
                String[] fields = line.split("\\s+");
                if (fields.length > 7) {
                    routes.add(String.join(" ", fields[0], fields[1], fields[2], fields[3], fields[6], fields[7]));
                }
            }
        } catch (NoSuchFileException | AccessDeniedException e) {
            return "";
        }
        return String.join("\n", routes);
    }

    /** Whether a packet to this address would reach the host itself: the unspecified address does too. */
    boolean contains(int address) {
        if ((address & LOOPBACK_MASK) == LOOPBACK || address == 0 || own.contains(address)) {
            return true;
        }
        for (Map.Entry<Integer, Set<Integer>> prefixes : masks.entrySet()) {
            if (prefixes.getValue().contains(address & prefixes.getKey())) {
                return true;
            }
        }
        return false;
    }

    /** What of these a later snapshot has no more. */
    List<Integer> goneIn(HostAddresses later) {
        return own.stream().filter(address -> !later.own.contains(address)).toList();
    }

    /** What has changed since an earlier snapshot, as a clause; empty if nothing has. */
    String changeSince(HostAddresses earlier) {
        List<String> changes = new ArrayList<>();
        for (int address : earlier.goneIn(this)) {
            changes.add("address " + Ipv4Address.ofBits(address) + " is gone");
        }
        for (int address : goneIn(earlier)) {
            changes.add("address " + Ipv4Address.ofBits(address) + " is new");
        }
        if (changes.isEmpty() && !routes.equals(earlier.routes)) {
            changes.add("the host's routes have changed");
        }
        return String.join(", ", changes);
    }
}
