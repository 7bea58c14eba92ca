package io.sharedip.nat.internal.engine;

import io.sharedip.nat.internal.binding.ArpResponder;
import io.sharedip.packet.ArpView;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.stats.DropReason;

/**
 * ARP (RFC 826) on all links: answers guests in the router's name and the segment in the gateway's, learns the neighbours of the
 * uplink, tells of lies, and announces the gateway's own addresses (RFC 5227).
 */
final class ArpTraffic {

    private static final int ETHERNET = EthernetView.MIN_LENGTH;

    private final Engine engine;
    private final EngineSettings settings;
    private final OutsideAddresses outside;
    private final NeighbourTable neighbours;
    private final Counters counters;
    private final Answers answers;
    private final ArpResponder responder;
    private final ArpView arp = new ArpView();

    ArpTraffic(
            Engine engine,
            EngineSettings settings,
            OutsideAddresses outside,
            NeighbourTable neighbours,
            Counters counters,
            Answers answers) {
        this.engine = engine;
        this.settings = settings;
        this.outside = outside;
        this.neighbours = neighbours;
        this.counters = counters;
        this.answers = answers;
        this.responder = new ArpResponder(outside.network(), outside.mask());
    }

    void fromGuest(Attachment from, Frame frame, long sourceMac) {
        if (frame.length() < ETHERNET + ArpView.MIN_LENGTH) {
            counters.drop(DropReason.FRAME_TOO_SHORT);
            return;
        }
        arp.wrap(frame, ETHERNET);
        DropReason why = responder.judge(arp, sourceMac, from.mac(), from.addresses());
        if (why == null) {
            answers.arpReply(from, settings.routerMac(), frame, arp);
            counters.answered();
            return;
        }
        if (why != DropReason.ARP_UNANSWERED && why != DropReason.ARP_MALFORMED) {
            engine.violated(from, why, sourceMac, arp.senderAddress());
        }
        counters.drop(why);
    }

    void fromUplink(Frame frame, long sourceMac, long nowNanos) {
        arp.wrap(frame, ETHERNET);
        if (frame.length() < ETHERNET + ArpView.MIN_LENGTH || !ArpResponder.isSound(arp)) {
            engine.leaveOr(DropReason.ARP_MALFORMED);
            return;
        }
        int sender = arp.senderAddress();
        if (arp.senderMac() != sourceMac) {
            engine.violated(engine.uplink(), DropReason.ARP_SENDER_MISMATCH, sourceMac, sender);
            counters.drop(DropReason.ARP_SENDER_MISMATCH);
            return;
        }
        if (outside.owns(sender)) {
            engine.violated(engine.uplink(), DropReason.ARP_SPOOFED, sourceMac, sender);
            counters.drop(DropReason.ARP_SPOOFED);
            return;
        }
        boolean reply = arp.operation() == ArpView.REPLY;
        boolean toUs = outside.owns(arp.targetAddress());
        if (neighbours.learn(sender, sourceMac, reply && toUs, nowNanos)) {
            counters.answered();
        } else if (reply) {
            engine.leaveOr(DropReason.ARP_UNSOLICITED);
        } else if (toUs && (settings.addressIsOwn() || outside.isOneToOne(arp.targetAddress()))) {
            answers.arpReply(engine.uplink(), engine.uplink().mac(), frame, arp);
            counters.answered();
        } else {
            engine.leaveOr(DropReason.ARP_UNANSWERED);
        }
    }

    /** Says to the segment which addresses are the gateway's (RFC 5227 section 3). */
    void announce() {
        if (settings.addressIsOwn()) {
            ask(outside.shared(), outside.shared(), 0);
        }
        announceOneToOne();
    }

    /** Says to the segment which addresses are the gateway's that belong to one guest each. */
    void announceOneToOne() {
        for (int address : outside.oneToOne()) {
            ask(address, address, 0);
        }
    }

    /** Asks for a neighbour's MAC address in the gateway's name; at a certain MAC address, or everywhere if that is 0. */
    void ask(int neighbour, long mac) {
        ask(outside.shared(), neighbour, mac);
    }

    private void ask(int sender, int target, long mac) {
        answers.arpRequest(engine.uplink(), engine.uplink().mac(), sender, target, mac);
    }

    /** The gateway stands elsewhere now. */
    void moved() {
        responder.segment(outside.network(), outside.mask());
        neighbours.forget(outside.router());
    }
}
