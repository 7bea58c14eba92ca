package io.sharedip.nat.internal.engine;

import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.snapshot.FlowRecord;

/** What a TCP flow knows of both sides' windows, on its way into a snapshot and out of one. */
final class TcpMemory {

    private TcpMemory() {}

    static void describe(FlowTable table, int flow, FlowRecord r) {}

    static void recall(FlowTable table, int flow, FlowRecord r) {}
}
