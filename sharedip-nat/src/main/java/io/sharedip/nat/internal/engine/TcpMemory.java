package io.sharedip.nat.internal.engine;

import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.TcpTracker;
import io.sharedip.nat.internal.snapshot.FlowRecord;

/** What a TCP flow knows of both sides' windows, on its way into a snapshot and out of one. */
final class TcpMemory {

    /** Bits of {@link FlowTable#state}, and the flags of a record that stand for them. */
    private static final int[][] STATE_BITS = {
        {FlowTable.SYN_ACKED, FlowRecord.SYN_ACKED},
        {FlowTable.SIMULTANEOUS, FlowRecord.SIMULTANEOUS},
    };

    /** Bits of {@link FlowTable#tcpBits} that belong to the flow. */
    private static final int[][] FLOW_BITS = {
        {TcpTracker.UNSETTLED, FlowRecord.UNSETTLED},
        {TcpTracker.LIBERAL, FlowRecord.PICKED_UP},
    };

    /** Bits of {@link FlowTable#tcpBits} that belong to a side. */
    private static final int[][] SIDE_BITS = {
        {TcpTracker.SCALE_OFFERED, FlowRecord.SCALE_OFFERED},
        {TcpTracker.HAS_ACKED, FlowRecord.HAS_ACKED},
        {TcpTracker.SACK_PERMITTED, FlowRecord.SACK_PERMITTED},
    };

    private TcpMemory() {}

    private static int translated(int bits, int[][] table, int from, int to) {
        int result = 0;
        for (int[] pair : table) {
            result |= (bits & pair[from]) != 0 ? pair[to] : 0;
        }
        return result;
    }

    static void describe(FlowTable table, int flow, FlowRecord r) {
        int bits = table.tcpBits(flow);
        r.flags(r.flags()
                | FlowRecord.WINDOWS
                | translated(table.state(flow), STATE_BITS, 0, 1)
                | translated(bits, FLOW_BITS, 0, 1));
        for (int side = 0; side < 2; side++) {
            boolean out = side == 0;
            r.window(
                    out,
                    table.tcpEnd(flow, out),
                    table.tcpMaxEnd(flow, out),
                    table.tcpMaxWindow(flow, out),
                    table.tcpMaxAck(flow, out),
                    (bits >>> (TcpTracker.SCALE_BITS * side)) & TcpTracker.SCALE,
                    translated(bits >>> side, SIDE_BITS, 0, 1));
        }
    }

    static void recall(FlowTable table, int flow, FlowRecord r) {
        if (!r.has(FlowRecord.WINDOWS)) {
            return;
        }
        table.state(flow, table.state(flow) | translated(r.flags(), STATE_BITS, 1, 0));
        int bits = translated(r.flags(), FLOW_BITS, 1, 0);
        for (int side = 0; side < 2; side++) {
            boolean out = side == 0;
            bits |= translated(r.windowFlags(out), SIDE_BITS, 1, 0) << side;
            bits |= r.windowScale(out) << (TcpTracker.SCALE_BITS * side);
            table.tcpSent(flow, out, r.windowEnd(out), r.windowMaxEnd(out));
            table.tcpMaxAck(flow, out, r.windowMaxAck(out));
        }
        table.tcpMaxWindows(flow, r.windowMax(true), r.windowMax(false));
        table.tcpBits(flow, bits);
    }
}
