package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.ACK;
import static io.sharedip.pcap.oracle.Wire.IP;
import static io.sharedip.pcap.oracle.Wire.SYN;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What can be wrong with an engine; the oracle must find each. */
enum Fault {
    WRONG_CHECKSUM {
        @Override
        Emission on(Emission e) {
            return changed(e, 17, 40);
        }
    },
    UNTRANSLATED_TIME_TO_LIVE {
        @Override
        Emission on(Emission e) {
            return changed(e, 6, 22);
        }
    },
    WRONG_SEQUENCE_NUMBER {
        @Override
        Emission on(Emission e) {
            return changed(e, 6, 41);
        }
    },
    WRONG_DATA {
        @Override
        Emission on(Emission e) {
            return changed(e, 17, e.frame().length - 1);
        }
    },
    SWALLOWED {
        @Override
        List<Emission> on(int link, byte[] in, List<Emission> out) {
            return out.stream()
                    .filter(e -> e.frame()[IP + 9] != 17 || e.frame().length % 16 != 3)
                    .toList();
        }
    },
    IDENTIFICATION_OF_AN_ATOMIC_DATAGRAM {
        @Override
        Emission on(Emission e) {
            byte[] f = e.frame();
            if (e.link() == Net.UPLINK && f.length >= IP + 20 && (f[IP + 6] & 0x40) != 0) {
                Octets.put16(f, IP + 4, Octets.u16(f, IP + 4) + 1);
                Wire.fixIp(f, IP);
            }
            return e;
        }
    },
    /** Only where the checksum inside is cut off, or all but. */
    SOURCE_OF_AN_ERROR_ABOUT_18_OCTETS {
        @Override
        Emission on(Emission e) {
            if (quotes18Octets(e)) {
                Wire.replaceAddress(e.frame(), IP, IP + 12, Octets.i32(e.frame(), IP + 12) ^ 1);
            }
            return e;
        }
    },
    GUEST_OF_AN_ERROR_ABOUT_18_OCTETS {
        @Override
        Emission on(Emission e) {
            return quotes18Octets(e) ? toAnother(e) : e;
        }
    },
    SOURCE_OF_AN_ERROR {
        @Override
        Emission on(Emission e) {
            if (isForwardedError(e)) {
                Wire.replaceAddress(e.frame(), IP, IP + 12, Net.SHARED);
            }
            return e;
        }
    },
    PORT_INSIDE_AN_ERROR {
        @Override
        Emission on(Emission e) {
            if (isForwardedError(e) && inner(e) != Wire.ICMP) {
                int at = IP + Wire.headerLength(e.frame(), IP) + 8;
                int port = at + Wire.headerLength(e.frame(), at);
                if (port + 2 <= e.frame().length) {
                    Octets.put16(e.frame(), port, Octets.u16(e.frame(), port) + 1);
                    Wire.fixTransport(e.frame(), IP);
                }
            }
            return e;
        }
    },
    ADDRESS_INSIDE_AN_ERROR {
        @Override
        Emission on(Emission e) {
            if (isForwardedError(e)) {
                int at = IP + Wire.headerLength(e.frame(), IP) + 8;
                Wire.replaceAddress(e.frame(), at, at + 12, Net.SHARED);
                Wire.fixTransport(e.frame(), IP);
            }
            return e;
        }
    },
    TIME_TO_LIVE_OF_A_PROTOCOL_WITHOUT_PORTS {
        @Override
        Emission on(Emission e) {
            if (e.frame()[IP + 9] == Net.PORTLESS[0]) {
                e.frame()[IP + 8]++;
                Wire.fixIp(e.frame(), IP);
            }
            return e;
        }
    },
    HAIRPIN_TO_ANOTHER_GUEST {
        @Override
        List<Emission> on(int link, byte[] in, List<Emission> out) {
            return isHairpin(link, in, out) ? List.of(toAnother(out.get(0))) : out;
        }
    },
    HAIRPIN_FROM_THE_INSIDE_ADDRESS {
        @Override
        List<Emission> on(int link, byte[] in, List<Emission> out) {
            if (isHairpin(link, in, out)) {
                Wire.replaceAddress(out.get(0).frame(), IP, IP + 12, Net.guestAddress(link));
            }
            return out;
        }
    },
    HAIRPIN_TO_THE_OUTSIDE_PORT {
        @Override
        List<Emission> on(int link, byte[] in, List<Emission> out) {
            if (isHairpin(link, in, out)) {
                Wire.replacePort(out.get(0).frame(), IP + 22, Octets.u16(in, IP + 22));
            }
            return out;
        }
    },
    /** Once a caller has sent two SYNs of different numbers, whatever it says later is lost. */
    DEAF_AFTER_A_SECOND_SYN {
        private final Map<Long, Integer> numbers = new HashMap<>();
        private final Map<Long, Boolean> deaf = new HashMap<>();

        @Override
        void reset() {
            numbers.clear();
            deaf.clear();
        }

        @Override
        List<Emission> on(int link, byte[] in, List<Emission> out) {
            Packet p = Packet.of(in);
            if (link == Net.UPLINK || p == null || !p.isSegment(0)) {
                return out;
            }
            long key = (long) p.source() << 32 ^ (long) p.destination() << 16 ^ p.sourcePort();
            if ((p.flags() & (SYN | ACK)) == SYN) {
                Integer before = numbers.put(key, p.sequence());
                if (before != null && before != p.sequence()) {
                    deaf.put(key, true);
                }
                return out;
            }
            return deaf.containsKey(key) ? List.of() : out;
        }
    };

