package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.ACK;
import static io.sharedip.pcap.oracle.Wire.FIN;
import static io.sharedip.pcap.oracle.Wire.PSH;
import static io.sharedip.pcap.oracle.Wire.RST;
import static io.sharedip.pcap.oracle.Wire.SYN;
import static io.sharedip.pcap.oracle.Wire.URG;

import io.sharedip.packet.Octets;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A TCP connection: what two endpoints may say (and a network reorder, lose and repeat), mixed with what nobody should. */
final class TcpTalk extends Talk {

    private enum Phase {
        START,
        SYN_SENT,
        SYN_ANSWERED,
        OPEN,
        OVER
    }

    /** One endpoint. */
    private final class End {
        int start = random.nextInt();
        int next = start;
        /** What it has received in order, which it acknowledges. */
        int received;

        boolean hears;
        int window;
        int scale = -1;
        boolean sack;
        boolean stamps;
        boolean finished;
        byte[] lastSegment = {};
        int lastSequence;
    }

    private final End guestEnd = new End();
    private final End peerEnd = new End();
    private final boolean guestBegins;
    private final int wrong;
    private final Deque<Step> held = new ArrayDeque<>();
    private Phase phase = Phase.START;
    private int left;
    /** Whether what both sides owe each other in a simultaneous open has been said. */
    private boolean opened = true;

    private boolean refused;
    /** Whether a RST has been said. */
    private boolean reset;

    private @Nullable Step lastOfGuest;

    private @Nullable Step lastOfPeer;
    private boolean first = true;

    /**
     * Begins one.
     *
     * @param wrong how many percent of the segments are not what an endpoint would say
     */
    TcpTalk(
            SplittableRandom random,
            int conversation,
            int guest,
            int guestPort,
            int peer,
            int peerPort,
            int outsidePort,
            int wrong,
            int left) {
        super(random, conversation, guest, guestPort, peer, peerPort, outsidePort);
        this.wrong = wrong;
        this.left = left;
        guestBegins = !isForwarded() && (guest != Net.OWNER || random.nextBoolean());
        for (End end : new End[] {guestEnd, peerEnd}) {
            end.scale = chance(70) ? random.nextInt(0, chance(10) ? 16 : 10) : -1;
            end.window = chance(80) ? random.nextInt(30_000, 65_536) : random.nextInt(1, 3_000);
            end.sack = chance(60);
            end.stamps = chance(40);
        }
    }

    /** Whether the connection has been refused, which the kernel forgets at once. */
    boolean isRefused() {
        return refused;
    }

    private End begins() {
        return guestBegins ? guestEnd : peerEnd;
    }

    private End answers() {
        return guestBegins ? peerEnd : guestEnd;
    }

    private End other(End end) {
        return end == guestEnd ? peerEnd : guestEnd;
    }

    @Override
    @Nullable
    Step next() {
        if (left-- <= 0) {
            return null;
        }
        boolean due = !held.isEmpty() && (chance(50) || phase == Phase.OPEN && !opened);
        if (!due && (phase != Phase.START || guestBegins) && chance(wrong)) {
            return mistaken();
        }
        Step step = due ? held.remove() : regular();
        opened |= due && held.isEmpty();
        int flags = Octets.u8(step.frame(), Wire.IP + 33);
        boolean sure = (flags & (FIN | RST)) == 0 && !step.note().contains("SACK");
        if (sure) {
            if (step.link() == Net.UPLINK) {
                lastOfPeer = step;
            } else {
                lastOfGuest = step;
            }
        }
        return step;
    }

    private Step regular() {
        return switch (phase) {
            case START -> begin();
            case SYN_SENT -> answer();
            case SYN_ANSWERED -> finishHandshake();
            case OPEN -> converse();
            case OVER -> after();
        };
    }

    /** What a side has said last, unless the state of the other side may hang on it. */
    private @Nullable Step repeatable(boolean fromGuest) {
        Step last = fromGuest ? lastOfGuest : lastOfPeer;
        boolean ending = guestEnd.finished || peerEnd.finished || reset;
        boolean syn = last != null && (Octets.u8(last.frame(), Wire.IP + 33) & SYN) != 0;
        return ending || (syn && phase == Phase.OPEN) ? null : last;
    }

