package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.ACK;
import static io.sharedip.pcap.oracle.Wire.IP;
import static io.sharedip.pcap.oracle.Wire.RST;
import static io.sharedip.pcap.oracle.Wire.SYN;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.Arrays;
import java.util.List;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/** The intended differences between the kernel and the engine, each with the requirement that asks for it. Nothing else may differ. */
enum Difference {
    IDENTIFICATION(
            "7857-EIM", "outwards, of a packet that may be fragmented: the engine gives identifications anew", false) {
        @Override
        boolean covers(Seen s) {
            return false; // judged before, because it may come with any other
        }
    },
    MALFORMED_ANSWERED(
            "hostile 13, 3",
            "a malformed IP option, or at the end of its time to live a transport header that makes no sense: the kernel answers 12/0 or 11/0, or what is for another guest with 3/13",
            false) {
        @Override
        boolean covers(Seen s) {
            boolean option = s.packet.headerLength > 20
                    && (answers(s.step, s.kernel, 12)
                            || (s.packet.hasUnsoundOption()
                                    && answers(s.step, s.kernel, 3)
                                    && Net.isGuest(s.packet.destination())));
            boolean expired =
                    s.packet.timeToLive() <= 1 && s.packet.isTransportMalformed() && answers(s.step, s.kernel, 11);
            return s.engine.isEmpty() && (option || expired);
        }
    },
    OPTION_CONTENT(
            "hostile 13",
            "options that are sound: the kernel writes its address and time, cleans behind the end, knows no domain of security labels, and echoes no part of an entry",
            false) {
        @Override
        boolean covers(Seen s) {
            Packet p = s.packet;
            boolean written = p.hasOption(7) || p.hasOption(68) || p.hasGarbageBehindOptions();
            boolean echoed = p.isIcmp(8) && s.engine.size() == 1 && Comparison.isOwn(s.step, s.engine.get(0));
            boolean label = p.hasOption(134) && answers(s.step, s.kernel, 12) && s.engine.size() == 1;
            boolean cut = p.isIcmp(8) && p.hasPartialEntry() && s.kernelDrops();
            return p.headerLength > 20 && (label || cut || ((written || echoed) && differOnlyInOptions(s)));
        }
    },
    OTHER_ICMP(
            "5508-11",
            "source quench (RFC 6633 ends it), information and mask requests: the kernel translates them, the engine drops them",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.engineDrops() && (s.packet.isIcmp(4) || s.packet.isIcmp(15) || s.packet.isIcmp(17));
        }
    },
    INSIDE_BROKEN(
            "5508-3, hostile 15",
            "an ICMP error with a wrong inner IP checksum, or less than 8 octets of a protocol without ports, which the kernel lets pass; with 18 or 19 octets of TCP, whose checksum it leaves stale; about a timestamp request where there was a ping, which it keeps apart",
            false) {
        @Override
        boolean covers(Seen s) {
            int tcp = s.packet.isError() ? s.packet.innerTcpLength() : -1;
            return (s.engineDrops()
                            && s.packet.isError()
                            && (s.packet.innerSum() != 0xffff || s.packet.quotesTooLittle()))
                    || ((tcp == 18 || tcp == 19) && differOnlyInInnerChecksum(s))
                    || (s.kernelDrops() && s.packet.quotesTimestamp());
        }
    },
    BEYOND_WINDOW(
            "793/5961",
            "beyond what the receiver has ever offered to take: the kernel forgives one window more",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.engineDrops() && s.isSegment(0) && s.tcp.isBeyondWindow(s.packet);
        }
    },
    FOREIGN_SOURCE_MAC("case 22", "from a MAC address that is a group's, or not the guest's", true) {
        @Override
        boolean covers(Seen s) {
            boolean ofGroup = (s.step.frame()[6] & 1) != 0;
            return s.engineDrops()
                    && (ofGroup
                            || (s.step.link() != Net.UPLINK
                                    && Octets.u48(s.step.frame(), 6) != Net.guestMac(s.step.link())));
        }
    },
    CALL_OF_GATEWAY(
            "4787-9, 5508-9",
            "a guest calls the shared address or its alias: the kernel refuses from what was called, the engine from the alias, or leads to who has the port",
            true) {
        @Override
        boolean covers(Seen s) {
            boolean toShared = s.packet.destination() == Net.SHARED;
            if (s.step.link() == Net.UPLINK
                    || !(toShared || s.packet.destination() == Net.ALIAS)
                    || s.kernel.isEmpty()
                    || !Comparison.isOwn(s.step, s.kernel.get(0))) {
                return false;
            }
            boolean refusals = toShared
                    && answers(s.step, s.kernel, 3)
                    && answers(s.step, s.engine, 3)
                    && source(s.kernel.get(0)) == Net.SHARED
                    && source(s.engine.get(0)) == Net.ALIAS
                    && s.kernel.get(0).frame()[IP + 21] == s.engine.get(0).frame()[IP + 21]
                    && (s.packet.hasGarbageBehindOptions()
                            || Arrays.equals(payload(s.kernel.get(0)), payload(s.engine.get(0))));
            boolean hairpin = isRefused(s) && Hairpin.isOf(s.step.link(), s.packet, s.earlier, s.engine);
            return refusals || hairpin;
        }
    },
    NOT_FOR_GATEWAY(
            "hostile 1, 16",
            "from a guest to its own address, or from outside to another than the shared one: the kernel answers, the engine is silent",
            false) {
        @Override
        boolean covers(Seen s) {
            Packet p = s.packet;
            return s.engineDrops()
                    && Comparison.isOwn(s.step, s.kernel.get(0))
                    && (p.source() == p.destination()
                            || (s.step.link() == Net.UPLINK
                                    && p.destination() != Net.SHARED
                                    && p.destination() != Net.OWN));
        }
    },
    FRAGMENTS(
            "hostile 10",
            "fragments that overlap, or end on no multiple of 8: the kernel forgives what lies within another, and cuts",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.engine.isEmpty()
                    && s.pieces.size() > 0
                    && s.pieces.get(0).isFragment()
                    && s.pieces.stream()
                            .anyMatch(a -> a.isUneven() || s.pieces.stream().anyMatch(b -> a.overlaps(b)));
        }
    },
    UDP_SHORT(
            "hostile 5",
            "a UDP length short of the packet: the kernel's checksum covers what is behind it as well",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.packet.hasShortUdpLength() && (s.kernel.isEmpty() || s.engine.isEmpty());
        }
    },
    RESET_NUMBER(
            "793/5961",
            "a RST of a wrong number before the handshake is complete, or after a FIN, RST, another SYN or SYNs of both: the kernel ends the connection by it, and takes its number for sent; or of the number of its sender's FIN, after that was acknowledged: the kernel drops it",
            true) {
        @Override
        boolean covers(Seen s) {
            boolean judged = s.engineDrops()
                    && s.isSegment(RST)
                    && (!s.tcp.isOpen() || s.tcp.isEnding() || s.tcp.hasSynWhenOpen() || s.tcp.isSimultaneous());
            boolean followed = s.isSegment(ACK) && s.tcp.isResetEarly() && (s.kernelDrops() || s.engineRefuses());
            boolean spanned = s.isSegment(ACK) && s.engineDrops() && s.tcp.followsResetAhead();
            boolean ofFin = s.kernelDrops() && s.isSegment(RST) && s.tcp.isNumberOfAcknowledgedFin(s.packet);
            return judged || followed || spanned || ofFin;
        }
    },
    REFUSAL_LATER(
            "793/5961",
            "a RST of number 0 that acknowledges the SYN, after a SYN of its own sender: for a receiver that has not heard of that one",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.kernelDrops()
                    && s.isSegment(RST | ACK)
                    && s.packet.sequence() == 0
                    && !s.tcp.isOpen()
                    && s.tcp.isAcknowledgmentOfSyn(s.packet.acknowledgment());
        }
    },
    KEPT(
            "7857-RST, 7857-2",
            "after a RST before any answer, or a SYN of the called side after two FINs: the kernel forgets the connection, the engine keeps it for its time",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.kernelDrops()
                    && (s.isSegment(0) || s.packet.isError())
                    && (s.tcp.isResetUnanswered() || s.tcp.isForgotten());
        }
    },
    BEGUN_AGAIN(
            "case 17",
            "between a SYN that begins anew after an end, or after two FINs of one side, and the end of its handshake, or for good if anything comes between it and its answer: the kernel may still follow the connection before",
            true) {
        @Override
        boolean covers(Seen s) {
            return (s.kernelDrops() || s.engineRefuses())
                    && s.isSegment(0)
                    && s.tcp.hasBegunAnew()
                    && (!s.tcp.isOpen() || s.tcp.isDisturbed());
        }
    },
    SYN_IN_CONNECTION(
            "hostile 8",
            "a SYN of the called side in a connection, or a SYN-ACK of the other after a simultaneous open: the kernel drops it, its receiver should challenge it",
            false) {
        @Override
        boolean covers(Seen s) {
            boolean acknowledges = s.isSegment(SYN | ACK);
            return s.kernelDrops()
                    && s.isSegment(SYN)
                    && acknowledges == s.tcp.isOfBeginner()
                    && (!acknowledges || s.tcp.isSimultaneous());
        }
    },
    HANDSHAKE_ACKNOWLEDGMENT(
            "793/5961",
            "before the handshake is complete, acknowledging something else than the SYN: the kernel forgives 66,000 octets",
            true) {
        @Override
        boolean covers(Seen s) {
            return s.engineRefuses()
                    && s.isSegment(ACK)
                    && (s.tcp.isAnswered() || s.isSegment(SYN))
                    && !s.tcp.isOpen()
                    && !s.tcp.isAcknowledgmentOfSyn(s.packet.acknowledgment());
        }
    },
    EARLY_DATA(
            "5382-2",
            "before a SYN-ACK is acknowledged, after data of the called side at that time, or after SYNs of both: the kernel has not learnt the windows, and takes the end of a side's last segment for all that it has sent",
            true) {
        @Override
        boolean covers(Seen s) {
            if (!s.kernelDrops() || !s.isSegment(0) || !(s.tcp.isAnswered() || s.tcp.isSimultaneous())) {
                return false;
            }
            boolean unlearnt = s.tcp.isSimultaneous() || !s.tcp.isOpen() || s.tcp.hasEarlyData();
            return (unlearnt && s.tcp.isBeyondUnscaledWindow(s.packet))
                    || ((s.tcp.isSimultaneous() || s.tcp.hasEarlyData())
                            && s.isSegment(ACK)
                            && s.tcp.isAheadOfLast(s.packet));
        }

        @Override
        int mostOfMillion() {
            return 100;
        }
    },
    LATE(
            "hostile 9",
            "older than a window, or acknowledging what is: the kernel lets it pass without following it",
            false) {
        @Override
        boolean covers(Seen s) {
            return s.engineRefuses() && s.isSegment(0) && s.tcp.isLate(s.packet);
        }
    },
    PORT_ZERO("hostile 6", "port 0", true) {
        @Override
        boolean covers(Seen s) {
            Packet p = s.packet;
            return s.engine.isEmpty()
                    && (p.isWhole(Wire.TCP) || p.isWhole(Wire.UDP))
                    && (p.sourcePort() == 0 || p.destinationPort() == 0);
        }
    },
    GROUP_MAC("hostile 17", "a group's MAC address with a unicast IP destination", true) {
        @Override
        boolean covers(Seen s) {
            return s.engineDrops() && (s.step.frame()[0] & 1) != 0 && s.packet.destination() >>> 28 < 14;
        }
    },
    CLASS_E("hostile 1, 16", "from or to 240.0.0.0/4, which is nobody's (RFC 1812 section 5.3.7)", false) {
        @Override
        boolean covers(Seen s) {
            int to = s.packet.destination();
            return s.engineDrops() && (s.packet.source() >>> 28 == 15 || (to >>> 28 == 15 && to != -1));
        }
    },
    UNKNOWN_PROTOCOL(
            "case 19",
            "of a protocol that the engine is not told to let pass, or that another guest has: the kernel lets all pass",
            true) {
        @Override
        boolean covers(Seen s) {
            int protocol = s.packet.protocol;
            return s.engineDrops() && protocol != Wire.TCP && protocol != Wire.UDP && protocol != Wire.ICMP;
        }
    },
    SECOND_SYN(
            "793/5961",
            "after SYNs or SYN-ACKs of two numbers, or with other options, from one side: the engine follows the one that the other acknowledges, the kernel the higher",
            true) {
        @Override
        boolean covers(Seen s) {
            boolean refused = s.engineRefuses() && !s.tcp.goesOn(s.packet);
            return (s.kernelDrops() || refused) && s.isSegment(0) && s.tcp.hasTwoBeginnings(s.packet);
        }

        @Override
        int mostOfMillion() {
            return 200;
        }
    };

    /** What predicates look at: a step whose outcomes differ, and what was before. */
    static final class Seen {

        final Step step;
        /** The whole packet, if the frame bears the last missing fragment of one. */
        final Packet packet;
        /** The fragments so far of the packet's datagram, or the packet alone. */
        final List<Packet> pieces;

        final List<Emission> kernel;
        final List<Emission> engine;
        final TcpHistory tcp;
        final List<TcpHistory.Earlier> earlier;

        private Seen(
                Step step,
                List<Packet> pieces,
                List<TcpHistory.Earlier> earlier,
                List<Emission> kernel,
                List<Emission> engine) {
            this.step = step;
            this.pieces = pieces;
            this.packet = Packet.whole(pieces);
            this.kernel = kernel;
            this.engine = engine;
            this.tcp = new TcpHistory(step, earlier);
            this.earlier = earlier;
        }

        boolean engineDrops() {
            return engine.isEmpty() && !kernel.isEmpty();
        }

        /** Whether the engine drops alone, and no segment that it must let pass whatever came before. */
        boolean engineRefuses() {
            return engineDrops() && !(isSegment(ACK) && tcp.mustPass(packet));
        }

        boolean kernelDrops() {
            return kernel.isEmpty() && !engine.isEmpty();
        }

        boolean isSegment(int flags) {
            return packet.isSegment(flags);
        }
    }

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

    /** Whether a difference is this one. */
    abstract boolean covers(Seen seen);

    /** How many of a million frames may differ so: about twice what does, where a predicate says little of the segment itself. */
    int mostOfMillion() {
        return 1_000_000;
    }

    /**
     * The intended difference that this is, or null.
     *
     * @param step whose outcomes differ
     * @param fragments frames with fragments that came before
     * @param earlier what came before, each packet whole, and whether the engine has let it pass
     */
    static @Nullable Difference of(
            Step step,
            List<byte[]> fragments,
            List<TcpHistory.Earlier> earlier,
            List<Emission> kernel,
            List<Emission> engine) {
        Packet packet = Packet.of(step.frame());
        if (packet == null) {
            return null;
        }
        Seen seen = new Seen(step, packet.datagram(fragments), earlier, kernel, engine);
        return Arrays.stream(values()).filter(d -> d.covers(seen)).findFirst().orElse(null);
    }

    private static boolean answers(Step step, List<Emission> out, int icmpType) {
        return out.size() == 1
                && Comparison.isOwn(step, out.get(0))
                && out.get(0).frame()[IP + 9] == Wire.ICMP
                && out.get(0).frame()[IP + Wire.headerLength(out.get(0).frame(), IP)] == icmpType;
    }

    /** Whether the kernel refuses a call from the address that was called: a segment by a RST, a datagram by 3/3. */
    private static boolean isRefused(Seen s) {
        byte[] answer = s.kernel.get(0).frame();
        boolean refuses = s.packet.protocol == Wire.TCP
                ? answer[IP + 9] == Wire.TCP && answer.length >= IP + 40 && (answer[IP + 33] & RST) != 0
                : answers(s.step, s.kernel, 3) && answer[IP + 21] == 3;
        return refuses && s.kernel.size() == 1 && source(s.kernel.get(0)) == s.packet.destination();
    }

    private static int source(Emission e) {
        return Octets.i32(e.frame(), IP + 12);
    }

    private static boolean differOnlyInInnerChecksum(Seen s) {
        return s.kernel.size() == 1
                && s.engine.size() == 1
                && Comparison.difference(
                                s.step, withoutInnerChecksum(s.kernel.get(0)), withoutInnerChecksum(s.engine.get(0)))
                        == null;
    }

    /** An error without the checksum of the segment inside. */
    private static List<Emission> withoutInnerChecksum(Emission e) {
        return withQuotation(e, (f, inner) -> {
            int segment = inner + Wire.headerLength(f, inner);
            if (f[inner + 9] == Wire.TCP && segment + 18 <= f.length) {
                Octets.put16(f, segment + 16, 0);
            }
        });
    }

    private static List<Emission> withoutQuotedOptions(Emission e) {
        return withQuotation(e, (f, inner) -> {
            int end = inner + Wire.headerLength(f, inner);
            if (end <= f.length) {
                Arrays.fill(f, Math.min(inner + 20, end), end, (byte) 0);
            }
        });
    }

    /** An error whose quotation, from an index on, is changed, if its own checksum is right. */
    private static List<Emission> withQuotation(Emission e, ObjIntConsumer<byte[]> change) {
        byte[] f = e.frame().clone();
        Packet p = Packet.of(f);
        int inner = p == null ? 0 : p.transport + 8;
        if (p != null
                && p.isError()
                && inner + 20 <= p.end
                && Checksum.sum(f, p.transport, p.payloadLength()) == 0xffff) {
            change.accept(f, inner);
            Wire.fixTransport(f, IP);
        }
        return List.of(new Emission(e.link(), f));
    }

    private static byte[] payload(Emission e) {
        return Arrays.copyOfRange(e.frame(), IP + 20, e.frame().length);
    }

    /** Whether two packets differ only in their options, or two errors about the packet in those that they quote. */
    private static boolean differOnlyInOptions(Seen s) {
        if (s.kernel.size() != 1
                || s.engine.size() != 1
                || s.kernel.get(0).link() != s.engine.get(0).link()) {
            return false;
        }
        Emission kernel = s.kernel.get(0);
        Emission engine = s.engine.get(0);
        return Arrays.equals(withoutOptions(kernel.frame()), withoutOptions(engine.frame()))
                || (Comparison.isOwn(s.step, kernel)
                        && Comparison.difference(s.step, withoutQuotedOptions(kernel), withoutQuotedOptions(engine))
                                == null);
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
}
