package io.sharedip.pcap.oracle;

import static io.sharedip.pcap.oracle.Wire.ACK;
import static io.sharedip.pcap.oracle.Wire.FIN;
import static io.sharedip.pcap.oracle.Wire.RST;
import static io.sharedip.pcap.oracle.Wire.SYN;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What has passed of a TCP connection before a segment, as the predicates of {@link Difference} see it. */
final class TcpHistory {

    /** A packet that came before, and whether it passed. */
    record Earlier(Step step, boolean passed) {}

    /**
     * A segment of the connection.
     *
     * @param isHeeded whether its receiver heeds the window that it announces: not with a RST, nor with a SYN-ACK that it has to challenge,
     *     in an open connection where nobody had begun anew
     */
    private record Segment(boolean fromGuest, boolean passed, boolean isHeeded, Packet packet) {}

    private final boolean fromGuest;
    /** Since the connection began, for the last time. */
    private final List<Segment> segments = new ArrayList<>();

    /** Of the connection before, if only a RST of another number than the expected one had come between. */
    private final List<Segment> former = new ArrayList<>();

    private boolean begunByGuest;
    private boolean begun;
    private boolean answered;
    private boolean open;
    private boolean reset;
    private boolean resetExactly;
    private boolean resetUnanswered;
    private boolean resetEarly;
    private boolean synWhenOpen;
    private boolean guestFin;
    private boolean peerFin;
    private boolean begunAnew;
    private boolean disturbed;
    private boolean earlyData;
    private boolean forgotten;

    /**
     * Looks back.
     *
     * @param step a segment
     * @param earlier the whole packets that came before
     */
    TcpHistory(Step step, List<Earlier> earlier) {
        fromGuest = step.link() != Net.UPLINK;
        for (Earlier e : earlier) {
            Packet p = Packet.of(e.step().frame());
            if (p != null && e.step().conversation() == step.conversation() && p.isSegment(0)) {
                add(new Segment(e.step().link() != Net.UPLINK, e.passed(), isHeeded(p), p));
            }
        }
    }

    private boolean isHeeded(Packet p) {
        return !p.isSegment(RST) && !(open && !synWhenOpen && p.isSegment(SYN | ACK));
    }

    private void add(Segment s) {
        int flags = s.packet.flags();
        boolean begins = (flags & (SYN | ACK | RST | FIN)) == SYN;
        forgotten |= begins && ((guestFin && peerFin) || hasFinTwice()) && s.fromGuest != begunByGuest;
        disturbed |= begunAnew && !answered && !s.packet.isSegment(SYN);
        if (s.passed) {
            follow(s, flags, begins);
        }
        segments.add(s);
    }

    private void follow(Segment s, int flags, boolean begins) {
        synWhenOpen = open && (synWhenOpen || begins);
        boolean ended = reset || (guestFin && peerFin);
        if (begins && begun && s.fromGuest == begunByGuest && !ended && hasFinTwice()) {
            begunAnew = true;
            answered = false;
        } else if (begins && (!begun || (s.fromGuest == begunByGuest && (ended || !answered)))) {
            if (!begun || ended) {
                begunAnew = begun;
                disturbed = false;
                if (resetExactly || (guestFin && peerFin)) {
                    former.clear();
                } else {
                    former.addAll(segments);
                }
                segments.clear();
                reset = false;
                resetExactly = false;
                resetUnanswered = false;
                resetEarly = false;
                forgotten = false;
                guestFin = false;
                peerFin = false;
            }
            begun = true;
            begunByGuest = s.fromGuest;
            answered = false;
            open = false;
            earlyData = false;
        } else if ((flags & RST) != 0) {
            reset = true;
            resetExactly |= of(!s.fromGuest).stream()
                    .anyMatch(p -> p.isSegment(ACK) && p.acknowledgment() == s.packet.sequence());
            resetEarly |= !open;
            resetUnanswered |= segments.stream().noneMatch(q -> q.passed && q.fromGuest != begunByGuest);
        } else if (s.fromGuest != begunByGuest) {
            earlyData |= answered && !open && (flags & SYN) == 0;
            answered |= (flags & (SYN | ACK)) == (SYN | ACK);
        } else if (answered && (flags & (SYN | ACK)) == ACK) {
            open = true;
        }
        if ((flags & FIN) != 0) {
            guestFin |= s.fromGuest;
            peerFin |= !s.fromGuest;
        }
    }

    private boolean hasFinTwice() {
        return segments.stream()
                        .filter(s -> s.passed && s.packet.isSegment(FIN))
                        .count()
                > 1;
    }

    private List<Packet> of(boolean guest) {
        return segments.stream()
                .filter(s -> s.passed && s.fromGuest == guest)
                .map(Segment::packet)
                .toList();
    }