    private Step begin() {
        phase = Phase.SYN_SENT;
        End end = begins();
        end.next = end.start + 1;
        return syn(end, SYN, "SYN");
    }

    private Step answer() {
        End end = answers();
        int dice = random.nextInt(100);
        if (dice < 10) {
            return syn(begins(), SYN, "SYN again");
        }
        if (dice < 16 && first) {
            end.next = end.start + 1;
            hear(end);
            hear(begins());
            phase = Phase.OPEN;
            opened = false;
            // both have sent a SYN, and both acknowledge the other's (RFC 9293 section 3.5)
            held.add(syn(begins(), SYN | ACK, "SYN-ACK of the beginner"));
            held.add(syn(end, SYN | ACK, "SYN-ACK of the other"));
            return syn(end, SYN, "simultaneous SYN");
        }
        if (dice < 20) {
            phase = Phase.OVER;
            refused = true;
            hear(end);
            return segment(end, 0, begins().next, RST | ACK, 0, new byte[0], new byte[0], "refusal");
        }
        end.next = end.start + 1;
        hear(end);
        phase = Phase.SYN_ANSWERED;
        return syn(end, SYN | ACK, "SYN-ACK");
    }

    private Step finishHandshake() {
        int dice = random.nextInt(100);
        hear(begins());
        if (dice < 10) {
            return syn(answers(), SYN | ACK, "SYN-ACK again");
        }
        if (dice < 14) {
            return syn(begins(), SYN, "SYN again");
        }
        phase = Phase.OPEN;
        if (dice < 28) {
            return send(begins(), random.nextInt(1, 500), 0, "first data");
        }
        return ack(begins(), "third ACK");
    }

    private Step converse() {
        End end = random.nextBoolean() ? guestEnd : peerEnd;
        End other = other(end);
        int dice = random.nextInt(100);
        if (guestEnd.finished && peerEnd.finished) {
            if (dice < 50) {
                hear(end);
                return ack(end, "last ACK");
            }
            phase = Phase.OVER;
        }
        if (dice < 40 && !end.finished) {
            return send(end, random.nextInt(1, chance(20) ? 1400 : 200), 0, "data");
        }
        if (dice < 55) {
            hear(end);
            return ack(end, "ACK");
        }
        if (dice < 63 && end.lastSegment.length > 0) {
            return segment(
                    end,
                    end.lastSequence,
                    end.received,
                    ACK | PSH,
                    end.window,
                    options(end),
                    end.lastSegment,
                    "data again");
        }
        if (dice < 72 && !end.finished) {
            held.add(send(end, random.nextInt(1, 200), 0, "data, overtaken"));
            return send(end, random.nextInt(1, 200), 0, "data that overtakes");
        }
        if (dice < 77) {
            return segment(
                    end,
                    end.next,
                    end.received,
                    ACK,
                    end.window,
                    sackOptions(end, other),
                    new byte[0],
                    "ACK with SACK");
        }
        if (dice < 82) {
            end.window = chance(40) ? 0 : random.nextInt(1, 65536);
            hear(end);
            return ack(end, "window update");
        }
        if (dice < 86) {
            return segment(
                    end,
                    end.next - 1,
                    end.received,
                    ACK,
                    end.window,
                    options(end),
                    data(random.nextInt(2)),
                    "keepalive");
        }
        if (dice < 94 && !end.finished) {
            hear(end);
            Step fin = send(end, chance(30) ? random.nextInt(1, 100) : 0, FIN, "FIN");
            end.finished = true;
            return fin;
        }
        if (dice < 96) {
            phase = Phase.OVER;
            return segment(
                    end,
                    other.received,
                    end.received,
                    RST | (chance(50) ? ACK : 0),
                    0,
                    new byte[0],
                    new byte[0],
                    "exact RST");
        }
        if (dice < 97 && roomOf(other) >= 5) {
            return segment(end, end.next, end.received, ACK | URG | PSH, end.window, options(end), data(5), "urgent");
        }
        return ack(end, "ACK");
    }

