package io.sharedip.nat.internal.engine;

import io.sharedip.ConfigurationException;
import io.sharedip.FlowPolicy;
import io.sharedip.Guest;
import io.sharedip.GuestId;
import io.sharedip.address.IpProtocol;
import io.sharedip.address.Ipv4Address;
import io.sharedip.address.MacAddress;
import io.sharedip.address.PortRange;
import io.sharedip.address.UplinkAddress;
import io.sharedip.binding.Binding;
import io.sharedip.event.SharedIpEvent.CloseReason;
import io.sharedip.filter.FilterChain;
import io.sharedip.filter.FilterRule;
import io.sharedip.filter.RuleEnd;
import io.sharedip.forward.ForwardSelector;
import io.sharedip.forward.PortForward;
import io.sharedip.nat.internal.ports.ForwardTable;
import io.sharedip.nat.internal.ports.PortAllocator;
import io.sharedip.stats.BindingStatus;
import io.sharedip.stats.FlowStatus;
import io.sharedip.stats.ForwardStatus;
import io.sharedip.stats.RuleStatus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * Changes to a running engine, and questions to it. Each change is checked in full before anything is touched, so one that fails
 * changes nothing. Driver's thread only.
 */
public final class Management {

    private final Engine engine;
    private final EngineSettings settings;
    private final OutsideAddresses outside;
    private final GuestDirectory guests;
    private final Flows flows;
    /** Ports of the pool that a forward uses. */
    private final BitSet lentTcp = new BitSet();

    private final BitSet lentUdp = new BitSet();

    Management(Engine engine, EngineSettings settings, OutsideAddresses outside, GuestDirectory guests, Flows flows) {
        this.outside = outside;
        this.engine = engine;
        this.settings = settings;
        this.guests = guests;
        this.flows = flows;
    }

    /** What the engine was made from. @return as checked by the builder */
    public EngineSettings settings() {
        return settings;
    }

    /** What snapshots and their restoration ask of the engine. */
    public Transfers transfers() {
        return engine.transfers();
    }

    // ------------------------------------------------------------------------------------------------ guests

    /**
     * Checks a guest that is to be added.
     *
     * @throws ConfigurationException if it clashes with another one or with the gateway
     */
    public void check(Guest guest) {
        if (guests.find(guest.id()) != null) {
            throw new ConfigurationException(
                    "guest " + guest.id(), guest.id().name(), "exists already", "give each guest a name of its own");
        }
        if (guest.mac().bits() == settings.routerMac()) {
            throw new ConfigurationException(
                    "guest " + guest.id() + ": mac",
                    guest.mac().toString(),
                    "is the gateway's own",
                    "give the guest another one, or set the router MAC address");
        }
        for (Attachment other : guests.all()) {
            if (other.mac() == guest.mac().bits()) {
                throw new ConfigurationException(
                        "guest " + guest.id() + ": mac",
                        guest.mac().toString(),
                        "belongs to guest " + other.guestId() + " already",
                        "give each guest a MAC address of its own");
            }
            if (other.link() == guest.link()) {
                throw new ConfigurationException(
                        "guest " + guest.id() + ": link",
                        guest.link().name(),
                        "belongs to guest " + other.guestId() + " already",
                        "give each guest a link of its own");
            }
        }
        if (engine.uplink().link() == guest.link()) {
            throw new ConfigurationException(
                    "guest " + guest.id() + ": link",
                    guest.link().name(),
                    "is the uplink",
                    "give each guest a link of its own");
        }
        for (Ipv4Address address : guest.addresses()) {
            checkAddress(guest.id(), address);
        }
    }

    private void checkAddress(GuestId guest, Ipv4Address address) {
        int bits = address.bits();
        if (outside.isOneToOne(bits)) {
            throw new ConfigurationException(
                    "guest " + guest + ": address",
                    address.toString(),
                    "is mapped one to one",
                    "use the shared address or a private one");
        }
        String taken = bits == outside.router() ? "router" : bits == outside.alias() ? "alias" : "";
        if (!taken.isEmpty()) {
            throw new ConfigurationException(
                    "guest " + guest + ": address",
                    address.toString(),
                    "is the " + taken + "'s",
                    "use the shared address or a private one");
        }
    }

