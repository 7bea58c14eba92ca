package io.sharedip.nat.internal.flow;

import static io.sharedip.nat.internal.flow.FlowTable.BY_GUEST;
import static io.sharedip.nat.internal.flow.FlowTable.FIN_IN;
import static io.sharedip.nat.internal.flow.FlowTable.FIN_OUT;
import static io.sharedip.nat.internal.flow.FlowTable.SIMULTANEOUS;
import static io.sharedip.nat.internal.flow.FlowTable.SYN_ACKED;
import static io.sharedip.nat.internal.flow.FlowTable.SYN_IN;
import static io.sharedip.nat.internal.flow.FlowTable.SYN_OUT;
import static io.sharedip.nat.internal.flow.FlowTable.TRACKED_MASK;
import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;
import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;

import io.sharedip.packet.TcpView;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.TrackedState;
import org.jspecify.annotations.Nullable;

/**
 * What a TCP segment may do to a flow, and does (RFC 7857 section 2, RFC 6146 section 3.5.2, RFC 5961). {@link #judge} looks at a
 * segment and changes nothing; {@link #commit} lets the flow remember it once nothing else stands in its way. So a dropped segment
 * leaves no trace.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>segment</th><th>next</th></tr>
 * <tr><td>half-open</td><td>SYN of who began, or of both (simultaneous open)</td><td>half-open</td></tr>
 * <tr><td>half-open</td><td>SYN-ACK that acknowledges the other side's SYN</td><td>half-open</td></tr>
 * <tr><td>half-open</td><td>in window, of who began, after the SYN-ACK; or of both, if they began simultaneously</td>
 *     <td>established</td></tr>
 * <tr><td>half-open</td><td>RST that acknowledges the SYN, or is exact</td><td>reset</td></tr>
 * <tr><td>established</td><td>FIN in window</td><td>half-closed</td></tr>
 * <tr><td>half-closed</td><td>FIN of the other side in window</td><td>closed</td></tr>
 * <tr><td>established, half-closed</td><td>RST with exactly the number that its receiver expects, or that of its sender's FIN</td>
 *     <td>reset</td></tr>
 * <tr><td>any</td><td>RST that refuses a SYN which began anew</td><td>reset</td></tr>
 * <tr><td>established, half-closed</td><td>RST in window; SYN; SYN-ACK of who was called</td>
 *     <td>unchanged, forwarded for the receiver to challenge</td></tr>
 * <tr><td>established to reset</td><td>SYN-ACK that acknowledges a SYN which began anew</td><td>half-open</td></tr>
 * <tr><td>closed, reset</td><td>SYN of who began</td><td>half-open, as if new</td></tr>
 * <tr><td>any</td><td>out of window</td><td>unchanged, dropped</td></tr>
 * </table>
 *
 * <p><b>Windows.</b> A tracker in the middle sees every segment that passes, but not which of them arrive. So it knows for each side
 * the highest sequence number sent ({@code end}), the highest that the other side has allowed ({@code maxEnd}), the largest window
 * announced, and the highest acknowledgment sent. A segment is in window if it (1) starts no later than its sender is allowed to,
 * (2) ends no earlier than one window of its receiver before what its sender has sent, (3) acknowledges nothing that the other side
 * has not sent, and (4) acknowledges no less than one window of its sender, or 66,000 octets, before that. A selective acknowledgment
 * counts as an acknowledgment of its highest edge. (G. van Rooij, "Real Stateful TCP Packet Filtering in IP Filter", has the theory.)
 *
 * <p>Numbers are compared by subtraction. Confined to the engine's thread; one judgment is remembered until the next.
 */
public final class TcpTracker {

