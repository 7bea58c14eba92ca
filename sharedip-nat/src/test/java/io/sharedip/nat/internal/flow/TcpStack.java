package io.sharedip.nat.internal.flow;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.SYN;

import io.sharedip.packet.Octets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One side of a TCP connection, reduced to its numbers: what it may send, acknowledge and announce (RFC 9293, RFC 7323, RFC 2018). It
 * keeps no data. Positions are 64 bits wide and counted from the SYN; only what is on the wire wraps around.
 */
final class TcpStack {

    /** A segment on its way. Positions are the sender's and the receiver's own, not yet on the wire. */
    record Segment(
            int flags,
            long position,
            int length,
            long ack,
            int window,
            List<long[]> sacks,
            int scale,
            boolean offersSack) {

        long end() {
            return position + length + ((flags & SYN) != 0 ? 1 : 0) + ((flags & FIN) != 0 ? 1 : 0);
        }

        /** The header as it stands on the wire. */
        byte[] header(int ownIss, int peerIss) {
            byte[] options = new byte[40];
            int at = 0;
            if ((flags & SYN) != 0) {
                if (scale >= 0) {
                    options[at++] = 1;
                    options[at++] = 3;
                    options[at++] = 3;
                    options[at++] = (byte) scale;
                }
                if (offersSack) {
                    options[at++] = 4;
                    options[at++] = 2;
                    at += 2;
                }
            } else if (!sacks.isEmpty()) {
                options[at++] = 1;
                options[at++] = 1;
                options[at++] = 5;
                options[at++] = (byte) (2 + 8 * sacks.size());
                for (long[] block : sacks) {
                    Octets.put32(options, at, peerIss + (int) block[0]);
                    Octets.put32(options, at + 4, peerIss + (int) block[1]);
                    at += 8;
                }
            }
            byte[] a = new byte[20 + at];
            Octets.put32(a, 4, ownIss + (int) position);
            Octets.put32(a, 8, (flags & ACK) != 0 ? peerIss + (int) ack : 0);
            Octets.put8(a, 12, a.length / 4 << 4);
            Octets.put8(a, 13, flags);
            Octets.put16(a, 14, window);
            System.arraycopy(options, 0, a, 20, at);
            return a;
        }
    }

    final int iss;
    private final Random random;
    private final int ownScale;
    private final boolean offersSack;
    private final long room;
    private final long toSend;
    private final int mss;

    private boolean scaling;
    private boolean sacking;
    private boolean synSent;
    private boolean synReceived;
    private boolean synAcknowledged;
    private long unacknowledged;
    private long next;
    private long allowed = 1;
    private long received;
    private long announced;
    private boolean finReceived;
    private long finEnd;
    private int peerScale;
    private final List<long[]> early = new ArrayList<>();

    TcpStack(Random random, long toSend) {
        this.random = random;
        this.iss = random.nextInt(3) == 0 ? -random.nextInt(20_000) : random.nextInt();
        this.offersSack = random.nextBoolean();
        this.room = random.nextInt(4) == 0 ? 200 + random.nextInt(3_000) : 1L << 8 + random.nextInt(22);
        // a larger scale could hardly ever announce any room
        int mostScale = Math.min(15, 60 - Long.numberOfLeadingZeros(room));
        this.ownScale = random.nextInt(4) == 0 ? -1 : random.nextInt(mostScale + 1);
        this.toSend = toSend;
        this.mss = 100 + random.nextInt(1_361);
    }

    private long dataEnd() {
        return 1 + toSend;
    }

    boolean isOpen() {
        return synAcknowledged && synReceived;
    }

    @Override
    public String toString() {
        return "sent " + next + " of " + (dataEnd() + 1) + ", acknowledged " + unacknowledged + ", allowed " + allowed
                + ", received " + received + (finReceived ? " and FIN" : "");
    }

    boolean isDone() {
        return unacknowledged == dataEnd() + 1 && finReceived;
    }

    private int wireWindow() {
        long right = Math.max(announced, received + (random.nextInt(5) == 0 ? 0 : random.nextLong(room + 1)));
        int shift = scaling ? Math.min(14, ownScale) : 0;
        int field = (int) Math.min(65_535, (right - received) >> shift);
        announced = Math.max(announced, received + ((long) field << shift));
        return field;
    }

    private Segment segment(int flags, long position, int length) {
        List<long[]> sacks = sacking ? List.copyOf(early.subList(0, Math.min(4, early.size()))) : List.of();
        return new Segment(flags, position, length, received, wireWindow(), sacks, ownScale, offersSack);
    }

    /** The SYN, or SYN-ACK if the other's has come; also again. */
    Segment syn() {
        synSent = true;
        next = Math.max(next, 1);
        int flags = synReceived ? SYN | ACK : SYN;
        // its window is never scaled
        int window = (int) Math.min(65_535, room);
        announced = Math.max(announced, received + window);
        return new Segment(flags, 0, 0, received, window, List.of(), ownScale, offersSack && (!synReceived || sacking));
    }

