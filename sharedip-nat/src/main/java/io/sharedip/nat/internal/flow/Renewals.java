package io.sharedip.nat.internal.flow;

import java.util.Arrays;

/**
 * SYNs and SYN-ACKs that contradict what a flow knows: the number and the options of one per side of a flow, until an acknowledgment shows which of
 * the two its receiver has heard. Either the other side has begun anew, or one of them is forged. Kept apart from the flows, for hardly any
 * ever needs it; of two flows that share a place the later one has it, and the other's next repetition takes it back. Nothing here
 * allocates after construction. Confined to the engine's thread.
 */
final class Renewals {

    private static final int PLACES = 1024;

    private final int[] flows = new int[2 * PLACES];
    private final int[] numbers = new int[2 * PLACES];
    private final int[] ends = new int[2 * PLACES];
    private final int[] windows = new int[2 * PLACES];
    private final int[] options = new int[2 * PLACES];

    Renewals() {
        Arrays.fill(flows, FlowTable.NONE);
    }

    private static int place(int flow, boolean fromGuest) {
        return (flow & PLACES - 1) << 1 | (fromGuest ? 1 : 0);
    }

    /**
     * Notes one.
     *
     * @param flow it came in
     * @param fromGuest its direction
     * @param number of the SYN
     * @param end one more than the last number of the segment
     * @param window that it announces
     * @param bits the sender's scale and option bits, as they stand in {@link FlowTable#tcpBits}
     */
    void note(int flow, boolean fromGuest, int number, int end, int window, int bits) {
        int at = place(flow, fromGuest);
        flows[at] = flow;
        numbers[at] = number;
        ends[at] = end;
        windows[at] = window;
        options[at] = bits;
    }

    /** Whether one of this direction is noted that a number acknowledges, with some of its data or none. */
    boolean isAcknowledged(int flow, boolean fromGuest, int acknowledgment) {
        int at = place(flow, fromGuest);
        return flows[at] == flow && acknowledgment - numbers[at] > 0 && acknowledgment - ends[at] <= 0;
    }

    int end(int flow, boolean fromGuest) {
        return ends[place(flow, fromGuest)];
    }

    int number(int flow, boolean fromGuest) {
        return numbers[place(flow, fromGuest)];
    }

    int window(int flow, boolean fromGuest) {
        return windows[place(flow, fromGuest)];
    }

    int options(int flow, boolean fromGuest) {
        return options[place(flow, fromGuest)];
    }

    void forget(int flow, boolean fromGuest) {
        flows[place(flow, fromGuest)] = FlowTable.NONE;
    }
}
