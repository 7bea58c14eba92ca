package io.sharedip.testing;

import io.sharedip.Guest;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.link.InProcessLink;
import io.sharedip.link.Link;
import io.sharedip.nat.NatGateway;
import io.sharedip.nat.NatGatewayBuilder;
import io.sharedip.packet.Octets;
import io.sharedip.stats.DropReason;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.SharedIpStats;
import io.sharedip.uplink.HostPortClaims;
import io.sharedip.uplink.PacketUplink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A gateway on memory links and a manual clock, driven by the test, with a router on the uplink that answers ARP.
 *
 * <p>The shared address is 192.0.2.10 in 192.0.2.0/24, the router 192.0.2.1, the alias 192.0.2.254; the uplink's MAC address is
 * {@link #UPLINK_MAC} and guests see {@link #ROUTER_MAC}. Guests are added by {@link #guest}, before the first use of anything else.
 */
public final class GatewayRig implements AutoCloseable {

    /** The shared address. */
    public static final String SHARED = "192.0.2.10";
    /** The alias of the shared address. */
    public static final String ALIAS = "192.0.2.254";
    /** The next hop. */
    public static final String ROUTER = "192.0.2.1";
    /** An outside machine. */
    public static final String SERVER = "198.51.100.7";
    /** Another outside machine. */
    public static final String OTHER_SERVER = "203.0.113.9";
    /** What frames on the uplink bear as their source. */
    public static final MacAddress UPLINK_MAC = MacAddress.parse("02:00:00:00:00:10");
    /** What guests see as their router. */
    public static final MacAddress ROUTER_MAC = MacAddress.parse("02:00:00:00:00:01");
    /** The MAC address of the router on the uplink. */
    public static final MacAddress NEXT_HOP_MAC = MacAddress.parse("02:00:00:00:00:99");

    private static final int LINK_ROOM = 1 << 22;

    private static volatile BiConsumer<NatGateway, PortRange> observer = (gateway, ports) -> {};

    private final ManualClock clock;
    private final Map<String, Station> guests = new LinkedHashMap<>();
    private final List<Guest> config = new ArrayList<>();
    private final List<Consumer<NatGatewayBuilder>> settings = new ArrayList<>();
    private InProcessLink uplinkLink =
            InProcessLink.named("up").withMacAddress(UPLINK_MAC).withCapacity(LINK_ROOM);
    private PortRange ports = PortRange.of(61000, 65535);
    private boolean routerAnswers = true;
    private @Nullable HostPortClaims claims;
    private boolean hasAlias = true;
    private @Nullable MemoryHost host;
    private @Nullable NatGateway gateway;

    /** Makes a rig whose clock starts shortly before the wrap-around of its sign, and whose choices repeat. */
    public GatewayRig() {
        clock = new ManualClock(Long.MAX_VALUE - 5_000_000_000L);
        settings.add(builder -> builder.address(SHARED)
                .prefix("192.0.2.0/24")
                .router(ROUTER)
                .routerMac(ROUTER_MAC)
                .clock(clock)
                .random(new Random(42)));
    }

    /** Shows whoever watches all tests each gateway that a rig builds from now on. @param watcher of gateway and pool of ports */
    public static void watchedBy(BiConsumer<NatGateway, PortRange> watcher) {
        observer = watcher;
    }

    /** A machine on one end of a link. */
    public final class Station {
        private final InProcessLink link;
        private final MacAddress mac;
        private final MacAddress peer;

        private Station(InProcessLink link, MacAddress mac, MacAddress peer) {
            this.link = link;
            this.mac = mac;
            this.peer = peer;
        }

        /** The machine's MAC address. @return of its frames */
        public MacAddress mac() {
            return mac;
        }

        /** Sends a packet with the right MAC addresses and lets the gateway work. @param packet to send */
        public void send(PacketBuilder packet) {
            sendRaw(packet.macs(mac, peer).build());
        }

        /** Sends a packet, and leaves the work to a later poll. @param packet to send */
        public void sendWithoutWork(PacketBuilder packet) {
            if (!link.transmit(packet.macs(mac, peer).build())) {
                throw new AssertionError("no room on link " + link.name());
            }
        }

        /** Takes every frame that the gateway has sent here, and looks at none. */
        public void discard() {
            while (link.receive() != null) {
                // until empty
            }
        }

        /** Sends a frame as it is and lets the gateway work. @param frame to send */
        public void sendRaw(byte[] frame) {
            offer(frame);
            poll();
        }

        /** Sends a frame as it is, for the gateway's next turn. @param frame to send */
        public void offer(byte[] frame) {
            if (!link.transmit(frame)) {
                throw new AssertionError("no room on link " + link.name());
            }
        }

        /** Takes every frame that the gateway has sent here. @return in order; ARP included */
        public List<byte[]> takeRaw() {
            List<byte[]> frames = new ArrayList<>();
            for (byte[] frame = link.receive(); frame != null; frame = link.receive()) {
                frames.add(frame);
            }
            return frames;
        }

        /** Takes every IPv4 packet that the gateway has sent here; checks lengths and checksums. @return in order */
        public List<ParsedPacket> take() {
            List<ParsedPacket> packets = new ArrayList<>();
            for (byte[] frame : takeRaw()) {
                if (Octets.u16(frame, 12) == 0x0800) {
                    packets.add(ParsedPacket.of(frame));
                }
            }
            return packets;
        }

        /** Takes the one IPv4 packet that the gateway has sent here. @return the packet */
        public ParsedPacket takeOne() {
            List<ParsedPacket> packets = take();
            if (packets.size() != 1) {
                throw new AssertionError(
                        "expected one packet on " + link.name() + ", got " + packets + "; drops " + nonZeroDrops());
            }
            return packets.get(0);
        }
    }

    private void requireUnbuilt() {
        if (gateway != null) {
            throw new IllegalStateException("the gateway is built already");
        }
    }

    /** Adds a guest. @param name and link name @param mac e.g. 52:54:00:00:00:01 @param address dotted @return this */
    public GatewayRig guest(String name, String mac, String address) {
        requireUnbuilt();
        InProcessLink link = InProcessLink.named(name).withCapacity(LINK_ROOM);
        guests.put(name, new Station(link, MacAddress.parse(mac), ROUTER_MAC));
        config.add(Guest.of(name, mac, address, link));
        return this;
    }

    /**
     * Adds a guest on a link of the test's own; it has no {@link Station}.
     *
     * @param name of the guest
     * @param mac e.g. 52:54:00:00:00:01
     * @param address dotted
     * @param link of the guest
     * @return this
     */
    public GatewayRig guest(String name, String mac, String address, Link link) {
        requireUnbuilt();
        config.add(Guest.of(name, mac, address, link));
        return this;
    }

    /** Adds settings. @param setting applied to the builder @return this */
    public GatewayRig with(Consumer<NatGatewayBuilder> setting) {
        requireUnbuilt();
        settings.add(setting);
        return this;
    }

    /** Sets the pool of outside ports. @param first port @param last port @return this */
    public GatewayRig ports(int first, int last) {
        requireUnbuilt();
        ports = PortRange.of(first, last);
        return this;
    }

    /** Gives the uplink a room in octets, in each direction. @param octets 1024 or more @return this */
    public GatewayRig uplinkRoom(int octets) {
        requireUnbuilt();
        uplinkLink = uplinkLink.withCapacity(octets);
        return this;
    }

    /** Sets the uplink's MTU. @param mtu in octets @return this */
    public GatewayRig uplinkMtu(int mtu) {
        requireUnbuilt();
        uplinkLink = uplinkLink.withMtu(mtu);
        return this;
    }

    /** Lets a host have the shared address too, none of whose programs uses a port of the gateway's. @return this */
    public GatewayRig sharedWithHost() {
        return sharedWithHost(new EveryPort());
    }

    /** Lets a host have the shared address too. @param portsOfHost grants ports of it @return this */
    public GatewayRig sharedWithHost(HostPortClaims portsOfHost) {
        requireUnbuilt();
        claims = portsOfHost;
        return this;
    }

    /** Names no alias. @return this */
    public GatewayRig withoutAlias() {
        requireUnbuilt();
        hasAlias = false;
        return this;
    }

    /** Lets guests' packets end at sockets of a host in memory, instead of leaving on the uplink. @param sockets the host @return this */
    public GatewayRig sockets(MemoryHost sockets) {
        requireUnbuilt();
        host = sockets;
        return this;
    }

    /** The host in memory. @return as given to {@link #sockets} */
    public MemoryHost host() {
        if (host == null) {
            throw new IllegalStateException("the gateway has a packet uplink");
        }
        gateway();
        return host;
    }

    /** Claims that are always granted. */
    private static final class EveryPort implements HostPortClaims {

        @Override
        public String kind() {
            return "none";
        }

        @Override
        public void open(Ipv4Address address) {}

        @Override
        public List<PortRange> claim(IpProtocol protocol, PortRange wanted) {
            return List.of(wanted);
        }

        @Override
        public void claimAll(IpProtocol protocol, PortRange wanted) {}

        @Override
        public void claimProtocol(IpProtocol protocol) {}

        @Override
        public void release(IpProtocol protocol, PortRange claimed) {}

        @Override
        public boolean reservesPorts() {
            return true;
        }

        @Override
        public void close() {}
    }

    /** Makes the router deaf to ARP, from now on. @return this */
    public GatewayRig silentRouter() {
        routerAnswers = false;
        return this;
    }

    /** The gateway. @return built at the first call */
    public NatGateway gateway() {
        NatGateway built = gateway;
        if (built == null) {
            NatGatewayBuilder builder = NatGateway.builder();
            if (hasAlias) {
                builder.alias(ALIAS);
            }
            settings.forEach(setting -> setting.accept(builder));
            config.forEach(builder::guest);
            if (host != null) {
                builder.uplink(host);
                routerAnswers = false;
            } else {
                PacketUplink uplink = PacketUplink.on(uplinkLink).withPorts(ports);
                builder.uplink(claims != null ? uplink.withClaims(claims) : uplink.withAddressOfItsOwn());
            }
            built = builder.build();
            gateway = built;
            observer.accept(built, ports);
            poll();
            if (routerAnswers) {
                answerArp();
            }
        }
        return built;
    }

    /** The router's side of the uplink. @return where outside machines' packets come in */
    public Station outside() {
        gateway();
        return new Station(uplinkLink, NEXT_HOP_MAC, UPLINK_MAC);
    }

    /** A guest. @param name as added @return its side of its link */
    public Station station(String name) {
        gateway();
        Station station = guests.get(name);
        if (station == null) {
            throw new IllegalArgumentException("no guest " + name);
        }
        return station;
    }

    /** The clock. @return what the gateway is driven by */
    public ManualClock clock() {
        return clock;
    }

    /** Lets the gateway work until it has nothing left to do. */
    public void poll() {
        NatGateway built = gateway();
        while (built.poll(clock.nanoTime()) > 0) {
            // until idle
        }
        built.tick(clock.nanoTime());
    }

    /** Moves the clock and lets the gateway do its housekeeping. @param by 0 or more */
    public void advance(Duration by) {
        clock.advance(by);
        poll();
        if (routerAnswers) {
            answerArpFor(uplinkLink);
        }
    }

    private void answerArp() {
        answerArpFor(uplinkLink);
    }

    /** Answers ARP requests on the uplink, and puts every other frame back out of the way. */
    private void answerArpFor(InProcessLink link) {
        for (byte[] frame = link.receive(); frame != null; frame = link.receive()) {
            boolean asks = Octets.u16(frame, 12) == 0x0806
                    && Octets.u16(frame, 20) == 1
                    && Octets.i32(frame, 28) != Octets.i32(frame, 38);
            if (asks) {
                link.transmit(arpReply(frame, NEXT_HOP_MAC));
            }
        }
        poll();
    }

    /**
     * Makes the answer to an ARP request.
     *
     * @param request the frame
     * @param mac the answer
     * @return the answering frame
     */
    public static byte[] arpReply(byte[] request, MacAddress mac) {
        byte[] reply = request.clone();
        Octets.put48(reply, 0, Octets.u48(request, 6));
        Octets.put48(reply, 6, mac.bits());
        Octets.put16(reply, 20, 2);
        Octets.put48(reply, 22, mac.bits());
        Octets.put32(reply, 28, Octets.i32(request, 38));
        Octets.put48(reply, 32, Octets.u48(request, 22));
        Octets.put32(reply, 38, Octets.i32(request, 28));
        return reply;
    }

    /**
     * Makes an ARP packet.
     *
     * @param operation 1 or 2
     * @param senderMac also the Ethernet source
     * @param sender dotted
     * @param target dotted
     * @return the frame, broadcast
     */
    public static byte[] arp(int operation, MacAddress senderMac, String sender, String target) {
        byte[] a = new byte[42];
        Octets.put48(a, 0, 0xffffffffffffL);
        Octets.put48(a, 6, senderMac.bits());
        Octets.put16(a, 12, 0x0806);
        Octets.put16(a, 14, 1);
        Octets.put16(a, 16, 0x0800);
        Octets.put16(a, 18, 0x0604);
        Octets.put16(a, 20, operation);
        Octets.put48(a, 22, senderMac.bits());
        Octets.put32(a, 28, Ipv4Address.parse(sender).bits());
        Octets.put32(a, 38, Ipv4Address.parse(target).bits());
        return a;
    }

    /**
     * Lets the gateway apply a change and waits for its stage.
     *
     * @param <T> of the result
     * @param stage of the change
     * @return the result
     * @throws Exception the failure of the change, as {@link ExecutionException}
     */
    public <T extends @Nullable Object> T await(CompletionStage<T> stage) throws Exception {
        var future = stage.toCompletableFuture();
        for (int i = 0; i < 5_000 && !future.isDone(); i++) {
            poll();
            TimeUnit.MILLISECONDS.sleep(1);
        }
        return future.get(1, TimeUnit.SECONDS);
    }

    /** The flows that exist now. @return in no certain order @throws Exception if they cannot be had */
    public List<FlowStatus> flows() throws Exception {
        return await(gateway().flows());
    }

    /** The counters, published just now. @return a snapshot whose books balance, or it throws */
    public SharedIpStats stats() {
        poll();
        SharedIpStats stats = gateway().stats();
        if (!stats.balances()) {
            throw new AssertionError("the books do not balance: " + stats);
        }
        return stats;
    }

    /** How many frames were dropped for a reason. @param reason the reason @return 0 or more */
    public long drops(DropReason reason) {
        return stats().drops(reason);
    }

    /** The reasons that have dropped frames. @return with their counts */
    public Map<DropReason, Long> nonZeroDrops() {
        Map<DropReason, Long> drops = new LinkedHashMap<>();
        stats().drops().forEach((reason, count) -> {
            if (count > 0) {
                drops.put(reason, count);
            }
        });
        return drops;
    }

    @Override
    public void close() {
        if (gateway != null) {
            gateway.close();
        }
    }
}
