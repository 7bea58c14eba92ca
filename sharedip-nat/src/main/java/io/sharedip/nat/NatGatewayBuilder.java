package io.sharedip.nat;

import io.sharedip.ConfigurationException;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.LinkException;
import io.sharedip.PortClaimException;
import io.sharedip.address.IpPrefix;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.UplinkAddress;
import io.sharedip.driver.GatewayDriver;
import io.sharedip.event.SharedIpListener;
import io.sharedip.filter.FilterChain;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.engine.EngineSettings;
import io.sharedip.nat.internal.engine.TranslationPlan;
import io.sharedip.nat.internal.engine.TranslationPlan.OneToOne;
import io.sharedip.service.GuestService;
import io.sharedip.time.NanoClock;
import io.sharedip.uplink.FlowUplink;
import io.sharedip.uplink.HostPortClaims;
import io.sharedip.uplink.PacketUplink;
import io.sharedip.uplink.Uplink;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Collects what a gateway is made of. Not thread-safe; used once.
 *
 * <p>{@link #address(Ipv4Address) address} and {@link #uplink} are required; with a {@link PacketUplink}
 * {@link #prefix(IpPrefix) prefix} and {@link #router(Ipv4Address) router} too, which follow from the address with a
 * {@link FlowUplink}. What is wrong is told by {@link #start()} and {@link #build()}, except for texts that cannot be parsed.
 */
public final class NatGatewayBuilder {

    private static final String PROTOCOLS = "protocols";
    private static final String ONE_TO_ONE = "one-to-one";
    private static final int DNS_PORT = 53;
    private static final int MOST_FLOWS = 4_000_000;
    private static final int DEFAULT_FLOWS = 5_000;
    private static final int DEFAULT_ERRORS = 200;
    private static final int MOST_ANSWERS = 1_000_000;
    private static final int DEFAULT_ECHO_REPLIES = 2_000;
    private static final int DEFAULT_FLOWS_PER_GUEST = 2_000;
    private static final int DEFAULT_PREFIX = 24;
    /** Locally administered; the low half is taken from the shared address, so that a restart does not confuse guests. */
    private static final long ROUTER_MAC_PREFIX = 0x02_5e_00_000000L;

    private @Nullable Ipv4Address address;
    private @Nullable IpPrefix prefix;
    private @Nullable Ipv4Address router;
    private @Nullable Ipv4Address alias;
    private @Nullable MacAddress routerMac;
    private @Nullable Uplink uplink;
    private int capacity = DEFAULT_FLOWS;
    private int flowsPerGuest;
    private Timeouts timeouts = Timeouts.defaults();
    private TcpTracking tcpTracking = TcpTracking.defaults();
    private FragmentLimits fragments = FragmentLimits.defaults();
    private ProtocolBehavior tcp = ProtocolBehavior.tcp();
    private ProtocolBehavior udp = ProtocolBehavior.udp();
    private boolean udpInboundRefresh;
    private @Nullable DhcpSettings dhcp;
    private boolean verifyChecksums = true;
    private int errorsPerSecond = DEFAULT_ERRORS;
    private int echoRepliesPerSecond = DEFAULT_ECHO_REPLIES;
    private final Set<IpProtocol> protocols = new LinkedHashSet<>();
    private final List<OneToOne> oneToOne = new ArrayList<>();
    private final List<IpPrefix> exempt = new ArrayList<>();
    final List<Guest> guests = new ArrayList<>();
    final List<PortForward> forwards = new ArrayList<>();
    final List<SharedIpListener> listeners = new ArrayList<>();
    final List<GuestService> services = new ArrayList<>();
    FilterChain rules = FilterChain.acceptAll();
    IdleStrategy idleStrategy = IdleStrategy.backoff();
    private @Nullable GatewayDriver driver;
    boolean showClients = true;
    NanoClock clock = NanoClock.system();
    private Random random = new SecureRandom();

    NatGatewayBuilder() {}

    /**
     * Sets the shared address. With a {@link PacketUplink} it is what guests' packets bear on the segment; with a {@link FlowUplink} it is
     * what guests are shown, and any will do, since outside they have the host's own.
     *
     * @param value a unicast address of the segment
     * @return this
     */
    public NatGatewayBuilder address(Ipv4Address value) {
        address = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the shared address.
     *
     * @param value e.g. {@code "192.0.2.10"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder address(String value) {
        return address(Ipv4Address.parse(value));
    }

    /**
     * Sets the segment that the shared address is on.
     *
     * @param value an IPv4 prefix of 1 to 30 bits
     * @return this
     */
    public NatGatewayBuilder prefix(IpPrefix value) {
        prefix = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the segment that the shared address is on.
     *
     * @param value e.g. {@code "192.0.2.0/24"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder prefix(String value) {
        return prefix(IpPrefix.parse(value));
    }

    /**
     * Sets the next hop for everything outside the segment.
     *
     * @param value an address of the segment
     * @return this
     */
    public NatGatewayBuilder router(Ipv4Address value) {
        router = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the next hop for everything outside the segment.
     *
     * @param value e.g. {@code "192.0.2.1"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder router(String value) {
        return router(Ipv4Address.parse(value));
    }

    /**
     * Sets the address that stands for the shared address where a guest owns that itself. Without one, such a guest cannot reach
     * forwards.
     *
     * @param value an address of the segment that nobody uses
     * @return this
     */
    public NatGatewayBuilder alias(Ipv4Address value) {
        alias = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the address that stands for the shared address where a guest owns that itself.
     *
     * @param value e.g. {@code "192.0.2.254"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder alias(String value) {
        return alias(Ipv4Address.parse(value));
    }

    /**
     * Sets what guests see as their router. By default a locally administered address that follows from the shared address.
     *
     * @param value a unicast address that is neither a guest's nor the card's
     * @return this
     */
    public NatGatewayBuilder routerMac(MacAddress value) {
        routerMac = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets what guests see as their router.
     *
     * @param value e.g. {@code "02:00:5e:00:00:01"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder routerMac(String value) {
        return routerMac(MacAddress.parse(value));
    }

    /**
     * Sets the way out. With a {@link FlowUplink} the prefix is by default that of the address with 24 bits, the router the first other
     * address in it, and the alias the router's address, which is nobody but the gateway then.
     *
     * @param value a {@link PacketUplink} or a {@link FlowUplink}
     * @return this
     */
    public NatGatewayBuilder uplink(Uplink value) {
        uplink = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the most flows there may be; 5,000 by default. Memory is taken at once, about 220 octets for each; with
     * {@link ProtocolBehavior#portOverloading} about 330, because each flow may need a mapping of its own.
     *
     * @param flows 1 to 4,000,000
     * @return this
     */
    public NatGatewayBuilder capacity(int flows) {
        capacity = flows;
        return this;
    }

    /**
     * Sets the most flows that one guest may have; 2,000 by default, or the capacity if that is less. Answered flows never give way, so
     * a guest whose quota is the capacity can shut all others out; a {@link io.sharedip.event.SharedIpEvent.LinkNotice} says so at the
     * start.
     *
     * @param flows 1 to the capacity
     * @return this
     */
    public NatGatewayBuilder flowsPerGuest(int flows) {
        flowsPerGuest = flows;
        return this;
    }

    /**
     * Sets how long flows are remembered.
     *
     * @param value {@link Timeouts#defaults()} by default
     * @return this
     */
    public NatGatewayBuilder timeouts(Timeouts value) {
        timeouts = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets how long fragments wait for the rest of their datagram, and how much of them is kept.
     *
     * @param value {@link FragmentLimits#defaults()} by default
     * @return this
     */
    public NatGatewayBuilder fragments(FragmentLimits value) {
        fragments = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets how TCP ports are given to guests and whom they let in.
     *
     * @param behavior {@link ProtocolBehavior#tcp()} by default
     * @return this
     */
    public NatGatewayBuilder tcp(ProtocolBehavior behavior) {
        tcp = Objects.requireNonNull(behavior, "behavior");
        return this;
    }

    /**
     * Sets how UDP ports are given to guests and whom they let in.
     *
     * @param behavior {@link ProtocolBehavior#udp()} by default
     * @return this
     */
    public NatGatewayBuilder udp(ProtocolBehavior behavior) {
        udp = Objects.requireNonNull(behavior, "behavior");
        return this;
    }

    /**
     * Sets how TCP segments are judged and changed.
     *
     * @param value {@link TcpTracking#defaults()} by default
     * @return this
     */
    public NatGatewayBuilder tcpTracking(TcpTracking value) {
        tcpTracking = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets whether UDP packets from outside keep a flow alive that a guest began (RFC 4787 REQ-6). Off by default: strangers then
     * cannot hold a mapping open.
     *
     * @param on whether they do
     * @return this
     */
    public NatGatewayBuilder udpInboundRefresh(boolean on) {
        udpInboundRefresh = on;
        return this;
    }

    /**
     * Sets whether transport checksums are judged; on by default. What fails is dropped. Where they are not judged, a wrong
     * checksum stays wrong: it is never repaired.
     *
     * @param on whether they are
     * @return this
     */
    public NatGatewayBuilder verifyChecksums(boolean on) {
        verifyChecksums = on;
        return this;
    }

    /**
     * Sets how many ICMP errors and TCP resets the gateway itself says at most, in a second and on each link, the uplink included; 200
     * by default (RFC 1812 section 4.3.2.8). Errors that others say about flows are translated regardless. With 0 the gateway says
     * none: also what a rule rejects is then dropped in silence (RFC 5508 REQ-9).
     *
     * @param most 0 to 1,000,000
     * @return this
     */
    public NatGatewayBuilder errorsPerSecond(int most) {
        errorsPerSecond = most;
        return this;
    }

    /**
     * Sets how many pings of the gateway itself are answered at most, in a second and on each link, the uplink included; 2,000 by default,
     * half of them at once. The rest is dropped ({@code LIMIT_ECHO}). Pings of others are translated regardless.
     *
     * @param most 0 to 1,000,000; 0 for a gateway that answers none
     * @return this
     */
    public NatGatewayBuilder echoRepliesPerSecond(int most) {
        echoRepliesPerSecond = most;
        return this;
    }

    /**
     * Adds a guest.
     *
     * @param value whose name, MAC address and link no other guest has
     * @return this
     */
    public NatGatewayBuilder guest(Guest value) {
        guests.add(Objects.requireNonNull(value, "value"));
        return this;
    }

    /**
     * Adds a forward.
     *
     * @param value to a guest that is added too
     * @return this
     */
    public NatGatewayBuilder forward(PortForward value) {
        forwards.add(Objects.requireNonNull(value, "value"));
        return this;
    }

    /**
     * Adds a forward.
     *
     * @param value e.g. {@code "tcp 8080 -> web:80"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder forward(String value) {
        return forward(PortForward.parse(value));
    }

    /**
     * Lets protocols pass that have no ports which could be rewritten: GRE, ESP, SCTP and the like. They are translated by address
     * alone, so one guest at a time can talk to one outside machine by each of them; a second one is refused. None by default. On
     * an address that is shared with the host each protocol is claimed from the host's kernel.
     *
     * <p>ESP carries no checksum over addresses and passes; IPsec's authentication header (51) protects the addresses themselves and
     * cannot be translated (RFC 3715).
     *
     * @param values neither TCP nor UDP nor ICMP nor IGMP (2) nor the authentication header (51)
     * @return this
     */
    public NatGatewayBuilder protocols(IpProtocol... values) {
        protocols.addAll(List.of(values));
        return this;
    }

    /**
     * Gives a further address of the segment to one guest alone (Basic NAT, RFC 3022 section 2.1): what the guest sends bears it,
     * ports untouched, and everything sent to it from outside goes to the guest if the rules let it. The gateway answers ARP for the
     * address; no host may have it.
     *
     * @param outside an address of the segment that nobody has
     * @param guest name of a guest that is added too and has one address
     * @return this
     * @throws ConfigurationException if a text cannot be parsed
     */
    public NatGatewayBuilder oneToOne(String outside, String guest) {
        oneToOne.add(new OneToOne(Ipv4Address.parse(outside).bits(), GuestId.of(guest), 0));
        return this;
    }

    /**
     * Gives a further address of the segment to one address of a guest, as {@link #oneToOne(String, String)}.
     *
     * @param outside an address of the segment that nobody has
     * @param guest that is added too
     * @param inside one of the guest's addresses
     * @return this
     */
    public NatGatewayBuilder oneToOne(Ipv4Address outside, GuestId guest, Ipv4Address inside) {
        oneToOne.add(new OneToOne(outside.bits(), Objects.requireNonNull(guest, "guest"), inside.bits()));
        return this;
    }

    /**
     * Exempts destinations from translation (RFC 6888 REQ-6): guests' packets go there with their own source address, and come back to
     * it. For networks that know a way back to the guests through this gateway; without one, replies do not arrive. A guest whose
     * address is the shared one, or one that another guest has too, is translated all the same.
     *
     * @param destinations an IPv4 prefix
     * @return this
     */
    public NatGatewayBuilder exempt(IpPrefix destinations) {
        exempt.add(Objects.requireNonNull(destinations, "destinations"));
        return this;
    }

    /**
     * Exempts destinations from translation, as {@link #exempt(IpPrefix)}.
     *
     * @param destinations e.g. {@code "10.20.0.0/16"}
     * @return this
     * @throws ConfigurationException if it cannot be parsed
     */
    public NatGatewayBuilder exempt(String destinations) {
        return exempt(IpPrefix.parse(destinations));
    }

    /**
     * Gives guests their addresses by DHCP. Off by default: guests then have to be configured by hand. Rules do not apply to it.
     *
     * @param settings {@link DhcpSettings#defaults()} will do
     * @return this
     */
    public NatGatewayBuilder dhcp(DhcpSettings settings) {
        dhcp = Objects.requireNonNull(settings, "settings");
        return this;
    }

    /**
     * Sets the filter chain; by default everything is accepted.
     *
     * @param chain whose guests are added too
     * @return this
     */
    public NatGatewayBuilder rules(FilterChain chain) {
        rules = Objects.requireNonNull(chain, "chain");
        return this;
    }

    /**
     * Adds a listener that hears of events from the very start.
     *
     * @param listener called on the event thread
     * @return this
     */
    public NatGatewayBuilder listener(SharedIpListener listener) {
        listeners.add(Objects.requireNonNull(listener, "listener"));
        return this;
    }

    /**
     * Sets what the gateway's own driver thread does when idle; {@link IdleStrategy#backoff()} by default.
     *
     * @param strategy for this gateway alone
     * @return this
     */
    public NatGatewayBuilder idleStrategy(IdleStrategy strategy) {
        idleStrategy = Objects.requireNonNull(strategy, "strategy");
        return this;
    }

    /**
     * Sets whether guests see the true address and port of who comes through a forward of a {@link FlowUplink}; they do by default.
     * Otherwise all clients have the alias as their address, as the host itself always has.
     *
     * @param on whether they do
     * @return this
     */
    public NatGatewayBuilder showClients(boolean on) {
        showClients = on;
        return this;
    }

    /**
     * Offers guests a server on the gateway's own addresses: the router's as guests know it, the alias, and the shared address where no
     * forward has the port. Rules with the end {@code host} say who reaches it; the outside never does.
     *
     * @param value for this gateway alone, on a port that no other service has
     * @return this
     */
    public NatGatewayBuilder service(GuestService value) {
        services.add(Objects.requireNonNull(value, "value"));
        return this;
    }

    /**
     * Names who drives the gateway that {@link #start()} makes, instead of a thread of its own: an event loop, so that links of that loop
     * hand their frames over without a change of threads. The gateway is made on the driver's thread, and belongs to it; it stops the
     * driver when it is closed. The {@linkplain #idleStrategy idle strategy} has then no meaning.
     *
     * @param value for this gateway alone
     * @return this
     */
    public NatGatewayBuilder driver(GatewayDriver value) {
        driver = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets the clock; {@link NanoClock#system()} by default.
     *
     * @param value read by the driver, and by links that deliver on the driver's thread
     * @return this
     */
    public NatGatewayBuilder clock(NanoClock value) {
        clock = Objects.requireNonNull(value, "value");
        return this;
    }

    /**
     * Sets where hash keys and outside ports are drawn from. For tests that must repeat: with anything but the default, a
     * {@link SecureRandom}, ports can be guessed.
     *
     * @param source used on the driver's thread
     * @return this
     */
    public NatGatewayBuilder random(Random source) {
        random = Objects.requireNonNull(source, "source");
        return this;
    }

    /**
     * Makes a gateway with a driver thread of its own, or driven by {@link #driver}, by default a {@link FlowUplink}'s, and opens its
     * links. It runs until {@link NatGateway#close()}. From this call on the gateway owns links, uplink, claims, services and the driver: if
     * it fails they are closed.
     *
     * @return a running gateway
     * @throws ConfigurationException if something is missing or contradicts something else
     * @throws LinkException if a link cannot be opened
     * @throws PortClaimException if the host holds a port that is needed
     */
    public NatGateway start() {
        GatewayDriver external = driver == null && uplink instanceof FlowUplink sockets ? sockets.driver() : driver;
        if (external == null) {
            return started(make(null));
        }
        AtomicReference<@Nullable NatGateway> made = new AtomicReference<>();
        try {
            external.run(() -> made.set(make(external)));
        } catch (RuntimeException | Error e) {
            external.stop();
            throw e;
        }
        return started(Objects.requireNonNull(made.get()));
    }

    private static NatGateway started(NatGateway gateway) {
        try {
            gateway.startDriver();
        } catch (RuntimeException | Error e) {
            gateway.close();
            throw e;
        }
        return gateway;
    }

    /**
     * Makes a gateway that the embedder drives, and opens its links. From this call on the gateway owns links and claims: if it
     * fails they are closed.
     *
     * @return a gateway to be driven by {@link NatGateway#poll(long)}
     * @throws ConfigurationException if something is missing or contradicts something else
     * @throws LinkException if a link cannot be opened
     * @throws PortClaimException if the host holds a port that is needed
     */
    public NatGateway build() {
        if (driver != null) {
            closeAll();
            driver.stop();
            throw new ConfigurationException(
                    "driver", driver.toString(), "would not drive a gateway that the embedder drives", "use start()");
        }
        return make(null);
    }

    private NatGateway make(@Nullable GatewayDriver external) {
        Uplink way;
        EngineSettings settings;
        try {
            way = require("uplink", uplink, "name a PacketUplink or a FlowUplink");
            if (way instanceof PacketUplink packets) {
                packets.validate();
            } else {
                checkForSockets();
            }
            settings = settings(way);
        } catch (ConfigurationException e) {
            closeAll();
            throw e;
        }
        return new NatGateway(this, way, settings, external);
    }

    private void closeAll() {
        if (uplink instanceof PacketUplink packets) {
            packets.link().close();
            packets.claims().ifPresent(HostPortClaims::close);
        } else if (uplink instanceof FlowUplink sockets) {
            sockets.close();
        }
        guests.forEach(guest -> guest.link().close());
        services.forEach(GuestService::close);
    }

    Optional<MacAddress> uplinkMac() {
        return uplink instanceof PacketUplink packets ? packets.macAddress() : Optional.empty();
    }

    private static <T> T require(String setting, @Nullable T value, String cure) {
        if (value == null) {
            throw new ConfigurationException(setting, null, "is missing", cure);
        }
        return value;
    }

    private void checkForSockets() {
        if (!protocols.isEmpty()) {
            throw new ConfigurationException(
                    PROTOCOLS,
                    protocols.iterator().next().toString(),
                    "has no ports, and ordinary sockets send only TCP, UDP and pings",
                    "leave it out, or use a packet uplink");
        }
        if (!oneToOne.isEmpty()) {
            throw new ConfigurationException(
                    ONE_TO_ONE,
                    new Ipv4Address(oneToOne.get(0).outside()).toString(),
                    "would be an address of the segment, where sockets have only the host's own",
                    "use forwards, or a packet uplink");
        }
        if (!exempt.isEmpty()) {
            throw new ConfigurationException(
                    "exempt",
                    exempt.get(0).toString(),
                    "would see guests' own addresses, which no socket of the host can send from",
                    "leave it out, or use a packet uplink");
        }
        if (tcp.portOverloading() || udp.portOverloading()) {
            throw new ConfigurationException(
                    tcp.portOverloading() ? "tcp.port-overloading" : "udp.port-overloading",
                    "true",
                    "is not for the gateway to decide where the ports are the host's",
                    "leave it off: the host's kernel shares ports of TCP between peers anyway");
        }
        if (tcpTracking.midStreamPickup()) {
            throw new ConfigurationException(
                    "mid-stream-pickup",
                    "true",
                    "is impossible with sockets, which know nothing of connections that others have begun",
                    "leave it off");
        }
    }

    private static Ipv4Address firstOther(IpPrefix segment, Ipv4Address self) {
        int first = ((Ipv4Address) segment.network()).bits() + 1;
        return new Ipv4Address(first == self.bits() ? first + 1 : first);
    }

    private EngineSettings settings(Uplink way) {
        boolean sockets = way instanceof FlowUplink;
        Ipv4Address self = require("address", address, "name the shared address, e.g. 192.0.2.10");
        IpPrefix segment = sockets && prefix == null
                ? IpPrefix.containing(self, DEFAULT_PREFIX)
                : require("prefix", prefix, "name the segment, e.g. 192.0.2.0/24");
        Ipv4Address hop = sockets && router == null && segment.isIpv4()
                ? firstOther(segment, self)
                : require("router", router, "name the next hop, e.g. 192.0.2.1");
        UplinkAddress place = new UplinkAddress(self, segment, hop, Optional.ofNullable(alias));
        if (capacity < 1 || capacity > MOST_FLOWS) {
            throw new ConfigurationException(
                    "capacity.flows", String.valueOf(capacity), "is out of range", "use 1 to " + MOST_FLOWS);
        }
        int perGuest = flowsPerGuest == 0 ? Math.min(capacity, DEFAULT_FLOWS_PER_GUEST) : flowsPerGuest;
        if (perGuest < 1 || perGuest > capacity) {
            throw new ConfigurationException(
                    "capacity.flows-per-guest",
                    String.valueOf(perGuest),
                    "is out of range",
                    "use 1 to the capacity, " + capacity);
        }
        checkRate("errors-per-second", errorsPerSecond, "say nothing");
        checkRate("echo-replies-per-second", echoRepliesPerSecond, "answer no ping");
        MacAddress mac = routerMac != null ? routerMac : new MacAddress(ROUTER_MAC_PREFIX | (self.bits() & 0xffffffL));
        if (mac.isMulticast() || mac.bits() == 0) {
            throw new ConfigurationException(
                    "router-mac", mac.toString(), "is not a unicast MAC address", "use one like 02:00:5e:00:00:01");
        }
        checkPlan(place);
        return new EngineSettings(
                place,
                mac.bits(),
                !(way instanceof PacketUplink packets) || packets.addressIsOwn(),
                capacity,
                perGuest,
                timeouts,
                fragments,
                tcp,
                udp,
                tcpTracking,
                udpInboundRefresh,
                verifyChecksums,
                errorsPerSecond,
                echoRepliesPerSecond,
                new TranslationPlan(protocols, oneToOne, exempt),
                dhcp,
                services.stream().anyMatch(service -> service.port() == DNS_PORT),
                random);
    }

    private static void checkRate(String setting, int rate, String withNone) {
        if (rate < 0 || rate > MOST_ANSWERS) {
            throw new ConfigurationException(
                    setting,
                    String.valueOf(rate),
                    "is out of range",
                    "use 1 to " + MOST_ANSWERS + ", or 0 to " + withNone);
        }
    }

    private void checkPlan(UplinkAddress place) {
        for (IpProtocol protocol : protocols) {
            switch (protocol.number()) {
                case 1, 6, 17 ->
                    throw new ConfigurationException(
                            PROTOCOLS, protocol.toString(), "is translated with its ports anyway", "leave it out");
                case 0, 2, 255 ->
                    throw new ConfigurationException(
                            PROTOCOLS, protocol.toString(), "does not travel beyond its segment", "leave it out");
                case 51 ->
                    throw new ConfigurationException(
                            PROTOCOLS,
                            protocol.toString(),
                            "is IPsec's authentication header, which proves the very addresses that translation changes",
                            "use ESP (50) or ESP in UDP");
                default -> {
                    // has no ports that could be rewritten
                }
            }
        }
        for (OneToOne each : oneToOne) {
            Ipv4Address outside = new Ipv4Address(each.outside());
            UplinkAddress.requireMachine(ONE_TO_ONE, outside, place.prefix());
            UplinkAddress.requireOther(ONE_TO_ONE, outside, "address", place.address());
            UplinkAddress.requireOther(ONE_TO_ONE, outside, "router", place.router());
            if (alias != null) {
                UplinkAddress.requireOther(ONE_TO_ONE, outside, "alias", alias);
            }
        }
        for (IpPrefix prefix : exempt) {
            if (!prefix.isIpv4() || prefix.contains(place.address())) {
                throw new ConfigurationException(
                        "exempt",
                        prefix.toString(),
                        prefix.isIpv4() ? "contains the shared address" : "is no IPv4 prefix",
                        "name networks that know a way back to the guests");
            }
        }
    }
}
