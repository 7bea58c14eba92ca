package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;

import io.sharedip.filter.FilterChain;
import io.sharedip.filter.FilterRule;
import io.sharedip.filter.FlowState;
import io.sharedip.filter.Hook;
import io.sharedip.filter.Verdict;
import io.sharedip.nat.internal.filter.CompiledChain;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.TcpTracker;
import io.sharedip.packet.IcmpView;
import io.sharedip.packet.TcpView;
import io.sharedip.stats.DropReason;
import org.jspecify.annotations.Nullable;

/**
 * The filter chain as packets meet it on their way: what each hook is shown of one, and what becomes of one that is refused. A flow
 * remembers the epoch of the chain that accepted it, and is judged again once that has been replaced.
 */
final class Rules {

    /** What the next question is about; set by whoever asks. */
    final CompiledChain.Subject subject = new CompiledChain.Subject();

    private final Engine engine;
    private final GuestDirectory guests;
    private final FlowTable flows;
    private final Counters counters;
    private final Answers answers;
    private final EventRing events;
    private CompiledChain chain;
    private boolean ingressOpen = true;
    private boolean egressOpen = true;

    /** Begins with a chain that accepts everything. */
    Rules(Engine engine, GuestDirectory guests, FlowTable flows, Counters counters, Answers answers, EventRing events) {
        this.engine = engine;
        this.guests = guests;
        this.flows = flows;
        this.counters = counters;
        this.answers = answers;
        this.events = events;
        this.chain = new CompiledChain(FilterChain.acceptAll(), 1, id -> 0, this::ruleMatched);
    }

    CompiledChain chain() {
        return chain;
    }

    void chain(FilterChain replacement) {
        chain = new CompiledChain(replacement, chain.epoch() + 1, engine.management()::numberOf, this::ruleMatched);
        ingressOpen = chain.isOpen(Hook.INGRESS);
        egressOpen = chain.isOpen(Hook.EGRESS);
    }

    /** Whether no rule stands at the hook of what comes in. */
    boolean ingressOpen() {
        return ingressOpen;
    }

    /** Whether no rule stands at the hook of what leaves. */
    boolean egressOpen() {
        return egressOpen;
    }

    /** Whether the chain in force has accepted a flow. */
    boolean haveJudged(int flow) {
        return flows.epoch(flow) == chain.epoch();
    }

    /** Remembers that the chain in force has accepted a flow. */
    void judged(int flow) {
        flows.epoch(flow, chain.epoch());
    }

    boolean passesIngress(Attachment from, PacketContext c) {
        boolean fromOutside = from == engine.uplink();
        boolean toGateway = engine.isGateway(c.destination);
        subject.of(
                c.protocol,
                fromOutside ? CompiledChain.OUTSIDE : from.number(),
                c.source,
                c.sourcePort,
                toGateway || fromOutside ? CompiledChain.UNKNOWN : CompiledChain.OUTSIDE,
                c.destination,
                c.destinationPort);
        subject.tcpFlags = c.tcpFlags;
        subject.icmpType = c.icmpType;
        return admitted(chain.judge(Hook.INGRESS, subject), from, c);
    }

    private Verdict judgeNewFlow(PacketContext c) {
        subject.tcpFlags = c.tcpFlags;
        subject.icmpType = c.icmpType;
        subject.state = FlowState.NEW;
        return chain.judge(Hook.FLOW, subject);
    }

    /** Whether a new flow, or a call to the gateway itself, is accepted; if not, its packet is dropped. */
    boolean admitsNew(@Nullable Attachment sender, PacketContext c) {
        return admitted(judgeNewFlow(c), sender, c);
    }

    /** Whether a rule opens the host to a new flow of a guest; nothing else does. If not, its packet is dropped and the guest told. */
    boolean admitsToHost(Attachment sender, PacketContext c) {
        subject.tcpFlags = c.tcpFlags;
        subject.icmpType = c.icmpType;
        subject.state = FlowState.NEW;
        return admittedToHost(chain.judgeToHost(subject), sender, c);
    }

    /** Whether a packet to a service of the gateway is accepted; if not, it is dropped. Every segment counts as its connection's first. */
    boolean admitsToService(Attachment sender, PacketContext c) {
        subject.tcpFlags = c.protocol == TCP ? TcpView.SYN : 0;
        subject.icmpType = -1;
        subject.state = FlowState.NEW;
        return admitted(chain.judge(Hook.FLOW, subject), sender, c);
    }

    private boolean admittedToHost(Verdict verdict, @Nullable Attachment sender, PacketContext c) {
        if (verdict != Verdict.CONTINUE) {
            return admitted(verdict, sender, c);
        }
        counters.drop(DropReason.HOST_DENIED);
        if (sender != null) {
            tellProhibited(sender, c);
        }
        return false;
    }

