package io.sharedip.pcap;

import com.sun.jna.Memory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The offloads of a card by which received frames are merged before a capture sees them. Such super-frames exceed the MTU and
 * cannot be sent on, so they are switched off while the card is a link.
 *
 * <p>Only what concerns reception is touched: frames that the host sends on the card are not captured, and what is injected
 * has a complete checksum and is never segmented. What the machine at the <em>other</em> end of a veth pair leaves out
 * (its transmit checksums, its segmentation) can only be switched off at that end.
 */
final class Offloads {

    /** The kernel's names of the features, and what {@code ethtool -K} calls them. */
    private static final Map<String, String> MERGING = Map.of(
            "rx-gro", "gro",
            "rx-lro", "lro",
            "rx-gro-hw", "rx-gro-hw",
            "rx-gro-list", "rx-gro-list",
            "rx-udp-gro-forwarding", "rx-udp-gro-forwarding");

    private static final long SIOCETHTOOL = 0x8946;
    private static final int ETHTOOL_GSTRINGS = 0x1b;
    private static final int ETHTOOL_GSSET_INFO = 0x37;
    private static final int ETHTOOL_GFEATURES = 0x3a;
    private static final int ETHTOOL_SFEATURES = 0x3b;
    private static final int ETH_SS_FEATURES = 4;
    private static final int NAME_LENGTH = 32;

    private final String card;
    private final List<String> switchedOff = new ArrayList<>();
    private List<String> stillOn = List.of();

    private Offloads(String card) {
        this.card = card;
    }

    /**
     * Switches off what merges frames on a card. A card that tells nothing of its offloads is taken to have none.
     *
     * @return what was done; to be undone by {@link #restore()}
     */
    static Offloads switchOff(String card) {
        Offloads offloads = new Offloads(card);
        try (Ethtool ethtool = new Ethtool(card)) {
            Map<String, Integer> bits = ethtool.featureBits();
            List<String> on = ethtool.active(bits);
            if (!on.isEmpty()) {
                ethtool.set(bits, on, false);
                List<String> rest = ethtool.active(bits);
                on.stream().filter(name -> !rest.contains(name)).forEach(offloads.switchedOff::add);
                offloads.stillOn = rest;
            }
        }
        return offloads;
    }

    /** What is on and may not be switched off, as one command that would do it; empty if nothing is. */
    String command() {
        return command(card, stillOn);
    }

    static String command(String card, List<String> features) {
        StringBuilder s = new StringBuilder();
        features.stream()
                .sorted()
                .forEach(name ->
                        s.append(' ').append(MERGING.getOrDefault(name, name)).append(" off"));
        return s.isEmpty() ? "" : "ethtool -K " + card + s;
    }

    List<String> switchedOff() {
        return List.copyOf(switchedOff);
    }

    /** Switches on again what was on before. Nothing happens if the card is gone. */
    void restore() {
        if (switchedOff.isEmpty()) {
            return;
        }
        try (Ethtool ethtool = new Ethtool(card)) {
            ethtool.set(ethtool.featureBits(), switchedOff, true);
        }
        switchedOff.clear();
    }

    /**
     * Reads a table of feature names as the kernel gives it.
     *
     * @param table names of 32 octets each, padded with zeros
     * @return the bit of each feature that merges frames
     */
    static Map<String, Integer> featureBits(byte[] table) {
        Map<String, Integer> bits = new HashMap<>();
        for (int bit = 0; (bit + 1) * NAME_LENGTH <= table.length; bit++) {
            int start = bit * NAME_LENGTH;
            int end = start;
            while (end < start + NAME_LENGTH && table[end] != 0) {
                end++;
            }
            String name = new String(table, start, end - start, StandardCharsets.US_ASCII);
            if (MERGING.containsKey(name)) {
                bits.put(name, bit);
            }
        }
        return bits;
    }

    /** The ethtool ioctls on one card; every failure reads as "has no such features". */
    private static final class Ethtool implements AutoCloseable {

        private final int fd = LibC.socket(LibC.AF_INET, LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC, 0);
        private final Memory request;
        private int blocks;

        Ethtool(String card) {
            request = Card.request(card);
        }

        private boolean call(Memory data) {
            request.setPointer(Card.IFNAMSIZ, data);
            return LibC.ioctl(fd, SIOCETHTOOL, LibC.address(request)) >= 0;
        }

        Map<String, Integer> featureBits() {
            int count;
            try (Memory info = new Memory(24)) {
                info.clear();
                info.setInt(0, ETHTOOL_GSSET_INFO);
                info.setLong(8, 1L << ETH_SS_FEATURES);
                if (!call(info) || info.getLong(8) == 0) {
                    return Map.of();
                }
                count = info.getInt(16);
            }
            blocks = (count + 31) / 32;
            try (Memory strings = new Memory(12 + (long) count * NAME_LENGTH)) {
                strings.clear();
                strings.setInt(0, ETHTOOL_GSTRINGS);
                strings.setInt(4, ETH_SS_FEATURES);
                strings.setInt(8, count);
                return call(strings) ? Offloads.featureBits(strings.getByteArray(12, count * NAME_LENGTH)) : Map.of();
            }
        }

        /** Those of the features that are on. */
        List<String> active(Map<String, Integer> bits) {
            if (bits.isEmpty()) {
                return List.of();
            }
            try (Memory features = new Memory(8 + blocks * 16L)) {
                features.clear();
                features.setInt(0, ETHTOOL_GFEATURES);
                features.setInt(4, blocks);
                if (!call(features)) {
                    return List.of();
                }
                return bits.entrySet().stream()
                        .filter(e -> (features.getInt(8 + e.getValue() / 32 * 16L + 8) >>> e.getValue() % 32 & 1) != 0)
                        .map(Map.Entry::getKey)
                        .sorted()
                        .toList();
            }
        }

        void set(Map<String, Integer> bits, List<String> names, boolean on) {
            if (bits.isEmpty()) {
                return;
            }
            try (Memory features = new Memory(8 + blocks * 8L)) {
                features.clear();
                features.setInt(0, ETHTOOL_SFEATURES);
                features.setInt(4, blocks);
                for (String name : names) {
                    Integer bit = bits.get(name);
                    if (bit != null) {
                        long at = 8 + bit / 32 * 8L;
                        features.setInt(at, features.getInt(at) | 1 << bit % 32);
                        if (on) {
                            features.setInt(at + 4, features.getInt(at + 4) | 1 << bit % 32);
                        }
                    }
                }
                call(features);
            }
        }

        @Override
        public void close() {
            request.close();
            if (fd >= 0) {
                LibC.close(fd);
            }
        }
    }
}
