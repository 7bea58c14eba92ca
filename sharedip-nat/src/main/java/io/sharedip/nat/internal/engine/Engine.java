package io.sharedip.nat.internal.engine;

import static io.sharedip.nat.internal.engine.PacketContext.ICMP;
import static io.sharedip.nat.internal.engine.PacketContext.TCP;
import static io.sharedip.packet.Octets.i32;
import static io.sharedip.packet.Octets.u16;
import static io.sharedip.packet.Octets.u48;
import static io.sharedip.packet.Octets.u8;

import io.sharedip.address.MacAddress;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.link.Link;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.internal.binding.BindingGuard;
import io.sharedip.nat.internal.filter.CompiledChain;
import io.sharedip.nat.internal.flow.AddressOnlyProtocols;
import io.sharedip.nat.internal.flow.FlowKey;
import io.sharedip.nat.internal.flow.FlowTable;
import io.sharedip.nat.internal.flow.KeyedHash;
import io.sharedip.nat.internal.flow.TcpTracker;
import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.packet.EthernetView;
import io.sharedip.packet.Frame;
import io.sharedip.packet.IcmpView;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.SharedIpStats;
import org.jspecify.annotations.Nullable;

/**
 * The engine: one shard, confined to the thread that drives it, without clock, socket, lock or logger.
 *
 * <p><b>The way of a frame.</b> From a guest: {@link #fromGuest} validates and checks the binding, {@link #routeFromGuest} finds or
 * begins the flow, {@link #sendOut} translates and delivers. From the uplink: {@link #fromUplink} validates and sorts out what is the
 * host's own, {@link #routeFromOutside} finds or begins the flow, {@link #sendIn} translates and delivers. What a guest sends to the
 * shared address or its alias goes out and comes in again ({@link #turnAround}: hairpin, RFC 4787 section 6) without touching a link.
 *
 * <p><b>Books.</b> Every frame that comes in ends in exactly one of: forwarded, answered, left to the host, held, or dropped with one
 * {@link DropReason}. Fragments are held until their datagram is whole ({@link Fragments}), and then share its fate.
 *
 * <p><b>Never leak.</b> A frame leaves on the uplink only through {@link #sendOut} and {@link IcmpErrors#fromGuest}, both of which write the
 * outside address and port of a live flow over the guest's, or as an answer of {@link Answers}.
 */
public final class Engine implements NeighbourTable.Owner, Attachment.Owner {

    /** Flows that the timers look at, for each millisecond since the last tick. */
    private static final int EXPIRE_PER_MILLISECOND = 512;
    /** Of the time since the last tick, what counts at most, so that one tick stays short. */
    private static final long MOST_MILLISECONDS = 100;

    /** Frames whose flows are looked ahead for at once. */
    private static final int LOOKAHEAD = 64;

    private static final int ETHERNET = EthernetView.MIN_LENGTH;

    private final EngineSettings settings;
    private final OutsideAddresses outside;
    private final Counters counters = new Counters();
    private final GuestDirectory guests = new GuestDirectory();
    private final EventRing events;
    private final Flows flows;
    private final FlowTable table;
    private final NeighbourTable neighbours;
    private final Delivery delivery;
    private final Identification identification;
    private final Fragments fragments;
    private final Answers answers = new Answers(counters);
    private final MssClamp mss;
    private final @Nullable UnsolicitedSyns unsolicitedSyns;
    private final ArpTraffic arp;
    private final @Nullable DhcpTraffic dhcp;
    private final IcmpErrors icmpErrors;
    private final GatewayTraffic gateway;
    private final Hairpins hairpins;
    /** Where the way of guests' packets ends if it is not a link. */
    private final @Nullable HostSide sockets;

    private final @Nullable ServiceSide services;

    private final Management management;
    private final Transfers transfers;

    private final PacketContext context;
    private final PacketContext errorContext;
    private final Rules rules;
    private final CompiledChain.Subject subject;
    private final int[] guesses = new int[LOOKAHEAD];

    @SuppressWarnings("UnusedVariable") // keeps the loads of lookAhead() from being optimised away
    private int touched;

    private final Attachment uplink;

    private long now;
    private long lastTick;