    /**
     * Plugs a guest in whose link is open.
     *
     * @return where it is plugged in
     * @throws ConfigurationException if {@link #check} would
     */
    public Attachment add(Guest guest) {
        check(guest);
        int number = guests.nextNumber();
        if (number == 0) {
            throw new ConfigurationException(
                    "guest " + guest.id(), guest.id().name(), "is one too many", "remove a guest first");
        }
        int[] addresses = guest.addresses().stream().mapToInt(Ipv4Address::bits).toArray();
        Attachment attachment = new Attachment(
                engine, guest.link(), number, guest.id(), guest.mac().bits(), addresses);
        guests.put(attachment);
        return attachment;
    }

    /**
     * Unplugs a guest with its flows and forwards.
     *
     * @return where it was plugged in, and the forwards that went with it
     * @throws ConfigurationException if there is none, or a rule names it
     */
    public Removed remove(GuestId id) {
        Attachment guest = get(id);
        for (FilterRule rule : engine.rules().chain().chain().rules()) {
            if (names(rule.from(), id) || names(rule.to(), id)) {
                throw new ConfigurationException(
                        "guest " + id, id.name(), "is named by the rule '" + rule + "'", "replace the rules first");
            }
        }
        List<PortForward> gone = new ArrayList<>();
        for (ForwardTable.Entry entry : List.copyOf(flows.forwards().entries())) {
            if (entry.guest() == guest.number()) {
                gone.add(remove(entry));
            }
        }
        outside.removeGuest(guest.number());
        flows.closeAll(
                flow -> flows.table().guest(flow) == guest.number()
                        || flows.table().peerGuest(flow) == guest.number(),
                CloseReason.GUEST_REMOVED,
                engine.now());
        guests.remove(guest);
        engine.forgetFragments(guest.number());
        if (engine.services() != null) {
            engine.services().guestEnds(guest.number());
        }
        engine.publish();
        return new Removed(guest, gone);
    }

    /**
     * A guest that was unplugged.
     *
     * @param guest where it was plugged in
     * @param forwards that went with it
     */
    public record Removed(Attachment guest, List<PortForward> forwards) {}

    private static boolean names(RuleEnd end, GuestId id) {
        return end instanceof RuleEnd.GuestEnd named && named.guest().equals(id);
    }

    private Attachment get(GuestId id) {
        Attachment guest = guests.find(id);
        if (guest == null) {
            throw new ConfigurationException("guest", id.name(), "does not exist", "name one of " + names());
        }
        return guest;
    }

    private String names() {
        return guests.all().stream()
                .map(g -> g.guestId().name())
                .sorted()
                .toList()
                .toString();
    }

    int numberOf(GuestId id) {
        return get(id).number();
    }

    /** Lets a guest use a further address. */
    public void bind(Binding binding) {
        Attachment guest = get(binding.guest());
        checkMac(binding, guest);
        checkAddress(binding.guest(), binding.address());
        int address = binding.address().bits();
        if (guest.owns(address)) {
            throw new ConfigurationException(
                    "binding", describe(binding), "exists already", "each address is bound to a guest once");
        }
        int[] more = Arrays.copyOf(guest.addresses(), guest.addresses().length + 1);
        more[more.length - 1] = address;
        guest.addresses(more);
        guests.addressesChanged();
    }

    /** Takes an address away from a guest. */
    public void unbind(Binding binding) {
        Attachment guest = get(binding.guest());
        checkMac(binding, guest);
        int address = binding.address().bits();
        if (!guest.owns(address)) {
            throw new ConfigurationException(
                    "binding", describe(binding), "does not exist", "look at the bindings for those that do");
        }
        if (outside.shownFor(guest.number(), address) != outside.shared()) {
            throw new ConfigurationException(
                    "binding", describe(binding), "is mapped one to one", "keep it, or remove the guest");
        }
        if (guest.addresses().length == 1) {
            throw new ConfigurationException(
                    "binding",
                    describe(binding),
                    "is the guest's last",
                    "bind another address first, or remove the guest");
        }
        guest.addresses(
                Arrays.stream(guest.addresses()).filter(a -> a != address).toArray());
        guests.addressesChanged();
        // the other halves of its hairpins first, as long as they can be found by them
        flows.closeAll(
                flow -> isAt(engine.hairpins().otherHalf(flow), guest, address),
                CloseReason.GUEST_REMOVED,
                engine.now());
        flows.closeAll(flow -> isAt(flow, guest, address), CloseReason.GUEST_REMOVED, engine.now());
        engine.publish();
    }

    private boolean isAt(int flow, Attachment guest, int address) {
        return flow >= 0
                && flows.table().guest(flow) == guest.number()
                && flows.table().insideAddress(flow) == address;
    }

    private static void checkMac(Binding binding, Attachment guest) {
        if (binding.mac().bits() != guest.mac()) {
            throw new ConfigurationException(
                    "binding",
                    describe(binding),
                    "has another MAC address than the guest",
                    "use " + new MacAddress(guest.mac()));
        }
    }