    public static final int UNREPLIED = TrackedState.UNREPLIED.ordinal();
    public static final int REPLIED = TrackedState.REPLIED.ordinal();
    public static final int HALF_OPEN = TrackedState.HALF_OPEN.ordinal();
    public static final int ESTABLISHED = TrackedState.ESTABLISHED.ordinal();
    public static final int HALF_CLOSED = TrackedState.HALF_CLOSED.ordinal();
    public static final int CLOSED = TrackedState.CLOSED.ordinal();
    public static final int RESET = TrackedState.RESET.ordinal();

    private static final int HISTORY = SYN_OUT | SYN_IN | FIN_OUT | FIN_IN | SYN_ACKED | SIMULTANEOUS | TRACKED_MASK;
    private static final int BOTH_SYNS = SYN_OUT | SYN_IN;

    private static final int LEAST_ACK_WINDOW = 66_000;
    private static final int MOST_WINDOW = 1 << 30;
    /** RFC 7323 section 2.3. */
    private static final int MOST_SCALE = 14;

    // FlowTable.tcpBits; those of the guest, and one bit (four bits of a scale) higher those of the peer
    public static final int SCALE = 0xf;
    public static final int SCALE_BITS = 4;
    public static final int SCALE_OFFERED = 1 << 8;
    private static final int BOTH_SCALES = SCALE_OFFERED | SCALE_OFFERED << 1;
    public static final int HAS_ACKED = 1 << 10;
    public static final int SACK_PERMITTED = 1 << 12;
    /**
     * The sides may not agree on which connection this is: a SYN was answered by an ACK, as by one who knows an older connection; or a SYN
     * or SYN-ACK of another number than the first has come, which {@link Renewals} knows.
     */
    public static final int UNSETTLED = 1 << 14;
    /** Picked up in mid-stream: what is out of window may be a sign of how little is known. */
    public static final int LIBERAL = 1 << 15;

    private static final int OPTION_END = 0;
    private static final int OPTION_NOP = 1;
    private static final int OPTION_WINDOW_SCALE = 3;
    private static final int OPTION_SACK_PERMITTED = 4;
    private static final int OPTION_SACK = 5;
    /** Two NOPs and a timestamp: what most segments bear, and nothing else. */
    private static final int ALIGNED_TIMESTAMP = 0x0101080a;

    private final FlowTable table;
    private final Renewals renewals;
    private final boolean windowChecks;
    private final boolean midStreamPickup;

    // the segment at hand
    private int flow;
    private boolean out;
    private int flags;
    private int seq;
    private int end;
    private int ack;
    private int sack;
    private int window;

    // what the flow will remember
    private int state;
    private int bits;
    private int senderEnd;
    private int senderMaxEnd;
    private int senderWindow;
    private int senderAck;
    private int receiverEnd;
    private int receiverMaxEnd;
    private int receiverWindow;
    private int receiverAck;
    private boolean learnt;
    private boolean genuine;

    /**
     * Makes a tracker.
     *
     * @param table of the flows
     * @param windowChecks whether sequence numbers count; if not, flags alone do
     * @param midStreamPickup whether a guest's segment without SYN may be a flow's first
     */
    public TcpTracker(FlowTable table, boolean windowChecks, boolean midStreamPickup) {
        this(table, new Renewals(), windowChecks, midStreamPickup);
    }

    private TcpTracker(FlowTable table, Renewals renewals, boolean windowChecks, boolean midStreamPickup) {
        this.table = table;
        this.renewals = renewals;
        this.windowChecks = windowChecks;
        this.midStreamPickup = midStreamPickup;
    }

    /** Another tracker of the same flows, with a judgment of its own. */
    public TcpTracker another() {
        return new TcpTracker(table, renewals, windowChecks, midStreamPickup);
    }

    /** Whether flags are a combination that a TCP sends: SYN, SYN-ACK, RST, or ACK with or without FIN. */
    public static boolean sensible(int flags) {
        if ((flags & (SYN | ACK | RST)) == 0) {
            return false;
        }
        if ((flags & SYN) != 0) {
            return (flags & (RST | FIN)) == 0 && (flags & (ACK | TcpView.URG)) != (ACK | TcpView.URG);
        }
        if ((flags & RST) != 0) {
            return (flags & (FIN | TcpView.URG)) == 0;
        }
        return true;
    }