    /**
     * Makes an engine without guests.
     *
     * @param settings checked
     * @param uplinkLink open
     * @param uplinkMac what frames on the uplink bear
     * @param nowNanos the engine's time
     * @param events where listeners are told
     * @param sockets where guests' packets end, or null if they leave on the link
     * @param services on the gateway's own addresses, or null if there are none
     */
    public Engine(
            EngineSettings settings,
            Link uplinkLink,
            MacAddress uplinkMac,
            long nowNanos,
            EventRing events,
            @Nullable HostSide sockets,
            @Nullable ServiceSide services) {
        this.settings = settings;
        this.sockets = sockets;
        this.services = services;
        this.outside = new OutsideAddresses(settings.place(), sockets != null);
        AddressOnlyProtocols others = new AddressOnlyProtocols(settings.plan().protocols());
        this.context = new PacketContext(others);
        this.errorContext = new PacketContext(others);
        this.now = nowNanos;
        this.lastTick = nowNanos;
        this.events = events;
        this.mss = new MssClamp(settings.tcpTracking().mssClamp());
        this.unsolicitedSyns = sockets == null && settings.tcpTracking().answerUnsolicitedSyn()
                ? new UnsolicitedSyns(new KeyedHash(settings.random()))
                : null;
        this.flows = new Flows(settings, outside, guests, events, sockets, nowNanos);
        this.table = flows.table();
        this.neighbours = new NeighbourTable(this, outside.router());
        this.identification = new Identification(settings.random());
        this.delivery = new Delivery(settings, outside, neighbours, identification);
        this.fragments = new Fragments(this, settings, outside, guests, flows, counters, others);
        this.arp = new ArpTraffic(this, settings, outside, neighbours, counters, answers);
        DhcpSettings addresses = settings.dhcp();
        this.dhcp = addresses == null ? null : new DhcpTraffic(this, settings, addresses, outside, counters);
        this.rules = new Rules(this, guests, table, counters, answers, events);
        this.subject = rules.subject;
        this.uplink = new Attachment(this, uplinkLink, Attachment.UPLINK, null, uplinkMac.bits(), new int[0]);
        this.icmpErrors = new IcmpErrors(this, outside, guests, flows, counters, answers, delivery, others);
        this.gateway =
                new GatewayTraffic(this, settings, outside, flows, rules, counters, answers, delivery, identification);
        this.hairpins = new Hairpins(this, outside, guests, flows, rules, counters);
        this.management = new Management(this, settings, outside, guests, flows);
        this.transfers = new Transfers(this, settings, outside, guests, flows);
    }

    /** Changes and questions; driver's thread only. */
    public Management management() {
        return management;
    }

    Transfers transfers() {
        return transfers;
    }

    /** The uplink. */
    public Attachment uplink() {
        return uplink;
    }

    /** The counters as they were published last; any thread. */
    public SharedIpStats stats(long eventsLost) {
        return counters.snapshot(settings.capacity(), eventsLost + events.lost());
    }

    @Override
    public TokenBucket errorBucket() {
        return bucket(settings.errorsPerSecond());
    }

    @Override
    public TokenBucket echoBucket() {
        return bucket(settings.echoRepliesPerSecond());
    }

    /** Half a second's worth at once. */
    private static TokenBucket bucket(int rate) {
        return new TokenBucket(rate, Math.max(1, rate / 2));
    }

    Rules rules() {
        return rules;
    }

    @Nullable
    HostSide sockets() {
        return sockets;
    }

    @Nullable
    ServiceSide services() {
        return services;
    }

    GatewayTraffic gateway() {
        return gateway;
    }

    Hairpins hairpins() {
        return hairpins;
    }

    /** How long {@link #poll} may wait for what sockets and guests' connections need, in nanoseconds; 0 if there is more to do already. */
    public long untilSocketsAreDue(long nowNanos) {
        return Math.min(
                sockets == null ? HostSide.NEVER : sockets.untilDue(nowNanos),
                services == null ? HostSide.NEVER : services.untilDue(nowNanos));
    }

    /** The engine as the host's side sees it. */
    public Inlet inlet() {
        return new Inlet(this, outside, guests, flows, delivery, counters);
    }

    /** Takes a frame from the host's side, as from the uplink. */
    void fromHost(Frame frame, int flow, long nowNanos) {
        now = nowNanos;
        fromUplink(frame, flow);
    }

    /** The engine's time, as it was handed in last. */
    public long now() {
        return now;
    }

    // ------------------------------------------------------------------------------------------------ the driver

    /** Whether frames are to wait in their links, since what they would change is being handed over. */
    public boolean isHandingOver() {
        return transfers.isHandingOver();
    }

    /**
     * Takes what waits on the links.
     *
     * @param nowNanos the engine's time
     * @param limit the most frames from each link
     * @return how many frames were taken
     */
    public int poll(long nowNanos, int limit) {
        now = nowNanos;
        if (transfers.isHandingOver()) {
            return 0;
        }
        int taken = uplink.isUp() ? uplink.link().poll(uplink, limit) : 0;
        for (int i = 0; i < guests.count(); i++) {
            Attachment guest = guests.at(i);
            taken += guest.link().poll(guest, limit);
        }
        taken += workOfSockets();
        if (taken > 0 || sockets != null || services != null) {
            flush();
        }
        return taken;
    }

    private int workOfSockets() {
        return (sockets == null ? 0 : sockets.work(now)) + (services == null ? 0 : services.work(now));
    }

    /** Takes a batch that a link delivers on the driver's thread. */
    public void deliver(Attachment from, Frame[] frames, int count, long nowNanos) {
        if ((from != uplink && guests.get(from.number()) != from) || transfers.isHandingOver()) {
            // unplugged already, but its link is not closed yet
            return;
        }
        now = nowNanos;
        if (from == uplink || guests.get(from.number()) == from) {
            receive(from, frames, count);
            workOfSockets();
            flush();
        }
    }

    /** Says to the segment which addresses are the gateway's. */
    public void announce() {
        if (sockets == null) {
            arp.announce();
        }
    }

    /** Says to the segment which addresses are the gateway's that belong to one guest each. */
    public void announceOneToOne() {
        arp.announceOneToOne();
    }

    /** The gateway stands elsewhere now: what it knew of the old segment is forgotten. */
    void moved() {
        arp.moved();
        if (unsolicitedSyns != null) {
            unsolicitedSyns.clear();
        }
        warmUp(now);
        announce();
        flush();
    }