    private static String describe(Binding binding) {
        return binding.guest() + " " + binding.mac() + " " + binding.address();
    }

    /** The bindings, by guest. */
    public List<BindingStatus> bindings() {
        List<BindingStatus> result = new ArrayList<>();
        for (Attachment guest : guests.all()) {
            for (int address : guest.addresses()) {
                result.add(new BindingStatus(
                        new Binding(guest.guestId(), new MacAddress(guest.mac()), new Ipv4Address(address)),
                        guest.name(),
                        guest.isUp(),
                        guest.violations()));
            }
        }
        return result;
    }

    /** The card of the uplink has another MAC address. */
    public void uplinkMac(MacAddress mac) {
        engine.uplink().mac(mac.bits());
    }

    /** A link was lost or came back. @return whether that is news */
    public boolean linkChanged(Attachment on, boolean up) {
        boolean news = on.isUp() != up;
        on.up(up);
        return news;
    }

    // ------------------------------------------------------------------------------------------------ address

    /**
     * Checks a place that the gateway is to move to.
     *
     * @throws ConfigurationException if it clashes with guests, forwards or one-to-one addresses
     */
    public void check(UplinkAddress place) {
        requireFree("router", place.router());
        place.alias().ifPresent(alias -> requireFree("alias", alias));
        for (int each : outside.oneToOne()) {
            Ipv4Address mapped = new Ipv4Address(each);
            UplinkAddress.requireMachine("one-to-one", mapped, place.prefix());
            UplinkAddress.requireOther("address", place.address(), "one-to-one", mapped);
            UplinkAddress.requireOther("router", place.router(), "one-to-one", mapped);
            if (place.alias().isPresent()) {
                UplinkAddress.requireOther("alias", place.alias().get(), "one-to-one", mapped);
            }
        }
        if (settings.plan().isExempt(place.address().bits())) {
            throw new ConfigurationException(
                    "address",
                    place.address().toString(),
                    "is exempt from translation",
                    "use an address outside the exempt prefixes");
        }
        for (ForwardTable.Entry entry : flows.forwards().entries()) {
            Optional<Ipv4Address> named = entry.forward().selector().address();
            if (named.isPresent() && engine.sockets() == null && !named.get().equals(place.address())) {
                throw new ConfigurationException(
                        "address",
                        place.address().toString(),
                        "is not the one that the forward '" + entry.forward() + "' names",
                        "remove the forward first, or write it without the address");
            }
        }
    }

    private void requireFree(String setting, Ipv4Address address) {
        if (guests.anyOwns(address.bits())) {
            throw new ConfigurationException(
                    setting, address.toString(), "is a guest's own address", "use one that nobody has");
        }
    }

    /**
     * Moves the gateway to another place.
     *
     * @param lost ports that could not be claimed there, by protocol: the flows and forwards that need them end
     * @throws ConfigurationException if {@link #check(UplinkAddress)} would
     */
    public Moved move(UplinkAddress place, FlowPolicy policy, Map<IpProtocol, BitSet> lost) {
        check(place);
        List<PortForward> gone = giveUp(lost);
        int before = outside.shared();
        int after = place.address().bits();
        if (policy == FlowPolicy.FLUSH) {
            flows.closeAll(flow -> true, CloseReason.ADDRESS_CHANGED, engine.now());
        }
        outside.place(place);
        int kept = flows.table().size();
        if (before != after) {
            kept = flows.move(before, after, engine.now());
            // nobody has been sending to the ports of the new address
            flows.ports().endRests();
        }
        engine.moved();
        engine.publish();
        return new Moved(kept, gone);
    }

    /**
     * A gateway that was moved.
     *
     * @param flowsKept flows that go on
     * @param forwards that had to go
     */
    public record Moved(int flowsKept, List<PortForward> forwards) {}

    /**
     * Ends what needs ports that are not claimed any more, and uses them no more.
     *
     * @param lost ports by protocol
     * @return forwards that had to go
     */
    public List<PortForward> giveUp(Map<IpProtocol, BitSet> lost) {
        List<PortForward> gone = new ArrayList<>();
        lost.forEach((protocol, ports) -> gone.addAll(giveUp(protocol.number(), ports)));
        return gone;
    }