    /** What the sender of the segment has sent since the connection began. */
    List<Packet> own() {
        return of(fromGuest);
    }

    /** What its receiver has sent. */
    List<Packet> others() {
        return of(!fromGuest);
    }

    /** Whether the segment is of the side that began. */
    boolean isOfBeginner() {
        return fromGuest == begunByGuest;
    }

    /** Whether the handshake is complete: the side that began has acknowledged the SYN-ACK. */
    boolean isOpen() {
        return open;
    }

    /** Whether the called side has sent anything between its SYN-ACK and the acknowledgment of that. */
    boolean hasEarlyData() {
        return earlyData;
    }

    /** Whether a SYN-ACK has passed. */
    boolean isAnswered() {
        return answered;
    }

    /** Whether a RST has passed, or a FIN. */
    boolean isEnding() {
        return reset || guestFin || peerFin;
    }

    /** Whether a RST has passed before the called side had sent anything else. */
    boolean isResetUnanswered() {
        return resetUnanswered;
    }

    /** Whether a RST has passed before the handshake was complete. */
    boolean isResetEarly() {
        return resetEarly;
    }

    /** Whether the connection began anew where one had ended, or while one side had sent two FINs and the other none. */
    boolean hasBegunAnew() {
        return begunAnew;
    }

    /** Whether anything but a SYN came between the SYN that began the connection anew and its answer. */
    boolean isDisturbed() {
        return disturbed;
    }

    /** Whether a SYN has passed since the handshake was complete. */
    boolean hasSynWhenOpen() {
        return synWhenOpen;
    }

    /** Whether a SYN of the called side came after the FINs of both, or two of one. */
    boolean isForgotten() {
        return forgotten;
    }

    /** Whether a side has sent SYNs of different numbers or options, whether they passed or not, with this segment. */
    boolean hasTwoBeginnings(Packet segment) {
        return beginnings(true, segment) > 1 || beginnings(false, segment) > 1;
    }

    private long beginnings(boolean ofGuest, Packet segment) {
        Stream<Packet> before = Stream.concat(former.stream(), segments.stream())
                .filter(s -> s.fromGuest == ofGuest)
                .map(Segment::packet);
        return Stream.concat(before, ofGuest == fromGuest ? Stream.of(segment) : Stream.of())
                .filter(p -> (p.flags() & (SYN | RST | FIN)) == SYN)
                .map(p -> List.of(p.sequence(), p.windowScale(), p.permitsSack()))
                .distinct()
                .count();
    }

    /** Whether the called side has sent a SYN without acknowledgment. */
    boolean isSimultaneous() {
        return segments.stream()
                .anyMatch(s -> s.fromGuest != begunByGuest && (s.packet.flags() & (SYN | ACK | RST | FIN)) == SYN);
    }

    /**
     * Whether a segment must pass whatever came before, if no RST did: a SYN-ACK of the called side that acknowledges the first or the
     * last SYN, or comes in an open connection where nobody has begun anew; or an ACK from where the first or the last SYN-ACK expects
     * it, that acknowledges that one and nothing beyond.
     */
    boolean mustPass(Packet segment) {
        int flags = segment.flags() & (SYN | ACK | RST | FIN);
        boolean synAck = flags == (SYN | ACK);
        if (reset || !(synAck || flags == ACK) || synAck == isOfBeginner() || (open && !synAck && !synWhenOpen)) {
            return false;
        }
        if (open && synAck && !synWhenOpen) {
            return true;
        }
        if (!synAck && segment.highestAcknowledgment() != segment.acknowledgment()) {
            return false;
        }
        List<Packet> answered = others().stream()
                .filter(p -> (p.flags() & (SYN | ACK | RST | FIN)) == (synAck ? SYN : SYN | ACK))
                .toList();
        return !answered.isEmpty()
                && Stream.of(answered.get(0), answered.get(answered.size() - 1))
                        .filter(p -> synAck
                                || p.acknowledgment()
                                        == answered.get(answered.size() - 1).acknowledgment())
                        .anyMatch(p -> segment.acknowledgment() - p.sequence() > 0
                                && segment.acknowledgment() - p.sequenceEnd() <= 0
                                && (synAck || segment.sequence() == p.acknowledgment()));
    }

    /** Whether a number lies behind a SYN of the receiver, and no further than the data with it. */
    boolean isAcknowledgmentOfSyn(int number) {
        return others().stream()
                .filter(p -> (p.flags() & (SYN | RST)) == SYN)
                .anyMatch(p -> number - p.sequence() > 0 && number - p.sequenceEnd() <= 0);
    }

    /** The largest window announced without its scale; the scale makes it no smaller. */
    static int leastWindow(List<Packet> segments) {
        return segments.stream().mapToInt(Packet::window).max().orElse(0);
    }