    private Step after() {
        End end = random.nextBoolean() ? guestEnd : peerEnd;
        int dice = refused ? 99 : random.nextInt(100);
        if (dice < 30) {
            return ack(end, "ACK after the end");
        }
        if (dice < 45) {
            return send(end, random.nextInt(1, 100), 0, "data after the end");
        }
        if (dice < 60) {
            return segment(
                    end, end.next - 1, end.received, ACK | FIN, end.window, options(end), new byte[0], "FIN again");
        }
        if (dice < 70) {
            return segment(end, end.next, end.received, RST, 0, new byte[0], new byte[0], "RST after the end");
        }
        End sender = chance(20) && !refused && !calledMayBegin() ? answers() : begins();
        if (sender == begins()) {
            for (End e : new End[] {guestEnd, peerEnd}) {
                e.start = chance(50) ? e.next + random.nextInt(1, 100_000) : random.nextInt();
                e.next = e.start;
                e.finished = false;
                e.hears = false;
                e.received = 0;
                e.lastSegment = new byte[0];
            }
            held.clear();
            refused = false;
            reset = false;
            lastOfGuest = null;
            lastOfPeer = null;
            first = false;
            phase = Phase.SYN_SENT;
            sender.next = sender.start + 1;
            return syn(sender, SYN, "SYN that reopens");
        }
        return segment(
                sender, random.nextInt(), 0, SYN, sender.window, new byte[0], new byte[0], "SYN of the other side");
    }

    /** Something that no endpoint would say at this point. */
    private Step mistaken() {
        boolean fromGuest = random.nextBoolean();
        End end = fromGuest ? guestEnd : peerEnd;
        End other = other(end);
        int dice = random.nextInt(100);
        byte[] nothing = {};
        if (dice < 15) {
            return segment(
                    end,
                    near(other.received),
                    end.received,
                    RST | (chance(50) ? ACK : 0),
                    0,
                    nothing,
                    nothing,
                    "RST somewhere");
        }
        if (dice < 30) {
            return segment(
                    end,
                    near(end.next),
                    end.received,
                    ACK,
                    end.window,
                    options(end),
                    data(random.nextInt(200)),
                    "sequence number somewhere");
        }
        if (dice < 42) {
            return segment(
                    end,
                    end.next,
                    near(other.next),
                    ACK,
                    end.window,
                    options(end),
                    data(random.nextInt(50)),
                    "acknowledgment of something");
        }
        if (dice < 50) {
            return segment(
                    end,
                    near(end.next),
                    near(other.next),
                    mayBegin(fromGuest) ? SYN | (chance(50) ? ACK : 0) : SYN | ACK,
                    end.window,
                    nothing,
                    nothing,
                    "SYN in between");
        }
        if (dice < 60) {
            return segment(
                    end,
                    end.next,
                    end.received,
                    random.nextInt(256) & (mayBegin(fromGuest) ? 0xff : ~SYN),
                    end.window,
                    nothing,
                    data(random.nextInt(10)),
                    "flags at random");
        }
        if (dice < 66) {
            return segment(end, near(end.next), end.received, ACK | FIN, end.window, nothing, nothing, "FIN somewhere");
        }
        if (dice < 74) {
            int length = random.nextInt(1, 40);
            return segment(
                    end,
                    end.next,
                    end.received,
                    chance(30) && mayBegin(fromGuest) ? SYN : ACK,
                    end.window,
                    data(length),
                    nothing,
                    "options at random");
        }
        if (dice < 78) {
            return segment(end, end.next, end.received, ACK, end.window, nothing, data(1400), "more than the window");
        }
        Step right = segment(
                end, end.next, end.received, ACK | PSH, end.window, options(end), data(random.nextInt(100)), "");
        return Mutation.of(random, right, repeatable(fromGuest));
    }

    /** Whether a SYN of the called side begins a connection, once this one has ended. */
    private boolean calledMayBegin() {
        return isForwarded() || guest == Net.OWNER;
    }

