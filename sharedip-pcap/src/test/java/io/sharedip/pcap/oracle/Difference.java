package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The intended differences between the kernel and the engine, each with the requirement that asks for it. Nothing else may differ. */
enum Difference {
    IDENTIFICATION(
            "7857-EIM", "outwards, of a packet that may be fragmented: the engine gives identifications anew", false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return false; // judged before, because it may come with any other
        }
    },
    MALFORMED_OPTION("hostile 13", "a malformed IP option: the kernel answers 12/0, the engine is silent", false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.headerLength > 20 && engine.isEmpty() && answers(step, kernel, 12);
        }
    },
    OPTION_CONTENT(
            "hostile 13",
            "options that are sound: the kernel writes its address and time, and cleans behind the end",
            false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            boolean written = p.hasOption(7) || p.hasOption(68) || p.hasGarbageBehindOptions();
            boolean echoed = (p.isIcmp(8) || p.protocol == Wire.ICMP && p.isFragment())
                    && engine.size() == 1
                    && Comparison.isOwn(step, engine.get(0));
            return p.headerLength > 20 && (written || echoed) && differOnlyInOptions(kernel, engine);
        }
    },
    SOURCE_QUENCH(
            "5508-4/5", "source quench, which RFC 6633 ends: the kernel translates it, the engine drops it", false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.isIcmp(4) && kernel.size() == 1 && engine.isEmpty();
        }
    },
    INNER_CHECKSUM(
            "5508-3", "an ICMP error whose inner IP header has a wrong checksum: the kernel lets it pass", false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.isError() && p.innerSum() != 0xffff && kernel.size() == 1 && engine.isEmpty();
        }
    },
    INNER_TCP_CUT(
            "5508-3",
            "an ICMP error that quotes 18 or 19 octets of TCP: the kernel leaves the inner checksum stale",
            false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.isError() && p.innerTcpLength() >= 18 && p.innerTcpLength() < 20 && kernel.size() == engine.size();
        }
    },
    EXPIRED_MALFORMED(
            "hostile 3",
            "a malformed transport header with its time to live at its end: the kernel answers 11/0",
            false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.timeToLive() <= 1 && engine.isEmpty() && p.isTransportMalformed() && answers(step, kernel, 11);
        }
    },
    BEYOND_WINDOW(
            "793/5961",
            "beyond what the receiver has ever offered to take: the kernel forgives one window more",
            true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.protocol == Wire.TCP && engine.isEmpty() && !kernel.isEmpty() && p.isBeyondWindow(step);
        }
    },
    OTHER_QUERY(
            "5508-1",
            "information and mask requests: the kernel translates them, the engine only echo and timestamp",
            true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return (p.isIcmp(15) || p.isIcmp(17)) && kernel.size() == 1 && engine.isEmpty();
        }
    },
    FOREIGN_SOURCE_MAC("case 22", "from a MAC address that is not the guest's", true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return step.link() != Net.UPLINK
                    && Octets.u48(p.octets, 6) != Net.guestMac(step.link())
                    && engine.isEmpty();
        }
    },
    SOURCE_OF_OWN_ERROR(
            "5508-9",
            "a guest calls the shared address: the kernel refuses from it, the engine from the alias",
            false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return step.link() != Net.UPLINK
                    && p.destination() == Net.SHARED
                    && answers(step, kernel, 3)
                    && answers(step, engine, 3)
                    && Arrays.equals(
                            Arrays.copyOfRange(
                                    kernel.get(0).frame(),
                                    IP + 20,
                                    kernel.get(0).frame().length),
                            Arrays.copyOfRange(
                                    engine.get(0).frame(),
                                    IP + 20,
                                    engine.get(0).frame().length));
        }
    },
    OWN_ADDRESS("hostile 1", "from a guest to its own address: the kernel refuses, the engine is silent", false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.source() == p.destination() && engine.isEmpty();
        }
    },
    FRAGMENT_LENGTH(
            "hostile 10", "a fragment that is not the last and no multiple of 8 long: the kernel cuts it", true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.isFragment() && engine.isEmpty() && p.datagram().stream().anyMatch(Packet::isUneven);
        }
    },
    FRAGMENT_OVERLAP("hostile 10", "overlapping fragments: the kernel forgives what lies within another", true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            List<Packet> all = p.datagram();
            return p.isFragment()
                    && engine.isEmpty()
                    && all.stream().anyMatch(a -> all.stream().anyMatch(b -> a.overlaps(b)));
        }
    },
    UDP_SHORT(
            "hostile 5",
            "a UDP length short of the packet: the kernel's checksum covers what is behind it as well",
            true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.protocol == Wire.UDP && p.hasShortUdpLength() && (kernel.isEmpty() || engine.isEmpty());
        }
    },
    LATE(
            "hostile 09",
            "older than a window, or acknowledging what is: the kernel lets it pass without following it",
            false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return engine.isEmpty() && !kernel.isEmpty() && p.isWhole(Wire.TCP) && p.isLate(step);
        }
    },
    RESET_AFTER_END(
            "hostile 09",
            "a RST out of window after a FIN or RST: the kernel does not judge its number any more",
            true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return engine.isEmpty() && !kernel.isEmpty() && p.isSegment(Wire.RST) && p.followsEnd(step);
        }
    },
    SPANNED_BY_RESET(
            "793/5961",
            "acknowledging what only an inexact RST has spanned: the kernel takes a RST's number for sent",
            true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return engine.isEmpty() && !kernel.isEmpty() && p.isSegment(Wire.ACK) && p.followsResetAhead(step);
        }
    },
    SECOND_SYN_ACK(
            "793/5961",
            "a SYN-ACK of another number while the handshake is half-open: the kernel takes it, the engine holds to the first",
            true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return engine.isEmpty()
                    && !kernel.isEmpty()
                    && p.isSegment(Wire.SYN | Wire.ACK)
                    && p.segments(step, true).stream()
                            .anyMatch(q -> q.isSegment(Wire.SYN | Wire.ACK) && q.sequence() != p.sequence());
        }
    },
    PORT_ZERO("hostile 6", "port 0", true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return (p.isWhole(Wire.TCP) || p.isWhole(Wire.UDP))
                    && (p.sourcePort() == 0 || p.destinationPort() == 0)
                    && engine.isEmpty();
        }
    },
    GROUP_MAC("hostile 17", "a group's MAC address with a unicast IP destination", true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return (p.octets[0] & 1) != 0 && Octets.u8(p.octets, IP + 16) < 224 && engine.isEmpty();
        }
    },
    CLASS_E_DESTINATION("hostile 16", "to 240.0.0.0/4, which is nobody's (RFC 1812 section 5.3.7)", false) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.destination() >>> 28 == 15 && p.destination() != -1 && kernel.size() == 1 && engine.isEmpty();
        }
    },
    UNKNOWN_PROTOCOL("case 19", "neither TCP nor UDP nor ICMP: the kernel lets several guests use one", true) {
        @Override
        boolean covers(Step step, Packet p, List<Emission> kernel, List<Emission> engine) {
            return p.protocol != Wire.TCP
                    && p.protocol != Wire.UDP
                    && p.protocol != Wire.ICMP
                    && kernel.size() == 1
                    && engine.isEmpty();
        }
    };

    /** The row of the requirements. */
    final String row;

    /** What differs. */
    final String text;

    /** Whether the two sides hold different states from here on. */
    final boolean partsWays;

    Difference(String row, String text, boolean partsWays) {
        this.row = row;
        this.text = text;
        this.partsWays = partsWays;
    }

    /** Whether a difference at this step is this one. */
    abstract boolean covers(Step step, Packet packet, List<Emission> kernel, List<Emission> engine);

    /** The intended difference that this is, or null. */
    static @Nullable Difference of(Step step, List<Step> before, List<Emission> kernel, List<Emission> engine) {
        Packet packet = Packet.of(step.frame(), before);
        if (packet == null) {
            return null;
        }
        for (Difference d : values()) {
            if (d.covers(step, packet, kernel, engine)) {
                return d;
            }
        }
        return null;
    }

    private static boolean answers(Step step, List<Emission> out, int icmpType) {
        return out.size() == 1
                && Comparison.isOwn(step, out.get(0))
                && out.get(0).frame()[IP + 9] == Wire.ICMP
                && out.get(0).frame()[IP + Wire.headerLength(out.get(0).frame(), IP)] == icmpType;
    }

    private static boolean differOnlyInOptions(List<Emission> kernel, List<Emission> engine) {
        if (kernel.size() != 1
                || engine.size() != 1
                || kernel.get(0).link() != engine.get(0).link()) {
            return false;
        }
        return Arrays.equals(
                withoutOptions(kernel.get(0).frame()),
                withoutOptions(engine.get(0).frame()));
    }

    private static byte[] withoutOptions(byte[] frame) {
        int options = Wire.headerLength(frame, IP) - 20;
        byte[] f = Arrays.copyOf(frame, frame.length - options);
        System.arraycopy(frame, IP + 20 + options, f, IP + 20, f.length - IP - 20);
        f[IP] = 0x45;
        Octets.put16(f, IP + 2, f.length - IP);
        boolean own = Octets.i32(f, IP + 12) == Net.SHARED || Octets.i32(f, IP + 12) == Net.ALIAS;
        Octets.put16(f, IP + 4, own ? 0 : Octets.u16(f, IP + 4));
        Octets.put16(f, IP + 6, own ? 0 : Octets.u16(f, IP + 6));
        Octets.put16(f, IP + 10, 0);
        return f;
    }

    /** What predicates ask about a frame's IP packet. */
    static final class Packet {

        final byte[] octets;
        final int headerLength;
        final int end;
        final int protocol;
        final int transport;

        private final List<Step> before;

        private Packet(byte[] octets, List<Step> before) {
            this.octets = octets;
            this.before = before;
            this.headerLength = Wire.headerLength(octets, IP);
            this.end = Math.min(octets.length, IP + Octets.u16(octets, IP + 2));
            this.protocol = Octets.u8(octets, IP + 9);
            this.transport = IP + headerLength;
        }

        static @Nullable Packet of(byte[] frame, List<Step> before) {
            boolean sound = frame.length >= IP + 20
                    && Octets.u8(frame, IP) >>> 4 == 4
                    && Wire.headerLength(frame, IP) >= 20
                    && IP + Wire.headerLength(frame, IP) <= frame.length;
            return sound ? new Packet(frame, before) : null;
        }

        /** The fragments so far of the datagram that this one belongs to, with this one. */
        List<Packet> datagram() {
            List<Packet> all = new ArrayList<>();
            for (Step step : before) {
                Packet p = of(step.frame(), List.of());
                if (p != null
                        && p.isFragment()
                        && Octets.u16(p.octets, IP + 4) == Octets.u16(octets, IP + 4)
                        && p.source() == source()
                        && p.destination() == destination()
                        && p.protocol == protocol) {
                    all.add(p);
                }
            }
            all.add(this);
            return all;
        }

        /** Whether a segment, not a SYN, ends right of every window edge that the other side has announced. */
        boolean isBeyondWindow(Step step) {
            List<Packet> all = isFragment() ? datagram() : List.of(this);
            Packet first = first(all);
            if (first == null || first.payloadLength() < 20 || (first.flags() & Wire.SYN) != 0) {
                return false;
            }
            int header = Octets.u8(first.octets, first.transport + 12) >>> 4 << 2;
            int whole = all.stream()
                    .mapToInt(p -> p.offset() + p.payloadLength())
                    .max()
                    .orElse(0);
            int end = Octets.i32(first.octets, first.transport + 4) + whole - header;
            int scale = 0;
            boolean scaled = false;
            boolean announced = false;
            boolean within = false;
            for (Step earlier : before) {
                Packet p = of(earlier.frame(), List.of());
                if (p == null
                        || earlier.conversation() != step.conversation()
                        || p.protocol != Wire.TCP
                        || p.isLaterFragment()
                        || p.payloadLength() < 20) {
                    continue;
                }
                boolean syn = (p.flags() & Wire.SYN) != 0;
                if (earlier.link() == step.link()) {
                    scaled = syn ? p.windowScale() >= 0 : scaled;
                    continue;
                }
                if (syn) {
                    scale = p.windowScale();
                    announced = false;
                    within = false;
                }
                if ((p.flags() & Wire.ACK) != 0) {
                    int shift = syn || !scaled ? 0 : Math.max(0, scale);
                    int edge =
                            Octets.i32(p.octets, p.transport + 8) + (Octets.u16(p.octets, p.transport + 14) << shift);
                    within |= end - edge <= 0;
                    announced = true;
                }
            }
            return announced && !within;
        }

        private @Nullable Packet first(List<Packet> all) {
            return all.stream().filter(p -> p.offset() == 0).findFirst().orElse(null);
        }

        /** Whether the UDP length, 8 or more, is less than what the datagram holds. */
        boolean hasShortUdpLength() {
            List<Packet> all = isFragment() ? datagram() : List.of(this);
            Packet first = first(all);
            if (first == null || first.payloadLength() < 8) {
                return false;
            }
            int whole = all.stream()
                    .mapToInt(p -> p.offset() + p.payloadLength())
                    .max()
                    .orElse(0);
            int length = Octets.u16(first.octets, first.transport + 4);
            return length >= 8 && length < whole;
        }

        /** Whether it is a whole TCP segment with these flags. */
        boolean isSegment(int wanted) {
            return isWhole(Wire.TCP) && payloadLength() >= 20 && (flags() & wanted) == wanted;
        }

        private int sequence() {
            return Octets.i32(octets, transport + 4);
        }

        private int acknowledgment() {
            return Octets.i32(octets, transport + 8);
        }

        private int sequenceEnd() {
            int header = Octets.u8(octets, transport + 12) >>> 4 << 2;
            return sequence() + payloadLength() - header + (flags() >>> 1 & 1) + (flags() & 1);
        }

        /** The segments of the conversation so far that were whole, of the step's side or of the other. */
        private List<Packet> segments(Step step, boolean ofItsSide) {
            List<Packet> all = new ArrayList<>();
            for (Step earlier : before) {
                Packet p = of(earlier.frame(), List.of());
                if (p != null
                        && earlier.conversation() == step.conversation()
                        && (earlier.link() == step.link()) == ofItsSide
                        && p.isSegment(0)) {
                    all.add(p);
                }
            }
            return all;
        }

        /** The largest window announced without its scale; the scale makes it no smaller. */
        private static int leastWindow(List<Packet> segments) {
            return segments.stream()
                    .mapToInt(p -> Octets.u16(p.octets, p.transport + 14))
                    .max()
                    .orElse(0);
        }

        /** Whether it ends more than a window before what its sender has sent, or acknowledges more than 66,000 octets too little. */
        boolean isLate(Step step) {
            if (payloadLength() < 20) {
                return false;
            }
            List<Packet> own = segments(step, true);
            List<Packet> others = segments(step, false);
            int window = leastWindow(others);
            return own.stream().anyMatch(p -> p.sequenceEnd() - sequenceEnd() > window)
                    || ((flags() & Wire.ACK) != 0
                            && others.stream().anyMatch(p -> p.sequenceEnd() - acknowledgment() > 66_000));
        }

        boolean followsEnd(Step step) {
            return Stream.concat(segments(step, true).stream(), segments(step, false).stream())
                    .anyMatch(p -> p.isSegment(Wire.FIN) || p.isSegment(Wire.RST));
        }

        /** Whether the other side has sent a RST ahead of all else that it has sent. */
        boolean followsResetAhead(Step step) {
            List<Packet> others = segments(step, false);
            return others.stream()
                    .anyMatch(r -> r.isSegment(Wire.RST)
                            && others.stream()
                                    .allMatch(p -> p.isSegment(Wire.RST) || r.sequence() - p.sequenceEnd() > 0));
        }

        private int flags() {
            return Octets.u8(octets, transport + 13);
        }

        private int windowScale() {
            int limit = Math.min(end, transport + (Octets.u8(octets, transport + 12) >>> 4 << 2));
            for (int at = transport + 20; at + 2 < limit; ) {
                int kind = Octets.u8(octets, at);
                if (kind == 3) {
                    return Math.min(14, Octets.u8(octets, at + 2));
                }
                at += kind == 1 ? 1 : Math.max(2, Octets.u8(octets, at + 1));
            }
            return -1;
        }

        private boolean isLaterFragment() {
            return offset() > 0;
        }

        private int offset() {
            return (Octets.u16(octets, IP + 6) & 0x1fff) * 8;
        }

        boolean isUneven() {
            return (Octets.u16(octets, IP + 6) & 0x2000) != 0 && payloadLength() % 8 != 0;
        }

        /** Whether two fragments overlap that do not repeat one another exactly. */
        boolean overlaps(Packet other) {
            boolean apart =
                    offset() + payloadLength() <= other.offset() || other.offset() + other.payloadLength() <= offset();
            return !apart
                    && !(offset() == other.offset()
                            && Arrays.equals(octets, transport, end, other.octets, other.transport, other.end));
        }

        int timeToLive() {
            return Octets.u8(octets, IP + 8);
        }

        /** Whether the length, the data offset or the checksum of a transport header is wrong, or a port is 0. */
        boolean isTransportMalformed() {
            if (protocol != Wire.TCP && protocol != Wire.UDP && protocol != Wire.ICMP) {
                return false;
            }
            int length = payloadLength();
            if (length < (protocol == Wire.TCP ? 20 : 8)) {
                return true;
            }
            if (protocol == Wire.UDP) {
                int udp = Octets.u16(octets, transport + 4);
                if (udp < 8 || udp > length || Octets.u16(octets, transport + 6) == 0) {
                    return udp < 8 || udp > length;
                }
                length = udp;
            } else if (protocol == Wire.TCP) {
                int header = Octets.u8(octets, transport + 12) >>> 4 << 2;
                if (header < 20 || header > length) {
                    return true;
                }
            }
            int sum = Checksum.sum(octets, transport, length);
            if (protocol != Wire.ICMP) {
                sum = Checksum.add(sum, Checksum.pseudoHeader(source(), destination(), protocol, length));
            }
            return sum != 0xffff || (protocol != Wire.ICMP && (sourcePort() == 0 || destinationPort() == 0));
        }

        int payloadLength() {
            return end - transport;
        }

        boolean isFragment() {
            return (Octets.u16(octets, IP + 6) & 0x3fff) != 0;
        }

        boolean isWhole(int ofProtocol) {
            return protocol == ofProtocol && !isFragment() && payloadLength() >= 8;
        }

        int sourcePort() {
            return Octets.u16(octets, transport);
        }

        int destinationPort() {
            return Octets.u16(octets, transport + 2);
        }

        boolean isIcmp(int type) {
            return isWhole(Wire.ICMP) && Octets.u8(octets, transport) == type;
        }

        boolean isError() {
            return isWhole(Wire.ICMP) && Wire.isError(Octets.u8(octets, transport));
        }

        /** The sum of the IP header inside an error, 0xffff if it is right; -1 if it is cut off. */
        int innerSum() {
            int inner = transport + 8;
            if (inner + 20 > end) {
                return -1;
            }
            int length = Wire.headerLength(octets, inner);
            return length < 20 || inner + length > end ? -1 : Checksum.sum(octets, inner, length);
        }

        /** How many octets of TCP an error quotes, or -1. */
        int innerTcpLength() {
            int inner = transport + 8;
            boolean tcp = inner + 20 <= end && Octets.u8(octets, inner + 9) == Wire.TCP;
            return tcp ? end - inner - Wire.headerLength(octets, inner) : -1;
        }

        int source() {
            return Octets.i32(octets, IP + 12);
        }

        int destination() {
            return Octets.i32(octets, IP + 16);
        }

        /** Whether something else than zero follows the end of the options. */
        boolean hasGarbageBehindOptions() {
            int at = optionAt(0);
            for (int i = at; at >= 0 && i < transport; i++) {
                if (octets[i] != 0) {
                    return true;
                }
            }
            return false;
        }

        boolean hasOption(int type) {
            return optionAt(type) >= 0;
        }

        private int optionAt(int type) {
            int at = IP + 20;
            while (at < transport) {
                int found = Octets.u8(octets, at);
                if (found == type) {
                    return at;
                }
                if (found == 0 || (found > 1 && (at + 1 >= transport || Octets.u8(octets, at + 1) < 2))) {
                    return -1;
                }
                at += found == 1 ? 1 : Octets.u8(octets, at + 1);
            }
            return -1;
        }
    }
}
