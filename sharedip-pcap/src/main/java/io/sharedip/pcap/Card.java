package io.sharedip.pcap;

import com.sun.jna.Memory;
import io.sharedip.ConfigurationException;
import io.sharedip.LinkException;
import io.sharedip.address.MacAddress;
import io.sharedip.packet.Octets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What the kernel says of a network card, at one moment. Asked by ioctl rather than read from {@code /sys}, because {@code /sys}
 * shows the network namespace of whoever mounted it.
 *
 * @param name as the kernel knows it
 * @param index which changes when a card vanishes and comes back under the same name
 * @param mtu the longest IP packet in octets
 * @param mac its address
 * @param up whether it is switched on
 */
record Card(String name, int index, int mtu, MacAddress mac, boolean up) {

    static final int IFNAMSIZ = 16;
    static final int IFREQ_SIZE = 40;

    private static final long SIOCGIFFLAGS = 0x8913;
    private static final long SIOCGIFMTU = 0x8921;
    private static final long SIOCGIFHWADDR = 0x8927;
    private static final long SIOCGIFINDEX = 0x8933;
    private static final int IFF_UP = 1;
    private static final int ARPHRD_ETHER = 1;

    /** Refuses what cannot be the name of a card on Linux, or would not survive a rule file. */
    static String checkName(String name) {
        Objects.requireNonNull(name, "interfaceName");
        boolean fits = !name.isEmpty() && name.length() < IFNAMSIZ && !name.equals(".") && !name.equals("..");
        for (int i = 0; i < name.length() && fits; i++) {
            char c = name.charAt(i);
            fits = c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '"' && c != '\\' && c != '%';
        }
        if (!fits) {
            throw new ConfigurationException(
                    "interface", name, "is not the name of a network card", "use a name that `ip link` shows");
        }
        return name;
    }

    /**
     * Asks for a card.
     *
     * @return empty if there is none of that name
     * @throws LinkException if it is not an Ethernet card
     */
    static Optional<Card> find(String link, String name) {
        int fd = LibC.socket(LibC.AF_INET, LibC.SOCK_DGRAM | LibC.SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw new LinkException(
                    link, "no socket to ask the kernel with, error " + LibC.errno(), "raise `ulimit -n`", null);
        }
        try (Memory request = request(name)) {
            long at = LibC.address(request);
            if (LibC.ioctl(fd, SIOCGIFINDEX, at) < 0) {
                return Optional.empty();
            }
            int index = request.getInt(IFNAMSIZ);
            if (LibC.ioctl(fd, SIOCGIFFLAGS, at) < 0) {
                return Optional.empty();
            }
            boolean up = (request.getShort(IFNAMSIZ) & IFF_UP) != 0;
            if (LibC.ioctl(fd, SIOCGIFMTU, at) < 0) {
                return Optional.empty();
            }
            int mtu = request.getInt(IFNAMSIZ);
            if (LibC.ioctl(fd, SIOCGIFHWADDR, at) < 0) {
                return Optional.empty();
            }
            if (request.getShort(IFNAMSIZ) != ARPHRD_ETHER) {
                throw new LinkException(
                        link, "is not an Ethernet card", "use a card that `ip link` shows as link/ether", null);
            }
            MacAddress mac = new MacAddress(Octets.u48(request.getByteArray(IFNAMSIZ + 2, 6), 0));
            return Optional.of(new Card(name, index, mtu, mac, up));
        } finally {
            LibC.close(fd);
        }
    }

    /**
     * Asks for a card that must be there and switched on.
     *
     * @throws LinkException if it is not, with the cure
     */
    static Card require(String link, String name) {
        Card card = find(link, name)
                .orElseThrow(() -> new LinkException(
                        link,
                        "there is no network card '" + name + "'",
                        "use one of those that exist here: " + String.join(", ", names()),
                        null));
        if (!card.up) {
            throw new LinkException(link, "the card is down", "run: ip link set " + name + " up", null);
        }
        return card;
    }

    /**
     * What to call the card at the other end, as far as it can be known.
     *
     * @return its name if it is a veth in the same network namespace, else a word to be replaced
     */
    String peerName() {
        try {
            String peerIndex =
                    Files.readString(Path.of("/sys/class/net", name, "iflink")).strip();
            for (String other : names()) {
                Path sys = Path.of("/sys/class/net", other);
                if (!other.equals(name)
                        && Files.readString(sys.resolve("ifindex")).strip().equals(peerIndex)
                        && Files.readString(sys.resolve("iflink")).strip().equals(Integer.toString(index))) {
                    return other;
                }
            }
        } catch (IOException e) {
            // /sys may be that of another namespace, or not there
        }
        return "PEER";
    }

    /** The names of all cards in this network namespace, without the loopback. */
    static List<String> names() {
        try {
            return names(Files.readAllLines(Path.of("/proc/thread-self/net/dev")));
        } catch (IOException e) {
            return List.of();
        }
    }

    /** The names in {@code /proc/net/dev}: what stands before the colon, from the third line on. */
    static List<String> names(List<String> lines) {
        return lines.stream()
                .skip(2)
                .map(line -> line.substring(0, Math.max(0, line.indexOf(':'))).strip())
                .filter(name -> !name.isEmpty() && !name.equals("lo"))
                .sorted()
                .toList();
    }

    /** A zeroed {@code struct ifreq} with the card's name. */
    static Memory request(String name) {
        Memory request = new Memory(IFREQ_SIZE);
        request.clear();
        byte[] octets = name.getBytes(StandardCharsets.US_ASCII);
        request.write(0, octets, 0, Math.min(octets.length, IFNAMSIZ - 1));
        return request;
    }
}