    boolean hasSentSyn() {
        return synSent;
    }

    boolean needsSyn() {
        return synSent && !synAcknowledged;
    }

    Segment acknowledge() {
        return segment(ACK, next, 0);
    }

    /** What it might send next of its own accord: new data, a repetition, a probe, a FIN, a keep-alive. */
    @Nullable
    Segment send() {
        if (!isOpen()) {
            return needsSyn() ? syn() : null;
        }
        switch (random.nextInt(6)) {
            case 0 -> {
                return repeat();
            }
            case 1 -> {
                // keep-alive, with or without an octet of nothing
                return next == unacknowledged ? segment(ACK, next - 1, random.nextInt(2)) : repeat();
            }
            default -> {
                return fresh();
            }
        }
    }

    private @Nullable Segment fresh() {
        if (next == dataEnd()) {
            if (random.nextInt(3) != 0) {
                return null;
            }
            next = dataEnd() + 1;
            return segment(FIN | ACK, dataEnd(), 0);
        }
        if (next > dataEnd()) {
            return null;
        }
        long most = Math.min(Math.min(allowed, dataEnd()) - next, mss);
        if (most <= 0) {
            // the window is closed: one octet asks whether it still is
            if (next != unacknowledged || allowed != next) {
                return null;
            }
            return segment(ACK, next, 1);
        }
        int length = 1 + random.nextInt((int) most);
        long position = next;
        next += length;
        boolean last = next == dataEnd() && allowed > next && random.nextBoolean();
        if (last) {
            next++;
        }
        return segment(last ? FIN | ACK : ACK, position, length);
    }

    private @Nullable Segment repeat() {
        if (unacknowledged == next) {
            return null;
        }
        boolean finSent = next > dataEnd();
        long sentData = Math.min(next, dataEnd());
        long length = Math.min(sentData - unacknowledged, 1 + random.nextInt(mss));
        if (length <= 0) {
            return segment(FIN | ACK, dataEnd(), 0);
        }
        boolean last = finSent && unacknowledged + length == dataEnd();
        return segment(last ? FIN | ACK : ACK, unacknowledged, (int) length);
    }

    /** Whether a segment would tell this side anything new. */
    boolean wouldGain(Segment s) {
        boolean octets = s.end() > received && s.position() <= announced;
        boolean acknowledgment = (s.flags & ACK) != 0 && s.ack > unacknowledged;
        return octets || acknowledgment;
    }

    /** Takes a segment. @return an answer, or null */
    @Nullable
    Segment take(Segment s) {
        if ((s.flags & SYN) != 0) {
            return takeSyn(s);
        }
        if (!synReceived) {
            return null;
        }
        acknowledged(s);
        if (s.end() > received) {
            insert(Math.max(s.position(), received), s.end());
            finEnd = (s.flags & FIN) != 0 ? s.end() : finEnd;
            finReceived |= finEnd > 0 && received >= finEnd;
            return acknowledge();
        }
        return s.end() > s.position() || s.position() < received ? acknowledge() : null;
    }

    private @Nullable Segment takeSyn(Segment s) {
        boolean first = !synReceived;
        if ((s.flags & ACK) != 0 && !synSent) {
            return null;
        }
        if (first) {
            synReceived = true;
            received = 1;
            scaling = s.scale >= 0 && ownScale >= 0;
            peerScale = scaling ? Math.min(14, s.scale) : 0;
            sacking = s.offersSack && offersSack;
        }
        if ((s.flags & ACK) != 0) {
            if (s.ack >= 1) {
                synAcknowledged = true;
                unacknowledged = Math.max(unacknowledged, 1);
            }
            allowed = Math.max(allowed, s.ack + s.window);
            return acknowledge();
        }
        return synAcknowledged ? acknowledge() : syn();
    }

    private void acknowledged(Segment s) {
        synAcknowledged |= s.ack >= 1;
        unacknowledged = Math.max(unacknowledged, Math.min(s.ack, next));
        // an octet that asked about a closed window may have been taken
        next = Math.max(next, Math.min(s.ack, dataEnd() + 1));
        unacknowledged = Math.max(unacknowledged, s.ack);
        allowed = Math.max(allowed, s.ack + ((long) s.window << peerScale));
    }

    private void insert(long from, long to) {
        early.add(new long[] {from, to});
        early.sort((x, y) -> Long.compare(x[0], y[0]));
        for (int i = 0; i + 1 < early.size(); ) {
            if (early.get(i)[1] >= early.get(i + 1)[0]) {
                early.get(i)[1] = Math.max(early.get(i)[1], early.get(i + 1)[1]);
                early.remove(i + 1);
            } else {
                i++;
            }
        }
        if (early.get(0)[0] <= received) {
            received = Math.max(received, early.remove(0)[1]);
        }
    }
}
