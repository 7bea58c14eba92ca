package io.sharedip.internal.host;

import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What {@code /proc} tells of the host's sockets: who uses which port, and which ports the kernel gives out by itself. */
public final class HostSockets {

    /** The state TIME_WAIT in {@code /proc/net/tcp}. */
    public static final int TIME_WAIT = 6;

    private static final int CLOSE = 7;
    private static final int LISTEN = 10;

    private static final Path NET = Path.of("/proc/thread-self/net");
    private static final Path SETTINGS = Path.of("/proc/sys/net/ipv4");

    private static final int SETTING_ROOM = 1 << 17;

    private HostSockets() {}

    /**
     * A socket of the host.
     *
     * @param port it uses
     * @param state as the kernel numbers TCP states
     * @param inode by which its owner is found; 0 if it has none any more
     */
    public record Entry(int port, int state, long inode) {}

    /**
     * The sockets that would collide with a claim: those on the address itself and those on all addresses, IPv6 ones that take
     * IPv4 as well included.
     *
     * @param address the claim's; null for a claim of every address, which any socket collides with
     */
    public static List<Entry> using(IpProtocol protocol, @Nullable Ipv4Address address) {
        String name = protocol.equals(IpProtocol.TCP) ? "tcp" : "udp";
        List<Entry> entries = new ArrayList<>();
        for (String table : List.of(name, name + "6")) {
            try {
                entries.addAll(parse(Files.readAllLines(NET.resolve(table)), address));
            } catch (IOException e) {
                // IPv6 may be switched off, and without /proc there is nothing to tell
            }
        }
        return entries;
    }

    /**
     * Reads a table of {@code /proc/net}.
     *
     * @param lines with the heading
     * @param address the entries must be on, or on all addresses; null for those on any
     */
    public static List<Entry> parse(List<String> lines, @Nullable Ipv4Address address) {
        // four octets as the machine stores them, little end first
        String own = address == null ? "" : String.format(Locale.ROOT, "%08X", Integer.reverseBytes(address.bits()));
        String mapped = "0000000000000000FFFF0000" + own;
        List<Entry> entries = new ArrayList<>();
        for (String line : lines.subList(Math.min(1, lines.size()), lines.size())) {
            String[] fields = line.strip().split("\\s+");
            int colon = fields.length > 9 ? fields[1].indexOf(':') : -1;
            if (colon < 0) {
                continue;
            }
            String local = fields[1].substring(0, colon);
            boolean any = local.chars().allMatch(c -> c == '0');
            if (address == null || any || local.equals(own) || local.equals(mapped)) {
                entries.add(new Entry(
                        Integer.parseInt(fields[1].substring(colon + 1), 16),
                        Integer.parseInt(fields[3], 16),
                        Long.parseLong(fields[9])));
            }
        }
        return entries;
    }

    /**
     * Who holds a port, in words.
     *
     * @param address as for {@link #using}
     */
    public static String holder(IpProtocol protocol, @Nullable Ipv4Address address, int port) {
        return using(protocol, address).stream()
                .filter(entry -> entry.port() == port)
                // a listener, and what is bound only, comes before connections that merely use the port as well
                .min(Comparator.comparing((Entry entry) -> entry.state() != LISTEN && entry.state() != CLOSE))
                .map(HostSockets::describe)
                .orElse("a program of the host");
    }

    /** Who holds a socket, in words. */
    public static String describe(Entry entry) {
        if (entry.state() == TIME_WAIT) {
            return "a connection of the host that was closed less than a minute ago";
        }
        if (entry.inode() == 0) {
            return "a connection of the host that is being closed";
        }
        return owner(entry.inode()).orElse("a program of the host that /proc does not name");
    }

    /** Finds the program that has a socket open, by its descriptors. */
    public static Optional<String> owner(long inode) {
        String wanted = "socket:[" + inode + "]";
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (hasOpen(process, wanted)) {
                    return Optional.of("program '"
                            + Files.readString(process.resolve("comm")).strip() + "' (process " + process.getFileName()
                            + ")");
                }
            }
        } catch (IOException e) {
            // it ended meanwhile, or is not ours to look at
        }
        return Optional.empty();
    }

    private static boolean hasOpen(Path process, String wanted) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (isLinkTo(descriptor, wanted)) {
                    return true;
                }
            }
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            return false; // another user's process, or one that has just ended
        }
        return false;
    }

    private static boolean isLinkTo(Path descriptor, String wanted) {
        try {
            return Files.readSymbolicLink(descriptor).toString().equals(wanted);
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * The ports that the kernel gives to programs that do not ask for one: the ephemeral range without the reserved ones.
     *
     * @return a set of ports; empty if the settings cannot be read
     */
    public static BitSet ephemeralPorts() {
        try {
            Path reserved = SETTINGS.resolve("ip_local_reserved_ports");
            return ephemeralPorts(
                    readSetting(SETTINGS.resolve("ip_local_port_range")),
                    Files.exists(reserved) ? readSetting(reserved) : "");
        } catch (IOException e) {
            return new BitSet();
        }
    }

    /**
     * The first port that needs no right to be bound.
     *
     * @return 1024 unless the kernel is set otherwise
     */
    public static int firstUnprivilegedPort() {
        try {
            return Integer.parseInt(readSetting(SETTINGS.resolve("ip_unprivileged_port_start")));
        } catch (IOException | NumberFormatException e) {
            return 1024;
        }
    }

    /** Reads a kernel setting, in one go: a second read would find nothing, whatever the first one has left. */
    public static String readSetting(Path setting) throws IOException {
        byte[] text = new byte[SETTING_ROOM];
        try (InputStream in = Files.newInputStream(setting)) {
            int length = in.read(text);
            return new String(text, 0, Math.max(0, length), StandardCharsets.US_ASCII).strip();
        }
    }

    /** Reads the two settings' texts, such as {@code "32768\t60999"} and {@code "8080,9000-9010"}. */
    public static BitSet ephemeralPorts(String range, String reserved) {
        BitSet ports = new BitSet(1 << 16);
        String[] ends = range.strip().split("\\s+");
        ports.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[1]) + 1);
        for (String part : reserved.strip().split(",")) {
            if (!part.isEmpty()) {
                String[] limits = part.split("-");
                ports.clear(Integer.parseInt(limits[0]), Integer.parseInt(limits[limits.length - 1]) + 1);
            }
        }
        return ports;
    }
}
