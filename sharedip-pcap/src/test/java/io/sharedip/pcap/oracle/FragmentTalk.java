package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.IP;

import io.sharedip.packet.Checksum;
import io.sharedip.packet.Octets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Another talk, some of whose packets arrive as fragments: in any order, twice, overlapping, or not all of them. */
final class FragmentTalk extends Talk {

    private final Talk whole;
    private final int often;
    private final boolean mayLose;
    private final Deque<Step> pending = new ArrayDeque<>();

    /** Begins one. @param mayLose whether some datagrams may never be complete */
    FragmentTalk(SplittableRandom random, Talk whole, int often, boolean mayLose) {
        super(random, whole.conversation, whole.guest, whole.guestPort, whole.peer, whole.peerPort, whole.outsidePort);
        this.whole = whole;
        this.often = often;
        this.mayLose = mayLose;
    }

    @Override
    @Nullable
    Step next() {
        if (!pending.isEmpty()) {
            return pending.poll();
        }
        Step step = whole.next();
        if (step == null) {
            return null;
        }
        lastFromGuest = whole.lastFromGuest;
        lastFromPeer = whole.lastFromPeer;
        byte[] f = step.frame();
        boolean sound = f.length >= IP + 20
                && Octets.u8(f, IP) >>> 4 == 4
                && Wire.headerLength(f, IP) >= 20
                && Octets.u16(f, IP + 2) == f.length - IP
                && (Octets.u16(f, IP + 6) & 0x3fff) == 0
                && IP + Wire.headerLength(f, IP) <= f.length
                && Checksum.sum(f, IP, Wire.headerLength(f, IP)) == 0xffff
                && f.length - IP - Wire.headerLength(f, IP) > 16;
        if (!sound || !hasPlainHeader(f) || !chance(often)) {
            return step;
        }
        List<Step> pieces = cut(step);
        pending.addAll(pieces);
        return pending.poll();
    }

    /** Whether ports and lengths are right, so that no difference of a whole packet is met in pieces. */
    private static boolean hasPlainHeader(byte[] f) {
        int transport = IP + Wire.headerLength(f, IP);
        boolean ports = Octets.u16(f, transport) != 0 && Octets.u16(f, transport + 2) != 0;
        return f[IP + 9] == Wire.ICMP
                || (f[IP + 9] == Wire.TCP && ports)
                || (f[IP + 9] == Wire.UDP && ports && Octets.u16(f, transport + 4) == f.length - transport);
    }

    private List<Step> cut(Step step) {
        byte[] f = step.frame().clone();
        Octets.put16(f, IP + 6, Octets.u16(f, IP + 6) & 0x8000);
        int header = Wire.headerLength(f, IP);
        int length = f.length - IP - header;
        int most = random.nextInt(1, Math.max(2, length / 8 / 2 + 1)) * 8;
        if (chance(80)) {
            most = Math.max(most, 24);
        }
        most = Math.max(most, (length + 39) / 40 / 8 * 8 + 8);
        List<Step> pieces = new ArrayList<>();
        for (int at = 0; at < length; at += most) {
            int size = Math.min(most, length - at);
            pieces.add(piece(step, f, header, at, size, at + size < length));
        }
        int dice = random.nextInt(100);
        if (dice < 15) {
            Collections.reverse(pieces);
        } else if (dice < 40) {
            Collections.shuffle(pieces, new Random(random.nextLong()));
        } else if (dice < 48 && mayLose) {
            pieces.add(random.nextInt(pieces.size()), pieces.get(random.nextInt(pieces.size())));
        } else if (dice < 54 && mayLose) {
            pieces.remove(random.nextInt(pieces.size()));
        } else if (dice < 66 && mayLose) {
            pieces.add(random.nextInt(pieces.size()), strange(step, f, header, length));
        }
        return pieces;
    }

    private Step strange(Step step, byte[] f, int header, int length) {
        int at = random.nextInt(length / 8 + 1) * 8;
        return switch (random.nextInt(4)) {
            case 0 -> piece(step, f, header, Math.min(at, length - 8) / 8 * 8, 8, true);
            case 1 -> piece(step, f, header, 65528, Math.min(length, 16), random.nextBoolean());
            case 2 -> piece(step, f, header, 0, Math.min(length, 13), true);
            default -> piece(step, f, header, at, Math.min(length, 24), random.nextBoolean());
        };
    }

    private static Step piece(Step step, byte[] f, int header, int at, int size, boolean more) {
        byte[] piece = Arrays.copyOf(f, IP + header + size);
        int from = Math.min(IP + header + at, f.length);
        int copied = Math.min(size, f.length - from);
        System.arraycopy(f, from, piece, IP + header, copied);
        Octets.put16(piece, IP + 2, header + size);
        Octets.put16(piece, IP + 6, (f[IP + 6] & 0x80) << 8 | (more ? 0x2000 : 0) | at / 8);
        Wire.fixIp(piece, IP);
        int portAt = at == 0 ? step.portAt() : -1;
        return new Step(
                step.link(),
                step.conversation(),
                portAt,
                step.nominal(),
                piece,
                "fragment at " + at + " of " + size + (more ? "" : ", last") + ": " + step.note());
    }
}
