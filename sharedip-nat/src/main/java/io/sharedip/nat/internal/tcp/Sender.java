package io.sharedip.nat.internal.tcp;

import io.sharedip.packet.Octets;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What goes to the guest: the octets of the stream in a ring, what of them may be sent, and what has been lost.
 *
 * <p>Loss is told by selective acknowledgments (RFC 6675, with limited transmit, RFC 3042), or without them by duplicate acknowledgments
 * (RFC 5681, RFC 6582), or by the timer (RFC 6298). All three come to two numbers: everything before {@code lossEdge} that is not
 * acknowledged counts as lost, and is sent again from {@code retransmit} upwards; what is in flight is the rest.
 */
final class Sender {

    private static final int DUPLICATE_THRESHOLD = 3;

    private enum Mode {
        OPEN,
        FAST_RECOVERY,
        LOSS
    }

    final RetransmissionTimeout timeout = new RetransmissionTimeout();
    final Congestion congestion = new Congestion();

    /** SND.UNA. */
    int unacknowledged;

    /** One more than the largest sequence number sent. */
    int sent;

    /** What {@link #choose} chose. */
    int chosenSequence;

    int chosenLength;
    boolean chosenFin;

    private final TcpShared shared;
    private final OctetRing ring = new OctetRing();
    /** One more than the last octet from the stream. */
    private int end;

    private boolean finQueued;
    private boolean finSent;

    private int allowed;
    private int windowSequence;
    private int windowAcknowledgment;
    private int window;
    private int largestWindow;
    private int scale;
    /** The most octets of options and payload together. */
    private int mss;
    /** Octets of options in every segment. */
    private int optionLength;

    private boolean sacking;
    private @Nullable SequenceRanges sacked;
    private Mode mode = Mode.OPEN;
    private int retransmit;
    private int lossEdge;
    private int recover;
    /** Duplicate acknowledgments may be the echo of a timeout's retransmissions (RFC 6582 section 4.1). */
    private boolean careful;

    private int duplicates;
    private boolean force;

    private boolean timing;
    private int timedSequence;
    private long timedSince;
    private boolean idle;
    private long idleSince;

    /** Octets that may be in the ring or asked of the stream. */
    private int limit = TcpShared.BASE_RING;

    private int asked;

    Sender(TcpShared shared, int initialSequence) {
        this.shared = shared;
        unacknowledged = initialSequence;
        sent = initialSequence;
        end = initialSequence + 1;
        retransmit = initialSequence;
        lossEdge = initialSequence;
    }

    // ------------------------------------------------------------------------------------------------ the handshake

    void agree(int mss, int optionLength, int scale, boolean sacking) {
        this.mss = mss;
        this.optionLength = optionLength;
        this.scale = scale;
        this.sacking = sacking;
        congestion.begin(segment());
    }

    /** The SYN is acknowledged. */
    void established(int sequence, int acknowledgment, int octets, boolean synRetransmitted) {
        unacknowledged = acknowledgment;
        retransmit = acknowledgment;
        lossEdge = acknowledgment;
        window = octets;
        largestWindow = octets;
        allowed = acknowledgment + octets;
        windowSequence = sequence;
        windowAcknowledgment = acknowledgment;
        timeout.forgetBackoff();
        if (synRetransmitted) {
            timeout.synWasRetransmitted();
            congestion.synWasLost();
        }
    }

    int scaled(int field) {
        return field << scale;
    }

    /** SMSS: the most payload of a segment without selective acknowledgments. */
    int segment() {
        return mss - optionLength;
    }

    int mss() {
        return mss;
    }

    // ------------------------------------------------------------------------------------------------ the stream's
    // side

    /** Octets from the stream, as many as were asked for at most. */
    void add(ByteBuffer octets) {
        int length = octets.remaining();
        int used = end - unacknowledged;
        ring.ensure(shared.pool, unacknowledged, used, used + length);
        ring.put(end, octets, length);
        end += length;
        asked -= length;
    }

    void addFin() {
        finQueued = true;
    }

    /** Asks the stream for what there is room for. */
    void replenish(HostStream stream) {
        if (finQueued) {
            return;
        }
        int free = limit - (end - unacknowledged) - asked;
        // not all that fits: what has been asked for cannot be taken back when the ring is to shrink
        int more = Math.min(free, TcpShared.BASE_RING - asked);
        if (more >= TcpShared.BASE_RING / 4) {
            asked += more;
            stream.request(more);
        }
    }

