package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A guest's TCP as plain as can be, that shares nothing with the endpoint: it knows no options but MSS, keeps no early segments, sends its
 * whole window again when its timer comes, and acknowledges each segment by itself. What it says and hears is the pattern of octets.
 */
final class SimplePeer {

    private static final long TIMEOUT = 300_000_000L;

    private final Random random;
    private final int ports;
    private final int mss;
    private final int capacity;
    private final long toSay;
    private final int iss;

    private boolean synAcknowledged;
    private boolean synHeard;
    private int irs;
    private long unacknowledged;
    private long next;
    private long window;
    private long heard;
    private boolean finHeard;
    private long unread;
    private long since;
    private final List<Segment> out = new ArrayList<>();

    boolean reset;

    SimplePeer(Random random, int ports, int mss, int capacity, long toSay, long now) {
        this.random = random;
        this.ports = ports;
        this.mss = mss;
        this.capacity = capacity;
        this.toSay = toSay;
        this.since = now;
        this.iss = -random.nextInt(60_000);
    }

    void connect() {
        out.add(syn());
    }

    private Segment syn() {
        byte[] options = {2, 4, (byte) (mss >> 8), (byte) mss};
        int flags = synHeard ? SYN | ACK : SYN;
        return Segment.of(ports, flags, iss, synHeard ? irs + 1 : 0, Math.min(65_535, capacity), options, new byte[0]);
    }

    private Segment segment(int flags, long position, int length) {
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++) {
            payload[i] = MemoryStream.octet(2, position + i);
        }
        int acknowledgment = irs + 1 + (int) heard + (finHeard ? 1 : 0);
        int room = (int) Math.min(65_535, capacity - unread);
        return Segment.of(ports, flags, iss + 1 + (int) position, acknowledgment, room, new byte[0], payload);
    }

    void take(Segment s, long now) {
        if (s.has(RST)) {
            reset = true;
            return;
        }
        if (s.has(SYN)) {
            if (!synHeard) {
                synHeard = true;
                irs = s.sequence();
            }
            if (!s.has(ACK)) {
                out.add(syn());
                return;
            }
        }
        if (!synHeard) {
            return;
        }
        acknowledged(s, now);
        long position = (long) (s.sequence() - irs - 1) - (int) heard + heard;
        if (s.has(SYN)) {
            out.add(segment(ACK, next, 0));
        } else if (s.length() > 0 || s.has(FIN) || s.sequence() - (irs + 1 + (int) heard) != (finHeard ? 1 : 0)) {
            hear(s, position);
            out.add(segment(ACK, next, 0));
        }
    }

    private void acknowledged(Segment s, long now) {
        long acknowledgment = unacknowledged + (s.acknowledgment() - (iss + 1 + (int) unacknowledged));
        synAcknowledged = true;
        if (acknowledgment > unacknowledged) {
            unacknowledged = acknowledgment;
            next = Math.max(next, acknowledgment);
            since = now;
        }
        window = s.window();
    }

    private void hear(Segment s, long position) {
        if (position > heard || finHeard) {
            return;
        }
        int skip = (int) (heard - position);
        byte[] payload = s.payload();
        int most = (int) Math.min(payload.length, skip + capacity - unread);
        for (int i = skip; i < most; i++) {
            if (payload[i] != MemoryStream.octet(1, position + i)) {
                throw new AssertionError("octet " + (position + i) + " is wrong");
            }
            heard++;
            unread++;
        }
        if (s.has(FIN) && heard == position + payload.length) {
            finHeard = true;
        }
    }

    /** Its program reads; a window that was closed and is open again is told. */
    void read(int octets) {
        boolean closed = capacity - unread < Math.min(mss, capacity / 2);
        unread -= Math.min(unread, octets);
        if (closed && synHeard) {
            out.add(segment(ACK, next, 0));
        }
    }

    /** What it sends now. */
    List<Segment> pull(long now) {
        if (!synAcknowledged) {
            if (now - since >= TIMEOUT) {
                since = now;
                out.add(syn());
            }
        } else {
            send(now);
        }
        List<Segment> result = List.copyOf(out);
        out.clear();
        return result;
    }

    private void send(long now) {
        if (unacknowledged <= toSay && now - since >= TIMEOUT) {
            // all again, and one octet into a closed window
            next = unacknowledged;
            since = now;
            if (window == 0 && next < toSay) {
                out.add(segment(ACK, next, 1));
            }
        }
        while (next < toSay && next - unacknowledged < window) {
            long most = Math.min(Math.min(toSay - next, window - (next - unacknowledged)), mss);
            int length = (int) Math.min(most, random.nextInt(4) == 0 ? 1 + random.nextInt(mss) : mss);
            out.add(segment(ACK, next, length));
            next += length;
        }
        if (next == toSay && window > next - unacknowledged) {
            out.add(segment(FIN | ACK, next, 0));
            next++;
        }
    }

    boolean hasOutput() {
        return !out.isEmpty();
    }

    /** How long until it does something of its own accord. */
    long patience(long now) {
        return unacknowledged <= toSay ? Math.max(0, since + TIMEOUT - now) : Long.MAX_VALUE;
    }

    boolean isDone() {
        return finHeard && unacknowledged == toSay + 1;
    }

    long heard() {
        return heard;
    }

    @Override
    public String toString() {
        return "said " + unacknowledged + " of " + toSay + ", heard " + heard + (finHeard ? " and FIN" : "");
    }
}
