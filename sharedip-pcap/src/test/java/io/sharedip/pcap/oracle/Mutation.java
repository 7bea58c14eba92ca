package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Octets;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Breaks a valid frame in one place; sometimes with checksums that agree with what is broken. */
final class Mutation {

    private Mutation() {}

    static Step of(SplittableRandom random, Step valid) {
        return of(random, valid, valid);
    }

    /**
     * Breaks one.
     *
     * @param repeated what is broken instead, if any, where the kernel tracks a packet before it drops it: one that has been said before
     */
    static Step of(SplittableRandom random, Step fresh, @Nullable Step repeated) {
        int kind = random.nextInt(16);
        boolean isTracked = kind == 7 || kind == 12 || kind == 14;
        if (isTracked && repeated == null) {
            kind = 15;
        }
        Step valid = isTracked && repeated != null ? repeated : fresh;
        byte[] f = valid.frame().clone();
        int transport = IP + Wire.headerLength(f, IP);
        boolean fix = random.nextInt(100) < 70;
        String what;
        switch (kind) {
            case 0 -> {
                what = "a bit flipped anywhere in the packet";
                int at = random.nextInt(IP, f.length);
                // without a checksum other ports are another conversation, whose outside port is not known
                boolean otherPorts = f[IP + 9] == Wire.UDP
                        && Octets.u16(f, transport + 6) == 0
                        && at >= transport
                        && at < transport + 4;
                f[otherPorts ? at + 4 : at] ^= (byte) (1 << random.nextInt(8));
                fix = false;
            }
            case 1 -> {
                what = "transport checksum wrong";
                int at = Wire.transportChecksumAt(f, IP, f.length);
                if (at >= 0) {
                    Octets.put16(f, at, random.nextInt(1 << 16));
                }
                fix = false;
            }
            case 2 -> {
                what = "IP checksum wrong";
                Octets.put16(f, IP + 10, random.nextInt(1 << 16));
                fix = false;
            }
            case 3 -> {
                what = "total length changed";
                Octets.put16(f, IP + 2, random.nextInt(100) < 50 ? random.nextInt(f.length) : random.nextInt(1 << 16));
                Wire.fixIp(f, IP);
                if (fix) {
                    fixTransport(f);
                }
                fix = false;
            }
            case 4 -> {
                what = "truncated";
                f = Arrays.copyOf(f, random.nextInt(IP, f.length));
                fix = false;
            }
            case 5 -> {
                what = "truncated, total length to match";
                f = Arrays.copyOf(f, random.nextInt(IP + 20, f.length + 1));
                Octets.put16(f, IP + 2, f.length - IP);
            }
            case 6 -> {
                what = "padded";
                f = Arrays.copyOf(f, f.length + random.nextInt(1, 60));
                fix = false;
            }
            case 7 -> {
                what = "time to live of 0 or 1";
                f[IP + 8] = (byte) random.nextInt(2);
            }
            case 8 -> {
                what = "version or header length";
                f[IP] = (byte) random.nextInt(256);
            }
            case 9 -> {
                what = "an octet of the transport header";
                if (f.length >= transport + 8) {
                    int first = transport + (f[IP + 9] == Wire.ICMP ? 6 : 4);
                    f[random.nextInt(first, Math.min(f.length, transport + 20))] = (byte) random.nextInt(256);
                }
            }
            case 10 -> {
                what = "data offset or UDP length";
                if (f.length >= transport + 20) {
                    if (f[IP + 9] == Wire.TCP) {
                        f[transport + 12] = (byte) random.nextInt(256);
                    } else if (f[IP + 9] == Wire.UDP) {
                        Octets.put16(f, transport + 4, random.nextInt(f.length + 10));
                    }
                }
            }
            case 11 -> {
                what = "port 0";
                if (f.length >= transport + 4) {
                    Octets.put16(f, transport + (random.nextBoolean() ? 0 : 2), 0);
                }
            }
            case 12 -> {
                what = "IP options";
                f = withOptions(random, f);
            }
            case 13 -> {
                what = "Ethernet destination";
                byte[] mac = new byte[6];
                random.nextBytes(mac);
                mac[0] = (byte) (mac[0] & 0xfe);
                System.arraycopy(mac, 0, f, 0, 6);
                fix = false;
            }
            case 14 -> {
                what = "group address as Ethernet destination";
                boolean broadcast = random.nextBoolean();
                Arrays.fill(f, 0, 6, (byte) 0xff);
                if (!broadcast) {
                    Octets.put48(f, 0, 0x01005e000001L);
                }
                fix = false;
            }
            default -> {
                what = "reserved bit or type of service";
                if (random.nextBoolean()) {
                    f[IP + 6] = (byte) (f[IP + 6] | 0x80);
                } else {
                    f[IP + 1] = (byte) random.nextInt(256);
                }
            }
        }
        if (fix) {
            Wire.fixIp(f, IP);
            fixTransport(f);
        }
        int at = valid.portAt() < 0 ? -1 : Wire.outsidePortAt(f);
        return new Step(valid.link(), valid.conversation(), at, valid.nominal(), f, what + " of " + valid.note());
    }

    private static void fixTransport(byte[] f) {
        if (Octets.u8(f, IP) >>> 4 == 4
                && Wire.headerLength(f, IP) >= 20
                && Octets.u16(f, IP + 2) >= Wire.headerLength(f, IP)) {
            Wire.fixTransport(f, IP);
        }
    }

    static byte[] withOptions(SplittableRandom random, byte[] f) {
        int words = random.nextInt(1, 11);
        byte[] g = new byte[f.length + 4 * words];
        System.arraycopy(f, 0, g, 0, IP + 20);
        System.arraycopy(f, IP + 20, g, IP + 20 + 4 * words, f.length - IP - 20);
        g[IP] = (byte) (0x40 | 5 + words);
        Octets.put16(g, IP + 2, g.length - IP);
        int at = IP + 20;
        int end = at + 4 * words;
        while (at < end) {
            int type = switch (random.nextInt(9)) {
                case 0 -> 0;
                case 1, 2 -> 1;
                case 3 -> 7; // record route
                case 4 -> 68; // timestamp
                case 5 -> 148; // router alert
                case 6 -> random.nextBoolean() ? 131 : 137; // source routes
                case 7 -> 130; // security
                default -> random.nextInt(256);
            };
            g[at++] = (byte) type;
            if (type > 1 && at < end) {
                int length =
                        random.nextInt(100) < 85 ? random.nextInt(2, Math.max(3, end - at + 2)) : random.nextInt(256);
                g[at++] = (byte) length;
                for (int i = 2; i < length && at < end; i++) {
                    g[at++] = (byte) (i == 2 ? (type == 68 ? 5 : 4) : 0);
                }
            }
        }
        return g;
    }
}
