package io.sharedip.nat.internal.tcp;

import static io.sharedip.packet.TcpView.ACK;
import static io.sharedip.packet.TcpView.FIN;
import static io.sharedip.packet.TcpView.MIN_LENGTH;
import static io.sharedip.packet.TcpView.PSH;
import static io.sharedip.packet.TcpView.RST;
import static io.sharedip.packet.TcpView.SYN;

import io.sharedip.packet.Octets;
import io.sharedip.uplink.HostStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's end of one TCP connection with a guest (RFC 9293), joined to a stream of the host. Sans-IO: segments and time go in by
 * {@link #onSegment} and {@link #onTimer}, the stream calls as its {@link HostStream.Handler}, and segments are pulled out with
 * {@link #emit} when the guest's link can take them.
 *
 * <p><b>Life.</b> A connection that the guest begins is held after its SYN until the stream is connected; only then
 * the SYN is answered, or with RST ({@link #refuse}). One that begins outside has a connected stream and begins with
 * {@link #open}. FIN travels both ways, each direction for itself; RST either way ends both. {@link TcpObserver#closed} is the last word.
 *
 * <p><b>How to drive it.</b> After every call, and after {@link TcpObserver#changed}, the endpoint may have output: at the end of the batch
 * pull it until {@link #emit} returns 0 or the link takes no more, then look at {@link #deadline()}. Acknowledgments wait for that
 * moment, so a batch of segments costs one (RFC 9293 section 3.8.6.3: none is delayed longer), with the window as the stream then has it.
 *
 * <p><b>Memory.</b> Towards the guest, at most what {@link TcpShared} allows; what is not read from the stream stays there. From the
 * guest, octets go to the stream at once, as its room is the window that is offered; early ones wait in a ring no larger than that, nor
 * than {@link TcpShared} allows: those for which there is no place are to come again.
 *
 * <p><b>Rules followed.</b> Options and scaling: RFC 7323, with PAWS; segments without timestamps are taken, unlike its section 3.2, as other
 * stacks do. Selective acknowledgments: RFC 2018, RFC 2883. Loss: RFC 6675, RFC 6582, RFC 3042, RFC 6298. Congestion: RFC 5681, RFC 6928. RST,
 * SYN and acknowledgments out of the blue: RFC 5961. RST in TIME-WAIT: RFC 1337. Urgent data is passed on in line, the pointer is
 * not looked at (RFC 6093). ICMP errors: RFC 5927. No Nagle algorithm, no ECN, no keep-alive of its own; those of guests are answered.
 *
 * <p>Confined to the engine's thread. No call allocates but by the growth of rings.
 */
public final class TcpEndpoint implements HostStream.Handler {

    /** The largest header: the room that {@link #emit} needs besides the payload, in octets. */
    public static final int LARGEST_HEADER = 60;

    private static final int DEFAULT_MSS = 536;
    private static final int LEAST_MSS = 88;
    private static final int LEAST_MTU = 552;
    private static final int IP_HEADER = 20;
    private static final int TIMESTAMPS_LENGTH = 12;
    /** Of a time in nanoseconds, what is less than a tick of timestamps: 1.05 ms. */
    private static final int TICK_BITS = 20;

    private static final int SYN_RETRIES = 6;
    private static final int RETRIES = 15;
    private static final long TIME_WAIT_NANOS = 60_000_000_000L;
    private static final long IDLE_NANOS = 1_000_000_000L;
    private static final long CHALLENGE_NANOS = 1_000_000_000L;
    private static final int CHALLENGES = 10;
    /** RFC 7323 section 5.5. */
    private static final long TIMESTAMP_LIFE_NANOS = 24L * 24 * 3600 * 1_000_000_000L;

    private enum Timer {
        NONE,
        RETRANSMISSION,
        PERSIST,
        TIME_WAIT,
        /** Nothing has been sent for a while: memory is given back. */
        IDLE
    }

    private final TcpShared shared;
    private final TcpObserver observer;
    private final Sender sender;
    private final Receiver receiver;
    private final int ports;
    private final int iss;
    private final int timestampOffset;
    private final int ownMss;

    private @Nullable HostStream stream;
    private TcpState state = TcpState.CLOSED;
    private Timer timer = Timer.NONE;
    private long timerAt;
    private int retries;
    private boolean attention;
    private boolean synDue;
    private boolean resetDue;
    private boolean probeDue;
    private boolean strayResetDue;
    private int strayResetSequence;
    private boolean streamEnded;
    private boolean streamClosed;
    private boolean over;

    private int irs;
    private int guestMss = DEFAULT_MSS;
    private int pathMss = 65_535;
    private int guestScale = -1;
    private boolean guestSacks;
    private boolean timestamps;
    private int recentTimestamp;
    private long recentTimestampSince;
    private int ownScale;
    private int largestWindow;
    private long challengesSince;
    private int challenges;

    // ------------------------------------------------------------------------------------------------ beginnings

    /**
     * Makes an endpoint, closed until it is given the guest's SYN by {@link #onSegment}, and then {@linkplain #attach attached} to the
     * stream that is being connected; or until it is attached to a stream that is connected already, and {@linkplain #open opened}.
     *
     * @param shared by all endpoints
     * @param observer hears of it
     * @param mtu of the guest's link, 576 to 65,535 octets of IP
     * @param sourcePort of the segments that the endpoint sends
     * @param destinationPort of the segments that the endpoint sends
     * @param iss initial sequence number, see {@link InitialSequence}
     * @param timestampOffset where its timestamps begin, see {@link InitialSequence}
     */
    public TcpEndpoint(
            TcpShared shared,
            TcpObserver observer,
            int mtu,
            int sourcePort,
            int destinationPort,
            int iss,
            int timestampOffset) {
        this.shared = shared;
        this.observer = observer;
        this.ports = sourcePort << 16 | destinationPort;
        this.iss = iss;
        this.timestampOffset = timestampOffset;
        this.ownMss = mtu - IP_HEADER - MIN_LENGTH;
        this.sender = new Sender(shared, iss);
        this.receiver = new Receiver(shared.early);
    }

    /**
     * Joins it to a stream. Once.
     *
     * @param hostStream whose handler is, or calls, this endpoint
     */
    public void attach(HostStream hostStream) {
        stream = hostStream;
        ownScale = Receiver.scaleFor(hostStream.capacity());
    }

    /** Sends SYN to the guest: for a connection that begins outside. Its time begins when it is pulled. */
    public void open() {
        state = TcpState.SYN_SENT;
        sender.sent = iss + 1;
        synDue = true;
        attention = true;
    }

    // ------------------------------------------------------------------------------------------------ the stream calls

    /**
     * The stream is connected: now the guest's SYN is answered. To be called by the keeper for a stream that was connected from the
     * start and does not say so.
     *
     * @param localPort not looked at
     */
    @Override
    public void connected(int localPort) {
        if (state == TcpState.SYN_HELD) {
            state = TcpState.SYN_RECEIVED;
            agree();
            sender.sent = iss + 1;
            synDue = true;
            wake();
        }
    }

    @Override
    public void failed(HostStream.Failure failure) {
        if (over) {
            return;
        }
        stream = null;
        streamClosed = true;
        if (state == TcpState.SYN_HELD || state == TcpState.CLOSED) {
            observer.connectFailed(this, failure);
        } else {
            resetGuest();
        }
    }

    @Override
    public void received(ByteBuffer octets) {
        if (over || resetDue) {
            octets.position(octets.limit());
            return;
        }
        sender.add(octets);
        HostStream s = stream;
        if (s != null) {
            sender.replenish(s);
        }
        wake();
    }

    @Override
    public void endOfInput() {
        if (over || resetDue) {
            return;
        }
        sender.addFin();
        streamEnded = true;
        closeStreamWhenDone();
        wake();
    }

    @Override
    public void writable() {
        HostStream s = stream;
        if (over || s == null || !isSynchronized()) {
            return;
        }
        if (receiver.flush(s)) {
            guestHasFinished();
        }
        if (receiver.opens(s) && !receiver.isAtEnd()) {
            receiver.due = true;
            wake();
        }
    }

    private void wake() {
        if (!attention) {
            attention = true;
            observer.changed(this);
        }
    }

    // ------------------------------------------------------------------------------------------------ the keeper's
    // orders

    /** Answers the guest's SYN with RST: the stream could not be connected. */
    public void refuse() {
        if (!over) {
            dropStream();
            resetGuest();
        }
    }

    /** Ends the connection with RST both ways; the guest's is pulled out like every segment. */
    public void abort() {
        if (over) {
            return;
        }
        boolean silent = state == TcpState.CLOSED || state == TcpState.SYN_SENT || state == TcpState.TIME_WAIT;
        dropStream();
        if (silent) {
            end(TcpEnd.RESET_BY_GATEWAY);
        } else {
            resetGuest();
        }
    }

    /** Ends the connection and says nothing to the guest; the stream is reset. */
    public void discard() {
        if (!over) {
            dropStream();
            end(TcpEnd.DISCARDED);
        }
    }

    private void resetGuest() {
        timer = Timer.NONE;
        resetDue = true;
        sender.release();
        receiver.release();
        wake();
    }

    private void dropStream() {
        HostStream s = stream;
        stream = null;
        if (s != null && !streamClosed) {
            streamClosed = true;
            s.reset();
        }
    }

    private void end(TcpEnd how) {
        if (over) {
            return;
        }
        over = true;
        dropStream();
        state = TcpState.CLOSED;
        timer = Timer.NONE;
        attention = false;
        sender.release();
        receiver.release();
        observer.closed(this, how);
    }

    // ------------------------------------------------------------------------------------------------ what is asked of
    // it

    /**
     * Where the connection stands.
     *
     * @return CLOSED at the beginning and at the end
     */
    public TcpState state() {
        return state;
    }

    /**
     * The source port of what it sends.
     *
     * @return 0 to 65535
     */
    public int sourcePort() {
        return ports >>> 16;
    }

    /**
     * The destination port of what it sends.
     *
     * @return 0 to 65535
     */
    public int destinationPort() {
        return ports & 0xffff;
    }

    /**
     * What its rings take.
     *
     * @return octets
     */
    public int memory() {
        return sender.memory() + receiver.memory();
    }

    /**
     * The next sequence number it would use: where the initial sequence number of a connection that takes the place of one in TIME-WAIT
     * must be beyond (RFC 9293 section 3.6.1).
     *
     * @return any number
     */
    public int nextSequence() {
        return sender.sent;
    }

    /**
     * Whether a SYN may begin a new connection although this one is still in TIME-WAIT (RFC 9293 section 3.10.7.4, RFC 6191). The keeper
     * then discards this endpoint and makes another.
     *
     * @param octets of a segment whose header has been validated
     * @param offset of its header
     * @return false if it is no such SYN, or this is not in TIME-WAIT
     */
    public boolean givesWayTo(byte[] octets, int offset) {
        int flags = Octets.u8(octets, offset + 13);
        if (state != TcpState.TIME_WAIT || (flags & (SYN | ACK | RST | FIN)) != SYN) {
            return false;
        }
        TcpOptions options = shared.options;
        options.read(octets, offset + MIN_LENGTH, offset + (Octets.u8(octets, offset + 12) >>> 4 << 2));
        if (timestamps && options.timestamps && options.timestamp != recentTimestamp) {
            return options.timestamp - recentTimestamp > 0;
        }
        return Octets.i32(octets, offset + 4) - receiver.next > 0;
    }

    private boolean isSynchronized() {
        return state.compareTo(TcpState.ESTABLISHED) >= 0;
    }

    // ------------------------------------------------------------------------------------------------ segments come

    /**
     * Takes a segment of the guest.
     *
     * @param octets that hold it; borrowed until this returns
     * @param offset of the header, which has been validated, as has the checksum
     * @param length of header and payload
     * @param now nanoseconds
     */
    public void onSegment(byte[] octets, int offset, int length, long now) {
        if (over || resetDue) {
            return;
        }
        int sequence = Octets.i32(octets, offset + 4);
        int acknowledgment = Octets.i32(octets, offset + 8);
        int word = Octets.i32(octets, offset + 12);
        int header = word >>> 28 << 2;
        int flags = word >>> 16 & 0xff;
        int window = word & 0xffff;
        TcpOptions options = shared.options;
        options.read(octets, offset + MIN_LENGTH, offset + header);
        switch (state) {
            case CLOSED, SYN_HELD -> beforeAnswer(sequence, flags, now);
            case SYN_SENT -> afterSyn(sequence, acknowledgment, flags, window, now);
            default ->
                synchronizedSegment(
                        octets, offset + header, length - header, sequence, acknowledgment, flags, window, now);
        }
    }

    private void beforeAnswer(int sequence, int flags, long now) {
        if ((flags & RST) != 0) {
            if (state == TcpState.SYN_HELD && (sequence == receiver.next || sequence == irs)) {
                end(TcpEnd.RESET_BY_GUEST);
            }
        } else if ((flags & (SYN | ACK | FIN)) == SYN) {
            // the guest may have begun anew before it was answered
            noteSyn(sequence, now);
            state = TcpState.SYN_HELD;
        }
    }

    private void noteSyn(int sequence, long now) {
        TcpOptions options = shared.options;
        irs = sequence;
        guestMss = options.mss == 0 ? DEFAULT_MSS : Math.max(LEAST_MSS, options.mss);
        guestScale = options.scale;
        guestSacks = options.sackPermitted;
        timestamps = options.timestamps;
        if (timestamps) {
            recentTimestamp = options.timestamp;
            recentTimestampSince = now;
        }
        receiver.begin(sequence, ownMss);
    }

    private void afterSyn(int sequence, int acknowledgment, int flags, int window, long now) {
        boolean acknowledged = (flags & ACK) != 0;
        if (acknowledged && acknowledgment != iss + 1) {
            if ((flags & RST) == 0) {
                answerWithReset(acknowledgment);
            }
            return;
        }
        if ((flags & RST) != 0) {
            if (acknowledged) {
                end(TcpEnd.RESET_BY_GUEST);
            }
            return;
        }
        if ((flags & SYN) == 0) {
            return;
        }
        noteSyn(sequence, now);
        agree();
        if (acknowledged) {
            establish(sequence, acknowledgment, window);
            receiver.due = true;
            attention = true;
        } else {
            // both have begun at once
            state = TcpState.SYN_RECEIVED;
            synDue = true;
            attention = true;
        }
    }

    private void answerWithReset(int sequence) {
        strayResetDue = true;
        strayResetSequence = sequence;
        attention = true;
    }

    /** The options of both sides are known. */
    private void agree() {
        HostStream s = stream;
        int capacity = s == null ? 1 : s.capacity();
        boolean scaling = guestScale >= 0;
        receiver.agree(scaling ? ownScale : 0, guestSacks, capacity);
        int mss = Math.min(Math.min(guestMss, pathMss), ownMss);
        sender.agree(mss, timestamps ? TIMESTAMPS_LENGTH : 0, scaling ? guestScale : 0, guestSacks);
    }

    private void establish(int sequence, int acknowledgment, int window) {
        sender.established(sequence, acknowledgment, window, retries > 0);
        largestWindow = window;
        state = TcpState.ESTABLISHED;
        timer = Timer.NONE;
        retries = 0;
        synDue = false;
        HostStream s = stream;
        if (s != null) {
            sender.replenish(s);
        }
        attention = true;
    }

    /** RFC 9293 section 3.10.7.4, in its order. */
    private void synchronizedSegment(
            byte[] octets, int payload, int length, int sequence, int acknowledgment, int flags, int window, long now) {
        int start = sequence;
        if (state == TcpState.SYN_RECEIVED && (flags & SYN) != 0 && sequence == irs) {
            if ((flags & ACK) == 0) {
                synDue = true;
                attention = true;
                return;
            }
            // the second half of a simultaneous open
            start++;
        } else if ((flags & SYN) != 0 && (flags & RST) == 0) {
            challenge(now);
            return;
        }
        if ((flags & RST) == 0 && isTooOld(now)) {
            challenge(now);
            return;
        }
        if (!isAcceptable(start, length + (flags & FIN))) {
            if ((flags & RST) == 0) {
                unacceptable(start, length, flags, now);
            }
            return;
        }
        if ((flags & RST) != 0) {
            reset(start, now);
            return;
        }
        if ((flags & ACK) == 0) {
            return;
        }
        TcpOptions options = shared.options;
        if (options.timestamps && timestamps && start - receiver.acknowledged <= 0) {
            if (options.timestamp - recentTimestamp >= 0 || now - recentTimestampSince >= TIMESTAMP_LIFE_NANOS) {
                recentTimestamp = options.timestamp;
            }
            recentTimestampSince = now;
        }
        int size = (flags & SYN) != 0 ? window : sender.scaled(window);
        if (!acknowledge(octets, acknowledgment, start, size, length == 0 && (flags & FIN) == 0, now)) {
            return;
        }
        if (length > 0 || (flags & FIN) != 0) {
            text(octets, payload, length, start, (flags & FIN) != 0, now);
        }
    }

    /** PAWS, RFC 7323 section 5.3. */
    private boolean isTooOld(long now) {
        TcpOptions options = shared.options;
        return timestamps
                && options.timestamps
                && options.timestamp - recentTimestamp < 0
                && now - recentTimestampSince < TIMESTAMP_LIFE_NANOS;
    }

    /**
     * Whether a segment touches the window. One without octets may also be a little old, since acknowledgments overtake each other;
     * one just at a closed window is looked at for its acknowledgment.
     */
    private boolean isAcceptable(int sequence, int length) {
        int right = receiver.right();
        if (length == 0) {
            return sequence - receiver.acknowledged >= 0 && sequence - right <= 0;
        }
        return sequence + length - receiver.next > 0 && (sequence - right < 0 || sequence == receiver.next);
    }

    private void unacceptable(int sequence, int length, int flags, long now) {
        if (length + (flags & FIN) == 0) {
            challenge(now);
            return;
        }
        if (sequence - receiver.next < 0) {
            receiver.noteDuplicate(sequence, sequence + length);
        }
        receiver.due = true;
        attention = true;
        if (state == TcpState.TIME_WAIT && (flags & FIN) != 0) {
            startTimer(Timer.TIME_WAIT, now, TIME_WAIT_NANOS);
        }
    }

    /** RFC 5961 section 3.2. */
    private void reset(int sequence, long now) {
        if (state == TcpState.TIME_WAIT) {
            return;
        }
        if (sequence == receiver.next) {
            end(TcpEnd.RESET_BY_GUEST);
        } else {
            challenge(now);
        }
    }

    /** An acknowledgment that tells a guest where things stand, so many in a second (RFC 5961 section 7). */
    private void challenge(long now) {
        if (challenges == 0 || now - challengesSince >= CHALLENGE_NANOS) {
            challengesSince = now;
            challenges = 0;
        }
        if (challenges < CHALLENGES) {
            challenges++;
            receiver.due = true;
            attention = true;
        }
    }

    /** @return whether the rest of the segment counts */
    private boolean acknowledge(byte[] octets, int acknowledgment, int sequence, int window, boolean empty, long now) {
        if (state == TcpState.SYN_RECEIVED) {
            if (acknowledgment != iss + 1) {
                answerWithReset(acknowledgment);
                return false;
            }
            establish(sequence, acknowledgment, window);
            return true;
        }
        // RFC 5961 section 5.2
        if (acknowledgment - sender.sent > 0 || acknowledgment - sender.unacknowledged < -largestWindow) {
            challenge(now);
            return false;
        }
        largestWindow = Math.max(largestWindow, window);
        TcpOptions options = shared.options;
        long echo = -1;
        if (timestamps && options.timestamps) {
            int age = timestamp(now) - options.timestampEcho;
            echo = age < 0 ? -1 : (long) age << TICK_BITS;
        }
        boolean advanced = sender.acknowledge(acknowledgment, sequence, window, empty, options, octets, echo, now);
        if (timer == Timer.PERSIST || window == 0) {
            // the guest is there, only its window is closed
            retries = 0;
        }
        if (advanced) {
            advanced(now);
        }
        if (over) {
            return false;
        }
        attention |= sender.hasUnsent() || sender.hasLost();
        return true;
    }

    private void advanced(long now) {
        retries = 0;
        HostStream s = stream;
        if (s != null) {
            sender.replenish(s);
        }
        if (sender.flight() > 0) {
            startTimer(Timer.RETRANSMISSION, now, sender.timeout.nanos());
        } else if (timer == Timer.RETRANSMISSION) {
            timer = Timer.NONE;
            attention = true;
        }
        if (sender.finIsAcknowledged()) {
            finAcknowledged(now);
        }
    }

    private void finAcknowledged(long now) {
        switch (state) {
            case FIN_WAIT_1 -> state = TcpState.FIN_WAIT_2;
            case CLOSING -> timeWait(now);
            case LAST_ACK -> end(TcpEnd.FINISHED);
            default -> {}
        }
    }

    private void timeWait(long now) {
        state = TcpState.TIME_WAIT;
        sender.release();
        receiver.release();
        startTimer(Timer.TIME_WAIT, now, TIME_WAIT_NANOS);
    }

    private void text(byte[] octets, int payload, int length, int sequence, boolean fin, long now) {
        HostStream s = stream;
        attention = true;
        if (receiver.isAtEnd() || s == null) {
            receiver.due = true;
            return;
        }
        if (receiver.take(s, sequence, octets, payload, length, fin)) {
            guestHasFinished();
            if (state == TcpState.TIME_WAIT) {
                startTimer(Timer.TIME_WAIT, now, TIME_WAIT_NANOS);
            }
        }
    }

    private void guestHasFinished() {
        HostStream s = stream;
        if (s != null) {
            s.shutdownOutput();
        }
        receiver.due = true;
        attention = true;
        switch (state) {
            case ESTABLISHED -> state = TcpState.CLOSE_WAIT;
            case FIN_WAIT_1 -> state = TcpState.CLOSING;
            case FIN_WAIT_2 -> {
                state = TcpState.TIME_WAIT;
                sender.release();
                receiver.release();
                timer = Timer.NONE;
            }
            default -> {}
        }
        closeStreamWhenDone();
    }

    private void closeStreamWhenDone() {
        HostStream s = stream;
        if (s != null && streamEnded && receiver.isAtEnd() && !streamClosed) {
            streamClosed = true;
            stream = null;
            s.close();
        }
    }

    // ------------------------------------------------------------------------------------------------ errors come

    /**
     * An ICMP error (type 3, but for code 4) about a segment of this connection: before the connection is open it ends; after that it is
     * left alone, since anybody can send one (RFC 5927 section 4).
     *
     * @param sequence number of the segment that it quotes
     */
    public void onUnreachable(int sequence) {
        if (state == TcpState.SYN_SENT && sequence == iss) {
            end(TcpEnd.UNREACHABLE);
        }
    }

    /**
     * An ICMP error (type 3, code 4): segments are too big for a link on the way (RFC 1191).
     *
     * @param mtu of that link, octets of IP; counts as 552 at the least
     * @param sequence number of the segment that it quotes; one that is not in flight is no sign of a true error (RFC 5927 section 7)
     */
    public void onTooBig(int mtu, int sequence) {
        if (over || sequence - sender.unacknowledged < 0 || sequence - sender.sent >= 0) {
            return;
        }
        int mss = Math.max(LEAST_MTU, mtu) - IP_HEADER - MIN_LENGTH;
        if (mss < pathMss) {
            pathMss = mss;
            if (isSynchronized() && mss < sender.mss()) {
                sender.shrinkSegments(mss);
                attention = true;
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ time passes

    /**
     * Whether there is a {@link #deadline()}.
     *
     * @return false if nothing is to be done however late it gets
     */
    public boolean hasDeadline() {
        return timer != Timer.NONE;
    }

    /**
     * When {@link #onTimer} is due. It moves with most segments, mostly to later; calling too early does no harm, so it is enough to look
     * again when it has come.
     *
     * @return nanoseconds, to be compared by subtraction; meaningless without {@link #hasDeadline()}
     */
    public long deadline() {
        return timerAt;
    }

    private void startTimer(Timer which, long now, long nanos) {
        timer = which;
        timerAt = now + nanos;
    }

    /**
     * Looks at the deadline.
     *
     * @param now nanoseconds
     * @param linkWritable false if the guest's link takes nothing at present: then time does not count against the guest, and nothing is
     *     taken for lost
     */
    public void onTimer(long now, boolean linkWritable) {
        if (timer == Timer.NONE || now - timerAt < 0) {
            return;
        }
        switch (timer) {
            case RETRANSMISSION -> retransmissionTimer(now, linkWritable);
            case PERSIST -> persistTimer(now, linkWritable);
            case TIME_WAIT -> end(TcpEnd.FINISHED);
            case IDLE -> {
                timer = Timer.NONE;
                sender.shrink();
            }
            case NONE -> {}
        }
    }

    private void retransmissionTimer(long now, boolean linkWritable) {
        if (!linkWritable) {
            startTimer(Timer.RETRANSMISSION, now, sender.timeout.nanos());
            return;
        }
        retries++;
        if (retries > (isSynchronized() ? RETRIES : SYN_RETRIES)) {
            end(TcpEnd.TIMED_OUT);
            return;
        }
        if (isSynchronized()) {
            sender.timedOut();
        } else {
            sender.timeout.backOff();
            synDue = true;
        }
        startTimer(Timer.RETRANSMISSION, now, sender.timeout.nanos());
        attention = true;
    }

    private void persistTimer(long now, boolean linkWritable) {
        if (!linkWritable) {
            startTimer(Timer.PERSIST, now, sender.timeout.nanos());
            return;
        }
        retries++;
        if (retries > RETRIES) {
            end(TcpEnd.TIMED_OUT);
            return;
        }
        probeDue = !sender.forceIntoWindow();
        sender.timeout.backOff();
        startTimer(Timer.PERSIST, now, sender.timeout.nanos());
        attention = true;
    }

    // ------------------------------------------------------------------------------------------------ segments go

    /**
     * Whether {@link #emit} may have something to write.
     *
     * @return false if it has not
     */
    public boolean hasOutput() {
        return attention;
    }

    /**
     * Writes the next segment, its checksum left 0.
     *
     * @param octets where it goes
     * @param offset where its header begins
     * @param room octets from there on, {@link #LARGEST_HEADER} and some more at the least; it is never longer than that, nor than the
     *     guest and the way there can take
     * @param now nanoseconds
     * @return its length, or 0 if there is nothing to be sent now
     */
    public int emit(byte[] octets, int offset, int room, long now) {
        if (!attention) {
            return 0;
        }
        if (strayResetDue) {
            strayResetDue = false;
            return TcpReset.write(octets, offset, ports, strayResetSequence, 0, RST);
        }
        if (resetDue) {
            return emitReset(octets, offset);
        }
        int length = isSynchronized() ? emitSynchronized(octets, offset, room, now) : emitSyn(octets, offset, now);
        if (length == 0) {
            attention = false;
            settle(now);
        }
        return length;
    }

    private int emitReset(byte[] octets, int at) {
        boolean answered = state != TcpState.SYN_HELD;
        int length = TcpReset.write(octets, at, ports, answered ? sender.sent : 0, receiver.next, RST | ACK);
        end(TcpEnd.RESET_BY_GATEWAY);
        return length;
    }

    private int emitSynchronized(byte[] octets, int at, int room, long now) {
        int options = timestamps ? TIMESTAMPS_LENGTH : 0;
        int sack = receiver.sackLength(40 - options);
        int most = Math.min(sender.mss(), room - MIN_LENGTH) - options - sack;
        if (sender.choose(most, now)) {
            return emitText(octets, at, options, sack, now);
        }
        if (probeDue || receiver.isDue()) {
            int sequence = probeDue ? sender.unacknowledged - 1 : sender.sent;
            probeDue = false;
            writeHeader(octets, at, sequence, ACK, options, sack, now);
            receiver.sent(true);
            return MIN_LENGTH + options + sack;
        }
        return 0;
    }

    private int emitText(byte[] octets, int at, int options, int sack, long now) {
        int flags = ACK;
        if (sender.chosenIsLast()) {
            flags |= PSH;
        }
        if (sender.chosenFin) {
            flags |= FIN;
            finIsSent();
        }
        writeHeader(octets, at, sender.chosenSequence, flags, options, sack, now);
        int payload = at + MIN_LENGTH + options + sack;
        int length = sender.chosenLength;
        sender.chosenIsSent(octets, payload, now);
        receiver.sent(false);
        if (timer == Timer.PERSIST) {
            sender.timeout.forgetBackoff();
        }
        if (timer != Timer.RETRANSMISSION) {
            startTimer(Timer.RETRANSMISSION, now, sender.timeout.nanos());
        }
        return MIN_LENGTH + options + sack + length;
    }

    private void finIsSent() {
        if (state == TcpState.ESTABLISHED) {
            state = TcpState.FIN_WAIT_1;
        } else if (state == TcpState.CLOSE_WAIT) {
            state = TcpState.LAST_ACK;
        }
    }

    private void writeHeader(byte[] octets, int at, int sequence, int flags, int options, int sack, long now) {
        int words = (MIN_LENGTH + options + sack) / 4;
        Octets.put32(octets, at, ports);
        Octets.put32(octets, at + 4, sequence);
        Octets.put32(octets, at + 8, receiver.next);
        Octets.put32(octets, at + 12, words << 28 | flags << 16 | receiver.offer(stream));
        Octets.put32(octets, at + 16, 0);
        if (options > 0) {
            Octets.put32(octets, at + 20, TcpOptions.TIMESTAMPS_WORD);
            Octets.put32(octets, at + 24, timestamp(now));
            Octets.put32(octets, at + 28, recentTimestamp);
        }
        if (sack > 0) {
            receiver.writeSack(octets, at + MIN_LENGTH + options, sack);
        }
    }

    /** About milliseconds from wherever they began (RFC 7323 section 5.4): bits of the time, so that they wrap around with it. */
    private int timestamp(long now) {
        return (int) (now >> TICK_BITS) + timestampOffset;
    }

    /** Of a connection that is not open yet: where it stands. */
    private int emitAcknowledgment(byte[] octets, int at, long now) {
        if (state != TcpState.SYN_RECEIVED || !receiver.isDue()) {
            return 0;
        }
        int options = timestamps ? TIMESTAMPS_LENGTH : 0;
        writeHeader(octets, at, sender.sent, ACK, options, 0, now);
        receiver.sent(true);
        return MIN_LENGTH + options;
    }

    private int emitSyn(byte[] octets, int at, long now) {
        HostStream s = stream;
        if (s == null || state == TcpState.SYN_HELD || state == TcpState.CLOSED) {
            return 0;
        }
        if (!synDue) {
            return emitAcknowledgment(octets, at, now);
        }
        synDue = false;
        boolean answer = state == TcpState.SYN_RECEIVED;
        int end = at + MIN_LENGTH;
        Octets.put32(octets, end, 0x0204_0000 | Math.min(65_535, ownMss));
        end += 4;
        if (!answer || timestamps) {
            // SACK permitted takes the place of the NOPs where it can
            Octets.put32(octets, end, !answer || guestSacks ? 0x0402_080a : TcpOptions.TIMESTAMPS_WORD);
            Octets.put32(octets, end + 4, timestamp(now));
            Octets.put32(octets, end + 8, answer ? recentTimestamp : 0);
            end += 12;
        } else if (guestSacks) {
            Octets.put32(octets, end, 0x0101_0402);
            end += 4;
        }
        if (!answer || guestScale >= 0) {
            Octets.put32(octets, end, 0x0103_0300 | ownScale);
            end += 4;
        }
        Octets.put32(octets, at, ports);
        Octets.put32(octets, at + 4, iss);
        Octets.put32(octets, at + 8, answer ? receiver.next : 0);
        int flags = answer ? SYN | ACK : SYN;
        int window = answer ? receiver.offerUnscaled(s) : Math.min(65_535, s.room());
        int words = (end - at) / 4;
        Octets.put32(octets, at + 12, words << 28 | flags << 16 | window);
        Octets.put32(octets, at + 16, 0);
        if (timer != Timer.RETRANSMISSION) {
            startTimer(Timer.RETRANSMISSION, now, sender.timeout.nanos());
        }
        return end - at;
    }

    /** Everything is sent that can be: which timer is to wait for what comes next. */
    private void settle(long now) {
        if (!isSynchronized()) {
            return;
        }
        if (state == TcpState.TIME_WAIT) {
            if (timer != Timer.TIME_WAIT) {
                startTimer(Timer.TIME_WAIT, now, TIME_WAIT_NANOS);
            }
        } else if (sender.flight() > 0) {
            if (timer != Timer.RETRANSMISSION) {
                startTimer(Timer.RETRANSMISSION, now, sender.timeout.nanos());
            }
        } else if (sender.hasUnsent()) {
            if (timer != Timer.PERSIST) {
                startTimer(Timer.PERSIST, now, sender.timeout.nanos());
            }
        } else if (sender.memory() > 0) {
            startTimer(Timer.IDLE, now, IDLE_NANOS);
        } else {
            timer = Timer.NONE;
        }
    }
}
