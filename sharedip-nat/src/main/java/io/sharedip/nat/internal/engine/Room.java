package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.flow.EvictionQueues.CLOSED;
import static io.sharedip.nat.internal.flow.EvictionQueues.FROM_OUTSIDE;
import static io.sharedip.nat.internal.flow.EvictionQueues.NEVER;
import static io.sharedip.nat.internal.flow.EvictionQueues.UNANSWERED;

import io.sharedip.event.SharedIpEvent.Limit;
import io.sharedip.nat.internal.flow.EvictionQueues;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.MappingTable;
import io.sharedip.nat.internal.flow.TcpTracker;
import org.jspecify.annotations.Nullable;

/**
 * Room for new flows: quotas, and who gives way when they or the tables are full (RFC 6888 REQ-4, REQ-5).
 *
 * <p><b>A place in the table</b> is freed by the end of a flow: closed flows first, the guest's own before anybody's; then unanswered
 * ones of the guest that holds most, be it the one who asks. So a flood costs who floods, and a modest guest loses nothing. Of a
 * guest's unanswered flows those that peers began go first. At its own quota a guest can only lose flows of its own. A peer's packet
 * makes less room than the guest's own does: see {@link Opener}. Established flows are never evicted.
 *
 * <p><b>A port</b> is freed by the end of a mapping with all of its flows, in the same order; a mapping gives way only if each of its
 * flows may. So mappings have queues of their own, by protocol and class of port: the first one found always frees a port that
 * serves. A socket of the host, which may be scarcer than ports, is freed likewise.
 *
 * <p>What gives way is found in constant time (for the greediest guest, in a step of a heap); ending a mapping costs each of its flows
 * once.
 */
final class Room {

    /** Ends flows. */
    interface Evictor {
        void evict(int flow, long nowNanos);
    }

    private static final int CLASSES_OF_PORTS = 2;
    private static final int LAST_LOW_PORT = 1023;

    private final FlowTable table;
    private final MappingTable mappings;
    private final int flowsPerGuest;
    private final Evictor evictor;
    private final EvictionQueues flows;
    /** By protocol and class of port. */
    private final EvictionQueues[] ports = new EvictionQueues[3 * CLASSES_OF_PORTS];

    Room(FlowTable table, MappingTable mappings, int flowsPerGuest, Evictor evictor) {
        this.table = table;
        this.mappings = mappings;
        this.flowsPerGuest = flowsPerGuest;
        this.evictor = evictor;
        this.flows = new EvictionQueues(new long[table.capacity()]);
        long[] links = new long[mappings.capacity()];
        for (int i = 0; i < ports.length; i++) {
            ports[i] = new EvictionQueues(links);
        }
    }

    // ------------------------------------------------------------------------------------------------ what there is

    /** Whether flows in a tracked state may be evicted: CLOSED, UNANSWERED or NEVER. */
    static int evictionClass(int tracked) {
        if (tracked == TcpTracker.CLOSED || tracked == TcpTracker.RESET) {
            return CLOSED;
        }
        return tracked == TcpTracker.HALF_OPEN || tracked == TcpTracker.UNREPLIED ? UNANSWERED : NEVER;
    }

    private int classOf(int flow, int tracked) {
        int evictionClass = evictionClass(tracked);
        boolean byGuest = (table.state(flow) & FlowTable.BY_GUEST) != 0;
        return evictionClass == UNANSWERED && !byGuest ? FROM_OUTSIDE : evictionClass;
    }

    private int classOf(int flow) {
        return classOf(flow, table.state(flow) & FlowTable.TRACKED_MASK);
    }

    /** A flow has begun, on its mapping if it has one. */
    void flowBegan(int flow) {
        int guest = table.guest(flow);
        int evictionClass = classOf(flow);
        flows.count(guest, 1);
        if (evictionClass != NEVER) {
            flows.add(flow, guest, evictionClass);
        }
        int mapping = table.mapping(flow);
        if (mapping >= 0) {
            int before = mappings.evictionClass(mapping);
            mappings.attach(mapping, flow, evictionClass);
            requeue(mapping, before);
        }
    }

