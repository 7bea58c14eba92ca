package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.nat.internal.filter.CompiledChain;
import io.sharedip.nat.internal.flow.AddressOnlyProtocols;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.IcmpErrorRewriter;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * ICMP errors about flows, both ways (RFC 5508 section 4): finds the flow by the packet inside, reverts that packet's translation, and
 * takes the error to whom it concerns. An error neither refreshes nor ends a flow (REQ-6).
 */
final class IcmpErrors {

    private static final int ETHERNET = EthernetView.MIN_LENGTH;

    private final Engine engine;
    private final OutsideAddresses outside;
    private final GuestDirectory guests;
    private final Flows flows;
    private final FlowTable table;
    private final Counters counters;
    private final Answers answers;
    private final Delivery delivery;
    private final IcmpErrorRewriter inner = new IcmpErrorRewriter();
    private final PacketContext own;

    IcmpErrors(
            Engine engine,
            OutsideAddresses outside,
            GuestDirectory guests,
            Flows flows,
            Counters counters,
            Answers answers,
            Delivery delivery,
            AddressOnlyProtocols others) {
        this.own = new PacketContext(others);
        this.engine = engine;
        this.outside = outside;
        this.guests = guests;
        this.flows = flows;
        this.table = flows.table();
        this.counters = counters;
        this.answers = answers;
        this.delivery = delivery;
    }

    private @Nullable DropReason parse(PacketContext c) {
        return inner.parse(c.octets, c.transport + IcmpView.MIN_LENGTH, c.transport + c.transportLength);
    }

    private static boolean isNeverTranslated(int type) {
        return type == IcmpView.REDIRECT || type == IcmpView.SOURCE_QUENCH;
    }

    /** The flow of a guest's packet, found by the packet as it left, or -1. */
    private int flowOfSent() {
        return flows.findOutside(
                inner.protocol(),
                inner.source(),
                inner.sourcePort(),
                inner.destination(),
                inner.destinationPort(),
                FlowTable.NONE,
                engine.now());
    }

    /** An error from the uplink about what a guest has sent. */
    void fromOutside(PacketContext c) {
        if (isNeverTranslated(c.icmpType)) {
            counters.drop(DropReason.ICMP_TYPE);
            return;
        }
        DropReason why = parse(c);
        if (why != null) {
            engine.leaveOr(c, why);
            return;
        }
        if (inner.source() != c.destination || (flowOfSent() < 0 && !holdsPortOfInner())) {
            engine.leaveOr(c, DropReason.ICMP_NO_FLOW);
            return;
        }
        if (c.ttl() <= 1) {
            counters.drop(DropReason.TTL_EXPIRED);
            return;
        }
        toGuest(c, true);
    }

    private boolean holdsPortOfInner() {
        return PacketContext.hasPorts(inner.protocol())
                && inner.source() == outside.shared()
                && flows.holdsPort(inner.protocol(), inner.sourcePort());
    }

    /** Reverts the inner packet of an error about a flow and takes it to the flow's guest. */
    private void toGuest(PacketContext c, boolean counted) {
        int flow = flowOfSent();
        Attachment to = flow < 0 ? null : guests.get(table.guest(flow));
        if (to == null) {
            if (counted) {
                counters.drop(DropReason.ICMP_NO_FLOW);
            }
            return;
        }
        if (!inner.fits((table.state(flow) & FlowTable.BY_GUEST) != 0)) {
            if (counted) {
                counters.drop(DropReason.ICMP_INNER);
            }
            return;
        }
        int source = engine.shownPeer(c.source, to);
        if (counted) {
            // what the gateway says itself is on no book and asks no rule
            if (!engine.rules().haveJudged(flow) && !engine.rules().passesAgain(flow, null, c)) {
                return;
            }
            engine.rules()
                    .subject
                    .of(ICMP, table.peerGuest(flow), source, 0, to.number(), table.insideAddress(flow), 0);
            if (!engine.rules().passesAsRelated(c)
                    || (!engine.rules().egressOpen() && !engine.rules().passesEgress(null, c))) {
                return;
            }
        }
        inner.rewrite(table.insideAddress(flow), table.insidePort(flow), table.peerAddress(flow), table.peerPort(flow));
        Translation.error(c, source, table.insideAddress(flow), !outside.owns(c.source));
        Delivery.Outcome outcome = delivery.toGuest(to, c);
        if (counted) {
            engine.settle(outcome);
        }
    }

