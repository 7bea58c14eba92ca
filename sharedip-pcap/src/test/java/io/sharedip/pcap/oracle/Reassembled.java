package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Puts a datagram together that left as a run of fragments, so that it does not matter into how many. */
final class Reassembled {

    private Reassembled() {}

    static List<Emission> of(List<Emission> emissions) {
        List<Emission> out = new ArrayList<>();
        for (Emission emission : emissions) {
            byte[] f = emission.frame();
            int offset = offset(f);
            if (offset > 0 && !out.isEmpty()) {
                Emission first = out.get(out.size() - 1);
                byte[] g = first.frame();
                int header = Wire.headerLength(g, IP);
                if (first.link() == emission.link()
                        && Octets.i32(g, IP + 12) == Octets.i32(f, IP + 12)
                        && Octets.i32(g, IP + 16) == Octets.i32(f, IP + 16)
                        && Octets.u16(g, IP + 4) == Octets.u16(f, IP + 4)
                        && (Octets.u16(g, IP + 6) & 0x2000) != 0
                        && g.length - IP - header == offset) {
                    int mine = Wire.headerLength(f, IP);
                    byte[] joined = Arrays.copyOf(g, g.length + f.length - IP - mine);
                    System.arraycopy(f, IP + mine, joined, g.length, f.length - IP - mine);
                    Octets.put16(joined, IP + 2, joined.length - IP);
                    Octets.put16(joined, IP + 6, Octets.u16(f, IP + 6) & 0xe000);
                    Wire.fixIp(joined, IP);
                    out.set(out.size() - 1, new Emission(first.link(), joined));
                    continue;
                }
            }
            out.add(emission);
        }
        return out;
    }

    private static int offset(byte[] f) {
        return f.length < IP + 20 || Octets.u16(f, 12) != 0x0800 ? 0 : (Octets.u16(f, IP + 6) & 0x1fff) * 8;
    }
}