    private void growIfTheRingLimits(int flightBefore) {
        if (flightBefore >= limit - limit / 4
                && sent - end >= 0
                && limit < shared.largestRing
                && shared.pool.reserve(limit)) {
            limit *= 2;
        }
    }

    /** Gives memory back, when nothing has been sent for a while. */
    void shrink() {
        if (end - unacknowledged <= 0) {
            ring.release(shared.pool);
            shared.pool.unreserve(limit - TcpShared.BASE_RING);
            limit = TcpShared.BASE_RING;
        }
    }

    void release() {
        ring.release(shared.pool);
        shared.pool.unreserve(limit - TcpShared.BASE_RING);
        limit = TcpShared.BASE_RING;
        sacked = null;
    }

    int memory() {
        return ring.capacity();
    }

    // ------------------------------------------------------------------------------------------------ what is in
    // flight

    int flight() {
        return sent - unacknowledged;
    }

    /** Whether octets or FIN wait to be sent for the first time. */
    boolean hasUnsent() {
        return end - sent > 0 || (finQueued && !finSent);
    }

    boolean hasLost() {
        return lossEdge - retransmit > 0;
    }

    boolean finIsAcknowledged() {
        return finSent && unacknowledged - end > 0;
    }

    /** Whether all is sent and acknowledged. */
    boolean isQuiet() {
        return sent == unacknowledged && !hasUnsent();
    }

    private int coveredBySacks(int from, int to) {
        SequenceRanges s = sacked;
        return s == null ? 0 : s.covered(from, to);
    }

    /** RFC 6675 section 4, SetPipe; without selective acknowledgments every duplicate one stands for a segment that has left. */
    private int pipe() {
        int pipe = sent - unacknowledged;
        if (pipe == 0) {
            return 0;
        }
        SequenceRanges s = sacked;
        pipe -= s != null ? s.octets() : Math.min(duplicates, 1 << 14) * segment();
        if (lossEdge - retransmit > 0) {
            pipe -= lossEdge - retransmit - coveredBySacks(retransmit, lossEdge);
        }
        return Math.max(0, pipe);
    }

    // ------------------------------------------------------------------------------------------------ acknowledgments

    /**
     * Takes an acknowledgment that is not beyond what was sent.
     *
     * @param octets of the window
     * @param empty whether the segment has no payload, SYN or FIN
     * @param echoNanos how old the timestamp is that it echoes, or -1
     * @return whether it acknowledges something new
     */
    boolean acknowledge(
            int acknowledgment,
            int sequence,
            int octets,
            boolean empty,
            TcpOptions options,
            byte[] segment,
            long echoNanos,
            long now) {
        boolean sameWindow = octets == window;
        boolean news = options.sackBlocks > 0 && sacking && readSacks(options, segment, acknowledgment);
        updateWindow(acknowledgment, sequence, octets);
        int acked = acknowledgment - unacknowledged;
        if (acked > 0) {
            advance(acknowledgment, acked, echoNanos, now);
            return true;
        }
        if (acked == 0 && flight() > 0 && (news || (!sacking && empty && sameWindow))) {
            duplicate();
        }
        return false;
    }

    /** RFC 9293 section 3.10.7.4: only a newer segment moves the window. */
    private void updateWindow(int acknowledgment, int sequence, int octets) {
        int newer = sequence - windowSequence;
        if (newer > 0 || (newer == 0 && acknowledgment - windowAcknowledgment >= 0)) {
            windowSequence = sequence;
            windowAcknowledgment = acknowledgment;
            window = octets;
            allowed = acknowledgment + octets;
            if (octets > largestWindow) {
                largestWindow = octets;
            }
        }
    }

    private boolean readSacks(TcpOptions options, byte[] segment, int acknowledgment) {
        SequenceRanges s = sacked;
        if (s == null) {
            sacked = s = new SequenceRanges();
        }
        int before = s.octets();
        for (int i = 0; i < options.sackBlocks; i++) {
            int start = Octets.i32(segment, options.sackAt + 8 * i);
            int stop = Octets.i32(segment, options.sackAt + 8 * i + 4);
            // what is acknowledged already was received twice (RFC 2883), and what was never sent is nonsense
            if (stop - start > 0 && start - acknowledgment > 0 && start - unacknowledged > 0 && stop - sent <= 0) {
                s.add(start, stop);
            }
        }
        return s.octets() > before;
    }