    /** Whether the chain in force forbids a flow that an earlier one accepted. Drops nothing and tells nobody. */
    boolean forbids(int flow) {
        if (haveJudged(flow) || !describe(flow)) {
            return false;
        }
        subject.icmpType = subject.protocol == ICMP ? IcmpView.ECHO_REQUEST : -1;
        return (isToHost(flow) ? chain.judgeToHost(subject) : chain.judge(Hook.FLOW, subject)) != Verdict.ACCEPT;
    }

    private boolean isToHost(int flow) {
        return (flows.state(flow) & FlowTable.BY_GUEST) != 0 && engine.gateway().isHost(flows.peerOutsideAddress(flow));
    }

    /** Makes a flow the subject. @return false if it was judged when the other half of its hairpin was */
    private boolean describe(int flow) {
        int state = flows.state(flow);
        int other = engine.hairpins().otherHalf(flow);
        boolean judgedThere = (state & FlowTable.HAIRPIN_ORIGIN) != 0
                && (other < 0 || (flows.state(other) & FlowTable.HAIRPIN_ORIGIN) == 0);
        if (judgedThere) {
            return false;
        }
        int guest = flows.guest(flow);
        int address = flows.insideAddress(flow);
        int port = flows.insidePort(flow);
        int peerGuest =
                engine.gateway().isHost(flows.peerOutsideAddress(flow)) ? CompiledChain.HOST : flows.peerGuest(flow);
        // of a hairpin the rules see both guests' own tuples, not what one is shown of the other
        int peer = other < 0 ? flows.peerAddress(flow) : flows.insideAddress(other);
        int peerPort = other < 0 ? flows.peerPort(flow) : flows.insidePort(other);
        if ((state & FlowTable.BY_GUEST) != 0) {
            subject.of(flows.protocol(flow), guest, address, port, peerGuest, peer, peerPort);
        } else {
            subject.of(flows.protocol(flow), peerGuest, peer, peerPort, guest, address, port);
        }
        int tracked = state & FlowTable.TRACKED_MASK;
        // as its first packet was, whatever this one is
        subject.tcpFlags = subject.protocol == TCP ? TcpView.SYN : 0;
        subject.state = tracked == TcpTracker.HALF_OPEN || tracked == TcpTracker.UNREPLIED
                ? FlowState.NEW
                : FlowState.ESTABLISHED;
        return true;
    }

    /** Judges a flow again whose chain was replaced; the flow stays, but the packet passes only if the new chain lets it. */
    boolean passesAgain(int flow, @Nullable Attachment sender, PacketContext c) {
        if (describe(flow)) {
            subject.icmpType =
                    subject.protocol != ICMP ? -1 : c.isIcmpError() ? IcmpView.ECHO_REQUEST : c.icmpQueryType();
            boolean admitted = isToHost(flow)
                    ? admittedToHost(chain.judgeToHost(subject), sender, c)
                    : admitted(chain.judge(Hook.FLOW, subject), sender, c);
            if (!admitted) {
                return false;
            }
        }
        judged(flow);
        return true;
    }

    /** Whether the rules let an error of an accepted flow pass; nobody is told if not, for errors are never answered. */
    boolean passesAsRelated(PacketContext c) {
        if (!chain.judgesRelated()) {
            return true;
        }
        subject.tcpFlags = 0;
        subject.icmpType = c.icmpType;
        return admitted(chain.judgeRelated(subject), null, c);
    }

    boolean passesEgress(@Nullable Attachment sender, PacketContext c) {
        subject.tcpFlags = c.tcpFlags;
        subject.icmpType = c.icmpType;
        return admitted(chain.judge(Hook.EGRESS, subject), sender, c);
    }

    /** Whether a verdict lets a packet pass; if not, the packet is dropped and, if rejected, its sender told. */
    private boolean admitted(Verdict verdict, @Nullable Attachment sender, PacketContext c) {
        if (verdict == Verdict.ACCEPT) {
            return true;
        }
        if (verdict == Verdict.REJECT) {
            counters.drop(DropReason.RULE_REJECTED);
            if (sender != null) {
                tellProhibited(sender, c);
            }
        } else {
            counters.drop(DropReason.RULE_DROPPED);
        }
        return false;
    }

    private void tellProhibited(Attachment sender, PacketContext c) {
        if (c.protocol == TCP) {
            answers.reset(sender, engine.gatewayMac(sender), c, engine.now());
        } else {
            engine.tell(sender, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_PROHIBITED, 0);
        }
    }

    private void ruleMatched(FilterRule rule, CompiledChain.Subject s) {
        Attachment guest = guests.get(s.source > 0 ? s.source : Math.max(0, s.destination));
        events.ruleLogged(
                engine.now(),
                rule,
                guest == null ? null : guest.guestId(),
                s.protocol,
                EventRing.packed(s.sourceAddress, s.sourcePort),
                EventRing.packed(s.destinationAddress, s.destinationPort));
    }
}