    /** Whether flags begin a connection. */
    public static boolean begins(int flags) {
        return (flags & (SYN | ACK | RST | FIN)) == SYN;
    }

    /** Whether flags may be seen first of a connection that is picked up in mid-stream. */
    public static boolean continues(int flags) {
        return (flags & (SYN | ACK | RST | FIN)) == ACK;
    }

    /** Whether a flow has ended, so that a SYN begins another. */
    public static boolean hasEnded(int state) {
        int tracked = state & TRACKED_MASK;
        return tracked == CLOSED || tracked == RESET;
    }

    /**
     * Judges a segment of a flow.
     *
     * @param flow it belongs to
     * @param fromGuest whether the guest sent it
     * @param a the frame's octets
     * @param at index of the TCP header, which is sound and has {@linkplain #sensible sensible} flags
     * @param length of header and data
     * @return why it is to be dropped, or null
     */
    public @Nullable DropReason judge(int flow, boolean fromGuest, byte[] a, int at, int length) {
        this.flow = flow;
        out = fromGuest;
        flags = u8(a, at + 13);
        state = table.state(flow);
        learnt = false;
        genuine = true;
        if (!windowChecks) {
            genuine = (flags & RST) == 0;
            state = next(state, flags, fromGuest);
            return null;
        }
        load(flow);
        int header = u8(a, at + 12) >>> 4 << 2;
        seq = i32(a, at + 4);
        end = seq + length - header + (flags >>> 1 & 1) + (flags & 1);
        ack = i32(a, at + 8);
        window = u16(a, at + 14);
        sack = ack;
        int tracked = state & TRACKED_MASK;
        if ((flags & (SYN | RST)) != 0 || tracked == HALF_OPEN) {
            return judgeUnusual(a, at, header, tracked);
        }
        if (header > TcpView.MIN_LENGTH && (bits & receivers(SACK_PERMITTED)) != 0) {
            readSack(a, at, header);
        }
        DropReason why = track();
        if (why == null && (flags & FIN) != 0 && genuine && !hasEnded(state)) {
            finish();
        }
        return why;
    }

    /** The flow's state after the segment that was judged last. */
    public int state() {
        return state;
    }

    /**
     * Whether the segment that was judged last shows that its sender is part of the connection, so that it keeps the flow alive. A RST
     * does not (RFC 7857 section 6), nor does what is forwarded only for its receiver to judge.
     */
    public boolean keepsAlive() {
        return genuine;
    }

    /** Whether the segment that was judged last was a RST. */
    public boolean isReset() {
        return (flags & RST) != 0;
    }

    /** Lets a flow remember what the segment that was judged last has told about windows; its state is its owner's to write. */
    public void commit(int flow) {
        if (!learnt) {
            return;
        }
        final FlowTable t = table;
        t.tcpSent(flow, out, senderEnd, senderMaxEnd);
        t.tcpSent(flow, !out, receiverEnd, receiverMaxEnd);
        t.tcpMaxWindows(flow, out ? senderWindow : receiverWindow, out ? receiverWindow : senderWindow);
        t.tcpMaxAck(flow, out, senderAck);
        t.tcpMaxAck(flow, !out, receiverAck);
        t.tcpBits(flow, bits);
    }

    private void load(int flow) {
        final FlowTable t = table;
        boolean in = !out;
        bits = t.tcpBits(flow);
        senderEnd = t.tcpEnd(flow, out);
        senderMaxEnd = t.tcpMaxEnd(flow, out);
        senderWindow = t.tcpMaxWindow(flow, out);
        senderAck = t.tcpMaxAck(flow, out);
        receiverEnd = t.tcpEnd(flow, in);
        receiverMaxEnd = t.tcpMaxEnd(flow, in);
        receiverWindow = t.tcpMaxWindow(flow, in);
        receiverAck = t.tcpMaxAck(flow, in);
    }

