package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.nat.internal.engine.PacketContext.UDP;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.nat.FragmentLimits;
import io.sharedip.nat.internal.engine.Reassembly.Party;
import io.sharedip.nat.internal.flow.AddressOnlyProtocols;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.KeyedHash;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.Ipv4View;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * Fragments on their way in: collects them until their datagram is whole, which then goes the way of any other packet, so that ports,
 * rules, checksums and windows hold for it too. Guests and the outside have tables of their own, so neither can crowd the other out.
 *
 * <p><b>Books.</b> A fragment that is kept counts as held. Once its datagram's fate is known, all its frames share it: the packet at
 * hand then weighs as much as it had frames.
 *
 * <p><b>A host at the same address</b> receives every fragment from the uplink itself. So a datagram whose first fragment shows that
 * it is the host's is not collected any further, and one that comes to nothing before that is known counts as left to the host.
 */
final class Fragments implements Reassembly.Owner {

    /** Groups of outside sources; a power of two. */
    private static final int SOURCES = 1024;

    private static final int EXPIRE_PER_TICK = 512;
    private static final int ETHERNET = EthernetView.MIN_LENGTH;
    private static final int CODE_REASSEMBLY = 1;

    private final Engine engine;
    private final EngineSettings settings;
    private final OutsideAddresses outside;
    private final GuestDirectory guests;
    private final Flows flows;
    private final Counters counters;
    private final KeyedHash hash;
    private final byte[] room = new byte[ETHERNET + 65_535];
    private final Frame frame = new Frame();
    private final PacketContext first;
    private @Nullable Reassembly fromGuests;
    private @Nullable Reassembly fromOutside;

    Fragments(
            Engine engine,
            EngineSettings settings,
            OutsideAddresses outside,
            GuestDirectory guests,
            Flows flows,
            Counters counters,
            AddressOnlyProtocols others) {
        this.engine = engine;
        this.settings = settings;
        this.outside = outside;
        this.guests = guests;
        this.flows = flows;
        this.counters = counters;
        this.first = new PacketContext(others);
        this.hash = new KeyedHash(settings.random());
    }

    /** Frames that wait for the rest of their datagram. */
    int held() {
        return (fromGuests == null ? 0 : fromGuests.held()) + (fromOutside == null ? 0 : fromOutside.held());
    }

    /**
     * Takes a fragment.
     *
     * @return whether its datagram is whole, and the packet at hand from now on
     */
    boolean collect(Attachment from, PacketContext c) {
        boolean uplink = from.number() == Attachment.UPLINK;
        Reassembly table = uplink ? outsideTable() : guestTable();
        int holder = uplink ? hash.hash(c.source, 0) & SOURCES - 1 : from.number();
        Party party = uplink ? partyOf(c) : Party.GATEWAY;
        switch (table.collect(from.number(), holder, party, c, engine.now())) {
            case WHOLE -> {
                return take(table, c);
            }
            case REFUSED -> count(party(table, table.current()), table.reason(), 1);
            case LEFT -> counters.leftToHost++;
            default -> {}
        }
        return false;
    }

    private Reassembly guestTable() {
        if (fromGuests == null) {
            FragmentLimits limits = settings.fragments();
            fromGuests = table(limits.octetsFromGuests(), limits.octetsPerGuest());
        }
        return fromGuests;
    }

    private Reassembly outsideTable() {
        if (fromOutside == null) {
            int octets = settings.fragments().octetsFromOutside();
            fromOutside = table(octets, octets);
        }
        return fromOutside;
    }

    private Reassembly table(int octets, int octetsEach) {
        return new Reassembly(
                this,
                octets / Reassembly.PAGE,
                octetsEach / Reassembly.PAGE,
                settings.fragments().timeout().toNanos(),
                settings.random());
    }

    private Party partyOf(PacketContext c) {
        if (!isSharedWithHost(c)) {
            return Party.GATEWAY;
        }
        if (!hasPorts(c)) {
            return Party.UNKNOWN;
        }
        return flows.holdsPort(c.protocol, u16(c.octets, c.transport + 2)) ? Party.GATEWAY : Party.HOST;
    }

    private boolean isSharedWithHost(PacketContext c) {
        return !settings.addressIsOwn() && c.destination == outside.shared();
    }

    private static boolean hasPorts(PacketContext c) {
        return (u16(c.octets, c.ip + 6) & Ipv4View.OFFSET_MASK) == 0
                && (c.protocol == TCP || c.protocol == UDP)
                && c.transportLength >= 4;
    }

    private static Party party(Reassembly table, int datagram) {
        return datagram == Reassembly.NONE ? Party.UNKNOWN : table.party(datagram);
    }

    private boolean take(Reassembly table, PacketContext c) {
        int fragmentation = table.take(room, frame);
        c.wrap(frame, FlowTable.NONE);
        c.fragmentation = fragmentation;
        counters.weigh(Fragmentation.frames(fragmentation));
        DropReason why = c.parseIp();
        if (why != null) {
            counters.drop(why);
        }
        return why == null;
    }

    private void count(Party party, @Nullable DropReason why, int frames) {
        if (why == null || party != Party.GATEWAY) {
            counters.leftToHost += frames;
        } else {
            counters.drop(why, frames);
        }
    }

    @Override
    public void givenUp(Reassembly table, int datagram, @Nullable DropReason why) {
        count(table.party(datagram), why, table.frames(datagram));
        if (why == DropReason.FRAGMENT_TIMEOUT) {
            tellTimeExceeded(table, datagram);
        }
    }

    /** Tells a sender whose datagram has not become whole, if its first fragment has come (RFC 792, RFC 1122 section 3.3.2). */
    private void tellTimeExceeded(Reassembly table, int datagram) {
        boolean uplink = table.link(datagram) == Attachment.UPLINK;
        Attachment sender = uplink ? engine.uplink() : guests.get(table.link(datagram));
        int length = table.copyFirst(datagram, room);
        if (sender == null || length == 0) {
            return;
        }
        final PacketContext c = first;
        c.wrap(frame.wrap(room, 0, length), FlowTable.NONE);
        if (c.parseIp() != null || (uplink && !concernsGuests(c))) {
            return;
        }
        c.icmpType = c.protocol == ICMP ? u8(c.octets, c.transport) : -1;
        engine.tell(sender, c, IcmpView.TIME_EXCEEDED, CODE_REASSEMBLY, 0);
    }

    /** Whether nobody but the gateway tells the sender: where a host has the address too, its kernel does so itself. */
    private boolean concernsGuests(PacketContext c) {
        return c.destination != outside.shared()
                || (!isSharedWithHost(c) && hasPorts(c) && flows.holdsPort(c.protocol, u16(c.octets, c.transport + 2)));
    }

    /** Gives up what has waited too long. */
    void tick(long nowNanos) {
        if (fromGuests != null) {
            fromGuests.expire(nowNanos, EXPIRE_PER_TICK);
        }
        if (fromOutside != null) {
            fromOutside.expire(nowNanos, EXPIRE_PER_TICK);
        }
    }

    /** Gives up what has come from a guest that has been unplugged. */
    void forget(int guest) {
        if (fromGuests != null) {
            fromGuests.forget(guest);
        }
    }
}
