package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Octets;
import io.sharedip.pcap.oracle.Nat.Emission;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Compares what came out of both sides for one frame.
 *
 * <p>Not compared, because each implementation is free in it: into how many fragments a datagram leaves; and of a packet that the gateway
 * makes itself its identification, DF bit and time to live (RFC 6864, RFC 1122 section 3.2.1.7), how much of the offending packet an
 * ICMP error quotes beyond 28 octets of it (RFC 1812 section 4.3.2.3), and whether on the uplink it goes to the neighbour that the frame
 * came from or to the next hop.
 */
final class Comparison {

    private Comparison() {}

    /** What differs, or null. */
    static @Nullable String difference(Step step, List<Emission> kernel, List<Emission> engine) {
        if (same(kernel, engine)) {
            return null;
        }
        List<Emission> a = normal(step, kernel);
        List<Emission> b = normal(step, engine);
        if (same(a, b)) {
            return null;
        }
        if (a.size() != b.size()) {
            return "kernel: " + text(kernel) + "; engine: " + text(engine);
        }
        for (int i = 0; i < a.size(); i++) {
            String d = quoted(step, a.get(i), b.get(i));
            if (d != null) {
                return d;
            }
        }
        return null;
    }

    /** The same without the identifications of what has been translated outwards, but for atomic datagrams (RFC 6864 section 4). */
    static List<Emission> withoutIdentifications(Step step, List<Emission> emissions) {
        List<Emission> out = new ArrayList<>();
        for (Emission emission : Reassembled.of(emissions)) {
            byte[] f = emission.frame();
            boolean outwards = step.link() != Net.UPLINK && emission.link() == Net.UPLINK && f.length >= IP + 20;
            if (outwards && (Wire.isFragment(step.frame()) || (Octets.u16(f, IP + 6) & 0x4000) == 0)) {
                f = f.clone();
                Octets.put16(f, IP + 4, 0);
                Wire.fixIp(f, IP);
            }
            out.add(new Emission(emission.link(), f));
        }
        return out;
    }

    private static boolean same(List<Emission> a, List<Emission> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (a.get(i).link() != b.get(i).link()
                    || !Arrays.equals(a.get(i).frame(), b.get(i).frame())) {
                return false;
            }
        }
        return true;
    }

    /** Compares errors about the frame up to what both quote. */
    private static @Nullable String quoted(Step step, Emission kernel, Emission engine) {
        byte[] k = kernel.frame();
        byte[] e = engine.frame();
        if (kernel.link() == engine.link()
                && isOwnError(step, kernel)
                && isOwnError(step, engine)
                && k.length != e.length) {
            int length = Math.min(k.length, e.length);
            if (length >= IP + 28 + 28) {
                k = cut(k, length);
                e = cut(e, length);
            }
        }
        if (kernel.link() == engine.link() && Arrays.equals(k, e)) {
            return null;
        }
        return "kernel " + Net.linkName(kernel.link()) + " " + HexFormat.of().formatHex(k) + "\n      engine "
                + Net.linkName(engine.link()) + " " + HexFormat.of().formatHex(e);
    }

    private static byte[] cut(byte[] error, int length) {
        byte[] shorter = Arrays.copyOf(error, length);
        Octets.put16(shorter, IP + 2, length - IP);
        Wire.fixIp(shorter, IP);
        Wire.fixTransport(shorter, IP);
        return shorter;
    }

    /** Whether the gateway itself speaks: from its own address back to whoever sent the frame. */
    static boolean isOwn(Step step, Emission emission) {
        byte[] f = emission.frame();
        byte[] in = step.frame();
        if (emission.link() != step.link() || f.length < IP + 28 || in.length < IP + 20) {
            return false;
        }
        return Octets.i32(f, IP + 16) == Octets.i32(in, IP + 12);
    }

    private static boolean isOwnError(Step step, Emission emission) {
        byte[] f = emission.frame();
        return isOwn(step, emission) && f[IP + 9] == Wire.ICMP && Wire.isError(f[IP + 20]);
    }

    private static List<Emission> normal(Step step, List<Emission> emissions) {
        List<Emission> out = new ArrayList<>();
        for (Emission emission : Reassembled.of(emissions)) {
            byte[] f = emission.frame();
            if (isOwn(step, emission)) {
                f = f.clone();
                Octets.put32(f, IP + 4, 0);
                f[IP + 8] = 64;
                long to = Octets.u48(f, 0);
                if (step.link() == Net.UPLINK && to == Octets.u48(step.frame(), 6)) {
                    Octets.put48(f, 0, Net.NEXT_HOP_MAC);
                }
                Wire.fixIp(f, IP);
            }
            out.add(new Emission(emission.link(), f));
        }
        return out;
    }

    static String text(List<Emission> emissions) {
        if (emissions.isEmpty()) {
            return "nothing";
        }
        StringBuilder s = new StringBuilder();
        for (Emission e : emissions) {
            s.append(s.length() == 0 ? "" : " and ")
                    .append(Net.linkName(e.link()))
                    .append(' ');
            s.append(HexFormat.of().formatHex(e.frame()));
        }
        return s.toString();
    }
}