    /** A bit of the guest's that the sender has, if it is another. */
    private int senders(int bit) {
        return out ? bit : bit << 1;
    }

    private int receivers(int bit) {
        return out ? bit << 1 : bit;
    }

    private int senderScale() {
        return (bits & BOTH_SCALES) == BOTH_SCALES ? bits >>> (out ? 0 : 4) & SCALE : 0;
    }

    private boolean isOfInitiator() {
        return out == ((state & BY_GUEST) != 0);
    }

    // --------------------------------------------------------------------------------------------- a segment in
    // mid-stream

    /** Judges sequence and acknowledgment numbers, and learns from them if they are right. */
    private @Nullable DropReason track() {
        int scaled = (flags & SYN) != 0 ? window : window << senderScale();
        if (senderWindow == 0) {
            meet(scaled);
        }
        if (seq - senderMaxEnd > 0 || (receiverWindow != 0 && end - senderEnd + receiverWindow < 0)) {
            return outside(DropReason.TCP_WINDOW);
        }
        int behind = receiverEnd - sack;
        if (behind < 0 || behind > Math.max(LEAST_ACK_WINDOW, senderWindow)) {
            return outside(DropReason.TCP_ACKNOWLEDGMENT);
        }
        learn(scaled);
        return null;
    }

    private @Nullable DropReason outside(DropReason reason) {
        genuine = false;
        return (bits & LIBERAL) != 0 ? null : reason;
    }

    /** The first segment that is seen of a side, and not its SYN: takes the numbers as they are. */
    private void meet(int scaled) {
        senderEnd = end;
        senderWindow = Math.max(1, scaled);
        senderMaxEnd = end + senderWindow;
        if (receiverWindow == 0) {
            receiverEnd = sack;
            receiverMaxEnd = sack;
        } else if (sack == receiverEnd + 1) {
            // the answer to a keep-alive that was sent before
            receiverEnd = sack;
        }
    }

    private void learn(int scaled) {
        learnt = true;
        senderWindow = Math.max(senderWindow, Math.min(MOST_WINDOW, scaled + (sack - ack)));
        int beyond = end - senderMaxEnd;
        if (beyond > 0 && receiverWindow != 0) {
            receiverWindow = Math.min(MOST_WINDOW, receiverWindow + beyond);
        }
        if (end - senderEnd > 0) {
            senderEnd = end;
        }
        int acked = senders(HAS_ACKED);
        if ((bits & acked) == 0 || ack - senderAck > 0) {
            senderAck = ack;
            bits |= acked;
        }
        int allowed = sack + scaled;
        if (allowed - receiverMaxEnd >= 0) {
            // a closed window is probed with one octet
            receiverMaxEnd = scaled == 0 ? allowed + 1 : allowed;
        }
    }

    private void finish() {
        state |= out ? FIN_OUT : FIN_IN;
        if ((state & TRACKED_MASK) != HALF_OPEN) {
            open();
        }
    }

    /** The state of a connection past its handshake, by which sides have sent a FIN. */
    private void open() {
        int fins = state & (FIN_OUT | FIN_IN);
        state = with(state, fins == 0 ? ESTABLISHED : fins == (FIN_OUT | FIN_IN) ? CLOSED : HALF_CLOSED);
    }

    private static int with(int state, int tracked) {
        return (state & ~TRACKED_MASK) | tracked;
    }

    // --------------------------------------------------------------------------------------------- SYN, RST, handshake