    private void advance(int acknowledgment, int acked, long echoNanos, long now) {
        int flightBefore = flight();
        if (timing && acknowledgment - timedSequence > 0) {
            timing = false;
            timeout.measured(now - timedSince);
        } else if (!timing && echoNanos >= 0) {
            timeout.measured(echoNanos);
        } else {
            timeout.progressed();
        }
        growIfTheRingLimits(flightBefore);
        unacknowledged = acknowledgment;
        SequenceRanges s = sacked;
        if (s != null) {
            s.removeBelow(acknowledgment);
        }
        if (careful && acknowledgment - recover > 0) {
            careful = false;
        }
        retransmit = retransmit - acknowledgment < 0 ? acknowledgment : retransmit;
        lossEdge = lossEdge - acknowledgment < 0 ? acknowledgment : lossEdge;
        switch (mode) {
            case OPEN -> {
                duplicates = 0;
                congestion.acknowledged(acked, flightBefore);
                if (s != null && s.count() > 0) {
                    findLoss();
                }
            }
            case FAST_RECOVERY -> partly(acknowledgment, acked);
            case LOSS -> {
                duplicates = 0;
                congestion.acknowledged(acked, flightBefore);
                if (acknowledgment - recover >= 0) {
                    mode = Mode.OPEN;
                }
            }
        }
        if (flight() == 0 && !hasUnsent()) {
            idle = true;
            idleSince = now;
        }
    }

    private void partly(int acknowledgment, int acked) {
        if (acknowledgment - recover >= 0) {
            mode = Mode.OPEN;
            duplicates = 0;
            lossEdge = acknowledgment;
            retransmit = acknowledgment;
            congestion.recovered(flight());
        } else if (sacking) {
            raiseLossEdge();
        } else {
            // RFC 6582 section 3.2, step 3: what comes next is lost too
            duplicates = Math.max(0, duplicates - acked / segment());
            retransmit = acknowledgment;
            lossEdge = earlier(acknowledgment + segment(), sent);
            force = true;
        }
    }

    private static int earlier(int a, int b) {
        return a - b < 0 ? a : b;
    }

    private void duplicate() {
        duplicates++;
        if (mode == Mode.OPEN) {
            findLoss();
        } else if (sacking) {
            raiseLossEdge();
        }
    }

    private void findLoss() {
        raiseLossEdge();
        boolean lost = lossEdge - unacknowledged > 0 || duplicates >= DUPLICATE_THRESHOLD;
        if (!lost || (careful && !sacking)) {
            lossEdge = unacknowledged;
            return;
        }
        mode = Mode.FAST_RECOVERY;
        recover = sent;
        retransmit = unacknowledged;
        SequenceRanges s = sacked;
        int first = earlier(unacknowledged + segment(), sent);
        if (s != null) {
            first = s.nextStart(unacknowledged, first);
        }
        lossEdge = lossEdge - first > 0 ? lossEdge : first;
        congestion.fastRecovery(flight());
        force = true;
    }