    private List<PortForward> giveUp(int protocol, BitSet ports) {
        List<PortForward> gone = new ArrayList<>();
        for (ForwardTable.Entry entry : List.copyOf(flows.forwards().entries())) {
            PortRange range = entry.forward().outside();
            int first = ports.nextSetBit(range.first());
            if (entry.forward().protocol().number() == protocol && first >= 0 && first <= range.last()) {
                gone.add(remove(entry));
            }
        }
        flows.closeAll(
                flow -> flows.table().protocol(flow) == protocol
                        && flows.table().outsideAddress(flow) == outside.shared()
                        && ports.get(flows.table().outsidePort(flow)),
                CloseReason.ADDRESS_CHANGED,
                engine.now());
        ports.stream()
                .filter(port -> flows.ports().pool(protocol).owns(port))
                .forEach(port -> flows.ports().pool(protocol).withdraw(port));
        return gone;
    }

    // ------------------------------------------------------------------------------------------------ one to one

    /**
     * Gives an outside address to a guest's address.
     *
     * @throws ConfigurationException if either is somebody else's, or the guest does not exist
     */
    public void add(TranslationPlan.OneToOne mapping) {
        Ipv4Address address = new Ipv4Address(mapping.outside());
        Attachment guest = get(mapping.guest());
        int inside = mapping.inside();
        if (inside == 0) {
            if (guest.addresses().length > 1) {
                throw refused(address, "belongs to a guest with several addresses", "name the inside address too");
            }
            inside = guest.addresses()[0];
        }
        if (!guest.owns(inside)) {
            throw refused(
                    address,
                    "is to stand for " + new Ipv4Address(inside) + ", which is not an address of guest "
                            + mapping.guest(),
                    "bind that address to the guest first");
        }
        if (outside.isOneToOne(mapping.outside())) {
            throw refused(address, "is mapped already", "give each guest an address of its own");
        }
        if (outside.shownFor(guest.number(), inside) != outside.shared()) {
            throw refused(
                    address,
                    "is the second one for " + new Ipv4Address(inside) + " of guest " + mapping.guest(),
                    "map each inside address once");
        }
        if (guests.anyOwns(mapping.outside())) {
            throw refused(address, "is a guest's own address", "use one that nobody has");
        }
        outside.add(mapping.outside(), guest.number(), inside);
    }

    private static ConfigurationException refused(Ipv4Address address, String problem, String cure) {
        return new ConfigurationException("one-to-one", address.toString(), problem, cure);
    }

    // ------------------------------------------------------------------------------------------------ forwards

    /**
     * Checks a forward that is to be added.
     *
     * @throws ConfigurationException if its guest does not exist, its address is not the shared one, or its selector is taken
     */
    public void check(PortForward forward) {
        get(forward.guest());
        ForwardSelector selector = forward.selector();
        if (engine.sockets() != null) {
            checkListening(forward);
        } else if (selector.address().isPresent() && selector.address().get().bits() != outside.shared()) {
            throw new ConfigurationException(
                    "forward",
                    forward.toString(),
                    "names an address that is not the shared one",
                    "use " + new Ipv4Address(outside.shared()) + " or leave it out");
        }
        if (flows.forwards().get(selector) != null) {
            throw new ConfigurationException(
                    "forward", forward.toString(), "has the left side of another one", "remove the other one first");
        }
    }

    /** A socket listens on one address or on all: forwards that share a port have to agree. */
    private void checkListening(PortForward forward) {
        for (ForwardTable.Entry entry : flows.forwards().entries()) {
            PortForward other = entry.forward();
            if (other.protocol().equals(forward.protocol())
                    && other.outside().first() <= forward.outside().last()
                    && forward.outside().first() <= other.outside().last()
                    && !other.selector().address().equals(forward.selector().address())) {
                throw new ConfigurationException(
                        "forward",
                        forward.toString(),
                        "shares a port with '" + other + "', which listens on another address",
                        "let both name the same address, or none");
            }
        }
    }

    /** Adds a forward whose ports are claimed. */
    public void add(PortForward forward) {
        check(forward);
        int protocol = forward.protocol().number();
        lend(protocol, forward.outside());
        flows.forwards().add(forward, numberOf(forward.guest()));
    }

    /** Takes ports out of the pool for a forward; what used them ends. */
    private void lend(int protocol, PortRange range) {
        PortAllocator pool = flows.ports().pool(protocol);
        flows.closeMappings(protocol, range.first(), range.last(), CloseReason.REPLACED, engine.now());
        for (int port = range.first(); port <= range.last(); port++) {
            if (pool.owns(port)) {
                pool.withdraw(port);
                lent(protocol).set(port);
            }
        }
    }

    private BitSet lent(int protocol) {
        return protocol == IpProtocol.TCP.number() ? lentTcp : lentUdp;
    }