    private @Nullable DropReason judgeUnusual(byte[] a, int at, int header, int tracked) {
        if ((flags & RST) != 0) {
            genuine = false;
            if (refusesRenewal()) {
                state = with(state, RESET);
                return null;
            }
            return tracked == HALF_OPEN ? resetHalfOpen() : reset();
        }
        if (begins(flags)) {
            return syn(a, at, header, tracked);
        }
        if (tracked != HALF_OPEN) {
            return lateSynAck(a, at, header);
        }
        return (flags & SYN) != 0 ? synAck(a, at, header) : shakeHands(a, at, header);
    }

    private @Nullable DropReason syn(byte[] a, int at, int header, int tracked) {
        int mark = out ? SYN_OUT : SYN_IN;
        if (hasEnded(state) && isOfInitiator()) {
            state = (state & ~HISTORY) | HALF_OPEN | mark;
            forget();
            begin(a, at, header);
            return null;
        }
        if (tracked != HALF_OPEN) {
            // the receiver knows whether the connection is another one already, and will challenge it if not (RFC 5961
            // section 4)
            genuine = false;
            if (isOfInitiator()) {
                noteRenewal(a, at, header);
            }
            return null;
        }
        int seen = state & BOTH_SYNS;
        if (seen == 0 && !isOfInitiator()) {
            genuine = false;
            return DropReason.TCP_STATE;
        }
        if (isOfInitiator() && (seen & mark) != 0 && (seen == BOTH_SYNS || seq + 1 != senderAck)) {
            // begun anew, or one of the two is forged: the SYN-ACK will tell
            genuine = seen != BOTH_SYNS;
            noteRenewal(a, at, header);
            return null;
        }
        if (seen == BOTH_SYNS) {
            genuine = false;
            return null;
        }
        if (seen != mark && seen != 0) {
            state |= SIMULTANEOUS;
        }
        state |= mark;
        begin(a, at, header);
        return null;
    }

    private void forget() {
        bits = 0;
        receiverEnd = 0;
        receiverMaxEnd = 0;
        receiverWindow = 0;
        receiverAck = 0;
    }

    /** Takes the numbers and the options of a SYN. Its window is never scaled (RFC 7323 section 2.2). */
    private void begin(byte[] a, int at, int header) {
        learnt = true;
        senderEnd = end;
        // who answers a SYN may send data before that is acknowledged (RFC 7413), as much as it has announced
        senderMaxEnd = end + receiverWindow;
        senderWindow = Math.max(1, window);
        // until it acknowledges something: where its data begin
        senderAck = seq + 1;
        int own = senders(SCALE_OFFERED) | senders(HAS_ACKED) | senders(SACK_PERMITTED) | SCALE << (out ? 0 : 4);
        bits = (bits & ~own) | options(a, at, header);
    }

    /** What the options of a SYN say of its sender, as {@link #bits}. */
    private int options(byte[] a, int at, int header) {
        int found = 0;
        int limit = at + header;
        for (int i = at + TcpView.MIN_LENGTH; i < limit; ) {
            int kind = u8(a, i);
            if (kind == OPTION_NOP) {
                i++;
                continue;
            }
            if (kind == OPTION_END || i + 1 >= limit) {
                return found;
            }
            int length = u8(a, i + 1);
            if (length < 2 || i + length > limit) {
                return found;
            }
            if (kind == OPTION_WINDOW_SCALE && length == 3) {
                int scale = Math.min(MOST_SCALE, u8(a, i + 2));
                found = (found & ~(SCALE << (out ? 0 : 4))) | senders(SCALE_OFFERED) | scale << (out ? 0 : 4);
            } else if (kind == OPTION_SACK_PERMITTED && length == 2) {
                found |= senders(SACK_PERMITTED);
            }
            i += length;
        }
        return found;
    }

    private void noteRenewal(byte[] a, int at, int header) {
        learnt = true;
        bits |= UNSETTLED;
        renewals.note(flow, out, seq, end, window, options(a, at, header));
    }