    /** What comes out in place of what should. */
    List<Emission> on(int link, byte[] in, List<Emission> out) {
        List<Emission> wrong = new ArrayList<>();
        out.forEach(e -> wrong.add(on(e)));
        return wrong;
    }

    Emission on(Emission e) {
        return e;
    }

    /** Forgets, so that a new case can begin. */
    void reset() {}

    private static Emission changed(Emission e, int protocol, int at) {
        byte[] frame = e.frame();
        if (frame.length > at && frame[23] == protocol && frame.length % 16 == 3) {
            Octets.put8(frame, at, Octets.u8(frame, at) ^ 1);
        }
        return e;
    }

    private static boolean isForwardedError(Emission e) {
        Packet p = Packet.of(e.frame());
        return p != null
                && e.link() != Net.UPLINK
                && p.isError()
                && p.innerSum() == 0xffff
                && p.source() != Net.ALIAS
                && p.source() != Net.SHARED;
    }

    private static int inner(Emission e) {
        return e.frame()[IP + Wire.headerLength(e.frame(), IP) + 8 + 9];
    }

    private static boolean quotes18Octets(Emission e) {
        Packet p = Packet.of(e.frame());
        return isForwardedError(e) && p != null && (p.innerTcpLength() == 18 || p.innerTcpLength() == 19);
    }

    private static boolean isHairpin(int link, byte[] in, List<Emission> out) {
        Packet p = Packet.of(in);
        return link != Net.UPLINK
                && p != null
                && (p.destination() == Net.SHARED || p.destination() == Net.ALIAS)
                && out.size() == 1
                && out.get(0).link() != Net.UPLINK
                && !Comparison.isOwn(new Step(link, -1, -1, 0, in, ""), out.get(0));
    }

    private static Emission toAnother(Emission e) {
        int other = e.link() % Net.GUESTS + 1;
        Octets.put48(e.frame(), 0, Net.guestMac(other));
        Wire.replaceAddress(e.frame(), IP, IP + 16, Net.guestAddress(other));
        return new Emission(other, e.frame());
    }

    /** An engine with this fault. */
    Nat in(EngineNat engine) {
        return new Faulty(engine, this);
    }

    private record Faulty(EngineNat engine, Fault fault) implements Nat {
        @Override
        public void reset() {
            engine.reset();
            fault.reset();
        }

        @Override
        public List<Emission> exchange(int link, byte[] frame) {
            return fault.on(link, frame.clone(), engine.exchange(link, frame));
        }

        @Override
        public void close() {
            engine.close();
        }
    }
}