    /**
     * Whether the sender may send a SYN: not the called side where that might begin another connection. What a guest begins from a
     * forwarded endpoint bears the forwarded port, which the kernel does not do.
     */
    private boolean mayBegin(boolean fromGuest) {
        return fromGuest == guestBegins
                || !calledMayBegin()
                || !(reset || phase == Phase.OVER || guestEnd.finished || peerEnd.finished);
    }

    private void hear(End end) {
        End other = other(end);
        end.received = other.next;
        end.hears = true;
    }

    private Step send(End end, int length, int flags, String note) {
        byte[] data = data(length);
        int room = other(end).hears ? roomOf(other(end)) : 0;
        if (room < length && !chance(20)) {
            data = data(Math.max(0, Math.min(length, room)));
        }
        Step step = segment(end, end.next, end.received, ACK | PSH | flags, end.window, options(end), data, note);
        end.lastSegment = data;
        end.lastSequence = end.next;
        end.next += data.length + ((flags & FIN) != 0 ? 1 : 0);
        return step;
    }

    /** How much the receiver would still take. */
    private int roomOf(End receiver) {
        End sender = other(receiver);
        int scale = receiver.scale >= 0 && sender.scale >= 0 ? Math.min(14, receiver.scale) : 0;
        long room = ((long) receiver.window << scale) - (sender.next - receiver.received);
        return (int) Math.max(0, Math.min(room, 1400));
    }

    private Step ack(End end, String note) {
        return segment(end, end.next, end.received, ACK, end.window, options(end), new byte[0], note);
    }

    private Step syn(End end, int flags, String note) {
        ByteArrayOutputStream options = new ByteArrayOutputStream();
        options.writeBytes(new byte[] {2, 4, 5, (byte) 0xb4});
        if (end.sack) {
            options.writeBytes(new byte[] {1, 1, 4, 2});
        }
        if (end.stamps) {
            options.writeBytes(stamp());
        }
        if (end.scale >= 0) {
            options.writeBytes(new byte[] {1, 3, 3, (byte) end.scale});
        }
        return segment(
                end,
                end.start,
                (flags & ACK) != 0 ? other(end).start + 1 : 0,
                flags,
                end.window,
                options.toByteArray(),
                new byte[0],
                note);
    }

    private byte[] stamp() {
        byte[] s = new byte[12];
        s[0] = 1;
        s[1] = 1;
        s[2] = 8;
        s[3] = 10;
        Octets.put32(s, 4, random.nextInt());
        Octets.put32(s, 8, random.nextInt());
        return s;
    }

    private byte[] options(End end) {
        return end.stamps ? stamp() : new byte[0];
    }

    private byte[] sackOptions(End end, End other) {
        int blocks = random.nextInt(1, 4);
        byte[] s = new byte[4 + 8 * blocks];
        s[0] = 1;
        s[1] = 1;
        s[2] = 5;
        s[3] = (byte) (2 + 8 * blocks);
        int edge = end.received + random.nextInt(1, 200);
        for (int i = 0; i < blocks; i++) {
            int right = chance(70) ? Math.max(1, Math.min(100, other.next - edge)) : 100;
            Octets.put32(s, 4 + 8 * i, edge);
            Octets.put32(s, 8 + 8 * i, edge + right);
            edge += right + random.nextInt(1, 100);
        }
        return s;
    }

    private Step segment(End end, int seq, int ack, int flags, int window, byte[] options, byte[] data, String note) {
        boolean fromGuest = end == guestEnd;
        byte[] tcp = fromGuest
                ? Wire.tcp(guestPort, peerPort, seq, ack, flags, window, options, data)
                : Wire.tcp(peerPort, outsidePort, seq, ack, flags, window, options, data);
        String text = note + ": seq " + (seq - end.start) + " ack " + (ack - other(end).start) + " flags " + flags
                + " win " + window + " len " + data.length;
        Step step = step(fromGuest, Wire.TCP, tcp, text);
        reset |= (flags & RST) != 0;
        return step;
    }
}
