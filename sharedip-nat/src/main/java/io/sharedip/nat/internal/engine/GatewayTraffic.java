package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.nat.internal.engine.PacketContext.UDP;
import static io.sharedip.packet.Octets.u48;

import io.sharedip.nat.internal.filter.CompiledChain;
import io.sharedip.nat.internal.flow.TcpTracker;
import io.sharedip.packet.IcmpView;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * What is for the gateway itself or the host behind it: pings, services, and what guests send to the host. A card never brings frames to
 * the host's own stack; sockets do, if a rule opens it.
 *
 * <p><b>The host</b> is the alias, the router's address and the shared one as guests name them, every address of the host's own, and
 * what only the host's own links know (169.254/16, RFC 3927), metadata services of clouds among them. A guest reaches it only through a
 * rule that accepts and whose end is {@code host}, or a prefix no wider than what it names: that one address, or a part of 169.254/16.
 */
final class GatewayTraffic {

    private final Engine engine;
    private final OutsideAddresses outside;
    private final Flows flows;
    private final Rules rules;
    private final Counters counters;
    private final Answers answers;
    private final Delivery delivery;
    private final Identification identification;
    private final long routerMac;
    private final @Nullable HostSide sockets;
    private final @Nullable ServiceSide services;

    GatewayTraffic(
            Engine engine,
            EngineSettings settings,
            OutsideAddresses outside,
            Flows flows,
            Rules rules,
            Counters counters,
            Answers answers,
            Delivery delivery,
            Identification identification) {
        this.engine = engine;
        this.outside = outside;
        this.rules = rules;
        this.counters = counters;
        this.answers = answers;
        this.delivery = delivery;
        this.identification = identification;
        this.routerMac = settings.routerMac();
        this.sockets = engine.sockets();
        this.services = engine.services();
        this.flows = flows;
    }

    // ------------------------------------------------------------------------------------------------ pings

    void ping(Attachment from, PacketContext c) {
        rules.subject.of(c.protocol, from.number(), c.source, 0, CompiledChain.HOST, c.destination, 0);
        if (rules.admitsNew(from, c)) {
            answerPing(from, c);
        }
    }

    void answerPing(Attachment to, PacketContext c) {
        if (!to.mayEcho(engine.now())) {
            counters.drop(DropReason.LIMIT_ECHO);
            return;
        }
        long asker = u48(c.octets, c.start + 6);
        answers.echoReply(c);
        identification.renew(c);
        Delivery.Outcome outcome = delivery.send(to, c.frame, asker, engine.gatewayMac(to), c.fragmentation);
        if (outcome == Delivery.Outcome.SENT) {
            counters.answered();
        } else {
            counters.drop(Delivery.reason(outcome));
        }
    }

    // ------------------------------------------------------------------------------------------------ services

    /** Deals with what is for a service. @return false if it is not */
    boolean takes(Attachment from, PacketContext c) {
        if (services == null
                || (c.protocol != TCP && c.protocol != UDP)
                || !services.listens(c.destinationPort)
                || !outside.isGatewayName(c.destination)
                || (c.destination == outside.shared() && flows.forwards().covers(c.protocol, c.destinationPort))) {
            return false;
        }
        rules.subject.of(
                c.protocol,
                from.number(),
                c.source,
                c.sourcePort,
                CompiledChain.HOST,
                c.destination,
                c.destinationPort);
        if (rules.admitsToService(from, c)) {
            toService(services, from, c);
        }
        return true;
    }

    private void toService(ServiceSide side, Attachment from, PacketContext c) {
        boolean asks = c.protocol == UDP || TcpTracker.begins(c.tcpFlags);
        if (asks && !from.mayAsk(engine.now())) {
            counters.drop(DropReason.LIMIT_SERVICE);
            return;
        }
        DropReason why = side.take(
                from.number(),
                c.protocol,
                c.source,
                c.destination,
                c.octets,
                c.transport,
                c.transportLength,
                engine.now());
        if (why == null) {
            counters.answered();
            return;
        }
        counters.drop(why);
        if (why == DropReason.TCP_NO_FLOW) {
            answers.reset(from, routerMac, c, engine.now());
        }
    }

    // ------------------------------------------------------------------------------------------------ the host

    /** Whether an address, as the outside sees it, is the host's. */
    boolean isHost(int address) {
        return sockets != null
                && (outside.isAlias(address)
                        || (address & CompiledChain.LINK_LOCAL_MASK) == CompiledChain.LINK_LOCAL
                        || sockets.isHostAddress(address));
    }

    /** Whether what a guest sends to the gateway leads neither to a guest nor to a host that packets can reach. */
    boolean mustRefuse(Attachment from, PacketContext c) {
        if (sockets != null || outside.isOneToOne(c.destination)) {
            return false;
        }
        int shown = outside.shownFor(from.number(), c.source);
        return !c.hasPorts()
                || (flows.findMapping(c.protocol, c.destinationPort, engine.now()) < 0
                        && flows.forwards().find(c.protocol, c.destinationPort, shown) == null);
    }

    /** The end of a packet from outside, as rules see it. */
    int endOf(Attachment from, PacketContext c) {
        return from.number() == Attachment.UPLINK && isHost(c.source) ? CompiledChain.HOST : from.number();
    }

    /**
     * Begins a guest's flow to the host, if its packets can reach it and a rule opens it.
     *
     * @param peerOutside what the host is called outside
     * @return the flow, or -1 if the packet was dropped
     */
    int openToHost(Attachment from, PacketContext c, int peerPort, int peerOutside) {
        rules.subject.of(
                c.protocol, from.number(), c.source, c.sourcePort, CompiledChain.HOST, c.destination, peerPort);
        if (sockets == null) {
            if (rules.admitsNew(from, c)) {
                refuse(from, c);
            }
            return -1;
        }
        if (!rules.admitsToHost(from, c)) {
            return -1;
        }
        return engine.opened(from, c, engine.openFromGuest(from, c, peerPort, peerOutside));
    }

    /** A guest calls the host, which packets injected on a card never reach. */
    private void refuse(Attachment from, PacketContext c) {
        counters.drop(DropReason.HOST_UNREACHABLE);
        if (c.protocol == TCP) {
            answers.reset(from, routerMac, c, engine.now());
        } else {
            int code = c.hasPorts() ? IcmpView.CODE_PORT_UNREACHABLE : IcmpView.CODE_PROTOCOL_UNREACHABLE;
            engine.tell(from, c, IcmpView.DESTINATION_UNREACHABLE, code, 0);
        }
    }

    /** Resets a guest's connection that is not known, where it cannot be one that goes on without the gateway. */
    void resetUnknown(Attachment from, PacketContext c) {
        if (sockets != null && c.protocol == TCP) {
            answers.reset(from, routerMac, c, engine.now());
        }
    }

    /** Whether a guest's packet is one that a socket can send; if not, it is dropped and the guest told. */
    boolean canLeave(Attachment from, PacketContext c) {
        if (sockets == null || c.protocol != ICMP || (c.icmpType == IcmpView.ECHO_REQUEST && sockets.sendsEcho())) {
            return true;
        }
        counters.drop(DropReason.SOCKET_UNSUPPORTED);
        engine.tell(from, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_PROHIBITED, 0);
        return false;
    }

    /** The end of a translated packet's way, where it is at a socket. */
    void toSocket(PacketContext c, int flow) {
        if (sockets == null) {
            return;
        }
        DropReason why = sockets.take(flow, c.frame, c.protocol, c.transport, c.transportLength, engine.now());
        if (why == null) {
            counters.forwarded();
        } else {
            counters.drop(why);
        }
    }
}