    /** An error from a guest about what was sent to it. */
    void fromGuest(Attachment from, PacketContext c) {
        DropReason why = parse(c);
        if (why == null
                && (!from.owns(inner.destination())
                        || inner.source() != c.destination
                        || isNeverTranslated(c.icmpType))) {
            why = DropReason.ICMP_INNER;
        }
        if (why != null) {
            counters.drop(why);
            return;
        }
        boolean ping = inner.protocol() == ICMP;
        int flow = flows.findInside(
                from.number(),
                inner.protocol(),
                inner.destination(),
                ping ? inner.identifier() : inner.destinationPort(),
                inner.source(),
                ping ? 0 : inner.sourcePort(),
                FlowTable.NONE,
                engine.now());
        if (flow < 0) {
            counters.drop(DropReason.ICMP_NO_FLOW);
            return;
        }
        if (!inner.fits((table.state(flow) & FlowTable.BY_GUEST) == 0)) {
            counters.drop(DropReason.ICMP_INNER);
            return;
        }
        if (c.ttl() <= 1) {
            counters.drop(DropReason.TTL_EXPIRED);
            return;
        }
        if (!engine.rules().haveJudged(flow) && !engine.rules().passesAgain(flow, null, c)) {
            return;
        }
        int peer = table.peerOutsideAddress(flow);
        int shown = table.outsideAddress(flow);
        boolean hairpin = outside.owns(peer);
        if (!hairpin && engine.sockets() != null) {
            toEndpoint(engine.sockets(), c, flow);
            return;
        }
        if (!hairpin && !rulesLetOut(from, c, shown, peer)) {
            return;
        }
        if (ping) {
            inner.rewrite(peer, table.outsidePort(flow), shown, 0);
        } else {
            inner.rewrite(peer, inner.sourcePort(), shown, table.outsidePort(flow));
        }
        Translation.error(c, shown, peer, true);
        if (!hairpin) {
            engine.settle(delivery.toOutside(engine.uplink(), c, peer, from, engine.now()));
            return;
        }
        c.source = shown;
        c.destination = peer;
        why = parse(c);
        if (why != null) {
            counters.drop(why);
            return;
        }
        toGuest(c, true);
    }

    /** No socket sends an error on, but the gateway's own end of a connection learns from one. */
    private void toEndpoint(HostSide sockets, PacketContext c, int flow) {
        boolean tooBig = c.icmpType == IcmpView.DESTINATION_UNREACHABLE
                && u8(c.octets, c.transport + 1) == IcmpView.CODE_FRAGMENTATION_NEEDED;
        int mtu = tooBig ? u16(c.octets, c.transport + 6) : 0;
        boolean unreachable = c.icmpType == IcmpView.DESTINATION_UNREACHABLE;
        if (unreachable
                && inner.protocol() == PacketContext.TCP
                && sockets.takeError(flow, mtu, inner.sequence(), engine.now())) {
            counters.answered();
        } else {
            counters.drop(DropReason.SOCKET_UNSUPPORTED);
        }
    }

    /** Whether the rules let an error out. */
    private boolean rulesLetOut(Attachment from, PacketContext c, int shown, int peer) {
        engine.rules().subject.of(ICMP, from.number(), c.source, 0, CompiledChain.OUTSIDE, peer, 0);
        if (!engine.rules().passesAsRelated(c)) {
            return false;
        }
        if (engine.rules().egressOpen()) {
            return true;
        }
        engine.rules().subject.of(ICMP, from.number(), shown, 0, CompiledChain.OUTSIDE, peer, 0);
        return engine.rules().passesEgress(from, c);
    }

    /** The flow of a packet that has been translated outwards, an error included, or {@link FlowTable#NONE}. */
    int flowOfTranslated(PacketContext c) {
        if (!c.isIcmpError()) {
            int peerPort = c.protocol == ICMP ? 0 : c.destinationPort;
            return flows.findOutside(
                    c.protocol, c.source, c.sourcePort, c.destination, peerPort, FlowTable.NONE, engine.now());
        }
        if (parse(c) != null) {
            return FlowTable.NONE;
        }
        boolean ping = inner.protocol() == ICMP;
        return flows.findOutside(
                inner.protocol(),
                inner.destination(),
                ping ? inner.identifier() : inner.destinationPort(),
                inner.source(),
                ping ? 0 : inner.sourcePort(),
                FlowTable.NONE,
                engine.now());
    }

    /** Tells the guest that the next hop of a packet, translated already, does not answer (RFC 1812 section 5.2.7.1: 3/1). */
    void tellUnreachable(Frame translated, Attachment origin) {
        tellAbout(translated, origin, IcmpView.CODE_HOST_UNREACHABLE, 0);
    }

    /** Tells a guest that a hairpinned packet, translated already, is too big for its destination's link (RFC 1191). */
    void tellTooBig(Frame translated, Attachment origin, int mtu) {
        tellAbout(translated, origin, IcmpView.CODE_FRAGMENTATION_NEEDED, mtu);
    }

    private void tellAbout(Frame translated, Attachment origin, int code, int mtu) {
        if (!origin.mayAnswer(engine.now())) {
            return;
        }
        Frame error = answers.errorFrame(
                outside.gatewayAddress(),
                outside.shared(),
                translated.array(),
                translated.offset() + ETHERNET,
                translated.length() - ETHERNET,
                IcmpView.DESTINATION_UNREACHABLE,
                code,
                mtu);
        final PacketContext c = own;
        c.wrap(error, FlowTable.NONE);
        if (c.parseIp() == null && c.parseTransport(false) == null && parse(c) == null) {
            counters.ownFrames++;
            toGuest(c, false);
        }
    }
}