    /** RFC 6675 section 4, IsLost: three ranges above, or more octets than two segments. */
    private void raiseLossEdge() {
        SequenceRanges s = sacked;
        if (s == null) {
            return;
        }
        int octets = 0;
        int most = (DUPLICATE_THRESHOLD - 1) * segment();
        int count = s.count();
        for (int i = count - 1; i >= 0; i--) {
            octets += s.end(i) - s.start(i);
            if (count - i >= DUPLICATE_THRESHOLD || octets > most) {
                if (s.start(i) - lossEdge > 0) {
                    lossEdge = s.start(i);
                }
                return;
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ timers

    /** The retransmission timer has expired (RFC 6298 section 5, RFC 6675 section 5.1). */
    void timedOut() {
        boolean first = mode != Mode.LOSS;
        congestion.timeout(flight(), first);
        mode = Mode.LOSS;
        recover = sent;
        careful = true;
        duplicates = 0;
        timing = false;
        force = true;
        SequenceRanges s = sacked;
        // RFC 2018 section 8: the guest may have thrown away what it had acknowledged selectively
        if (s != null && (!first || (s.count() > 0 && s.start(0) == unacknowledged))) {
            s.clear();
        }
        retransmit = unacknowledged;
        lossEdge = sent;
        timeout.backOff();
    }

    /** Let the persist timer's probe carry what the window allows, however little. */
    boolean forceIntoWindow() {
        force = allowed - sent > 0;
        return force;
    }

    /** A router on the way cannot pass segments of this size: what is in flight goes again, smaller (RFC 1191). */
    void shrinkSegments(int octets) {
        mss = octets;
        congestion.segment(segment());
        if (flight() > 0) {
            retransmit = unacknowledged;
            lossEdge = sent;
            recover = sent;
            careful = true;
            if (mode == Mode.OPEN) {
                mode = Mode.LOSS;
            }
            timing = false;
            force = true;
        }
    }

    // ------------------------------------------------------------------------------------------------ sending

    /**
     * Chooses the next segment with payload or FIN.
     *
     * @param most payload that fits
     * @return false if there is nothing to be sent now
     */
    boolean choose(int most, long now) {
        if (lossEdge - retransmit > 0 && chooseLost(most)) {
            return true;
        }
        return chooseNew(most, now) || (mode == Mode.FAST_RECOVERY && chooseDoubtful(most));
    }

    /** RFC 6675 section 4, NextSeg rule 3: nothing else is to be sent, so what is only likely to be lost goes again. */
    private boolean chooseDoubtful(int most) {
        SequenceRanges s = sacked;
        if (s == null || s.count() == 0) {
            return false;
        }
        int edge = s.start(s.count() - 1);
        if (edge - lossEdge <= 0) {
            return false;
        }
        lossEdge = edge;
        return lossEdge - retransmit > 0 && chooseLost(most);
    }

    private boolean chooseLost(int most) {
        SequenceRanges s = sacked;
        if (s != null) {
            retransmit = s.skip(retransmit);
            if (lossEdge - retransmit <= 0) {
                return false;
            }
        }
        if (!force && pipe() + segment() > congestion.window() && pipe() > 0) {
            return false;
        }
        int stop = earlier(lossEdge, retransmit + most);
        if (s != null) {
            stop = s.nextStart(retransmit, stop);
        }
        // a guest may have taken its window back, but must answer the first octets it lacks
        if (retransmit != unacknowledged) {
            stop = earlier(stop, allowed);
            if (stop - retransmit <= 0) {
                return false;
            }
        }
        chosenSequence = retransmit;
        boolean fin = finSent && stop - end >= 0 && lossEdge - end > 0;
        chosenLength = Math.max(0, earlier(stop, end) - retransmit);
        chosenFin = fin && chosenSequence + chosenLength == end;
        return true;
    }

    private boolean chooseNew(int most, long now) {
        int waiting = end - sent;
        int usable = allowed - sent;
        boolean fin = finQueued && !finSent;
        if ((waiting <= 0 && !fin) || usable <= 0) {
            return false;
        }
        int length = Math.min(Math.min(waiting, usable), most);
        // sender's silly window syndrome, RFC 9293 section 3.8.6.2.1; nothing waits for acknowledgments (no Nagle)
        if (length < waiting && length < most && length < largestWindow / 2 && !force) {
            return false;
        }
        if (idle && flight() == 0) {
            idle = false;
            if (now - idleSince > timeout.nanos()) {
                congestion.restart();
            }
        }
        int pipe = pipe();
        if (pipe > 0 && pipe + length > congestion.window()) {
            congestion.limits();
            return false;
        }
        chosenSequence = sent;
        chosenLength = length;
        chosenFin = fin && length == waiting && usable > length;
        return length > 0 || chosenFin;
    }

    /** What was chosen is on its way. */
    void chosenIsSent(byte[] octets, int at, long now) {
        int length = chosenLength;
        if (length > 0) {
            ring.get(chosenSequence, octets, at, length);
        }
        int stop = chosenSequence + length + (chosenFin ? 1 : 0);
        force = false;
        if (chosenSequence == sent) {
            sent = stop;
            finSent |= chosenFin;
            if (!timing) {
                timing = true;
                timedSequence = chosenSequence;
                timedSince = now;
            }
        } else {
            retransmit = stop;
            // Karn: a segment that was sent twice measures nothing
            timing &= chosenSequence - timedSequence > 0 || stop - timedSequence <= 0;
        }
    }

    /** Whether what is sent ends with the last octet there is. */
    boolean chosenIsLast() {
        return chosenSequence + chosenLength == end;
    }
}