    /** A SYN-ACK counts if it acknowledges the SYN of the other side, at least, and not more than the data that came with it. */
    private @Nullable DropReason synAck(byte[] a, int at, int header) {
        if ((state & (out ? SYN_IN : SYN_OUT)) == 0) {
            return DropReason.TCP_STATE;
        }
        boolean repeated = (bits & senders(HAS_ACKED)) != 0;
        int first = (bits & receivers(HAS_ACKED)) != 0 ? receiverEnd : receiverAck;
        boolean acknowledges = ack - receiverEnd <= 0 && ack - first >= 0;
        if (!acknowledges && isOfRenewal()) {
            return renew(a, at, header);
        }
        if (isOfInitiator() && !repeated && ((state & SIMULTANEOUS) == 0 || seq + 1 != senderAck)) {
            // not a step of this handshake; its receiver knows what to make of it
            genuine = false;
            return acknowledges ? null : DropReason.TCP_ACKNOWLEDGMENT;
        }
        if (!repeated) {
            if (!acknowledges) {
                return DropReason.TCP_ACKNOWLEDGMENT;
            }
            begin(a, at, header);
            state |= (out ? SYN_OUT : SYN_IN) | SYN_ACKED;
        }
        DropReason why = track();
        if (why == DropReason.TCP_WINDOW && repeated && acknowledges && !isOfInitiator()) {
            // begun anew, or one of the two is forged: who began knows, and its acknowledgment will tell
            genuine = true;
            noteRenewal(a, at, header);
            return null;
        }
        return why;
    }

    /** A SYN-ACK in a connection that is no longer half-open: repeated, or the answer to a SYN that began anew. */
    private @Nullable DropReason lateSynAck(byte[] a, int at, int header) {
        if (isOfInitiator()) {
            if ((state & SIMULTANEOUS) == 0) {
                return DropReason.TCP_STATE;
            }
            DropReason why = track();
            learnt = false;
            genuine = false;
            return why;
        }
        DropReason why = track();
        if (why != null && isOfRenewal()) {
            return renew(a, at, header);
        }
        // RFC 5961 section 4: its receiver challenges it, whatever its numbers
        learnt = false;
        genuine = false;
        return null;
    }

    /** Whether a SYN-ACK acknowledges not the SYN that the flow began with, but a later one. */
    private boolean isOfRenewal() {
        return (bits & UNSETTLED) != 0 && !isOfInitiator() && renewals.isAcknowledged(flow, !out, ack);
    }

    private @Nullable DropReason renew(byte[] a, int at, int header) {
        genuine = true;
        state = (state & ~HISTORY) | HALF_OPEN | BOTH_SYNS | SYN_ACKED;
        bits = 0;
        adoptRenewal();
        begin(a, at, header);
        return track();
    }

    /** The receiver's SYN or SYN-ACK that was noted is the one that counts. */
    private void adoptRenewal() {
        bits = (bits & ~(receivers(SCALE_OFFERED) | receivers(SACK_PERMITTED) | SCALE << (out ? 4 : 0)))
                | renewals.options(flow, !out);
        receiverEnd = renewals.end(flow, !out);
        receiverMaxEnd = receiverEnd;
        receiverWindow = Math.max(1, renewals.window(flow, !out));
        if ((bits & receivers(HAS_ACKED)) == 0) {
            receiverAck = renewals.number(flow, !out) + 1;
        }
        renewals.forget(flow, !out);
    }