    /** Housekeeping: timers, neighbours, counters. Bounded; to be called every few milliseconds. */
    public void tick(long nowNanos) {
        now = nowNanos;
        long elapsed = Math.max(1, Math.min(MOST_MILLISECONDS, (nowNanos - lastTick) / 1_000_000));
        lastTick = nowNanos;
        flows.expire(nowNanos, (int) elapsed * EXPIRE_PER_MILLISECOND);
        neighbours.tick(nowNanos);
        fragments.tick(nowNanos);
        workOfSockets();
        if (unsolicitedSyns != null) {
            unsolicitedSyns.tick(answers, uplink, nowNanos);
        }
        flush();
        publish();
    }

    /** Whether something is under way whose timers run in milliseconds: to be ticked as often. */
    public boolean isWaiting() {
        return neighbours.isBusy();
    }

    /** Whether nothing at all can happen by itself, so that ticks can be rare. */
    public boolean isIdle() {
        return table.size() == 0 && fragments.held() == 0 && unsolicitedSyns == null;
    }

    /** Looks the router up before the first packet needs it. */
    public void warmUp(long nowNanos) {
        now = nowNanos;
        if (sockets == null) {
            neighbours.resolve(outside.router(), Attachment.UPLINK, nowNanos);
            flush();
        }
    }

    /** Gives up what has come of a guest's fragments. */
    void forgetFragments(int guest) {
        fragments.forget(guest);
    }

    void publish() {
        counters.held = (long) neighbours.held() + fragments.held();
        counters.publish(table.size(), flows.mappings().size());
    }

    /** What the last turn has left goes out. */
    public void end() {
        flush();
    }

    private void flush() {
        uplink.flush();
        if (sockets != null) {
            sockets.flush();
        }
        for (int i = 0; i < guests.count(); i++) {
            guests.at(i).flush();
        }
    }

    @Override
    public void receive(Attachment from, Frame[] frames, int count) {
        for (int first = 0; first < count; first += LOOKAHEAD) {
            int end = Math.min(count, first + LOOKAHEAD);
            lookAhead(from, frames, first, end);
            if (from == uplink) {
                for (int i = first; i < end; i++) {
                    fromUplink(frames[i], guesses[i - first]);
                }
            } else {
                for (int i = first; i < end; i++) {
                    fromGuest(from, frames[i], guesses[i - first]);
                }
            }
        }
    }

