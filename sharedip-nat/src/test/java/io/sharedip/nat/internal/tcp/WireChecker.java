package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * Looks at every segment that one side sends, and at what reaches it, and holds it against RFC 9293: sequence numbers, acknowledgments, the
 * other's window, its own window that never shrinks, and options as agreed. Knows only what is on the wire, and the pattern of octets.
 */
final class WireChecker {

    private final String name;
    private final int seed;

    private boolean begun;
    private int iss;
    private int mss;
    private int highest;
    private boolean finSent;
    private int finEnd;
    private boolean offersTimestamps;
    private boolean offersSack;
    private int ownScale = -1;

    private boolean peerKnown;
    private int peerMss = 536;
    private int peerScale = -1;
    private boolean peerTimestamps;
    private boolean peerSack;
    private int allowed;
    private int peerEnd;
    private boolean acknowledging;
    private int acknowledged;
    private int right;
    private boolean windowShown;

    long segments;
    long retransmitted;
    long octets;

    WireChecker(String name, int seed) {
        this.name = name;
        this.seed = seed;
    }

    /** A segment reaches the side that is looked at. */
    void arrives(Segment s) {
        if (s.has(RST)) {
            return;
        }
        if (s.has(SYN)) {
            if (!peerKnown) {
                peerKnown = true;
                peerMss = s.mss() == 0 ? 536 : s.mss();
                peerScale = s.scale();
                peerTimestamps = s.hasTimestamps();
                peerSack = s.permitsSack();
                peerEnd = s.end();
                allowed = s.has(ACK) ? s.acknowledgment() + s.window() : iss + 1 + s.window();
            }
        }
        if (s.end() - peerEnd > 0) {
            peerEnd = s.end();
        }
        if (s.has(ACK) && !s.has(SYN)) {
            int edge = s.acknowledgment() + (s.window() << (ownScale >= 0 && peerScale >= 0 ? peerScale : 0));
            if (edge - allowed > 0) {
                allowed = edge;
            }
        }
    }

    private void require(boolean condition, String rule, Segment s) {
        if (!condition) {
            throw new AssertionError(name + " breaks the rule: " + rule + ": " + s + ", iss " + (iss & 0xffffffffL)
                    + ", highest " + (highest & 0xffffffffL) + ", allowed " + (allowed & 0xffffffffL) + ", peer's end "
                    + (peerEnd & 0xffffffffL) + ", acknowledged " + (acknowledged & 0xffffffffL) + ", right "
                    + (right & 0xffffffffL));
        }
    }

    /** The side that is looked at sends a segment. */
    void sends(Segment s) {
        segments++;
        require(s.header() >= 20 && s.header() <= s.octets.length, "data offset", s);
        s.option(99);
        if (s.has(RST)) {
            return;
        }
        if (s.has(SYN)) {
            syn(s);
            return;
        }
        require(begun, "SYN first", s);
        require(s.has(ACK), "every segment after the SYN acknowledges", s);
        boolean timestamps = offersTimestamps && peerTimestamps;
        require(s.hasTimestamps() == timestamps, "timestamps in all segments or none", s);
        sequence(s);
        acknowledgment(s);
        window(s);
        sacks(s);
    }

    private void syn(Segment s) {
        if (!begun) {
            begun = true;
            iss = s.sequence();
            highest = iss + 1;
            mss = s.mss();
            offersTimestamps = s.hasTimestamps();
            offersSack = s.permitsSack();
            ownScale = s.scale();
        }
        require(s.sequence() == iss, "the SYN has always the same number", s);
        require(s.length() == 0, "the SYN has no octets", s);
        require(s.mss() == mss && s.mss() >= 536, "MSS", s);
        if (s.has(ACK)) {
            require(!s.hasTimestamps() || peerTimestamps, "timestamps only if offered", s);
            require(s.scale() < 0 || peerScale >= 0, "scale only if offered", s);
            require(!s.permitsSack() || peerSack, "SACK only if offered", s);
            ownScale = s.scale();
            offersSack = s.permitsSack();
            offersTimestamps = s.hasTimestamps();
            acknowledgment(s);
            int edge = s.acknowledgment() + s.window();
            right = edge - right > 0 || !windowShown ? edge : right;
            windowShown = true;
        }
    }

    private void sequence(Segment s) {
        boolean probe = s.length() == 0 && !s.has(FIN);
        int start = s.sequence();
        require(start - highest <= 0, "no gap", s);
        require(probe || start - iss > 0, "octets begin behind the SYN", s);
        require(s.end() - allowed <= 0 || s.end() - highest <= 0, "nothing beyond the window", s);
        require(s.length() + s.header() - 20 <= Math.max(88, peerMss), "no more than the MSS", s);
        byte[] o = s.octets;
        long position = (start - iss - 1) & 0xffffffffL;
        for (int i = 0; i < s.length(); i++) {
            if (o[s.header() + i] != MemoryStream.octet(seed, position + i)) {
                require(false, "octet " + (position + i) + " as the stream said it", s);
            }
        }
        if (start - highest < 0 && !probe) {
            retransmitted++;
        }
        if (s.has(FIN)) {
            require(!finSent || s.end() == finEnd, "FIN stays where it is", s);
            finSent = true;
            finEnd = s.end();
        }
        require(!finSent || s.end() - finEnd <= 0, "nothing behind FIN", s);
        if (s.end() - highest > 0) {
            octets += s.length();
            highest = s.end();
        }
    }

    private void acknowledgment(Segment s) {
        require(peerKnown, "nothing to acknowledge", s);
        require(s.acknowledgment() - peerEnd <= 0, "acknowledges only what has come", s);
        require(!acknowledging || s.acknowledgment() - acknowledged >= 0, "acknowledgments never go back", s);
        acknowledging = true;
        acknowledged = s.acknowledgment();
    }

    private void window(Segment s) {
        int scale = ownScale >= 0 && peerScale >= 0 ? ownScale : 0;
        int edge = s.acknowledgment() + (s.window() << scale);
        require(!windowShown || edge - right > -(1 << scale), "the window never shrinks, but for rounding", s);
        right = edge - right > 0 || !windowShown ? edge : right;
        windowShown = true;
    }

    private void sacks(Segment s) {
        if (s.option(5) < 0) {
            return;
        }
        require(offersSack && peerSack, "SACK only if agreed", s);
        boolean first = true;
        int blocks = 0;
        for (int[] block : s.sacks()) {
            blocks++;
            require(block[1] - block[0] > 0, "a block is not empty", s);
            require(block[1] - peerEnd <= 0, "a block has come", s);
            require(first || block[0] - s.acknowledgment() > 0, "a block is above the acknowledgment", s);
            first = false;
        }
        assertThat(blocks).isBetween(1, 4);
    }
}