    private @Nullable DropReason shakeHands(byte[] a, int at, int header) {
        int seen = state & BOTH_SYNS;
        if (seen == 0) {
            return pickUp();
        }
        if (seen != BOTH_SYNS) {
            if (isOfInitiator() || (flags & FIN) != 0) {
                return DropReason.TCP_STATE;
            }
            // the other side knows an older connection (RFC 9293 section 3.5.1); who began will reset that one, with
            // this very number
            senderAck = ack;
            bits |= UNSETTLED;
            learnt = true;
            genuine = false;
            return null;
        }
        if ((state & SYN_ACKED) == 0) {
            // a SYN each, and neither acknowledged yet: who began sends nothing but SYNs; the other SYN may be forged
            genuine = false;
            return isOfInitiator() || (flags & FIN) != 0 ? DropReason.TCP_STATE : null;
        }
        if (header > TcpView.MIN_LENGTH && (bits & receivers(SACK_PERMITTED)) != 0) {
            readSack(a, at, header);
        }
        DropReason why = track();
        if (why == DropReason.TCP_ACKNOWLEDGMENT
                && (bits & UNSETTLED) != 0
                && isOfInitiator()
                && renewals.isAcknowledged(flow, !out, ack)) {
            genuine = true;
            adoptRenewal();
            why = track();
        }
        if (why != null || !genuine) {
            return why;
        }
        if ((flags & FIN) != 0) {
            finish();
        }
        boolean pickedUp = (bits & LIBERAL) != 0;
        boolean simultaneous = (state & SIMULTANEOUS) != 0;
        // where SYNs have crossed, SYN-ACKs may too: one side may answer a SYN once more before it has heard the
        // other's
        boolean opens = simultaneous ? (bits & receivers(HAS_ACKED)) != 0 : isOfInitiator();
        if (pickedUp ? !isOfInitiator() : opens) {
            bits &= ~UNSETTLED;
            open();
        }
        return null;
    }

    private @Nullable DropReason pickUp() {
        if (!midStreamPickup || !out || !isOfInitiator() || !continues(flags)) {
            return DropReason.TCP_STATE;
        }
        state |= BOTH_SYNS | SYN_ACKED;
        // nobody knows what the sides have agreed on: the greatest scale, and selective acknowledgments
        bits = LIBERAL | BOTH_SCALES | MOST_SCALE | MOST_SCALE << 4 | SACK_PERMITTED | SACK_PERMITTED << 1;
        return track();
    }

    /**
     * Whether a RST refuses a SYN that began anew, as one does who knows of no connection (RFC 9293 section 3.10.7.1): it has number 0 and
     * acknowledges all of the SYN. Who began is waiting for just that, and whoever has not seen the SYN does not know the number.
     */
    private boolean refusesRenewal() {
        return seq == 0
                && (flags & ACK) != 0
                && (bits & UNSETTLED) != 0
                && !isOfInitiator()
                && renewals.isAcknowledged(flow, !out, ack)
                && ack == renewals.end(flow, !out);
    }

    /** Before the handshake is complete, a RST counts that acknowledges the SYN, or that follows what its sender has sent. */
    private @Nullable DropReason resetHalfOpen() {
        boolean senderKnown = (state & (out ? SYN_OUT : SYN_IN)) != 0;
        boolean receiverKnown = (state & (out ? SYN_IN : SYN_OUT)) != 0;
        // a side that has spoken is refused by sequence number, unless it has forgotten and refuses the SYN as if it
        // never had
        boolean refuses = !senderKnown || seq == 0;
        boolean acknowledges =
                refuses && (flags & ACK) != 0 && receiverKnown && receiverWindow != 0 && ack == receiverEnd;
        if (acknowledges || (senderKnown && isExact())) {
            state = with(state, RESET);
            return null;
        }
        if (senderKnown && !receiverKnown && (bits & UNSETTLED) != 0 && seq == receiverAck) {
            return null;
        }
        return senderKnown && receiverKnown && isInWindow() ? null : DropReason.TCP_RST_WINDOW;
    }

    private @Nullable DropReason reset() {
        if (!isInWindow()) {
            return DropReason.TCP_RST_WINDOW;
        }
        if (isExact() && !hasEnded(state)) {
            state = with(state, RESET);
        }
        return null;
    }