    /**
     * Guesses the flows of some frames, not validated yet, so that what their lookups load comes while others are still awaited: each
     * loop's loads do not depend on one another.
     */
    private void lookAhead(Attachment from, Frame[] frames, int first, int end) {
        final int[] g = guesses;
        final int count = end - first;
        for (int i = 0; i < count; i++) {
            g[i] = hashOf(from, frames[first + i]);
        }
        for (int i = 0; i < count; i++) {
            g[i] = table.guess(g[i]);
        }
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum += table.touch(g[i]);
        }
        touched = sum;
    }

    private int hashOf(Attachment from, Frame frame) {
        final byte[] a = frame.array();
        final int ip = frame.offset() + ETHERNET;
        if (frame.length() < ETHERNET + 28 || i32(a, ip - 2) >>> 8 != 0x080045) {
            return 0;
        }
        int protocol = u8(a, ip + 9);
        int source = i32(a, ip + 12);
        int destination = i32(a, ip + 16);
        int sourcePort = u16(a, ip + 20);
        int destinationPort = u16(a, ip + 22);
        if (protocol == ICMP) {
            sourcePort = u16(a, ip + 24);
            destinationPort = sourcePort;
        }
        return from == uplink
                ? table.hashOf(
                        FlowKey.addresses(destination, source),
                        FlowKey.outsidePorts(protocol, destinationPort, protocol == ICMP ? 0 : sourcePort))
                : table.hashOf(
                        FlowKey.addresses(source, destination),
                        FlowKey.insidePorts(
                                from.number(), protocol, sourcePort, protocol == ICMP ? 0 : destinationPort));
    }

    // ------------------------------------------------------------------------------------------------ from a guest

    private void fromGuest(Attachment from, Frame frame, int guess) {
        counters.received();
        if (frame.length() < ETHERNET) {
            counters.drop(DropReason.FRAME_TOO_SHORT);
            return;
        }
        final PacketContext c = context;
        c.wrap(frame, guess);
        long sourceMac = u48(c.octets, c.start + 6);
        int type = u16(c.octets, c.start + 12);
        if (type != EthernetView.TYPE_IPV4) {
            otherFromGuest(from, frame, type, sourceMac);
            return;
        }
        DropReason why = c.parseIp();
        if (dhcp != null && dhcp.isForServer(c, why)) {
            dhcp.fromGuest(from, c, sourceMac, now);
            return;
        }
        if (why == null) {
            why = judgeSender(from, c, sourceMac);
        }
        if (why == null) {
            why = judgeGuestDestination(c);
        }
        if (why == null) {
            if (c.isFragment() && !fragments.collect(from, c)) {
                return;
            }
            why = c.parseTransport(settings.verifyChecksums());
        }
        if (why != null) {
            counters.drop(why);
            return;
        }
        if (rules.ingressOpen() || rules.passesIngress(from, c)) {
            routeFromGuest(from, c);
        }
    }

    private void otherFromGuest(Attachment from, Frame frame, int type, long sourceMac) {
        if (PacketContext.isNobodysMac(sourceMac)) {
            counters.drop(DropReason.ETHERNET_SOURCE);
        } else if (type == EthernetView.TYPE_ARP) {
            arp.fromGuest(from, frame, sourceMac);
        } else {
            counters.drop(PacketContext.unsupportedType(type));
        }
    }

    private @Nullable DropReason judgeSender(Attachment from, PacketContext c, long sourceMac) {
        DropReason why = BindingGuard.judge(from.mac(), from.addresses(), sourceMac, c.source);
        if (why == null) {
            return null;
        }
        if (PacketContext.isNobodysMac(sourceMac)) {
            return DropReason.ETHERNET_SOURCE;
        }
        violated(from, why, sourceMac, c.source);
        return why;
    }

    void violated(Attachment from, DropReason why, long mac, int address) {
        from.countViolation();
        events.violation(now, from, why, mac, address);
    }

    private @Nullable DropReason judgeGuestDestination(PacketContext c) {
        long mac = u48(c.octets, c.start);
        if (PacketContext.isMulticast(c.destination) || outside.isSegmentBroadcast(c.destination)) {
            return DropReason.IP_MULTICAST;
        }
        if (mac != settings.routerMac()) {
            return PacketContext.isGroup(mac) ? DropReason.GROUP_MAC_UNICAST_IP : DropReason.ETHERNET_DESTINATION;
        }
        return c.source == c.destination ? DropReason.LAND : null;
    }

    /** Whether an address stands for the gateway, seen by a guest. */
    boolean isGateway(int address) {
        return outside.owns(address) || outside.isAlias(address);
    }

    long gatewayMac(Attachment towards) {
        return towards == uplink ? uplink.mac() : settings.routerMac();
    }

    void tell(Attachment sender, PacketContext about, int type, int code, int mtu) {
        int from = sender != uplink
                ? outside.gatewayAddress()
                : outside.owns(about.destination) ? about.destination : outside.shared();
        answers.error(sender, gatewayMac(sender), from, about, type, code, mtu, now);
    }

    private void routeFromGuest(Attachment from, PacketContext c) {
        hairpins.judged = false;
        boolean toGateway = isGateway(c.destination);
        if (c.protocol == ICMP && !isQueryOfGuest(from, c, toGateway)) {
            return;
        }
        if (services != null && gateway.takes(from, c)) {
            return;
        }
        if (c.ttl() <= 1) {
            expireFromGuest(from, c, toGateway);
            return;
        }
        int peerPort = c.peerPortFromGuest();
        int flow = flows.findInside(
                from.number(), c.protocol, c.source, c.sourcePort, c.destination, peerPort, c.guess, now);
        if (flow >= 0 && flows.isTurned(flow, true, c)) {
            flows.close(flow, CloseReason.REPLACED, now);
            flow = FlowTable.NONE;
        }
        if (flow < 0) {
            flow = toGateway ? hairpins.open(from, c, peerPort) : openOutward(from, c, peerPort);
            if (flow < 0) {
                return;
            }
        } else if (c.protocol == ICMP
                && c.icmpType == IcmpView.ECHO_REPLY
                && (table.state(flow) & FlowTable.BY_GUEST) != 0) {
            // nobody has asked the guest: it is the one who asks
            counters.drop(DropReason.ICMP_NO_FLOW);
            return;
        } else if (!rules.haveJudged(flow) && !rules.passesAgain(flow, from, c)) {
            return;
        }
        sendOut(from, c, flow);
    }

    /** Whether an ICMP message of a guest is to be translated; if not, it has been dealt with. */
    private boolean isQueryOfGuest(Attachment from, PacketContext c, boolean toGateway) {
        if (c.isIcmpError()) {
            icmpErrors.fromGuest(from, c);
            return false;
        }
        boolean toUs = toGateway && !outside.isOneToOne(c.destination);
        if (c.icmpType == IcmpView.ECHO_REQUEST && toUs) {
            gateway.ping(from, c);
            return false;
        }
        if (!(c.isIcmpQuery() && !toUs) && !c.isIcmpReply()) {
            counters.drop(DropReason.ICMP_TYPE);
            return false;
        }
        return true;
    }

    /** What is for the gateway itself goes no further, so its time to live is of no account (RFC 1122 section 3.2.1.7). */
    private void expireFromGuest(Attachment from, PacketContext c, boolean toGateway) {
        if (!toGateway || !gateway.mustRefuse(from, c)) {
            expire(from, c);
        } else if (beginsFlow(c, false)) {
            gateway.openToHost(from, c, c.peerPortFromGuest(), c.destination);
        }
    }

    private void expire(@Nullable Attachment sender, PacketContext c) {
        counters.drop(DropReason.TTL_EXPIRED);
        if (sender != null) {
            tell(sender, c, IcmpView.TIME_EXCEEDED, 0, 0);
        }
    }

    /** Begins a flow to the outside. @return the flow, or -1 if the packet was dropped */
    private int openOutward(Attachment from, PacketContext c, int peerPort) {
        if (!beginsFlow(c, settings.tcpTracking().midStreamPickup())) {
            gateway.resetUnknown(from, c);
            return -1;
        }
        if (guests.anyOwns(c.destination)) {
            counters.drop(DropReason.LATERAL);
            tell(from, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_PROHIBITED, 0);
            return -1;
        }
        if (sockets != null && gateway.isHost(c.destination)) {
            return gateway.openToHost(from, c, peerPort, c.destination);
        }
        if (!gateway.canLeave(from, c)) {
            return -1;
        }
        subject.of(c.protocol, from.number(), c.source, c.sourcePort, CompiledChain.OUTSIDE, c.destination, peerPort);
        if (!rules.admitsNew(from, c)) {
            return -1;
        }
        return opened(from, c, openFromGuest(from, c, peerPort, c.destination));
    }

    /** Makes the flow of a guest's packet, of the kind that its source, protocol and destination call for. */
    int openFromGuest(Attachment from, PacketContext c, int peerPort, int peerOutside) {
        int shown = shownTo(from, c.source, peerOutside);
        return shown == outside.shared() && c.hasPorts()
                ? flows.openFromGuest(
                        from, c.protocol, c.source, c.sourcePort, c.destination, peerPort, peerOutside, now)
                : flows.openUnmapped(
                        from,
                        true,
                        c.protocol,
                        c.source,
                        c.sourcePort,
                        shown,
                        c.destination,
                        peerPort,
                        peerOutside,
                        now);
    }

    /** Whether a packet leaves with its own source: one that tells whose it is, to a destination that is exempt from translation. */
    private boolean isExempt(Attachment from, int source, int peerOutside) {
        return settings.plan().isExempt(peerOutside)
                && !outside.owns(peerOutside)
                && !outside.owns(source)
                && guests.isOnlyOwner(from, source);
    }

    /** The address that a guest's source shows as to a peer. */
    int shownTo(Attachment from, int source, int peerOutside) {
        return isExempt(from, source, peerOutside) ? source : outside.shownFor(from.number(), source);
    }

    boolean beginsFlow(PacketContext c, boolean pickUp) {
        if (c.protocol == TCP && !TcpTracker.begins(c.tcpFlags) && !(pickUp && TcpTracker.continues(c.tcpFlags))) {
            counters.drop(DropReason.TCP_NO_FLOW);
            return false;
        }
        if (c.protocol == ICMP && !c.isIcmpQuery()) {
            counters.drop(DropReason.ICMP_NO_FLOW);
            return false;
        }
        return true;
    }

    /** Marks a new flow as judged, or drops the packet that could not begin one (RFC 5508 REQ-8: 3/13). */
    int opened(Attachment from, PacketContext c, int flow) {
        if (flow == Flows.REFUSED) {
            counters.drop(flows.refusal());
            // an error would end the attempt; a repeated packet will find the ports that are being claimed
            if (flows.refusal() != DropReason.LIMIT_PORTS || !flows.ports().areComing(c.protocol)) {
                tell(from, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_PROHIBITED, 0);
            }
            return -1;
        }
        rules.judged(flow);
        if (unsolicitedSyns != null && c.protocol == TCP) {
            unsolicitedSyns.forget(
                    table.outsideAddress(flow),
                    table.outsidePort(flow),
                    table.peerOutsideAddress(flow),
                    table.peerPort(flow));
        }
        return flow;
    }

    /** The last steps outwards: room on the link, egress rules, tracking, translation, delivery. */
    private void sendOut(Attachment from, PacketContext c, int flow) {
        int peerOutside = table.peerOutsideAddress(flow);
        boolean hairpin = outside.owns(peerOutside);
        DropReason why = flows.judge(flow, true, c);
        if (why != null) {
            counters.drop(why);
            return;
        }
        if (!hairpin && Fragmentation.isTooBig(c, uplink.mtu())) {
            counters.drop(DropReason.PACKET_TOO_BIG);
            tell(from, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_FRAGMENTATION_NEEDED, uplink.mtu());
            return;
        }
        if (!hairpin && !rules.egressOpen()) {
            subject.of(
                    c.protocol,
                    from.number(),
                    table.outsideAddress(flow),
                    table.outsidePort(flow),
                    CompiledChain.OUTSIDE,
                    peerOutside,
                    table.peerPort(flow));
            if (!rules.passesEgress(from, c)) {
                return;
            }
        }
        if (!hairpin) {
            flows.pass(flow, true, c.totalLength, now);
            mss.lower(c, Math.min(from.mtu(), uplink.mtu()));
        }
        Translation.outwards(c, table, flow, peerOutside);
        if (hairpin) {
            turnAround(from, c, flow);
            return;
        }
        if (sockets != null) {
            gateway.toSocket(c, flow);
            return;
        }
        Delivery.Outcome outcome = delivery.toOutside(uplink, c, peerOutside, from, now);
        settle(outcome);
        if (outcome == Delivery.Outcome.UNRESOLVED) {
            icmpErrors.tellUnreachable(c.frame, from);
        }
    }

    void settle(Delivery.Outcome outcome) {
        switch (outcome) {
            case SENT -> counters.forwarded();
            case HELD -> {}
            default -> counters.drop(Delivery.reason(outcome));
        }
    }

    /** Hairpin: what has been translated outwards comes in again, as if from outside. */
    private void turnAround(Attachment from, PacketContext c, int origin) {
        identification.renew(c);
        c.source = table.outsideAddress(origin);
        c.sourcePort = table.outsidePort(origin);
        c.destination = table.peerOutsideAddress(origin);
        if (c.protocol == ICMP) {
            c.destinationPort = c.sourcePort;
        }
        int flow = flows.findOutside(
                c.protocol, c.destination, c.destinationPort, c.source, c.peerPortFromOutside(), FlowTable.NONE, now);
        if (flow >= 0 && flows.isTurned(flow, false, c)) {
            flow = FlowTable.NONE;
        }
        if (flow >= 0 && (table.peerGuest(flow) != from.number() || table.guest(flow) != table.peerGuest(origin))) {
            // left over from a conversation of whoever had this port before
            flows.close(flow, CloseReason.REPLACED, now);
            flow = FlowTable.NONE;
        }
        if (flow < 0) {
            flow = openInward(c, from, origin);
            if (flow < 0) {
                return;
            }
            if (origin != flow && table.isLive(origin)) {
                // what made room was not the origin itself
                table.peerGuest(origin, table.guest(flow));
            }
        } else if (!rules.haveJudged(flow) && !rules.passesAgain(flow, null, c)) {
            return;
        }
        sendIn(from, c, flow, origin);
    }

    // ------------------------------------------------------------------------------------------------ from the uplink

    private void fromUplink(Frame frame, int guess) {
        counters.received();
        if (frame.length() < ETHERNET) {
            counters.drop(DropReason.FRAME_TOO_SHORT);
            return;
        }
        final PacketContext c = context;
        c.wrap(frame, guess);
        long sourceMac = u48(c.octets, c.start + 6);
        if (PacketContext.isNobodysMac(sourceMac)) {
            counters.drop(DropReason.ETHERNET_SOURCE);
            return;
        }
        if (sourceMac == uplink.mac()) {
            leaveOr(DropReason.ETHERNET_SOURCE);
            return;
        }
        int type = u16(c.octets, c.start + 12);
        if (type != EthernetView.TYPE_IPV4) {
            otherFromUplink(frame, type, sourceMac);
            return;
        }
        long mac = u48(c.octets, c.start);
        if (mac != uplink.mac() && !PacketContext.isGroup(mac)) {
            counters.drop(DropReason.ETHERNET_DESTINATION);
            return;
        }
        DropReason why = c.parseIp();
        if (why != null) {
            counters.drop(why);
            return;
        }
        if (isForOthers(c, mac) || isSpoofed(c)) {
            return;
        }
        if (c.isFragment() && !fragments.collect(uplink, c)) {
            return;
        }
        why = c.parseTransport(settings.verifyChecksums());
        if (why == DropReason.PROTOCOL_UNSUPPORTED) {
            leaveOr(c, why);
        } else if (why != null) {
            counters.drop(why);
        } else if (isHostsPort(c)) {
            leaveOr(DropReason.NO_MAPPING);
        } else if (rules.ingressOpen() || rules.passesIngress(uplink, c)) {
            routeFromOutside(c);
        }
    }

    private boolean isHostsPort(PacketContext c) {
        return (c.protocol == TCP || c.protocol == PacketContext.UDP)
                && c.destination == outside.shared()
                && !flows.holdsPort(c.protocol, c.destinationPort);
    }

    /** As {@link #leaveOr(DropReason)}, of a packet: no host has an address that is a guest's alone. */
    void leaveOr(PacketContext c, DropReason reason) {
        if (c.destination == outside.shared()) {
            leaveOr(reason);
        } else {
            counters.drop(reason);
        }
    }

    /** What is none of the gateway's business is the host's, or, where no host shares the address, dropped. */
    void leaveOr(DropReason reason) {
        if (settings.addressIsOwn()) {
            counters.drop(reason);
        } else {
            counters.leftToHost();
        }
    }

    private void otherFromUplink(Frame frame, int type, long sourceMac) {
        if (type == EthernetView.TYPE_ARP) {
            arp.fromUplink(frame, sourceMac, now);
            return;
        }
        DropReason why = PacketContext.unsupportedType(type);
        if (why == DropReason.VLAN_TAG) {
            counters.drop(why);
        } else {
            leaveOr(why);
        }
    }

    private boolean isForOthers(PacketContext c, long mac) {
        if (PacketContext.isMulticast(c.destination) || outside.isSegmentBroadcast(c.destination)) {
            leaveOr(DropReason.IP_MULTICAST);
        } else if (PacketContext.isGroup(mac)) {
            counters.drop(DropReason.GROUP_MAC_UNICAST_IP);
        } else if (outside.owns(c.destination)) {
            return false;
        } else if (guests.anyOwns(c.destination)) {
            if (mayBeUntranslated(c)) {
                return false;
            }
            counters.drop(DropReason.INSIDE_DESTINATION);
        } else {
            leaveOr(DropReason.NOT_FOR_US);
        }
        return true;
    }

    /** Whether a packet to a guest's own address may belong to a flow that is exempt from translation; the flows decide. */
    private boolean mayBeUntranslated(PacketContext c) {
        TranslationPlan plan = settings.plan();
        // routers anywhere may send errors about such a flow
        return plan.isExempt(c.source) || (c.protocol == ICMP && !plan.exempt().isEmpty());
    }

    private boolean isSpoofed(PacketContext c) {
        if (outside.owns(c.source)) {
            counters.drop(DropReason.LAND);
        } else if (outside.isSegmentBroadcast(c.source)) {
            counters.drop(DropReason.IP_SOURCE);
        } else if ((sockets == null && outside.isAlias(c.source)) || guests.anyOwns(c.source)) {
            // where there are sockets the alias is the host itself, and nobody else speaks from outside but they
            counters.drop(DropReason.SPOOFED_OUTSIDE_SOURCE);
        } else {
            return false;
        }
        return true;
    }

    private void routeFromOutside(PacketContext c) {
        int peerPort = c.peerPortFromOutside();
        if (c.protocol == ICMP) {
            if (c.isIcmpError()) {
                icmpErrors.fromOutside(c);
                return;
            }
            boolean toGateway = c.destination == outside.shared();
            if (c.icmpType == IcmpView.ECHO_REQUEST && toGateway && settings.addressIsOwn()) {
                gateway.answerPing(uplink, c);
                return;
            }
            if (!c.isIcmpReply() && !(c.isIcmpQuery() && !toGateway)) {
                leaveOr(c, DropReason.ICMP_TYPE);
                return;
            }
        }
        int flow = flows.findOutside(c.protocol, c.destination, c.destinationPort, c.source, peerPort, c.guess, now);
        if (flow >= 0 && flows.isTurned(flow, false, c)) {
            // its successor replaces it, if the rules let it be
            flow = FlowTable.NONE;
        }
        if (flow < 0) {
            if (!outside.owns(c.destination)) {
                counters.drop(DropReason.INSIDE_DESTINATION);
                return;
            }
            if (c.destination == outside.shared() && (c.protocol == ICMP || !c.hasPorts())) {
                leaveOr(c.protocol == ICMP ? DropReason.ICMP_NO_FLOW : DropReason.NO_MAPPING);
                return;
            }
            flow = openInward(c, uplink, FlowTable.NONE);
            if (flow < 0) {
                return;
            }
        } else if (!rules.haveJudged(flow) && !rules.passesAgain(flow, uplink, c)) {
            return;
        }
        if (c.ttl() <= 1) {
            expire(uplink, c);
            return;
        }
        sendIn(uplink, c, flow, FlowTable.NONE);
    }

    /**
     * Begins a flow from outside, or the second half of a hairpin, through a mapping that lets the peer in (address-dependent filtering,
     * RFC 4787 section 5) or else through a forward.
     *
     * @param from the uplink, or the guest whose packet turns around
     * @param origin the guest's half of a hairpin, or {@link FlowTable#NONE}
     * @return the flow, or -1 if the packet was dropped
     */
    private int openInward(PacketContext c, Attachment from, int origin) {
        if (outside.isOneToOne(c.destination)) {
            return openInwardOneToOne(c, from, origin);
        }
        boolean hairpin = origin != FlowTable.NONE;
        int mapping = flows.findMapping(c.protocol, c.destinationPort, now);
        boolean filtered = mapping >= 0 && !flows.admits(mapping, c.source);
        ForwardTable.Entry forward = null;
        if (mapping < 0 || filtered) {
            mapping = -1;
            forward = flows.forwards().find(c.protocol, c.destinationPort, c.source);
        }
        if (mapping < 0 && forward == null) {
            if (hairpin && filtered) {
                // whoever is filtered has called all the same, and may be called back
                flows.pass(origin, true, c.totalLength, now);
            }
            counters.drop(filtered ? DropReason.FILTERED_BY_MAPPING : DropReason.NO_MAPPING);
            if (unsolicitedSyns != null && !hairpin && c.protocol == TCP && TcpTracker.begins(c.tcpFlags)) {
                unsolicitedSyns.hold(c, now);
            }
            return -1;
        }
        if (c.protocol == TCP && !TcpTracker.begins(c.tcpFlags)) {
            counters.drop(DropReason.TCP_NO_FLOW);
            return -1;
        }
        if (!hairpin && c.ttl() <= 1) {
            expire(uplink, c);
            return -1;
        }
        Attachment to =
                guests.get(forward != null ? forward.guest() : flows.mappings().guest(mapping));
        if (to == null) {
            counters.drop(DropReason.NO_MAPPING);
            return -1;
        }
        int address = forward != null ? to.addresses()[0] : flows.mappings().insideAddress(mapping);
        int port = forward != null
                ? forward.forward().insidePortOf(c.destinationPort)
                : flows.mappings().insidePort(mapping);
        int peer = shownPeer(c.source, to);
        if (!hairpin || !hairpins.judged) {
            subject.of(
                    c.protocol,
                    gateway.endOf(from, c),
                    hairpin ? table.insideAddress(origin) : peer,
                    hairpin ? table.insidePort(origin) : c.sourcePort,
                    to.number(),
                    address,
                    port);
            if (!rules.admitsNew(hairpin ? null : uplink, c)) {
                return -1;
            }
        }
        int flow = flows.openFromOutside(
                to, mapping, forward, c.protocol, address, port, c.destinationPort, peer, c.sourcePort, c.source, now);
        if (flow == Flows.REFUSED) {
            counters.drop(flows.refusal());
            return -1;
        }
        rules.judged(flow);
        table.peerGuest(flow, from.number());
        return flow;
    }

    /** Begins a flow to an address that belongs to one guest alone. */
    private int openInwardOneToOne(PacketContext c, Attachment from, int origin) {
        boolean hairpin = origin != FlowTable.NONE;
        Attachment to = guests.get(outside.guestOf(c.destination));
        if (to == null || !beginsFlow(c, false)) {
            if (to == null) {
                counters.drop(DropReason.NO_MAPPING);
            }
            return -1;
        }
        if (!hairpin && c.ttl() <= 1) {
            expire(uplink, c);
            return -1;
        }
        int address = outside.insideOf(c.destination);
        int peer = shownPeer(c.source, to);
        int peerPort = c.peerPortFromOutside();
        if (!hairpin || !hairpins.judged) {
            subject.of(
                    c.protocol,
                    from.number(),
                    hairpin ? table.insideAddress(origin) : peer,
                    hairpin ? table.insidePort(origin) : c.sourcePort,
                    to.number(),
                    address,
                    c.destinationPort);
            if (!rules.admitsNew(hairpin ? null : uplink, c)) {
                return -1;
            }
        }
        int flow = flows.openUnmapped(
                to, false, c.protocol, address, c.destinationPort, c.destination, peer, peerPort, c.source, now);
        if (flow == Flows.REFUSED) {
            counters.drop(flows.refusal());
            return -1;
        }
        rules.judged(flow);
        table.peerGuest(flow, from.number());
        return flow;
    }

    /** A peer as a guest sees it: the alias instead of an address that the guest takes for its own. */
    int shownPeer(int peer, Attachment guest) {
        return outside.owns(peer) && guest.owns(peer) ? outside.alias() : peer;
    }

    /** The last steps inwards: room on the link, egress rules, tracking, translation, delivery. */
    private void sendIn(Attachment from, PacketContext c, int flow, int origin) {
        boolean hairpin = origin != FlowTable.NONE;
        Attachment to = guests.get(table.guest(flow));
        DropReason why = to == null ? DropReason.NO_MAPPING : flows.judge(flow, false, c);
        if (to == null || why != null) {
            counters.drop(why == null ? DropReason.NO_MAPPING : why);
            return;
        }
        if (Fragmentation.isTooBig(c, to.mtu())) {
            counters.drop(DropReason.PACKET_TOO_BIG);
            if (!hairpin) {
                tell(uplink, c, IcmpView.DESTINATION_UNREACHABLE, IcmpView.CODE_FRAGMENTATION_NEEDED, to.mtu());
            } else {
                icmpErrors.tellTooBig(c.frame, from, to.mtu());
            }
            return;
        }
        if (!rules.egressOpen()) {
            subject.of(
                    c.protocol,
                    table.peerGuest(flow),
                    table.peerAddress(flow),
                    table.peerPort(flow),
                    to.number(),
                    table.insideAddress(flow),
                    table.insidePort(flow));
            if (!rules.passesEgress(hairpin ? null : uplink, c)) {
                return;
            }
        }
        if (hairpin && origin != flow && table.isLive(origin)) {
            // only now is it certain that the packet passes; room for this half may have cost the other its own
            flows.pass(origin, true, c.totalLength, now);
        }
        flows.pass(flow, false, c.totalLength, now);
        // no sooner, so that an error quotes what was sent
        mss.lower(c, Math.min(to.mtu(), from.mtu()));
        Translation.inwards(c, table, flow, hairpin);
        settle(delivery.toGuest(to, c));
    }

    // ------------------------------------------------------------------------------------------------ neighbours

    @Override
    public void askFor(int address, long mac) {
        arp.ask(address, mac);
    }

    @Override
    public void release(Frame frame, Attachment origin, long mac, int fragmentation) {
        counters.weigh(Fragmentation.frames(fragmentation));
        if (mayStillLeave(frame, origin)) {
            settle(delivery.send(uplink, frame, mac, uplink.mac(), fragmentation));
        }
        counters.weigh(1);
    }

    /** While a translated frame waited, its flow may have ended, its port become another guest's, or the rules been replaced. */
    private boolean mayStillLeave(Frame translated, Attachment origin) {
        final PacketContext c = errorContext;
        c.wrap(translated, FlowTable.NONE);
        int flow = c.parseIp() == null && c.parseTransport(false) == null
                ? icmpErrors.flowOfTranslated(c)
                : FlowTable.NONE;
        if (flow < 0 || table.guest(flow) != origin.number()) {
            counters.drop(DropReason.NO_MAPPING);
            return false;
        }
        return rules.haveJudged(flow) || rules.passesAgain(flow, null, c);
    }

    @Override
    public void giveUp(Frame frame, Attachment origin, int fragmentation) {
        counters.drop(DropReason.NEIGHBOUR_UNRESOLVED, Fragmentation.frames(fragmentation));
        icmpErrors.tellUnreachable(frame, origin);
    }

    @Override
    public void displace(int fragmentation) {
        counters.drop(DropReason.NEIGHBOUR_QUEUE_FULL, Fragmentation.frames(fragmentation));
    }
}
