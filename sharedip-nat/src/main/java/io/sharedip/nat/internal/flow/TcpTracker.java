package io.sharedip.nat.internal.flow;

import static io.sharedip.nat.internal.flow.FlowTable.FIN_IN;
import static io.sharedip.nat.internal.flow.FlowTable.FIN_OUT;
import static io.sharedip.nat.internal.flow.FlowTable.SYN_IN;
import static io.sharedip.nat.internal.flow.FlowTable.SYN_OUT;
import static io.sharedip.nat.internal.flow.FlowTable.TRACKED_MASK;

import io.sharedip.packet.TcpView;
import io.sharedip.stats.TrackedState;

/**
 * What a TCP segment's flags make of a flow's state (RFC 7857 section 2.1, RFC 6146 section 3.5.2). Sequence numbers are not
 * judged yet.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>segment</th><th>next</th></tr>
 * <tr><td>half-open</td><td>ACK without SYN once both sides have sent a SYN</td><td>established</td></tr>
 * <tr><td>established</td><td>FIN</td><td>half-closed</td></tr>
 * <tr><td>half-closed</td><td>FIN of the other side</td><td>closed</td></tr>
 * <tr><td>any</td><td>RST</td><td>reset</td></tr>
 * <tr><td>closed, reset</td><td>SYN without ACK</td><td>half-open</td></tr>
 * <tr><td>established, half-closed</td><td>SYN</td><td>unchanged</td></tr>
 * </table>
 */
public final class TcpTracker {

    public static final int UNREPLIED = TrackedState.UNREPLIED.ordinal();
    public static final int REPLIED = TrackedState.REPLIED.ordinal();
    public static final int HALF_OPEN = TrackedState.HALF_OPEN.ordinal();
    public static final int ESTABLISHED = TrackedState.ESTABLISHED.ordinal();
    public static final int HALF_CLOSED = TrackedState.HALF_CLOSED.ordinal();
    public static final int CLOSED = TrackedState.CLOSED.ordinal();
    public static final int RESET = TrackedState.RESET.ordinal();

    private static final int HISTORY = SYN_OUT | SYN_IN | FIN_OUT | FIN_IN | TRACKED_MASK;

    private TcpTracker() {}

    /** Whether flags are a combination that a TCP sends: at least one of SYN, ACK, RST; SYN with neither RST nor FIN. */
    public static boolean sensible(int flags) {
        if ((flags & (TcpView.SYN | TcpView.ACK | TcpView.RST)) == 0) {
            return false;
        }
        if ((flags & TcpView.SYN) != 0) {
            return (flags & (TcpView.RST | TcpView.FIN)) == 0;
        }
        return (flags & (TcpView.RST | TcpView.FIN)) != (TcpView.RST | TcpView.FIN)
                && ((flags & TcpView.FIN) == 0 || (flags & TcpView.ACK) != 0);
    }

    /** Whether flags begin a connection. */
    public static boolean begins(int flags) {
        return (flags & (TcpView.SYN | TcpView.ACK | TcpView.RST | TcpView.FIN)) == TcpView.SYN;
    }

    /**
     * The state after a segment.
     *
     * @param state bits of {@link FlowTable#state}
     * @param flags of the segment, {@linkplain #sensible sensible}
     * @param out whether the guest sent it
     * @return the new bits
     */
    public static int next(int state, int flags, boolean out) {
        int tracked = state & TRACKED_MASK;
        if ((flags & (TcpView.SYN | TcpView.FIN | TcpView.RST)) == 0 && tracked != HALF_OPEN) {
            return state;
        }
        if ((flags & TcpView.RST) != 0) {
            return with(state, RESET);
        }
        if ((flags & TcpView.SYN) != 0) {
            int mark = out ? SYN_OUT : SYN_IN;
            if (tracked == HALF_OPEN) {
                return state | mark;
            }
            if ((tracked == CLOSED || tracked == RESET) && begins(flags)) {
                return (state & ~HISTORY) | HALF_OPEN | mark;
            }
            return state;
        }
        int next = state;
        if (tracked == HALF_OPEN && (state & (SYN_OUT | SYN_IN)) == (SYN_OUT | SYN_IN)) {
            next = with(next, ESTABLISHED);
        }
        boolean open = (next & TRACKED_MASK) == ESTABLISHED || tracked == HALF_CLOSED;
        // a FIN before the handshake must not lift a half-open flow out of reach of eviction
        if ((flags & TcpView.FIN) != 0 && open) {
            next |= out ? FIN_OUT : FIN_IN;
            next = with(next, (next & (FIN_OUT | FIN_IN)) == (FIN_OUT | FIN_IN) ? CLOSED : HALF_CLOSED);
        }
        return next;
    }

    private static int with(int state, int tracked) {
        return (state & ~TRACKED_MASK) | tracked;
    }
}
