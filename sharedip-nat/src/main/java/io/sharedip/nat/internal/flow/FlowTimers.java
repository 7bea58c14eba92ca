package io.sharedip.nat.internal.flow;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * A timer wheel over the flows' deadlines. A packet only writes its flow's deadline; the wheel notices when the flow's slot comes up
 * and queues it again for the later deadline. So a packet costs one store, whatever the timeout.
 *
 * <p>A slot is processed once it has passed entirely, so a flow is taken away at most one {@linkplain #TICK_NANOS tick} late;
 * lookups compare the deadline itself and are exact.
 */
public final class FlowTimers {

    /** The wheel's resolution in nanoseconds, about 134 ms. */
    public static final long TICK_NANOS = 1L << 27;

    private static final int TICK_SHIFT = Long.numberOfTrailingZeros(TICK_NANOS);

    private static final int SLOTS = 1 << 13;

    private final FlowTable flows;
    private final int[] heads = new int[SLOTS];
    private final long origin;
    private long cursor;

    /**
     * Makes an empty wheel.
     *
     * @param flows whose deadlines it watches
     * @param nowNanos the engine's time
     */
    public FlowTimers(FlowTable flows, long nowNanos) {
        this.flows = flows;
        this.origin = nowNanos;
        Arrays.fill(heads, -1);
    }

    private long tickOf(long nanos) {
        return (nanos - origin) >> TICK_SHIFT;
    }

    /** Queues a flow for its deadline. */
    public void schedule(int flow) {
        long tick = Math.max(cursor, Math.min(tickOf(flows.deadline(flow)), cursor + SLOTS - 1));
        int slot = (int) tick & SLOTS - 1;
        int next = heads[slot];
        flows.scheduled(flow, slot);
        flows.timerLinks(flow, -1, next);
        if (next >= 0) {
            flows.timerLinks(next, flow, (int) flows.timerLinks(next));
        }
        heads[slot] = flow;
    }

    /** Queues a flow anew whose deadline has come nearer. A deadline that moved away needs no call. */
    public void reschedule(int flow) {
        cancel(flow);
        schedule(flow);
    }

    /** Takes a flow out of the wheel. */
    public void cancel(int flow) {
        long links = flows.timerLinks(flow);
        int previous = (int) (links >>> 32);
        int next = (int) links;
        if (previous >= 0) {
            flows.timerLinks(previous, (int) (flows.timerLinks(previous) >>> 32), next);
        } else {
            heads[flows.scheduled(flow)] = next;
        }
        if (next >= 0) {
            flows.timerLinks(next, previous, (int) flows.timerLinks(next));
        }
    }

    /**
     * Looks at the flows whose slots have passed.
     *
     * @param nowNanos the engine's time
     * @param limit the most flows to look at; the others wait for the next call
     * @param expired takes each flow whose deadline has come, already out of the wheel
     * @return how many flows were looked at
     */
    public int advance(long nowNanos, int limit, IntConsumer expired) {
        long current = tickOf(nowNanos);
        cursor = Math.max(cursor, current - SLOTS);
        int looked = 0;
        while (cursor < current) {
            int slot = (int) cursor & SLOTS - 1;
            int flow;
            while ((flow = heads[slot]) >= 0) {
                if (looked == limit) {
                    return looked;
                }
                looked++;
                cancel(flow);
                if (flows.deadline(flow) - nowNanos <= 0) {
                    expired.accept(flow);
                } else {
                    schedule(flow);
                }
            }
            cursor++;
        }
        return looked;
    }
}
