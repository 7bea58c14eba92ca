package io.sharedip.nat.internal.engine;

import io.sharedip.GuestId;
import io.sharedip.link.FrameHandler;
import io.sharedip.link.Link;
import io.sharedip.packet.Frame;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A link plugged into the engine: the uplink, or a guest's. What the engine knows of a guest is here; its number is part of every
 * key, and is not given to another guest before all others have been used.
 */
public final class Attachment implements FrameHandler {

    /** Takes what comes in. */
    interface Owner {

        /** Bounds the errors and resets that are said on one link. */
        TokenBucket errorBucket();

        /** Bounds the echo replies that are said on one link. */
        TokenBucket echoBucket();

        /** Takes a batch. */
        void receive(Attachment from, Frame[] frames, int count);
    }

    /** The number of the uplink. */
    public static final int UPLINK = 0;

    /** Datagrams to services, and connections. */
    private static final int QUESTIONS_PER_SECOND = 2_000;

    private final Owner owner;
    private final Link link;
    private final String name;
    private final int mtu;
    private final int number;
    private final @Nullable GuestId guest;
    private final TokenBucket errors;
    private final TokenBucket echoes;
    private final TokenBucket refusals = new TokenBucket(1, 1);
    private final TokenBucket questions = new TokenBucket(QUESTIONS_PER_SECOND, QUESTIONS_PER_SECOND / 2);
    private long mac;
    private int[] addresses;
    private boolean up = true;
    private boolean unflushed;
    private long violations;

    Attachment(Owner owner, Link link, int number, @Nullable GuestId guest, long mac, int[] addresses) {
        this.owner = owner;
        this.errors = owner.errorBucket();
        this.echoes = owner.echoBucket();
        this.link = link;
        this.name = link.name();
        this.mtu = link.mtu();
        this.number = number;
        this.guest = guest;
        this.mac = mac;
        this.addresses = addresses;
    }

    public Link link() {
        return link;
    }

    String name() {
        return name;
    }

    int mtu() {
        return mtu;
    }

    /** {@link #UPLINK}, or the guest's number. */
    public int number() {
        return number;
    }

    /** The guest, empty on the uplink. */
    public Optional<GuestId> guest() {
        return Optional.ofNullable(guest);
    }

    GuestId guestId() {
        if (guest == null) {
            throw new IllegalStateException("the uplink has no guest");
        }
        return guest;
    }

    /** The guest's MAC address, or the one that frames on the uplink bear. */
    public long mac() {
        return mac;
    }

    void mac(long changed) {
        mac = changed;
    }

    /** The addresses that the guest may use; never empty on a guest's link. */
    public int[] addresses() {
        return addresses;
    }

    void addresses(int[] bound) {
        addresses = bound;
    }

    boolean owns(int address) {
        for (int bound : addresses) {
            if (bound == address) {
                return true;
            }
        }
        return false;
    }

    public boolean isUp() {
        return up;
    }

    void up(boolean isUp) {
        up = isUp;
    }

    public long violations() {
        return violations;
    }

    void countViolation() {
        violations++;
    }

    /** Whether an error or a reset may be sent here now. */
    boolean mayAnswer(long nowNanos) {
        return errors.take(nowNanos);
    }

    /** Whether a ping of the gateway may be answered here now. */
    boolean mayEcho(long nowNanos) {
        return echoes.take(nowNanos);
    }

    /** Whether the guest may ask a service now. */
    boolean mayAsk(long nowNanos) {
        return questions.take(nowNanos);
    }

    /** Whether a refusal of the guest may be told to listeners now. */
    boolean mayReportRefusal(long nowNanos) {
        return refusals.take(nowNanos);
    }

    boolean send(Frame frame) {
        unflushed = true;
        return link.send(frame);
    }

    void flush() {
        if (unflushed) {
            unflushed = false;
            link.flush();
        }
    }

    @Override
    public void onFrames(Frame[] frames, int count) {
        owner.receive(this, frames, count);
    }
}