    /** Whether a segment, not a SYN, ends right of every window edge that the other side has announced. */
    boolean isBeyondWindow(Packet segment) {
        if ((segment.flags() & SYN) != 0) {
            return false;
        }
        boolean scaled = own().stream().anyMatch(p -> (p.flags() & SYN) != 0 && p.windowScale() >= 0);
        int scale = -1;
        boolean announced = false;
        boolean begun = false;
        for (Segment s : segments) {
            Packet p = s.packet;
            if (!s.passed || !s.isHeeded || s.fromGuest == fromGuest) {
                continue;
            }
            boolean syn = (p.flags() & SYN) != 0;
            if (syn) {
                scale = p.windowScale();
                begun = true;
            }
            if (begun && (p.flags() & ACK) != 0) {
                int shift = syn || !scaled ? 0 : Math.max(0, scale);
                if (segment.sequenceEnd() - p.acknowledgment() - (p.window() << shift) <= 0) {
                    return false;
                }
                announced = true;
            }
        }
        return announced;
    }

    /**
     * Whether a segment ends more than a window right of the edge that the other side has announced since it was open, windows taken
     * without their scale; of its sender's SYN if it has announced none. What began beyond its own edge has announced nothing.
     */
    boolean isBeyondUnscaledWindow(Packet segment) {
        List<Integer> edgesOfOthers = edges(others(), own());
        List<Packet> heeded = others().stream()
                .filter(p -> edgesOfOthers.stream().anyMatch(edge -> p.sequence() - edge <= 0))
                .toList();
        int window = leastWindow(heeded);
        return edges(own(), heeded).stream().allMatch(edge -> segment.sequenceEnd() - edge >= window);
    }

    /** How far a side may send: the ends of its SYNs, and what the other side has announced by acknowledgments, without its scale. */
    private static List<Integer> edges(List<Packet> side, List<Packet> other) {
        Stream<Integer> begun =
                side.stream().filter(p -> (p.flags() & SYN) != 0).map(Packet::sequenceEnd);
        Stream<Integer> announced =
                other.stream().filter(p -> (p.flags() & (SYN | ACK)) == ACK).map(p -> p.acknowledgment() + p.window());
        return Stream.concat(begun, announced).toList();
    }

    /**
     * Whether a segment begins where the last one of its sender ended, and acknowledges the last one of its receiver and, selectively, nothing
     * beyond it, in an open connection.
     */
    boolean goesOn(Packet segment) {
        List<Packet> own = own();
        List<Packet> others = others();
        return open
                && !isEnding()
                && !own.isEmpty()
                && !others.isEmpty()
                && (segment.flags() & (SYN | ACK | RST)) == ACK
                && segment.sequence() == own.get(own.size() - 1).sequenceEnd()
                && segment.acknowledgment() == others.get(others.size() - 1).sequenceEnd()
                && segment.highestAcknowledgment() == segment.acknowledgment();
    }

    /** Whether an acknowledgment, or a selective one with it, lies beyond the end of what the other side has sent last. */
    boolean isAheadOfLast(Packet segment) {
        List<Packet> others = others();
        int acknowledged = segment.highestAcknowledgment();
        return !others.isEmpty()
                && acknowledged - others.get(others.size() - 1).sequenceEnd() > 0
                && others.stream().anyMatch(p -> acknowledged - p.sequenceEnd() <= 0);
    }

    /** Whether it ends more than a window before what its sender has sent, or acknowledges more than 66,000 octets too little. */
    boolean isLate(Packet segment) {
        int window = leastWindow(others());
        return own().stream().anyMatch(p -> p.sequenceEnd() - segment.sequenceEnd() > window)
                || ((segment.flags() & ACK) != 0
                        && others().stream()
                                .anyMatch(p -> p.sequenceEnd() - segment.acknowledgment() > 66_000
                                        || p.sequenceEnd() - segment.highestAcknowledgment() > 66_000));
    }

    /** Whether a segment has the number of its sender's FIN, and that was acknowledged. */
    boolean isNumberOfAcknowledgedFin(Packet segment) {
        return own().stream().anyMatch(p -> p.isSegment(FIN) && p.sequenceEnd() - 1 == segment.sequence())
                && others().stream().anyMatch(p -> p.isSegment(ACK) && p.acknowledgment() - segment.sequence() > 0);
    }

    /** Whether the other side has sent a RST ahead of all else that it has sent. */
    boolean followsResetAhead() {
        List<Packet> others =
                others().stream().dropWhile(p -> !p.isSegment(SYN)).toList();
        return others.stream()
                .anyMatch(r -> r.isSegment(RST)
                        && others.stream().allMatch(p -> p.isSegment(RST) || r.sequenceEnd() - p.sequenceEnd() > 0));
    }
}