    /** A flow ends. */
    void flowEnds(int flow) {
        int guest = table.guest(flow);
        int evictionClass = classOf(flow);
        flows.count(guest, -1);
        if (evictionClass != NEVER) {
            flows.remove(flow, guest, evictionClass);
        }
        int mapping = table.mapping(flow);
        if (mapping >= 0) {
            int before = mappings.evictionClass(mapping);
            mappings.detach(mapping, flow, evictionClass);
            requeue(mapping, before);
        }
    }

    /** A flow has gone from one tracked state to another. */
    void flowChanged(int flow, int trackedBefore, int trackedAfter) {
        int from = classOf(flow, trackedBefore);
        int to = classOf(flow, trackedAfter);
        if (from == to) {
            return;
        }
        int guest = table.guest(flow);
        if (from != NEVER) {
            flows.remove(flow, guest, from);
        }
        if (to != NEVER) {
            flows.add(flow, guest, to);
        }
        int mapping = table.mapping(flow);
        if (mapping >= 0) {
            int before = mappings.evictionClass(mapping);
            mappings.reclassify(mapping, from, to);
            requeue(mapping, before);
        }
    }

    private void requeue(int mapping, int before) {
        int after = mappings.evictionClass(mapping);
        if (before == after || mappings.forward(mapping) != 0) {
            return;
        }
        int guest = mappings.guest(mapping);
        EvictionQueues queues = portsLike(mappings.protocol(mapping), mappings.outsidePort(mapping));
        if (before != NEVER) {
            queues.remove(mapping, guest, before);
        }
        if (after != NEVER) {
            queues.add(mapping, guest, after);
        }
    }

    private EvictionQueues portsLike(int protocol, int port) {
        return ports[MappingTable.slotOf(protocol) * CLASSES_OF_PORTS + (port <= LAST_LOW_PORT ? 0 : 1)];
    }

    /** A guest has got a port of the pool, or lost one. */
    void countPort(int guest, int protocol, int port, int change) {
        portsLike(protocol, port).count(guest, change);
    }

    /** How many ports of the pool a guest holds; a port that is shared counts for each of its mappings. */
    int portsOf(int guest, int protocol) {
        int first = MappingTable.slotOf(protocol) * CLASSES_OF_PORTS;
        return ports[first].held(guest) + ports[first + 1].held(guest);
    }

    // ------------------------------------------------------------------------------------------------ places for flows

    /** Whether there is a place for a new flow without anything giving way. */
    boolean hasPlace(int guest) {
        return flows.held(guest) < flowsPerGuest && !table.isFull();
    }

    /**
     * Whether there is a place for a new flow, or one can be made.
     *
     * @return null if so, else what is full
     */
    @Nullable
    Limit whatIsFull(int guest, Opener opener) {
        if (flows.held(guest) >= flowsPerGuest && ownVictim(guest, opener) < 0) {
            return Limit.FLOWS_PER_GUEST;
        }
        boolean full = table.isFull()
                && ownVictim(guest, opener) < 0
                && (opener == Opener.STRANGER || (!flows.anyClosed() && flows.greedierThan(guest) < 0));
        return full ? Limit.FLOWS : null;
    }

    /** Makes a place for a new flow, where {@link #whatIsFull} said that one can be made. */
    void make(int guest, Opener opener, long nowNanos) {
        if (flows.held(guest) >= flowsPerGuest) {
            evictor.evict(ownVictim(guest, opener), nowNanos);
        }
        if (table.isFull()) {
            evictor.evict(victim(guest, opener), nowNanos);
        }
    }

    private int ownVictim(int guest, Opener opener) {
        int flow = flows.oldest(guest, CLOSED);
        if (flow < 0) {
            flow = opener == Opener.GUEST ? flows.oldestUnanswered(guest) : flows.oldest(guest, FROM_OUTSIDE);
        }
        return flow;
    }

    private int victim(int guest, Opener opener) {
        int flow = flows.oldest(guest, CLOSED);
        if (flow < 0 && opener != Opener.STRANGER) {
            flow = flows.oldestClosed();
            int greedier = flows.greedierThan(guest);
            if (flow < 0 && greedier >= 0) {
                flow = flows.oldestUnanswered(greedier);
            }
        }
        return flow < 0 ? ownVictim(guest, opener) : flow;
    }

