package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Octets;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Another talk, with ICMP errors about its packets now and then. */
final class ErrorTalk extends Talk {

    private final Talk about;
    private final int often;

    ErrorTalk(SplittableRandom random, Talk about, int often) {
        super(random, about.conversation, about.guest, about.guestPort, about.peer, about.peerPort, about.outsidePort);
        this.about = about;
        this.often = often;
    }

    @Override
    @Nullable
    Step next() {
        if (chance(often) && !(about instanceof TcpTalk talk && talk.isRefused())) {
            byte[] out = about.lastFromGuest;
            byte[] in = about.lastFromPeer;
            boolean reply =
                    out != null && out[IP + 9] == Wire.ICMP && Octets.u8(out, IP + Wire.headerLength(out, IP)) != 8;
            if (out != null && !reply && (in == null || chance(60))) {
                return fromOutside(out);
            }
            if (in != null) {
                return fromGuest(in);
            }
        }
        return about.next();
    }

    /** An error about a packet of the guest, which has been translated to bear the shared address and the nominal port. */
    private Step fromOutside(byte[] sent) {
        byte[] inner = Arrays.copyOfRange(sent, IP, sent.length);
        if (Wire.headerLength(inner, 0) < 20) {
            return fromOutside(plain(sent));
        }
        Wire.replaceAddress(inner, 0, 12, Net.outsideAddress(guest));
        if (isForwarded()) {
            setInnerPort(inner, 0, outsidePort);
        }
        int from = chance(70) ? about.peer : about.peer ^ random.nextInt(1 << 16);
        return error(false, from, Net.outsideAddress(guest), inner);
    }

    /** An error about a packet from the peer, which the guest has received under its own address and port. */
    private Step fromGuest(byte[] received) {
        byte[] inner = Arrays.copyOfRange(received, IP, received.length);
        Wire.replaceAddress(inner, 0, 16, Net.guestAddress(guest));
        if (isForwarded()) {
            setInnerPort(inner, 2, guestPort);
        }
        return error(true, Net.guestAddress(guest), about.peer, inner);
    }

    private static byte[] plain(byte[] frame) {
        return Arrays.copyOf(frame, Math.max(frame.length, IP + 28));
    }

    private static void setInnerPort(byte[] inner, int at, int port) {
        int transport = Wire.headerLength(inner, 0);
        if (inner[9] == Wire.TCP || inner[9] == Wire.UDP) {
            int delta = io.sharedip.packet.Checksum.delta16(Octets.u16(inner, transport + at), port);
            Octets.put16(inner, transport + at, port);
            int checksum = Wire.transportChecksumAt(inner, 0, inner.length);
            if (checksum >= 0 && !(inner[9] == Wire.UDP && Octets.u16(inner, checksum) == 0)) {
                Octets.put16(inner, checksum, io.sharedip.packet.Checksum.update(Octets.u16(inner, checksum), delta));
            }
        }
    }

    private Step error(boolean fromGuest, int source, int destination, byte[] packet) {
        String what = "";
        byte[] inner = packet;
        inner[8] = (byte) Math.max(1, (inner[8] & 0xff) - 1);
        if (chance(30)) {
            what = ", inner broken";
            inner = broken(inner);
        } else {
            Wire.fixIp(inner, 0);
        }
        int length = chance(40)
                ? Math.min(inner.length, Wire.headerLength(inner, 0) + 8)
                : Math.min(inner.length, random.nextInt(28, 549));
        if (chance(5)) {
            length = random.nextInt(Math.min(inner.length, 40));
        }
        inner = Arrays.copyOf(inner, length);
        int type = switch (random.nextInt(12)) {
            case 0, 1, 2, 3, 4, 5, 6 -> 3;
            case 7, 8 -> 11;
            case 9 -> 12;
            case 10 -> random.nextBoolean() ? 4 : 5;
            default -> random.nextInt(256);
        };
        int code = type == 3 ? random.nextInt(chance(90) ? 16 : 256) : random.nextInt(chance(90) ? 2 : 256);
        int rest = type == 3 && code == 4 ? random.nextInt(68, 1500) : chance(80) ? 0 : random.nextInt();
        if (chance(8) && inner.length >= 28) {
            // RFC 4884: the length in 32-bit words, the original datagram padded to 128 octets, and an extension
            // structure
            byte[] extended = Arrays.copyOf(inner, 128 + 12);
            extended[128] = 0x20;
            Octets.put16(extended, 132, 8);
            Octets.put16(extended, 134, 0x0101);
            Octets.put16(extended, 130, ~io.sharedip.packet.Checksum.sum(extended, 128, 12));
            inner = extended;
            rest = type == 3 || type == 11 || type == 12 ? 32 << 16 : rest;
            what += ", with an extension";
        }
        byte[] icmp = Wire.icmp(type, code, rest, inner);
        byte[] frame = Wire.frame(
                fromGuest ? guest : Net.UPLINK, source, destination, Wire.ICMP, random.nextInt(1 << 16), icmp);
        Step step = step(
                fromGuest,
                frame,
                "error " + type + "/" + code + " about " + (packet[9] & 0xff) + " of " + length + what);
        return chance(8) ? Mutation.of(random, step) : step;
    }

    private byte[] broken(byte[] packet) {
        byte[] inner = packet.clone();
        int transport = Wire.headerLength(inner, 0);
        switch (inner[9] == Wire.ICMP ? 2 * random.nextInt(4) : random.nextInt(7)) {
            case 0 -> Octets.put16(inner, 10, random.nextInt(1 << 16));
            case 1 -> {
                Octets.put16(inner, transport + 2 * random.nextInt(2), random.nextInt(1 << 16));
                Wire.fixIp(inner, 0);
            }
            case 2 -> {
                Octets.put32(inner, 12 + 4 * random.nextInt(2), about.peer ^ random.nextInt(1 << 16));
                Wire.fixIp(inner, 0);
            }
            case 3 -> inner[0] = (byte) random.nextInt(256);
            case 5 -> {
                int checksum = Wire.transportChecksumAt(inner, 0, inner.length);
                if (checksum >= 0) {
                    Octets.put16(inner, checksum, random.nextInt(1 << 16));
                }
                Wire.fixIp(inner, 0);
            }
            case 4 -> {
                if (inner[9] == Wire.ICMP && random.nextBoolean()) {
                    // of the wrong type or code for the ping that it claims to be about
                    int at = transport + random.nextInt(2);
                    inner[at] = (byte) (random.nextBoolean() ? inner[at] ^ 8 : random.nextInt(256));
                } else {
                    inner[9] = (byte) random.nextInt(256);
                }
                Wire.fixIp(inner, 0);
            }
            default -> {
                Octets.put16(inner, 6, random.nextInt(1 << 16));
                Wire.fixIp(inner, 0);
            }
        }
        return inner;
    }
}