    /** Whether a RST has the number that its receiver expects next, as far as that is known (RFC 5961 section 3.2). */
    private boolean isExact() {
        return seq == senderEnd || ((bits & receivers(HAS_ACKED)) != 0 && seq == receiverAck) || bearsFin();
    }

    /**
     * Whether a RST has the number of its sender's FIN: what a closed connection's kernel says to data that the other side had sent
     * before it saw the FIN (RFC 9293 section 3.10.7.1), and what some systems say of themselves right after the FIN. Receivers heed
     * it though they have acknowledged the FIN, as Linux does; to guess it is as hard as to guess the next number.
     */
    private boolean bearsFin() {
        return (state & (out ? FIN_OUT : FIN_IN)) != 0 && seq == senderEnd - 1;
    }

    private boolean isInWindow() {
        boolean early = (bits & receivers(HAS_ACKED)) != 0
                ? seq - receiverAck < 0 && !bearsFin()
                : receiverWindow != 0 && seq - senderEnd + receiverWindow < 0;
        if (early || seq - senderMaxEnd > 0) {
            return false;
        }
        if ((flags & ACK) == 0 || ack == 0) {
            return true;
        }
        int behind = receiverEnd - ack;
        return behind >= 0 && behind <= Math.max(LEAST_ACK_WINDOW, senderWindow);
    }

    // --------------------------------------------------------------------------------------------- options

    /** Finds the highest edge that is acknowledged selectively (RFC 2018). */
    private void readSack(byte[] a, int at, int header) {
        int i = at + TcpView.MIN_LENGTH;
        int limit = at + header;
        if (header == TcpView.MIN_LENGTH + 12 && i32(a, i) == ALIGNED_TIMESTAMP) {
            return;
        }
        while (i < limit) {
            int kind = u8(a, i);
            if (kind == OPTION_NOP) {
                i++;
                continue;
            }
            if (kind == OPTION_END || i + 1 >= limit) {
                return;
            }
            int length = u8(a, i + 1);
            if (length < 2 || i + length > limit) {
                return;
            }
            if (kind == OPTION_SACK && length >= 10 && (length - 2) % 8 == 0) {
                for (int edge = i + 6; edge < i + length; edge += 8) {
                    int right = i32(a, edge);
                    if (right - sack > 0) {
                        sack = right;
                    }
                }
                return;
            }
            i += length;
        }
    }

    // --------------------------------------------------------------------------------------------- flags alone

    /**
     * The state after a segment whose numbers do not count.
     *
     * @param state bits of {@link FlowTable#state}
     * @param flags of the segment, {@linkplain #sensible sensible}
     * @param out whether the guest sent it
     * @return the new bits
     */
    static int next(int state, int flags, boolean out) {
        int tracked = state & TRACKED_MASK;
        if ((flags & (SYN | FIN | RST)) == 0 && tracked != HALF_OPEN) {
            return state;
        }
        if ((flags & RST) != 0) {
            return with(state, RESET);
        }
        if ((flags & SYN) != 0) {
            int mark = out ? SYN_OUT : SYN_IN;
            if (tracked == HALF_OPEN) {
                return state | mark;
            }
            boolean initiator = out == ((state & BY_GUEST) != 0);
            return hasEnded(state) && begins(flags) && initiator ? (state & ~HISTORY) | HALF_OPEN | mark : state;
        }
        int next = state;
        if (tracked == HALF_OPEN && (state & BOTH_SYNS) == BOTH_SYNS) {
            next = with(next, ESTABLISHED);
        }
        boolean open = (next & TRACKED_MASK) == ESTABLISHED || tracked == HALF_CLOSED;
        // a FIN before the handshake must not lift a half-open flow out of reach of eviction
        if ((flags & FIN) != 0 && open) {
            next |= out ? FIN_OUT : FIN_IN;
            next = with(next, (next & (FIN_OUT | FIN_IN)) == (FIN_OUT | FIN_IN) ? CLOSED : HALF_CLOSED);
        }
        return next;
    }
}
