package io.sharedip.nat.internal.engine;

import io.sharedip.GuestId;
import io.sharedip.address.Endpoint;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent;
import io.sharedip.filter.FilterRule;
import io.sharedip.stats.DropReason;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A bounded ring of events between the engine's thread, which writes plain words, and the event thread, which makes objects of
 * them. Nothing is written while nobody listens; what does not fit is counted.
 */
public final class EventRing {

    private static final int EVENTS = 1 << 13;
    private static final int WORDS = 12;
    private static final int REFERENCES = 2;
    private static final int OPENED = 1;
    private static final int CLOSED = 2;
    private static final int VIOLATION = 3;
    private static final int FULL = 4;
    private static final int LOGGED = 5;
    private static final int MAPPING_CREATED = 6;
    private static final int MAPPING_DELETED = 7;
    private static final SharedIpEvent.CloseReason[] CLOSE_REASONS = SharedIpEvent.CloseReason.values();
    private static final SharedIpEvent.Limit[] LIMITS = SharedIpEvent.Limit.values();
    private static final DropReason[] DROP_REASONS = DropReason.values();
    private static final VarHandle HEAD;
    private static final VarHandle TAIL;

    static {
        try {
            HEAD = MethodHandles.lookup().findVarHandle(EventRing.class, "head", long.class);
            TAIL = MethodHandles.lookup().findVarHandle(EventRing.class, "tail", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final long[] words = new long[EVENTS * WORDS];
    private final @Nullable Object[] references = new Object[EVENTS * REFERENCES];
    private final long originNanos;
    private final Instant origin;
    private volatile boolean enabled;
    private volatile long lost;

    @SuppressWarnings("UnusedVariable") // used through its VarHandle
    private volatile long head;

    @SuppressWarnings("UnusedVariable") // used through its VarHandle
    private volatile long tail;

    /**
     * Makes an empty ring that nobody listens to.
     *
     * @param nowNanos the engine's time
     * @param now the same moment on the wall clock
     */
    public EventRing(long nowNanos, Instant now) {
        originNanos = nowNanos;
        origin = now;
    }

    /** Begins or ends writing. Any thread. */
    public void enabled(boolean on) {
        enabled = on;
    }

    /** How many events did not fit. Any thread. */
    public long lost() {
        return lost;
    }

    /** Wall-clock time of an engine time. Any thread. */
    public Instant at(long nanos) {
        return origin.plusNanos(nanos - originNanos);
    }

    /** Whether nothing waits. Any thread. */
    public boolean isEmpty() {
        return (long) HEAD.getAcquire(this) == (long) TAIL.getAcquire(this);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // the engine's thread is the only writer
    private int begin(int kind, long nowNanos, @Nullable Object first, @Nullable Object second) {
        long end = (long) TAIL.get(this);
        if (end - (long) HEAD.getAcquire(this) == EVENTS) {
            lost++;
            return -1;
        }
        int slot = (int) end & EVENTS - 1;
        references[slot * REFERENCES] = first;
        references[slot * REFERENCES + 1] = second;
        words[slot * WORDS] = kind;
        words[slot * WORDS + 1] = nowNanos;
        return slot * WORDS;
    }

    private void end() {
        TAIL.setRelease(this, (long) TAIL.get(this) + 1);
    }

    void flowOpened(long nowNanos, GuestId guest, int protocol, long inside, long outside, long peer, boolean byGuest) {
        if (!enabled) {
            return;
        }
        int at = begin(OPENED, nowNanos, guest, null);
        if (at >= 0) {
            tuple(at, protocol, inside, outside, peer);
            words[at + 6] = byGuest ? 1 : 0;
            end();
        }
    }

    void mappingCreated(long nowNanos, GuestId guest, int protocol, long inside, long outside, long peer) {
        if (!enabled) {
            return;
        }
        int at = begin(MAPPING_CREATED, nowNanos, guest, null);
        if (at >= 0) {
            tuple(at, protocol, inside, outside, peer);
            end();
        }
    }

    void mappingDeleted(
            long nowNanos,
            GuestId guest,
            int protocol,
            long inside,
            long outside,
            long peer,
            SharedIpEvent.CloseReason reason,
            long packetsOut,
            long bytesOut,
            long packetsIn,
            long bytesIn) {
        ended(
                MAPPING_DELETED,
                nowNanos,
                guest,
                protocol,
                inside,
                outside,
                peer,
                reason,
                packetsOut,
                bytesOut,
                packetsIn,
                bytesIn);
    }

    void flowClosed(
            long nowNanos,
            GuestId guest,
            int protocol,
            long inside,
            long outside,
            long peer,
            SharedIpEvent.CloseReason reason,
            long packetsOut,
            long bytesOut,
            long packetsIn,
            long bytesIn) {
        ended(
                CLOSED,
                nowNanos,
                guest,
                protocol,
                inside,
                outside,
                peer,
                reason,
                packetsOut,
                bytesOut,
                packetsIn,
                bytesIn);
    }

    private void ended(
            int kind,
            long nowNanos,
            GuestId guest,
            int protocol,
            long inside,
            long outside,
            long peer,
            SharedIpEvent.CloseReason reason,
            long packetsOut,
            long bytesOut,
            long packetsIn,
            long bytesIn) {
        if (!enabled) {
            return;
        }
        int at = begin(kind, nowNanos, guest, null);
        if (at >= 0) {
            tuple(at, protocol, inside, outside, peer);
            words[at + 6] = reason.ordinal();
            words[at + 7] = packetsOut;
            words[at + 8] = bytesOut;
            words[at + 9] = packetsIn;
            words[at + 10] = bytesIn;
            end();
        }
    }

    private void tuple(int at, int protocol, long inside, long outside, long peer) {
        words[at + 2] = protocol;
        words[at + 3] = inside;
        words[at + 4] = outside;
        words[at + 5] = peer;
    }

    void violation(long nowNanos, Attachment on, DropReason reason, long mac, int address) {
        if (!enabled) {
            return;
        }
        int at = begin(VIOLATION, nowNanos, on.guest().orElse(null), on.name());
        if (at >= 0) {
            words[at + 2] = reason.ordinal();
            words[at + 3] = mac;
            words[at + 4] = address;
            end();
        }
    }

    void tableFull(long nowNanos, GuestId guest, SharedIpEvent.Limit limit) {
        if (!enabled) {
            return;
        }
        int at = begin(FULL, nowNanos, guest, null);
        if (at >= 0) {
            words[at + 2] = limit.ordinal();
            end();
        }
    }

    void ruleLogged(
            long nowNanos, FilterRule rule, @Nullable GuestId guest, int protocol, long source, long destination) {
        if (!enabled) {
            return;
        }
        int at = begin(LOGGED, nowNanos, guest, rule);
        if (at >= 0) {
            words[at + 2] = protocol;
            words[at + 3] = source;
            words[at + 4] = destination;
            end();
        }
    }

    /** Makes objects of what waits and hands them over. One thread. @return how many */
    public int drain(Consumer<SharedIpEvent> listener) {
        long at = (long) HEAD.get(this);
        long end = (long) TAIL.getAcquire(this);
        int count = (int) (end - at);
        for (; at != end; at++) {
            int slot = (int) at & EVENTS - 1;
            SharedIpEvent event = decode(slot * WORDS, slot * REFERENCES);
            references[slot * REFERENCES] = null;
            references[slot * REFERENCES + 1] = null;
            HEAD.setRelease(this, at + 1);
            listener.accept(event);
        }
        return count;
    }

    private SharedIpEvent decode(int at, int reference) {
        Instant when = at(words[at + 1]);
        Object first = references[reference];
        Object second = references[reference + 1];
        return switch ((int) words[at]) {
            case OPENED ->
                new SharedIpEvent.FlowOpened(
                        when,
                        guest(first),
                        protocol(at),
                        endpoint(words[at + 3]),
                        endpoint(words[at + 4]),
                        endpoint(words[at + 5]),
                        words[at + 6] != 0);
            case CLOSED ->
                new SharedIpEvent.FlowClosed(
                        when,
                        guest(first),
                        protocol(at),
                        endpoint(words[at + 3]),
                        endpoint(words[at + 4]),
                        endpoint(words[at + 5]),
                        CLOSE_REASONS[(int) words[at + 6]],
                        words[at + 7],
                        words[at + 8],
                        words[at + 9],
                        words[at + 10]);
            case MAPPING_CREATED ->
                new SharedIpEvent.MappingCreated(
                        when,
                        guest(first),
                        protocol(at),
                        endpoint(words[at + 3]),
                        endpoint(words[at + 4]),
                        endpoint(words[at + 5]));
            case MAPPING_DELETED ->
                new SharedIpEvent.MappingDeleted(
                        when,
                        guest(first),
                        protocol(at),
                        endpoint(words[at + 3]),
                        endpoint(words[at + 4]),
                        endpoint(words[at + 5]),
                        CLOSE_REASONS[(int) words[at + 6]],
                        words[at + 7],
                        words[at + 8],
                        words[at + 9],
                        words[at + 10]);
            case VIOLATION ->
                new SharedIpEvent.BindingViolation(
                        when,
                        String.valueOf(second),
                        Optional.ofNullable((GuestId) first),
                        DROP_REASONS[(int) words[at + 2]],
                        new MacAddress(words[at + 3]),
                        new Ipv4Address((int) words[at + 4]));
            case FULL -> new SharedIpEvent.TableFull(when, guest(first), LIMITS[(int) words[at + 2]]);
            default ->
                new SharedIpEvent.RuleLogged(
                        when,
                        rule(second),
                        Optional.ofNullable((GuestId) first),
                        protocol(at),
                        endpoint(words[at + 3]),
                        endpoint(words[at + 4]));
        };
    }

    private IpProtocol protocol(int at) {
        return new IpProtocol((int) words[at + 2]);
    }

    private static GuestId guest(@Nullable Object reference) {
        if (reference instanceof GuestId guest) {
            return guest;
        }
        throw new IllegalStateException("event without its guest");
    }

    private static FilterRule rule(@Nullable Object reference) {
        if (reference instanceof FilterRule rule) {
            return rule;
        }
        throw new IllegalStateException("event without its rule");
    }

    /** An address and a port in one word, as the ring carries them. */
    static long packed(int address, int port) {
        return (long) address << 16 | port;
    }

    static Endpoint endpoint(long packed) {
        return new Endpoint(new Ipv4Address((int) (packed >>> 16)), (int) packed & 0xffff);
    }
}