    // ------------------------------------------------------------------------------------------------ ports

    /** Makes a guest give up one of its own ports, if it can: one of the wanted class first. @return whether it did */
    boolean freeOwnPort(int guest, int protocol, int wanted, long nowNanos) {
        int first = MappingTable.slotOf(protocol) * CLASSES_OF_PORTS;
        EvictionQueues like = portsLike(protocol, wanted);
        EvictionQueues unlike = like == ports[first] ? ports[first + 1] : ports[first];
        return evictMapping(like.oldest(guest, CLOSED), nowNanos)
                || evictMapping(unlike.oldest(guest, CLOSED), nowNanos)
                || evictMapping(like.oldest(guest, UNANSWERED), nowNanos)
                || evictMapping(unlike.oldest(guest, UNANSWERED), nowNanos);
    }

    /** Makes somebody give up a port that serves a guest who wants a certain one. @return whether somebody did */
    boolean freePort(int guest, int protocol, int wanted, long nowNanos) {
        return evictMapping(victim(portsLike(protocol, wanted), guest), nowNanos)
                // as the allocator does: a high port serves who wanted a low one
                || (wanted <= LAST_LOW_PORT
                        && evictMapping(victim(portsLike(protocol, LAST_LOW_PORT + 1), guest), nowNanos));
    }

    /** Ends the mapping that has a port of the pool to itself. @return whether there is one */
    boolean freeCertainPort(int protocol, int port, long nowNanos) {
        return evictMapping(mappings.findOutside(protocol, port), nowNanos);
    }

    /**
     * Makes somebody give up a socket, where the host has no more: of the guest with most flows, if it has more than the one who asks, a
     * port of the same protocol, or else a flow of any; else a port of the one who asks.
     *
     * @return whether somebody gave up something, which frees a socket unless other flows need it too
     */
    boolean freeSocket(int guest, int protocol, int wanted, long nowNanos) {
        int greedier = flows.greedierThan(guest);
        return greedier < 0
                ? freeOwnPort(guest, protocol, wanted, nowNanos)
                : freeOwnPort(greedier, protocol, wanted, nowNanos) || freeFlow(greedier, nowNanos);
    }

    /** Makes the guest with most flows, if it has more than the one who asks, give up an unanswered one. @return whether it did */
    boolean freeFlowOfGreedier(int guest, long nowNanos) {
        int greedier = flows.greedierThan(guest);
        return greedier >= 0 && freeFlow(greedier, nowNanos);
    }

    private boolean freeFlow(int guest, long nowNanos) {
        int flow = flows.oldestUnanswered(guest);
        if (flow >= 0) {
            evictor.evict(flow, nowNanos);
        }
        return flow >= 0;
    }

    private static int victim(EvictionQueues queues, int guest) {
        int mapping = queues.oldest(guest, CLOSED);
        if (mapping < 0) {
            mapping = queues.oldestClosed();
        }
        if (mapping < 0) {
            int greedier = queues.greedierThan(guest);
            mapping = queues.oldest(greedier < 0 ? guest : greedier, UNANSWERED);
        }
        return mapping;
    }

    private boolean evictMapping(int mapping, long nowNanos) {
        if (mapping < 0) {
            return false;
        }
        for (int flow = mappings.firstFlow(mapping); flow >= 0; ) {
            int next = mappings.nextFlow(flow);
            evictor.evict(flow, nowNanos);
            flow = next;
        }
        return true;
    }

    /** Ends a flow that gives way. */
    void evict(int flow, long nowNanos) {
        evictor.evict(flow, nowNanos);
    }

    /** Whether a flow may give way to one of a certain guest that wants its very tuple. */
    boolean mayGiveWay(int flow, int guest) {
        int evictionClass = classOf(flow);
        int owner = table.guest(flow);
        return evictionClass == CLOSED
                || (evictionClass != NEVER && (owner == guest || flows.held(owner) > flows.held(guest)));
    }
}