    /** Removes a forward and the flows that came through it. */
    public PortForward remove(ForwardSelector selector) {
        ForwardTable.Entry entry = flows.forwards().get(selector);
        if (entry == null) {
            throw new ConfigurationException(
                    "forward",
                    selector.toString(),
                    "does not exist",
                    "write the left side as the list of forwards shows it");
        }
        return remove(entry);
    }

    private PortForward remove(ForwardTable.Entry entry) {
        flows.forwards().remove(entry);
        int protocol = entry.forward().protocol().number();
        flows.closeAll(
                flow -> flows.table().forward(flow) == entry.number()
                        || (flows.table().mapping(flow) >= 0
                                && flows.mappings().forward(flows.table().mapping(flow)) == entry.number()),
                CloseReason.FORWARD_REMOVED,
                engine.now());
        PortRange outside = entry.forward().outside();
        for (int port = outside.first(); port <= outside.last(); port++) {
            if (lent(protocol).get(port) && !flows.forwards().covers(protocol, port)) {
                lent(protocol).clear(port);
                flows.ports().pool(protocol).addUsed(port, engine.now());
            }
        }
        engine.publish();
        return entry.forward();
    }

    /** The ports of a range that no forward covers any more: those whose claims are to be given back. */
    public List<PortRange> uncovered(PortForward removed) {
        int protocol = removed.protocol().number();
        return missing(removed.outside(), port -> flows.holdsPort(protocol, port));
    }

    /** The ports of a range that no forward covers any more. */
    public List<PortRange> unforwarded(PortForward removed) {
        int protocol = removed.protocol().number();
        return missing(removed.outside(), port -> flows.forwards().covers(protocol, port));
    }

    /** The parts of a range whose ports do not answer to a description. */
    private static List<PortRange> missing(PortRange range, IntPredicate held) {
        List<PortRange> result = new ArrayList<>();
        int start = 0;
        for (int port = range.first(); port <= range.last() + 1; port++) {
            boolean free = port <= range.last() && !held.test(port);
            if (free && start == 0) {
                start = port;
            } else if (!free && start != 0) {
                result.add(PortRange.of(start, port - 1));
                start = 0;
            }
        }
        return result;
    }

    /** The forwards, most specific first. */
    public List<ForwardStatus> forwards() {
        return flows.forwards().entries().stream()
                .map(e -> new ForwardStatus(e.forward(), e.hits()))
                .toList();
    }

    /** Adds claimed ports to the pool of a protocol. */
    public void addPorts(IpProtocol protocol, PortRange range) {
        PortAllocator ports = flows.ports().pool(protocol.number());
        for (int port = range.first(); port <= range.last(); port++) {
            if (flows.forwards().covers(protocol.number(), port)) {
                lent(protocol.number()).set(port);
            } else {
                ports.add(port);
            }
        }
    }

    /** Says whether further ports of a protocol are going to be claimed when they are needed. */
    public void portsAreComing(IpProtocol protocol, boolean coming) {
        flows.ports().areComing(protocol.number(), coming);
    }

    /** How many ports of a protocol are free; those that rest are not. */
    public int freePorts(IpProtocol protocol) {
        return flows.ports().pool(protocol.number()).available(engine.now());
    }

    // ------------------------------------------------------------------------------------------------ rules and flows

    /** Puts a chain in place. */
    public void replaceRules(FilterChain chain) {
        engine.rules().chain(chain);
        if (engine.sockets() != null) {
            // a packet that is dropped is enough for what passes, but not for what is connected
            flows.closeAll(flow -> engine.rules().forbids(flow), CloseReason.FORBIDDEN, engine.now());
        }
    }

    /** The chain in force. */
    public FilterChain filterChain() {
        return engine.rules().chain().chain();
    }

    /** The rules of the chain in force. */
    public List<RuleStatus> rules() {
        List<FilterRule> rules = engine.rules().chain().chain().rules();
        long[] hits = engine.rules().chain().hits();
        List<RuleStatus> result = new ArrayList<>();
        for (int i = 0; i < hits.length; i++) {
            result.add(new RuleStatus(rules.get(i), hits[i]));
        }
        return result;
    }

    /**
     * Describes some of the flows.
     *
     * @param from number of the first
     * @param count how many numbers to look at
     * @return the live ones among them
     */
    public List<FlowStatus> flows(int from, int count) {
        return flows.describe(from, from + count, engine.now());
    }

    /** One more than the highest number a flow has. */
    public int flowBound() {
        return flows.table().bound();
    }
}
